//! Several changes of the todos of a user in one transaction.

use diesel::{ExpressionMethods, QueryDsl, QueryResult, RunQueryDsl};
use todo_domain::{
    OperationOutcome, QuotaExceeded, Quotas, Timestamp, Todo, TodoOperation, UserId,
};

use super::{
    super::usage::{Addition, exceeded, reserve},
    rows::NewTodoRow,
    statements::{delete_row, find_row, insert_row, not_inserted, update_row},
};
use crate::database::{AnyConnection, Id, schema::tasks};

/// Locks the todos to change, in the order of ids, and before the usage of the owner: one order of locks for all
/// transactions, so that they cannot deadlock. SQLite has one writer.
fn lock(
    connection: &mut AnyConnection,
    owner: UserId,
    operations: &[TodoOperation],
) -> QueryResult<()> {
    let ids: Vec<_> = operations.iter().filter_map(changed).collect();
    match connection {
        AnyConnection::Postgres(connection) if operations.len() > 1 && !ids.is_empty() => {
            tasks::table
                .filter(tasks::user_id.eq(Id(owner.as_uuid())))
                .filter(tasks::id.eq_any(ids))
                .order(tasks::id)
                .select(tasks::id)
                .for_update()
                .execute(connection)
                .map(drop)
        }
        AnyConnection::Postgres(_) | AnyConnection::Sqlite(_) => Ok(()),
    }
}

fn changed(operation: &TodoOperation) -> Option<Id> {
    match operation {
        TodoOperation::Insert(_) => None,
        TodoOperation::Update { id, .. } | TodoOperation::Delete { id } => Some(Id(id.as_uuid())),
    }
}

/// Applies changes in order; consecutive insertions are one statement.
pub(super) fn apply_in_transaction(
    connection: &mut AnyConnection,
    owner: UserId,
    operations: &[TodoOperation],
    now: Timestamp,
    quotas: Quotas,
) -> QueryResult<Result<Vec<OperationOutcome>, Refused>> {
    let are_both_insertions = |a: &TodoOperation, b: &TodoOperation| {
        matches!((a, b), (TodoOperation::Insert(_), TodoOperation::Insert(_)))
    };
    lock(connection, owner, operations)?;
    let mut outcomes = Vec::with_capacity(operations.len());
    for run in operations.chunk_by(are_both_insertions) {
        let rows: Vec<_> = run
            .iter()
            .filter_map(inserted)
            .map(NewTodoRow::from)
            .collect();
        if let ([_], [TodoOperation::Insert(todo)]) = (rows.as_slice(), run) {
            if !insert_row(connection, todo, None, quotas)? {
                return Ok(Err(not_inserted(connection, todo, quotas)?
                    .map_or(Refused::OwnerMissing, Refused::QuotaExceeded)));
            }
        } else if !rows.is_empty() {
            let addition = Addition {
                user_id: owner,
                todos: i64::try_from(rows.len()).unwrap_or(i64::MAX),
                bytes: rows.iter().map(|row| row.addition().bytes).sum(),
            };
            if !reserve(connection, addition, quotas)? {
                return Ok(Err(exceeded(connection, addition, quotas)?
                    .map_or(Refused::OwnerMissing, Refused::QuotaExceeded)));
            }
            insert_rows(connection, &rows)?;
        }
        for operation in run {
            outcomes.push(match operation {
                TodoOperation::Insert(todo) => OperationOutcome::Written(todo.clone()),
                TodoOperation::Update { id, change } => {
                    let todo = if change.is_empty() {
                        find_row(connection, owner.into(), *id)?
                    } else {
                        match update_row(connection, owner.into(), *id, None, change, now, quotas)?
                        {
                            Ok(todo) => todo,
                            Err(exceeded) => return Ok(Err(Refused::QuotaExceeded(exceeded))),
                        }
                    };
                    todo.map_or(OperationOutcome::NotFound, OperationOutcome::Written)
                }
                TodoOperation::Delete { id } => {
                    if delete_row(connection, owner.into(), *id, None)? {
                        OperationOutcome::Deleted
                    } else {
                        OperationOutcome::NotFound
                    }
                }
            });
        }
    }
    Ok(Ok(outcomes))
}

/// Why a batch is refused. The transaction must be rolled back.
#[derive(Debug, Clone, Copy)]
pub(super) enum Refused {
    OwnerMissing,
    QuotaExceeded(QuotaExceeded),
}

fn inserted(operation: &TodoOperation) -> Option<&Todo> {
    match operation {
        TodoOperation::Insert(todo) => Some(todo),
        TodoOperation::Update { .. } | TodoOperation::Delete { .. } => None,
    }
}

/// Inserts several todos of a user by one statement, which diesel has for each backend only. They are counted already.
fn insert_rows(connection: &mut AnyConnection, rows: &[NewTodoRow<'_>]) -> QueryResult<()> {
    let insert = diesel::insert_into(tasks::table).values(rows);
    match connection {
        AnyConnection::Postgres(connection) => insert.execute(connection),
        AnyConnection::Sqlite(connection) => insert.execute(connection),
    }
    .map(drop)
}
