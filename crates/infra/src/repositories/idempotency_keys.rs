//! The repository of idempotency keys.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, QueryableByName, RunQueryDsl,
    sql_query,
    sql_types::{Bool, Text},
};
use todo_domain::{
    IdempotencyConflict, IdempotencyKey, Once, Timestamp,
    ports::{IdempotencyKeys, StorageError},
};

use super::deletion::Deletion;
use crate::database::{
    AnyConnection, Database, Id, Instant, cached,
    columns::sql::{IdColumn, InstantColumn},
    schema::idempotency_keys,
};

/// Reserves the key of a request in the transaction of the request; `Some` if the request must not be run now. The answer
/// is [stored later](keep_answer), in the same transaction.
///
/// PostgreSQL reports at once that another transaction has reserved the same key. SQLite allows one writer at a time, and
/// waits for it.
pub(super) fn claim<T: ?Sized>(
    connection: &mut AnyConnection,
    once: &Once<'_, T>,
    answer: &str,
) -> QueryResult<Option<IdempotencyConflict>> {
    if let AnyConnection::Postgres(_) = connection {
        let name = format!("{}/{}", once.user_id, once.key.as_str());
        let lock = sql_query("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS locked")
            .bind::<Text, _>(name);
        let Locked { locked } = cached(lock).get_result(connection)?;
        if !locked {
            return Ok(Some(IdempotencyConflict::UnderWay));
        }
    }
    if write(connection, once, answer)? {
        return Ok(None);
    }
    let written: Option<(String, String)> = idempotency_keys::table
        .find((Id(once.user_id.as_uuid()), once.key.as_str()))
        .select((idempotency_keys::request, idempotency_keys::answer))
        .first(connection)
        .optional()?;
    Ok(Some(match written {
        Some((request, answer)) if request == once.request => IdempotencyConflict::Repeated(answer),
        Some(_) => IdempotencyConflict::KeyReused,
        // It expired a moment ago; the next attempt finds the key free.
        None => IdempotencyConflict::UnderWay,
    }))
}

/// Stores the answer of a request whose key was reserved in this transaction.
pub(super) fn keep_answer<T: ?Sized>(
    connection: &mut AnyConnection,
    once: &Once<'_, T>,
    answer: &str,
) -> QueryResult<()> {
    let claimed = idempotency_keys::table.find((Id(once.user_id.as_uuid()), once.key.as_str()));
    let update = diesel::update(claimed)
        .set(idempotency_keys::answer.eq(answer))
        .returning(idempotency_keys::key);
    cached(update).get_result::<String>(connection).map(drop)
}

/// Writes a key where there is none, or one that is to be forgotten. Both databases read this statement alike.
fn write<T: ?Sized>(
    connection: &mut AnyConnection,
    once: &Once<'_, T>,
    answer: &str,
) -> QueryResult<bool> {
    let insert = sql_query(
        "INSERT INTO idempotency_keys (user_id, key, request, answer, created_at) \
         VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (user_id, key) DO UPDATE SET \
         request = excluded.request, answer = excluded.answer, created_at = excluded.created_at \
         WHERE idempotency_keys.created_at < $6 RETURNING key",
    )
    .bind::<IdColumn, _>(Id(once.user_id.as_uuid()))
    .bind::<Text, _>(once.key.as_str())
    .bind::<Text, _>(&once.request)
    .bind::<Text, _>(answer)
    .bind::<InstantColumn, _>(Instant(once.now))
    .bind::<InstantColumn, _>(Instant(IdempotencyKey::forgotten_before(once.now)));
    let written: Vec<Written> = cached(insert).get_results(connection)?;
    Ok(written
        .iter()
        .any(|written| written.key == once.key.as_str()))
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

#[derive(QueryableByName)]
struct Written {
    #[diesel(sql_type = Text)]
    key: String,
}

impl IdempotencyKeys for Database {
    fn delete_before(&self, instant: Timestamp) -> Result<usize, StorageError> {
        Deletion {
            table: "idempotency_keys",
            key: "user_id, key",
            condition: "created_at < $1",
            instants: &[Instant(instant)],
        }
        .run(self)
    }
}
