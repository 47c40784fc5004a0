//! Counting what users stored before there were triggers that count.

use diesel::{
    Connection, PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Array, BigInt},
};
use uuid::Uuid;

use super::super::{Listener, Progress};
use crate::database::{Id, columns::sql::IdColumn};

/// The number of users that are given a row in one short transaction.
const USERS_AT_A_TIME: i64 = 1_000;

/// The number of users whose tasks are counted in one short transaction. Changes of their tasks wait for its end,
/// so they are few.
const COUNTED_AT_A_TIME: i64 = 5;

#[derive(QueryableByName)]
struct User {
    #[diesel(sql_type = IdColumn)]
    id: Id,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Gives each user a row of usage.
pub(super) fn add_rows(connection: &mut PgConnection) -> QueryResult<()> {
    let mut last = Id(Uuid::nil());
    loop {
        // Users of this batch that are deleted meanwhile are waited for, and get no row.
        let users: Vec<User> = connection.transaction(|connection| {
            let users: Vec<User> =
                sql_query("SELECT id FROM users WHERE id > $1 ORDER BY id LIMIT $2 FOR KEY SHARE")
                    .bind::<IdColumn, _>(last)
                    .bind::<BigInt, _>(USERS_AT_A_TIME)
                    .load(connection)?;
            let ids: Vec<Id> = users.iter().map(|user| user.id).collect();
            sql_query("INSERT INTO user_usage (user_id) SELECT unnest($1) ON CONFLICT DO NOTHING")
                .bind::<Array<IdColumn>, _>(ids)
                .execute(connection)?;
            QueryResult::Ok(users)
        })?;
        match users.last() {
            Some(user) => last = user.id,
            None => return Ok(()),
        }
    }
}

/// Counts the tasks of every user. Counting again does no harm.
///
/// The rows of usage are locked first, and the tasks counted by a later statement: it sees every task whose transaction
/// has changed the row, and those that change it afterwards are added to the count.
pub(super) fn count_tasks(
    connection: &mut PgConnection,
    listener: Listener<'_>,
) -> QueryResult<()> {
    let all: Number =
        sql_query("SELECT count(*) AS number FROM user_usage").get_result(connection)?;
    let mut last = Id(Uuid::nil());
    let mut done = 0;
    loop {
        let users: Vec<User> = connection.transaction(|connection| {
            let users: Vec<User> = sql_query(
                "SELECT user_id AS id FROM user_usage WHERE user_id > $1 ORDER BY user_id LIMIT $2 FOR NO KEY UPDATE",
            )
            .bind::<IdColumn, _>(last)
            .bind::<BigInt, _>(COUNTED_AT_A_TIME)
            .load(connection)?;
            let ids: Vec<Id> = users.iter().map(|user| user.id).collect();
            sql_query(
                "UPDATE user_usage SET tasks = counted.tasks, bytes = counted.bytes FROM ( \
                 SELECT users.id, count(tasks.id) AS tasks, coalesce(sum(coalesce(tasks.bytes, todo_task_bytes( \
                 title::text, title_folded::text, description::text, description_folded::text, tags::text))), 0) AS bytes \
                 FROM unnest($1) AS users (id) LEFT JOIN tasks ON tasks.user_id = users.id GROUP BY users.id \
                 ) AS counted WHERE user_usage.user_id = counted.id",
            )
            .bind::<Array<IdColumn>, _>(ids)
            .execute(connection)?;
            QueryResult::Ok(users)
        })?;
        let Some(user) = users.last() else {
            return Ok(());
        };
        last = user.id;
        done += users.len() as u64;
        listener(Progress::Rows {
            done,
            of_about: all.number.unsigned_abs().max(done),
        });
    }
}
