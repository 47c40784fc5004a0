//! Usage: what each user stores, in one row, and the quotas that it must not exceed.
//!
//! Insertions of this program update the row themselves: checking and counting are one statement, so that insertions at
//! the same time wait for each other. Triggers count every other change, also by other software.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, RunQueryDsl,
    backend::Backend,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_query,
    sql_types::{Array, BigInt},
};
use todo_domain::{QuotaExceeded, Quotas, UserId};

use crate::database::{
    AnyConnection, Id, cached, columns::sql::IdColumn, schema::user_usage, with_backend,
};

diesel::table! {
    use crate::database::columns::sql::IdColumn;

    /// The row of usage that the first part of a statement has updated: one or none.
    counted (user_id) {
        user_id -> IdColumn,
    }
}

/// Todos that are to be added to those of a user.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addition {
    pub(super) user_id: UserId,
    pub(super) todos: i64,
    pub(super) bytes: i64,
}

/// The usage of a user if an addition exceeds no quota.
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn usage_with_room(addition: Addition, quotas: Quotas) -> _ {
    let user_id: Id = Id(addition.user_id.as_uuid());
    let most_todos: i64 = room(quotas.todos, addition.todos);
    let most_bytes: i64 = room(quotas.bytes, addition.bytes);
    user_usage::table
        .filter(user_usage::user_id.eq(user_id))
        .filter(user_usage::tasks.le(most_todos))
        .filter(user_usage::bytes.le(most_bytes))
}

/// What an update of usage sets for an addition.
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn with_addition(addition: Addition) -> _ {
    let todos: i64 = addition.todos;
    let bytes: i64 = addition.bytes;
    (
        user_usage::tasks.eq(user_usage::tasks + todos),
        user_usage::bytes.eq(user_usage::bytes + bytes),
    )
}

/// The largest amount to which so much can be added.
fn room(quota: u64, added: i64) -> i64 {
    i64::try_from(quota)
        .unwrap_or(i64::MAX)
        .saturating_sub(added)
}

/// An update of usage, and a statement that reads the updated row as [`counted`].
#[derive(Debug, Clone, Copy)]
pub(super) struct WithCounted<U, S> {
    pub(super) update: U,
    pub(super) statement: S,
}

impl<DB, U, S> QueryFragment<DB> for WithCounted<U, S>
where
    DB: Backend,
    U: QueryFragment<DB>,
    S: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        pass.push_sql("WITH counted AS (");
        self.update.walk_ast(pass.reborrow())?;
        pass.push_sql(") ");
        self.statement.walk_ast(pass)
    }
}

impl<U, S> QueryId for WithCounted<U, S> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<U, S: Query> Query for WithCounted<U, S> {
    type SqlType = S::SqlType;
}

/// Has an addition counted, in the transaction that inserts the todos; `false` if it would exceed a quota.
pub(super) fn reserve(
    connection: &mut AnyConnection,
    addition: Addition,
    quotas: Quotas,
) -> QueryResult<bool> {
    let with_room = usage_with_room(addition, quotas);
    let update = diesel::update(with_room)
        .set(with_addition(addition))
        .returning(user_usage::user_id);
    let updated = with_backend!(connection, |own| cached(update).get_result::<Id>(own));
    Ok(updated.optional()?.is_some())
}

/// Counts additions without regard to quotas, in the transaction that inserts the todos: one statement on PostgreSQL.
pub(super) fn add(connection: &mut AnyConnection, additions: &[Addition]) -> QueryResult<()> {
    match connection {
        AnyConnection::Postgres(own) => {
            let users = additions
                .iter()
                .map(|addition| Id(addition.user_id.as_uuid()));
            let todos = additions.iter().map(|addition| addition.todos);
            let bytes = additions.iter().map(|addition| addition.bytes);
            sql_query(
                "UPDATE user_usage SET tasks = tasks + added_tasks, bytes = bytes + added_bytes \
                 FROM unnest($1, $2, $3) AS added (id, added_tasks, added_bytes) WHERE user_id = id",
            )
            .bind::<Array<IdColumn>, _>(users.collect::<Vec<_>>())
            .bind::<Array<BigInt>, _>(todos.collect::<Vec<_>>())
            .bind::<Array<BigInt>, _>(bytes.collect::<Vec<_>>())
            .execute(own)
            .map(drop)
        }
        AnyConnection::Sqlite(own) => additions.iter().try_for_each(|addition| {
            let usage = user_usage::table.find(Id(addition.user_id.as_uuid()));
            diesel::update(usage)
                .set(with_addition(*addition))
                .execute(own)
                .map(drop)
        }),
    }
}

/// The quota that an addition would exceed.
pub(super) fn exceeded(
    connection: &mut AnyConnection,
    addition: Addition,
    quotas: Quotas,
) -> QueryResult<Option<QuotaExceeded>> {
    let usage: Option<(i64, i64)> = user_usage::table
        .find(Id(addition.user_id.as_uuid()))
        .select((user_usage::tasks, user_usage::bytes))
        .first(connection)
        .optional()?;
    let Some((todos, bytes)) = usage else {
        return Ok(None);
    };
    Ok(if todos > room(quotas.todos, addition.todos) {
        Some(QuotaExceeded::Todos {
            limit: quotas.todos,
        })
    } else if bytes > room(quotas.bytes, addition.bytes) {
        Some(QuotaExceeded::Bytes {
            limit: quotas.bytes,
        })
    } else {
        None
    })
}
