//! Online backup of an SQLite database.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use diesel::{QueryResult, RunQueryDsl, SqliteConnection, sql_query, sql_types::Text};

use super::{ConnectError, Database, sqlite};
use crate::files::sync_folder;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The database is no file.
    #[error("PostgreSQL is not a file that could be copied")]
    NotAFile,
    /// The database does not exist.
    #[error("there is no database {}", .0.display())]
    Missing(PathBuf),
    /// The target exists.
    #[error("{} is there already, and is left as it is", .0.display())]
    Exists(PathBuf),
    /// The name of the copy is not UTF-8, which SQLite requires.
    #[error("the name {} is not UTF-8", .0.display())]
    NotUtf8(PathBuf),
    /// The database could not be opened.
    #[error("the database cannot be opened")]
    Connect(#[from] ConnectError),
    /// Reading the database or writing the copy failed.
    #[error("the database cannot be copied")]
    Copy(#[source] diesel::result::Error),
    /// The copy could not be written.
    #[error("{} cannot be written", .0.display())]
    Write(PathBuf, #[source] io::Error),
}

impl Database {
    /// Copies a snapshot of an SQLite database to a new file, while others read and write the database. Returns the size of
    /// the copy in bytes.
    ///
    /// The file is created atomically, is synced to the disk, and is readable by its owner only.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn backup(&self, to: &Path) -> Result<u64, BackupError> {
        let database = self.url().sqlite_file().ok_or(BackupError::NotAFile)?;
        if fs::symlink_metadata(to).is_ok() {
            return Err(BackupError::Exists(to.to_owned()));
        }
        let mut connection = sqlite::open_to_look(self.url().target())?
            .ok_or_else(|| BackupError::Missing(database.to_owned()))?;
        let writing = |error| BackupError::Write(to.to_owned(), error);
        let temporary = TemporaryFile::create(to).map_err(writing)?;
        let name = temporary
            .path
            .to_str()
            .ok_or_else(|| BackupError::NotUtf8(to.to_owned()))?;
        copy(&mut connection, name).map_err(BackupError::Copy)?;
        let length = temporary.sync().map_err(writing)?;
        match temporary.publish(to) {
            Ok(()) => Ok(length),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(BackupError::Exists(to.to_owned()))
            }
            Err(error) => Err(writing(error)),
        }
    }
}

/// Copies into an empty file. All is read in one transaction.
fn copy(connection: &mut SqliteConnection, name: &str) -> QueryResult<()> {
    sql_query("VACUUM INTO ?")
        .bind::<Text, _>(name)
        .execute(connection)
        .map(drop)
}

/// A temporary file in the folder of the copy. It is removed when it is dropped, unless it was renamed.
struct TemporaryFile {
    path: PathBuf,
}

impl TemporaryFile {
    /// Creates an empty file, readable by its owner only.
    fn create(target: &Path) -> io::Result<Self> {
        let mut path = target.as_os_str().to_owned();
        path.push(format!(".{}.part", std::process::id()));
        let path = PathBuf::from(path);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path)?;
        Ok(Self { path })
    }

    /// Syncs the file to the disk, and returns its length.
    fn sync(&self) -> io::Result<u64> {
        let file = File::options().write(true).open(&self.path)?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    }

    /// Gives the file its final name, unless that exists.
    fn publish(&self, to: &Path) -> io::Result<()> {
        match fs::hard_link(&self.path, to) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            // Some file systems have no hard links.
            Err(_) if fs::symlink_metadata(to).is_err() => fs::rename(&self.path, to)?,
            Err(_) => return Err(io::ErrorKind::AlreadyExists.into()),
        }
        sync_folder(to)
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.path));
    }
}
