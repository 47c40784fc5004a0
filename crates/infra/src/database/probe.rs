//! The readiness probe.

use diesel::{QueryDsl, QueryResult, RunQueryDsl, dsl::sql, result::Error, sql_types::Text};
use todo_domain::ports::{ProbeError, StorageError, StorageProbe};

use super::{AnyConnection, ConnectionError, Database, migrations};

/// The table in which both databases record their migrations.
const RECORD: &str = "__diesel_schema_migrations";

diesel::table! {
    #[sql_name = "__diesel_schema_migrations"]
    migrations_done (version) {
        version -> Text,
    }
}

impl StorageProbe for Database {
    fn check(&self) -> Result<(), ProbeError> {
        let generation = self.generations().number();
        let Found { done, is_read_only } = self.read(look).map_err(|error| {
            if lacks_record(&error) {
                ProbeError::NotMigrated
            } else {
                StorageError::from(error).into()
            }
        })?;
        if is_read_only {
            self.turned_read_only(generation);
            let error = "the database is read-only, as a standby is";
            return Err(StorageError::Unavailable(error.into()).into());
        }
        if migrations::are_all_recorded(&done) {
            Ok(())
        } else {
            Err(ProbeError::NotMigrated)
        }
    }
}

/// The result of a probe.
struct Found {
    /// The recorded migrations.
    done: Vec<String>,
    /// Whether the database is read-only.
    is_read_only: bool,
}

/// Probes a database in one round trip.
fn look(connection: &mut AnyConnection) -> QueryResult<Found> {
    match connection {
        AnyConnection::Postgres(connection) => {
            let read_only = sql::<Text>("current_setting('transaction_read_only')");
            let rows: Vec<(String, String)> = migrations_done::table
                .select((migrations_done::version, read_only))
                .load(connection)?;
            Ok(Found {
                is_read_only: rows.iter().any(|(_, read_only)| read_only == "on"),
                done: rows.into_iter().map(|(version, _)| version).collect(),
            })
        }
        AnyConnection::Sqlite(connection) => Ok(Found {
            done: migrations_done::table
                .select(migrations_done::version)
                .load(connection)?,
            is_read_only: false,
        }),
    }
}

/// Whether a statement failed because no migrations are recorded; both databases name the table then.
fn lacks_record(error: &ConnectionError) -> bool {
    matches!(error, ConnectionError::Statement(Error::DatabaseError(_, information))
        if information.message().contains(RECORD))
}
