//! The databases that trials are made on.

use std::fmt;

use tempfile::TempDir;

use crate::{PostgresDatabase, PostgresServer, TrialResult};

/// The name of the file of an SQLite database in its folder.
pub const SQLITE_FILE: &str = "todo.db";

/// The two kinds of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// SQLite, in a temporary folder.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// An empty database of its own.
#[derive(Debug)]
pub enum TrialDatabase {
    /// A file in a folder that goes with it.
    Sqlite(TempDir),
    /// One on a server that goes later.
    Postgres(PostgresDatabase),
}

impl TrialDatabase {
    /// A file of SQLite.
    ///
    /// # Errors
    /// When no temporary folder can be made.
    pub fn sqlite() -> TrialResult<Self> {
        Ok(Self::Sqlite(TempDir::new()?))
    }

    /// A database on `server`.
    ///
    /// # Errors
    /// When there is one of this name.
    pub fn postgres(server: &PostgresServer, name: &str) -> TrialResult<Self> {
        server.create_database(name).map(Self::Postgres)
    }

    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Sqlite(_) => Kind::Sqlite,
            Self::Postgres(_) => Kind::Postgres,
        }
    }

    /// What `DATABASE_URL` is to be.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite://{}/{SQLITE_FILE}", folder.path().display()),
            Self::Postgres(database) => database.url(),
        }
    }
}
