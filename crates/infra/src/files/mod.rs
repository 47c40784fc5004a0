//! Durable writes, and ownership and permissions of files.

mod trusted;

use std::{io, path::Path};

pub use trusted::{
    SecretFileError, UntrustedFile, check_own_links, check_trusted, restrict_secret_file,
};

/// Syncs the folder of a file, so that the name of the file survives a loss of power, as its content does.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| folder != &Path::new(""));
        std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
