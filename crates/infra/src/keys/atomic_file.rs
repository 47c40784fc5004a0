//! Atomic creation and replacement of a file that only its owner can read.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::files::sync_folder;

/// A fingerprint that changes when the file at a path is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileFingerprint {
    length: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    device_and_inode: (u64, u64),
}

impl FileFingerprint {
    pub(super) fn from_metadata(metadata: &Metadata) -> Self {
        Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            device_and_inode: {
                use std::os::unix::fs::MetadataExt;
                (metadata.dev(), metadata.ino())
            },
        }
    }
}

/// Creates a file, unless it exists; of concurrent calls, one returns `true`.
pub(super) fn create(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let temporary = TemporaryFile::write(path, bytes)?;
    match fs::hard_link(&temporary.path, path) {
        Ok(()) => sync_folder(path).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Replaces a file with the metadata `replaced`, and keeps its owner.
pub(super) fn replace(path: &Path, bytes: &[u8], replaced: &Metadata) -> io::Result<()> {
    let temporary = TemporaryFile::write(path, bytes)?;
    temporary.set_owner_of(replaced)?;
    fs::rename(&temporary.path, path)?;
    sync_folder(path)
}

/// A temporary file in the same folder. It is removed when it is dropped, unless it was renamed.
struct TemporaryFile {
    path: PathBuf,
    #[cfg_attr(not(unix), expect(dead_code, reason = "owners are known on Unix only"))]
    file: File,
}

impl TemporaryFile {
    fn write(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let path = temporary_path(path)?;
        let file = options.open(&path)?;
        let mut temporary = Self { path, file };
        temporary.file.write_all(bytes)?;
        temporary.file.sync_all()?;
        Ok(temporary)
    }

    /// Sets the owner, so that the server can still read the keys after another user has rotated them.
    fn set_owner_of(&self, other: &Metadata) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, fchown};
            let ours = self.file.metadata()?;
            if (ours.uid(), ours.gid()) != (other.uid(), other.gid()) {
                fchown(&self.file, Some(other.uid()), Some(other.gid()))?;
            }
        }
        #[cfg(not(unix))]
        let _ = other;
        Ok(())
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // After a rename, there is nothing to remove.
        drop(fs::remove_file(&self.path));
    }
}

/// A unique name for a temporary file, also among several machines.
fn temporary_path(path: &Path) -> io::Result<PathBuf> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let mut name = OsString::from(path);
    name.push(format!(".{:016x}", u64::from_le_bytes(random)));
    Ok(name.into())
}
