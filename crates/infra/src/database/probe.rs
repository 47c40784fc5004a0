//! Whether the database would serve a request now.

use diesel::{QueryDsl, RunQueryDsl, result::Error};
use todo_domain::ports::{ProbeError, StorageError, StorageProbe};

use super::{ConnectionError, Database, migrations};

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
        let done: Vec<String> = self
            .read(|connection| {
                migrations_done::table
                    .select(migrations_done::version)
                    .load(connection)
            })
            .map_err(|error| {
                if lacks_record(&error) {
                    ProbeError::NotMigrated
                } else {
                    StorageError::from(error).into()
                }
            })?;
        if migrations::are_all_in(&done) {
            Ok(())
        } else {
            Err(ProbeError::NotMigrated)
        }
    }
}

/// Whether a statement failed because no migrations are recorded; both databases name the table then.
fn lacks_record(error: &ConnectionError) -> bool {
    matches!(error, ConnectionError::Statement(Error::DatabaseError(_, information))
        if information.message().contains(RECORD))
}
