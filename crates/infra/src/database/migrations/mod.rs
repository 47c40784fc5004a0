//! Migrations of the schema.
//!
//! Both databases record migrations in the table `__diesel_schema_migrations`. SQLite belongs to this program alone and is
//! migrated in one transaction (`sqlite`). Another backend may write to PostgreSQL meanwhile, so it is migrated in small
//! steps (`postgres`).

mod postgres;
mod sqlite;

use todo_domain::ports::BoxError;

use super::{AnyConnection, ConnectError, manager::Manager};

/// The known migrations as they are recorded, oldest first.
const VERSIONS: [&str; 5] = [
    FIRST_VERSION,
    SECOND_VERSION,
    THIRD_VERSION,
    USAGE_VERSION,
    HARDENING_VERSION,
];
/// Creates users, tasks and sessions.
const FIRST_VERSION: &str = "20261121000000";
/// Adds the details of tasks, and adopts the tables of another backend.
const SECOND_VERSION: &str = "20261121010000";
/// Adds the details of sessions, and the tables of accounts.
const THIRD_VERSION: &str = "20261121020000";
/// Adds the usage of each user, for quotas.
const USAGE_VERSION: &str = "20261124000000";
/// Adds the time at which a user was disabled, and qualifies the functions that triggers call with their schema.
const HARDENING_VERSION: &str = "20261124200000";

/// Why a migration failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The database could not be reached.
    #[error("cannot connect to the database")]
    Connect(#[from] ConnectError),
    /// A table with one of our names is not ours. Nothing was changed.
    #[error("the table `{table}` belongs to something else, since {reason}; nothing was changed")]
    NotOurs {
        /// The name of the table.
        table: String,
        /// The difference from ours.
        reason: String,
    },
    /// A newer version of this program has migrated the database. Nothing was changed.
    #[error(
        "the database is newer than this program, which does not know its migration {version}; nothing was changed"
    )]
    Newer {
        /// The version of the unknown migration.
        version: String,
    },
    /// The state of the schema could not be read. Nothing was changed.
    #[error("cannot read the state of the database schema")]
    Inspect(#[source] BoxError),
    /// A step failed. The steps before it are done, and the next attempt continues with this one.
    #[error("the migration failed at step \"{step}\"; the next attempt continues from there")]
    Step {
        /// The name of the step.
        step: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
}

/// A step of a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    /// The name of the step.
    pub name: String,
    /// The purpose of the step.
    pub why: String,
}

/// The progress of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Another instance migrates this database; this one waits for it.
    AnotherMigrates,
    /// A step begins.
    Step {
        /// The step.
        step: &'a PlannedStep,
        /// Its number, from 1 on.
        number: usize,
        /// How many there are.
        of: usize,
    },
    /// Other transactions use the table of the step, which is tried again.
    TableInUse {
        /// The name of the table.
        table: &'a str,
    },
    /// Rows of this step were processed.
    Rows {
        /// The number of rows so far.
        done: u64,
        /// An estimate of the number of all rows.
        of_about: u64,
    },
}

/// A callback for the progress.
pub(super) type Listener<'a> = &'a mut dyn FnMut(Progress<'_>);

/// The steps that `run` would run. Nothing is changed.
pub(super) fn plan(manager: &Manager) -> Result<Vec<PlannedStep>, MigrateError> {
    match manager.open_to_look()? {
        None => Ok(sqlite::plan_for_no_file()),
        Some(AnyConnection::Sqlite(mut connection)) => sqlite::plan(&mut connection),
        Some(AnyConnection::Postgres(mut connection)) => postgres::plan(&mut connection),
    }
}

/// Runs every step that is needed, and returns those steps.
pub(super) fn run(
    manager: &Manager,
    listener: Listener<'_>,
) -> Result<Vec<PlannedStep>, MigrateError> {
    // A database that is refused is not even opened for writing.
    if plan(manager)?.is_empty() {
        return Ok(Vec::new());
    }
    match manager.open()? {
        AnyConnection::Sqlite(mut connection) => sqlite::run(&mut connection, listener),
        AnyConnection::Postgres(mut connection) => postgres::run(&mut connection, listener),
    }
}

/// Whether all known migrations are recorded. There may be newer ones.
pub(super) fn are_all_recorded(versions: &[String]) -> bool {
    VERSIONS
        .iter()
        .all(|needed| versions.iter().any(|version| version == needed))
}

/// Refuses a database with an unknown migration.
fn refuse_newer(versions: &[String]) -> Result<(), MigrateError> {
    match versions
        .iter()
        .find(|version| !VERSIONS.contains(&version.as_str()))
    {
        Some(version) => Err(MigrateError::Newer {
            version: version.clone(),
        }),
        None => Ok(()),
    }
}
