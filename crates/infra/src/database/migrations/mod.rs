//! Bringing a database to the shape that this program needs.
//!
//! Both databases record which migrations they have had in the table `__diesel_schema_migrations`. SQLite belongs to
//! this program alone and is migrated in one transaction (`sqlite`). PostgreSQL may be written to by another backend
//! meanwhile and is migrated in small steps (`postgres`).

mod postgres;
mod sqlite;

use todo_domain::ports::BoxError;

use super::{AnyConnection, ConnectError, manager::Manager};

/// The versions of the migrations that this program knows, oldest first, as they are recorded.
const VERSIONS: [&str; 5] = [
    FIRST_VERSION,
    SECOND_VERSION,
    THIRD_VERSION,
    USAGE_VERSION,
    HARDENING_VERSION,
];
/// Makes users, tasks and sessions.
const FIRST_VERSION: &str = "20261121000000";
/// Adds the details of tasks, and takes over the tables of another backend.
const SECOND_VERSION: &str = "20261121010000";
/// Adds what is known of sessions, and what else accounts have.
const THIRD_VERSION: &str = "20261121020000";
/// Adds what counts towards the quotas of users.
const USAGE_VERSION: &str = "20261124000000";
/// Adds when an operator disabled a user, and names the schema of what triggers call.
const HARDENING_VERSION: &str = "20261124200000";

/// The database could not be brought to the shape that is needed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The database could not be reached.
    #[error("cannot connect to the database")]
    Connect(#[from] ConnectError),
    /// A table that has one of our names is not ours. Nothing was changed.
    #[error("the table `{table}` belongs to something else, since {reason}; nothing was changed")]
    NotOurs {
        /// The name of the table.
        table: String,
        /// What tells it from ours.
        reason: String,
    },
    /// A newer version of this program has migrated the database. Nothing was changed.
    #[error(
        "the database is newer than this program, which does not know its migration {version}; nothing was changed"
    )]
    Newer {
        /// The version of the migration that is not known.
        version: String,
    },
    /// It could not be found out which shape the database has. Nothing was changed.
    #[error("cannot find out which shape the database has")]
    Inspect(#[source] BoxError),
    /// A step failed. Those before it are done, and migrating again goes on with this one.
    #[error("the migration failed at \"{step}\"; migrating again goes on from there")]
    Step {
        /// The name of the step.
        step: String,
        /// What went wrong.
        #[source]
        source: BoxError,
    },
}

/// A step that brings the database nearer to the shape that is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    /// What it is called.
    pub name: String,
    /// What it does, and what for.
    pub why: String,
}

/// How far a migration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Another instance migrates this database. This one waits until it has done so.
    AnotherMigrates,
    /// A step begins.
    Step {
        /// Which one.
        step: &'a PlannedStep,
        /// Its number, from 1 on.
        number: usize,
        /// How many there are.
        of: usize,
    },
    /// Others are at work on a table and give no room for the step, which is tried again.
    TableInUse {
        /// The name of the table.
        table: &'a str,
    },
    /// So many rows have been looked at in this step.
    Rows {
        /// That many.
        done: u64,
        /// How many there are, more or less.
        of_about: u64,
    },
}

/// What hears of the progress.
pub(super) type Listener<'a> = &'a mut dyn FnMut(Progress<'_>);

/// The steps that `run` would take. It changes nothing.
pub(super) fn plan(manager: &Manager) -> Result<Vec<PlannedStep>, MigrateError> {
    match manager.open_to_look()? {
        None => Ok(sqlite::plan_for_no_file()),
        Some(AnyConnection::Sqlite(mut connection)) => sqlite::plan(&mut connection),
        Some(AnyConnection::Postgres(mut connection)) => postgres::plan(&mut connection),
    }
}

/// Takes every step that is needed, and gives those that it took.
pub(super) fn run(
    manager: &Manager,
    listener: Listener<'_>,
) -> Result<Vec<PlannedStep>, MigrateError> {
    // First of all a look: what is refused is not even opened for writing.
    if plan(manager)?.is_empty() {
        return Ok(Vec::new());
    }
    match manager.open()? {
        AnyConnection::Sqlite(mut connection) => sqlite::run(&mut connection, listener),
        AnyConnection::Postgres(mut connection) => postgres::run(&mut connection, listener),
    }
}

/// Whether a database that has had these migrations has the shape that is needed. It may have had others since.
pub(super) fn are_all_in(versions: &[String]) -> bool {
    VERSIONS
        .iter()
        .all(|needed| versions.iter().any(|version| version == needed))
}

/// Refuses a database that has had a migration of which this program does not know.
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
