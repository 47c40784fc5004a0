//! What files need that are to survive a loss of power.

use std::{io, path::Path};

/// Makes sure that the name of a file survives a loss of power, as its content does.
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
