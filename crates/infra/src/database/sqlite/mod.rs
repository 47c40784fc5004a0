//! SQLite: the required version, and how the file is opened.

use std::{
    fmt,
    fs::OpenOptions,
    path::Path,
    str::FromStr,
    thread::sleep,
    time::{Duration, Instant},
};

use diesel::{
    Connection, QueryResult, RunQueryDsl, SqliteConnection, connection::SimpleConnection, dsl::sql,
    select, sql_types::Text,
};

use super::{ConnectError, error::is_busy, text_functions};

/// How long a connection waits while the file is busy.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The version of an SQLite library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SqliteVersion {
    major: u32,
    minor: u32,
    patch: u32,
}

impl SqliteVersion {
    /// The first that keeps every write that was committed: those before it could lose some when a checkpoint met a
    /// write.
    pub const OLDEST: Self = Self {
        major: 3,
        minor: 51,
        patch: 3,
    };

    /// The version of the linked library.
    ///
    /// # Errors
    /// [`ConnectError`] when the version cannot be read.
    pub fn linked() -> Result<Self, ConnectError> {
        let mut connection = SqliteConnection::establish(":memory:")?;
        let text: String = select(sql::<Text>("sqlite_version()")).get_result(&mut connection)?;
        text.parse()
    }

    /// Refuses a version that loses writes.
    fn refuse_older(self) -> Result<(), ConnectError> {
        if self < Self::OLDEST {
            return Err(ConnectError::SqliteTooOld { version: self });
        }
        Ok(())
    }
}

impl fmt::Display for SqliteVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            major,
            minor,
            patch,
        } = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

impl FromStr for SqliteVersion {
    type Err = ConnectError;

    /// Reads what `sqlite_version()` gives, such as `3.51.3`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers: Vec<Option<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
        match numbers[..] {
            // A fourth part is that of a build between two versions.
            [Some(major), Some(minor), Some(patch), ..] => Ok(Self {
                major,
                minor,
                patch,
            }),
            _ => Err(ConnectError::UnknownSqlite {
                version: text.to_owned(),
            }),
        }
    }
}

/// Opens a connection to a file, creates the file if it is missing, and sets the connection up.
pub(super) fn open(file: &str) -> Result<SqliteConnection, ConnectError> {
    SqliteVersion::linked()?.refuse_older()?;
    make_for_owner_only(Path::new(file)).map_err(ConnectError::File)?;
    let mut connection = SqliteConnection::establish(file)?;
    set_up(&mut connection)?;
    Ok(connection)
}

/// Opens a connection without setting it up; `None` if the file does not exist.
pub(super) fn open_to_look(file: &str) -> Result<Option<SqliteConnection>, ConnectError> {
    SqliteVersion::linked()?.refuse_older()?;
    if !Path::new(file).exists() {
        return Ok(None);
    }
    let mut connection = SqliteConnection::establish(file)?;
    wait_when_busy(&mut connection)?;
    Ok(Some(connection))
}

fn wait_when_busy(connection: &mut SqliteConnection) -> QueryResult<()> {
    let milliseconds = BUSY_TIMEOUT.as_millis();
    connection.batch_execute(&format!("PRAGMA busy_timeout = {milliseconds}"))
}

/// What is acknowledged survives a loss of power. A connection keeps a MiB of the file: twice as much made nothing
/// faster, since other pages are in the system's cache, and those that all requests need are few.
fn set_up(connection: &mut SqliteConnection) -> QueryResult<()> {
    wait_when_busy(connection)?;
    use_write_ahead_log(connection)?;
    connection.batch_execute(
        "PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -1024;",
    )?;
    text_functions::register(connection)
}

/// Has the file use a write-ahead log. A connection that finds others about to do the same is told that the file is busy
/// without waiting, since two that wait for each other would do so for ever; so it tries again.
fn use_write_ahead_log(connection: &mut SqliteConnection) -> QueryResult<()> {
    const PAUSE: Duration = Duration::from_millis(10);
    let began = Instant::now();
    loop {
        match connection.batch_execute("PRAGMA journal_mode = WAL") {
            Err(error) if is_busy(&error) && began.elapsed() < BUSY_TIMEOUT => sleep(PAUSE),
            done => return done,
        }
    }
}

/// Creates the file if it is missing, readable by its owner only. SQLite gives its other files the same permissions.
pub(super) fn make_for_owner_only(file: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop)
}

#[cfg(test)]
mod tests;
