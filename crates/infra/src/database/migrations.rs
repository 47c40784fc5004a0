//! Bringing a database to the shape that this program needs.

use diesel::{RunQueryDsl, sql_query};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use todo_domain::ports::BoxError;

use super::{AnyConnection, ConnectError};

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// Held while PostgreSQL is migrated, so that instances that start together wait for one another. ("todo" in ASCII)
const POSTGRES_LOCK: i64 = 0x746f_646f;

/// The tables could not be brought to the shape that is needed. They are as they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The database could not be reached.
    #[error("cannot connect to the database")]
    Connect(#[from] ConnectError),
    /// The database could not be locked or unlocked.
    #[error("cannot begin or end the migration")]
    Transaction(#[from] diesel::result::Error),
    /// A migration failed.
    #[error("a migration failed")]
    Migration(#[source] BoxError),
}

/// Runs every migration that has not been run, in one transaction that only one instance is in at a time.
pub(super) fn run(connection: &mut AnyConnection) -> Result<Vec<String>, MigrateError> {
    connection.begin_write()?;
    match run_in_transaction(connection) {
        Ok(names) => {
            connection.commit()?;
            Ok(names)
        }
        Err(error) => {
            connection.rollback()?;
            Err(error)
        }
    }
}

fn run_in_transaction(connection: &mut AnyConnection) -> Result<Vec<String>, MigrateError> {
    let versions = match connection {
        AnyConnection::Sqlite(connection) => connection.run_pending_migrations(SQLITE),
        AnyConnection::Postgres(connection) => {
            sql_query(format!("SELECT pg_advisory_xact_lock({POSTGRES_LOCK})"))
                .execute(connection)?;
            connection.run_pending_migrations(POSTGRES)
        }
    };
    match versions {
        Ok(versions) => Ok(versions.iter().map(ToString::to_string).collect()),
        Err(error) => Err(MigrateError::Migration(error)),
    }
}
