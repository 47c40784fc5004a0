//! Putting a file in its place: whole, and for its owner only.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::files::sync_folder;

/// What tells one file of a path from the one that took its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    device_and_inode: (u64, u64),
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
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

/// Puts a file where there is none, and tells whether it did: of those who try at the same time, one does.
pub(super) fn place(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let draft = Draft::write(path, bytes)?;
    match fs::hard_link(&draft.path, path) {
        Ok(()) => sync_folder(path).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Puts a file in the place of another, which `replaced` tells of, and whose owner it gets.
pub(super) fn replace(path: &Path, bytes: &[u8], replaced: &Metadata) -> io::Result<()> {
    let draft = Draft::write(path, bytes)?;
    draft.give_to_owner_of(replaced)?;
    fs::rename(&draft.path, path)?;
    sync_folder(path)
}

/// A file beside the one that it is to become. It goes when it is dropped, if it is still there.
struct Draft {
    path: PathBuf,
    #[cfg_attr(not(unix), expect(dead_code, reason = "owners are known on Unix only"))]
    file: File,
}

impl Draft {
    fn write(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let path = beside(path)?;
        let file = options.open(&path)?;
        let mut draft = Self { path, file };
        draft.file.write_all(bytes)?;
        draft.file.sync_all()?;
        Ok(draft)
    }

    /// Whoever rotates keys as another user does not take them away from the server.
    fn give_to_owner_of(&self, other: &Metadata) -> io::Result<()> {
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

impl Drop for Draft {
    fn drop(&mut self) {
        // After a rename it is not there any more.
        drop(fs::remove_file(&self.path));
    }
}

/// A name that no other draft has, be it of another machine.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let mut name = OsString::from(path);
    name.push(format!(".{:016x}", u64::from_le_bytes(random)));
    Ok(name.into())
}
