//! Deletion of any number of rows by statements that are each bounded.

use std::{thread::sleep, time::Duration};

use diesel::{RunQueryDsl, sql_query, sql_types::BigInt};
use todo_domain::ports::StorageError;

use crate::database::{Database, Instant, MultiBackend, columns::sql::InstantColumn};

/// The number of rows that a statement deletes at most. On SQLite, every other change waits for its end: 1,000 rows with random
/// keys took up to 200 ms.
const BATCH: i64 = 200;

/// The pause between two statements, in which other statements run.
const PAUSE: Duration = Duration::from_millis(20);

/// Rows to delete.
pub(super) struct Deletion<'a> {
    pub(super) table: &'static str,
    /// The columns of the primary key, with commas between them.
    pub(super) key: &'static str,
    /// The condition of the rows, with `$1`, `$2`, … for `instants`.
    pub(super) condition: &'static str,
    pub(super) instants: &'a [Instant],
}

impl Deletion<'_> {
    /// Deletes the rows in batches until there is none left, and returns their number.
    pub(super) fn run(&self, database: &Database) -> Result<usize, StorageError> {
        let sql = self.sql();
        let mut deleted = 0;
        loop {
            let batch = database.write(|connection| {
                let mut delete = sql_query(&sql).into_boxed::<MultiBackend>();
                for instant in self.instants {
                    delete = delete.bind::<InstantColumn, _>(*instant);
                }
                delete.bind::<BigInt, _>(BATCH).execute(connection)
            })?;
            deleted += batch;
            if i64::try_from(batch).is_ok_and(|batch| batch < BATCH) {
                return Ok(deleted);
            }
            sleep(PAUSE);
        }
    }

    fn sql(&self) -> String {
        let Self {
            table,
            key,
            condition,
            instants,
        } = self;
        let limit = instants.len() + 1;
        format!(
            "DELETE FROM {table} WHERE ({key}) IN \
             (SELECT {key} FROM {table} WHERE {condition} LIMIT ${limit})"
        )
    }
}
