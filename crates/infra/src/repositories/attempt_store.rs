//! The guess ledger: failed attempts per subject.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use diesel::{
    ExpressionMethods, QueryDsl, QueryResult, Queryable, QueryableByName, RunQueryDsl, Selectable,
    SelectableHelper,
    result::Error,
    sql_query,
    sql_types::{Binary, Integer, Nullable},
};
use todo_domain::{
    AttemptCounter, Attempts, ThrottleKey, Timestamp, TooManyAttempts,
    ports::{AttemptStore, CountGuessError, StorageError},
};

use super::deletion::Deletion;
use crate::database::{
    AnyConnection, Database, Instant, MultiBackend, cached, columns::sql::InstantColumn,
    schema::guesses,
};

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = guesses)]
struct AttemptsRow {
    subject: Vec<u8>,
    level: i32,
    failed_at: Option<Instant>,
    succeeded_at: Option<Instant>,
}

impl From<&AttemptsRow> for Attempts {
    fn from(row: &AttemptsRow) -> Self {
        Self {
            level: row.level.try_into().unwrap_or_default(),
            failed_at: row.failed_at.map(|at| at.0),
            succeeded_at: row.succeeded_at.map(|at| at.0),
        }
    }
}

/// The primary key of a subject.
fn key(subject: &ThrottleKey) -> Vec<u8> {
    digest(&SHA256, subject.expose().as_bytes())
        .as_ref()
        .to_vec()
}

/// The attempts of a subject, among rows.
fn found(rows: &[AttemptsRow], key: &[u8]) -> Attempts {
    rows.iter()
        .find(|row| row.subject == key)
        .map(Attempts::from)
        .unwrap_or_default()
}

/// The conflict clause that only locks the existing row.
const LOCK: &str = "updated_at = guesses.updated_at";
/// The conflict clause that replaces the existing row.
const REPLACE: &str = "level = excluded.level, failed_at = excluded.failed_at, \
     succeeded_at = excluded.succeeded_at, updated_at = excluded.updated_at";
/// The conflict clause that resets the failures for a row with a success, and refunds one for a row without.
fn succeed() -> String {
    let one = Attempts::ONE_FAILURE;
    format!(
        "level = CASE WHEN excluded.succeeded_at IS NOT NULL OR guesses.level < {one} THEN 0 \
         ELSE guesses.level - {one} END, \
         succeeded_at = COALESCE(excluded.succeeded_at, guesses.succeeded_at), \
         updated_at = excluded.updated_at"
    )
}

/// Inserts a row for each subject, or applies the clause `conflict` to the existing row, and returns the rows. The rows are
/// in the order of their keys, so that concurrent calls cannot deadlock.
///
/// There are few subjects at a time, so the statement has few texts. It is the same on both databases.
fn write(
    connection: &mut AnyConnection,
    mut rows: Vec<(Vec<u8>, Attempts)>,
    now: Timestamp,
    conflict: &str,
) -> QueryResult<Vec<AttemptsRow>> {
    rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    rows.dedup_by(|(one, _), (other, _)| one == other);
    let values: Vec<_> = (0..rows.len())
        .map(|row| {
            let parameters = [1, 2, 3, 4, 5].map(|column| format!("${}", 5 * row + column));
            format!("({})", parameters.join(", "))
        })
        .collect();
    let mut insert = sql_query(format!(
        "INSERT INTO guesses (subject, level, failed_at, succeeded_at, updated_at) \
         VALUES {} ON CONFLICT (subject) DO UPDATE SET {conflict} \
         RETURNING subject, level, failed_at, succeeded_at",
        values.join(", ")
    ))
    .into_boxed::<MultiBackend>();
    for (key, guesses) in rows {
        insert = insert
            .bind::<Binary, _>(key)
            .bind::<Integer, _>(i32::try_from(guesses.level).unwrap_or(i32::MAX))
            .bind::<Nullable<InstantColumn>, _>(guesses.failed_at.map(Instant))
            .bind::<Nullable<InstantColumn>, _>(guesses.succeeded_at.map(Instant))
            .bind::<InstantColumn, _>(Instant(now));
    }
    cached(insert).get_results(connection)
}

impl AttemptStore for Database {
    fn find(&self, subjects: &[ThrottleKey]) -> Result<Vec<Attempts>, StorageError> {
        let keys: Vec<_> = subjects.iter().map(key).collect();
        let rows = self.read(|connection| {
            guesses::table
                .filter(guesses::subject.eq_any(&keys))
                .select(AttemptsRow::as_select())
                .load::<AttemptsRow>(connection)
        })?;
        Ok(keys.iter().map(|key| found(&rows, key)).collect())
    }

    fn count(&self, counters: &[AttemptCounter], now: Timestamp) -> Result<(), CountGuessError> {
        if counters.is_empty() {
            return Ok(());
        }
        let keyed: Vec<_> = counters
            .iter()
            .map(|counter| (key(&counter.subject), counter))
            .collect();
        let mut too_many = None;
        let counted = self.transaction(|connection| {
            let locked = keyed
                .iter()
                .map(|(key, _)| (key.clone(), Attempts::default()))
                .collect();
            let rows = write(connection, locked, now, LOCK)?;
            let longest = keyed
                .iter()
                .map(|(key, counter)| TooManyAttempts {
                    purpose: counter.subject.purpose(),
                    retry_after: found(&rows, key).delay(counter.limit, now),
                    limit: counter.limit,
                })
                .max_by_key(|refusal| refusal.retry_after)
                .filter(|refusal| refusal.retry_after > Duration::ZERO);
            if longest.is_some() {
                too_many = longest;
                // The transaction is rolled back: a refused attempt leaves no row.
                return Err(Error::NotFound);
            }
            let counted = keyed
                .iter()
                .map(|(key, counter)| {
                    let guesses = found(&rows, key).after_guess(counter.limit, now);
                    (key.clone(), guesses)
                })
                .collect();
            write(connection, counted, now, REPLACE)
        });
        match (counted, too_many) {
            (_, Some(too_many)) => Err(too_many.into()),
            (Ok(_), None) => Ok(()),
            (Err(error), None) => Err(CountGuessError::Storage(error.into())),
        }
    }

    fn succeed(
        &self,
        cleared: &[ThrottleKey],
        taken_back: &[ThrottleKey],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let success = Attempts {
            succeeded_at: Some(now),
            ..Attempts::default()
        };
        let cleared = cleared.iter().map(|subject| (key(subject), success));
        let taken_back = taken_back
            .iter()
            .map(|subject| (key(subject), Attempts::default()));
        let rows: Vec<_> = cleared.chain(taken_back).collect();
        if !rows.is_empty() {
            self.write(|connection| write(connection, rows.clone(), now, &succeed()))?;
        }
        Ok(())
    }

    fn delete_forgotten(&self, now: Timestamp) -> Result<usize, StorageError> {
        let failures_forgotten = Instant(now.saturating_sub(Attempts::FORGOTTEN_AFTER));
        let no_longer_known = Instant(now.saturating_sub(Attempts::KNOWN_FOR));
        Deletion {
            table: "guesses",
            key: "subject",
            condition: "updated_at <= $1 AND (succeeded_at IS NULL OR succeeded_at <= $2)",
            instants: &[failures_forgotten, no_longer_known],
        }
        .run(self)
    }
}
