//! Filling in what rows lack that were written before there were triggers.

use std::thread;

use diesel::{
    OptionalExtension, PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Bool, Nullable},
};
use uuid::Uuid;

use super::{
    super::{Listener, Progress},
    lock::{StepError, pause},
};
use crate::database::{Id, columns::sql::IdColumn};

/// How many rows are looked at in one short transaction. Whoever wants to change one of them waits for its end.
const BATCH: i64 = 2_000;

/// How often rows that others hold are come back for: about five minutes.
const PASSES: u32 = 150;

/// What tells a row that lacks something.
const LACKING: &str = "(title_folded IS NULL OR (completed AND completed_at IS NULL))";

#[derive(QueryableByName)]
struct Bound {
    #[diesel(sql_type = IdColumn)]
    id: Id,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    answer: bool,
}

/// Goes through the tasks in the order of their ids, until none lacks anything.
///
/// It passes over rows that others hold, so that it never waits for them while they wait for it, and comes back.
pub(super) fn run(
    connection: &mut PgConnection,
    estimate: i64,
    listener: Listener<'_>,
) -> Result<(), StepError> {
    let of_about = match u64::try_from(estimate) {
        Ok(estimate) if estimate > 0 => estimate,
        _ => count(connection)?,
    };
    for pass in 1..=PASSES {
        go_through(connection, of_about, listener)?;
        if !are_any_lacking(connection)? {
            return Ok(());
        }
        thread::sleep(pause(pass));
    }
    Err(StepError::RowsInUse { table: "tasks" })
}

fn go_through(
    connection: &mut PgConnection,
    of_about: u64,
    listener: Listener<'_>,
) -> QueryResult<()> {
    let mut from = Id(Uuid::nil());
    let mut done = 0;
    loop {
        let next = bound_after(connection, from)?;
        fill_in(connection, from, next)?;
        let Some(next) = next else {
            return Ok(());
        };
        done += BATCH.unsigned_abs();
        listener(Progress::Rows {
            done,
            of_about: of_about.max(done),
        });
        from = next;
    }
}

/// Where the batch after the one that begins at `from` begins.
fn bound_after(connection: &mut PgConnection, from: Id) -> QueryResult<Option<Id>> {
    let bound: Option<Bound> =
        sql_query("SELECT id FROM tasks WHERE id >= $1 ORDER BY id OFFSET $2 LIMIT 1")
            .bind::<IdColumn, _>(from)
            .bind::<BigInt, _>(BATCH)
            .get_result(connection)
            .optional()?;
    Ok(bound.map(|bound| bound.id))
}

/// Fills in the rows from `from` on and before `next`.
fn fill_in(connection: &mut PgConnection, from: Id, next: Option<Id>) -> QueryResult<usize> {
    sql_query(format!(
        "UPDATE tasks SET \
         title_folded = coalesce(title_folded, todo_fold(title::text)), \
         description_folded = coalesce(description_folded, todo_fold(description::text)), \
         completed_at = CASE WHEN completed THEN coalesce(completed_at, updated_at) END \
         WHERE id IN (SELECT id FROM tasks \
         WHERE id >= $1 AND ($2 IS NULL OR id < $2) AND {LACKING} FOR NO KEY UPDATE SKIP LOCKED)"
    ))
    .bind::<IdColumn, _>(from)
    .bind::<Nullable<IdColumn>, _>(next)
    .execute(connection)
}

fn are_any_lacking(connection: &mut PgConnection) -> QueryResult<bool> {
    let sql = format!("SELECT EXISTS (SELECT FROM tasks WHERE {LACKING}) AS answer");
    let any: Answer = sql_query(sql).get_result(connection)?;
    Ok(any.answer)
}

fn count(connection: &mut PgConnection) -> QueryResult<u64> {
    let count: Number = sql_query("SELECT count(*) AS number FROM tasks").get_result(connection)?;
    Ok(count.number.unsigned_abs())
}
