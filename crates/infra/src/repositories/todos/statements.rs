//! The statements that write todos, each on a connection that it is given.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, Insertable, IntoSql, NullableExpressionMethods,
    OptionalExtension, QueryDsl, QueryResult, RunQueryDsl, SelectableHelper,
    dsl::{SqlTypeOf, case_when, exists, not},
    sql_types::Bool,
};
use todo_domain::{
    CompletionChange, OperationOutcome, Page, PageLimit, PageStart, SessionGuard, Timestamp, Todo,
    TodoChange, TodoFilter, TodoId, TodoOperation, TodoOrder, UserId, ports::Owner,
};

use super::{
    super::session_guards::meeting,
    rows::{NewTodoRow, TodoChangeset, TodoRow},
};
use crate::database::{AnyConnection, Id, Instant, kept_prepared, on_its_database, schema::tasks};

/// Whether a todo is of the expected version. It is the same text with and without one, so that it stays prepared.
#[diesel::dsl::auto_type(no_type_alias)]
fn of_version(expected: i64) -> _ {
    let any: bool = expected == ANY_VERSION;
    tasks::version.eq(expected).or(any.into_sql::<Bool>())
}

/// No todo is of this version.
const ANY_VERSION: i64 = 0;

pub(super) fn insert_row(connection: &mut AnyConnection, todo: &Todo) -> QueryResult<()> {
    let insert = diesel::insert_into(tasks::table)
        .values(NewTodoRow::from(todo))
        .returning(tasks::id);
    on_its_database!(connection, |own| kept_prepared(insert)
        .get_result::<Id>(own))
    .map(drop)
}

/// Inserts a todo if a session meets a condition, and tells whether it did.
pub(super) fn insert_row_guarded(
    connection: &mut AnyConnection,
    todo: &Todo,
    guard: SessionGuard,
) -> QueryResult<bool> {
    /// A row for each session that meets the condition: one or none.
    macro_rules! insert_each {
        ($($column:ident),* $(,)?) => {{
            let NewTodoRow { $($column),* } = NewTodoRow::from(todo);
            meeting(guard)
                .select(($($column.into_sql::<SqlTypeOf<tasks::$column>>()),*))
                .insert_into(tasks::table)
                .into_columns(($(tasks::$column),*))
                .returning(tasks::id)
        }};
    }
    let insert = insert_each!(
        id,
        user_id,
        title,
        description,
        completed,
        created_at,
        updated_at,
        title_folded,
        description_folded,
        priority,
        due_date,
        due_at,
        due_offset,
        tags,
        completed_at,
        version,
    );
    let inserted = on_its_database!(connection, |own| kept_prepared(insert)
        .get_result::<Id>(own));
    Ok(inserted.optional()?.is_some())
}

/// Inserts several todos by one statement, which the two databases together do not have in common in diesel.
fn insert_rows(connection: &mut AnyConnection, todos: &[&Todo]) -> QueryResult<()> {
    let rows: Vec<NewTodoRow<'_>> = todos.iter().map(|todo| NewTodoRow::from(*todo)).collect();
    let insert = diesel::insert_into(tasks::table).values(&rows);
    match connection {
        AnyConnection::Postgres(connection) => insert.execute(connection),
        AnyConnection::Sqlite(connection) => insert.execute(connection),
    }
    .map(drop)
}

/// [`Todo::apply`] in SQL, for a change that is not empty.
pub(super) fn update_row(
    connection: &mut AnyConnection,
    owner: Owner,
    id: TodoId,
    expected: Option<u64>,
    change: &TodoChange,
    now: Timestamp,
) -> QueryResult<Option<Todo>> {
    let now_column = Some(Instant(now));
    let toggle = (change.completion == CompletionChange::Toggle).then(|| {
        (
            tasks::completed.eq(not(tasks::completed)),
            tasks::completed_at
                .eq(case_when(not(tasks::completed), now_column).otherwise(None::<Instant>)),
        )
    });
    // What is done already stays done since then. (Other software may have left `completed_at` empty.)
    let complete = (change.completion == CompletionChange::To(true)).then(|| {
        tasks::completed_at.eq(case_when(not(tasks::completed), now_column)
            .when(tasks::completed_at.is_null(), tasks::updated_at.nullable())
            .otherwise(tasks::completed_at))
    });
    let undo = (change.completion == CompletionChange::To(false))
        .then(|| tasks::completed_at.eq(None::<Instant>));
    let expected = expected.map_or(ANY_VERSION, u64::cast_signed);
    let of_user = diesel::update(tasks::table.find(Id(id.as_uuid())))
        .filter(tasks::user_id.eq(Id(owner.user_id().as_uuid())))
        .filter(of_version(expected));
    let set = (
        TodoChangeset::new(change, now),
        toggle,
        complete,
        undo,
        tasks::version.eq(tasks::version + 1),
    );
    macro_rules! updated {
        ($update:expr) => {
            on_its_database!(connection, |own| kept_prepared(
                $update.returning(TodoRow::as_returning())
            )
            .get_result::<TodoRow>(own))
        };
    }
    let row = match owner {
        Owner::User(_) => updated!(of_user.set(set)),
        Owner::OfSession(guard) => updated!(of_user.filter(exists(meeting(guard))).set(set)),
    };
    Ok(row.optional()?.map(Todo::from))
}

/// Whether there was one to delete.
pub(super) fn delete_row(
    connection: &mut AnyConnection,
    owner: Owner,
    id: TodoId,
    expected: Option<u64>,
) -> QueryResult<bool> {
    let expected = expected.map_or(ANY_VERSION, u64::cast_signed);
    let of_user = diesel::delete(tasks::table.find(Id(id.as_uuid())))
        .filter(tasks::user_id.eq(Id(owner.user_id().as_uuid())))
        .filter(of_version(expected));
    let deleted = match owner {
        Owner::User(_) => on_its_database!(connection, |own| of_user.execute(own)),
        Owner::OfSession(guard) => on_its_database!(connection, |own| of_user
            .filter(exists(meeting(guard)))
            .execute(own)),
    };
    Ok(deleted? > 0)
}

/// Locks what is to be changed, in the order of ids, so that nobody waits for somebody who waits for them. On SQLite
/// there is one writer.
fn lock(
    connection: &mut AnyConnection,
    owner: UserId,
    operations: &[TodoOperation],
) -> QueryResult<()> {
    let ids: Vec<_> = operations.iter().filter_map(changed).collect();
    match connection {
        AnyConnection::Postgres(connection) if ids.len() > 1 => tasks::table
            .filter(tasks::user_id.eq(Id(owner.as_uuid())))
            .filter(tasks::id.eq_any(ids))
            .order(tasks::id)
            .select(tasks::id)
            .for_update()
            .execute(connection)
            .map(drop),
        AnyConnection::Postgres(_) | AnyConnection::Sqlite(_) => Ok(()),
    }
}

fn changed(operation: &TodoOperation) -> Option<Id> {
    match operation {
        TodoOperation::Insert(_) => None,
        TodoOperation::Update { id, .. } | TodoOperation::Delete { id } => Some(Id(id.as_uuid())),
    }
}

/// Makes several changes in their order; insertions that follow one another take one statement.
pub(super) fn apply_in_transaction(
    connection: &mut AnyConnection,
    owner: UserId,
    operations: &[TodoOperation],
    now: Timestamp,
) -> QueryResult<Vec<OperationOutcome>> {
    let are_both_insertions = |a: &TodoOperation, b: &TodoOperation| {
        matches!((a, b), (TodoOperation::Insert(_), TodoOperation::Insert(_)))
    };
    lock(connection, owner, operations)?;
    let mut outcomes = Vec::with_capacity(operations.len());
    for run in operations.chunk_by(are_both_insertions) {
        let todos: Vec<&Todo> = run.iter().filter_map(inserted).collect();
        match todos.as_slice() {
            [] => (),
            [todo] => insert_row(connection, todo)?,
            todos => insert_rows(connection, todos)?,
        }
        for operation in run {
            outcomes.push(match operation {
                TodoOperation::Insert(todo) => OperationOutcome::Written(todo.clone()),
                TodoOperation::Update { id, change } => {
                    let todo = if change.is_empty() {
                        find_row(connection, owner.into(), *id)?
                    } else {
                        update_row(connection, owner.into(), *id, None, change, now)?
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
    Ok(outcomes)
}

fn inserted(operation: &TodoOperation) -> Option<&Todo> {
    match operation {
        TodoOperation::Insert(todo) => Some(todo),
        TodoOperation::Update { .. } | TodoOperation::Delete { .. } => None,
    }
}

pub(super) fn find_row(
    connection: &mut AnyConnection,
    owner: Owner,
    id: TodoId,
) -> QueryResult<Option<Todo>> {
    let of_user = tasks::table
        .find(Id(id.as_uuid()))
        .filter(tasks::user_id.eq(Id(owner.user_id().as_uuid())));
    // Each is a type of its own, so that diesel knows its text without writing it.
    let row: Option<TodoRow> = match owner {
        Owner::User(_) => on_its_database!(connection, |own| of_user
            .select(TodoRow::as_select())
            .first(own)),
        Owner::OfSession(guard) => on_its_database!(connection, |own| of_user
            .filter(exists(meeting(guard)))
            .select(TodoRow::as_select())
            .first(own)),
    }
    .optional()?;
    Ok(row.map(Todo::from))
}

/// Whether what is asked for is what most requests ask for: the newest of all todos.
pub(super) fn is_newest(filter: &TodoFilter, page: &Page) -> bool {
    *filter == TodoFilter::default()
        && page.order == TodoOrder::default()
        && page.start == PageStart::default()
}

/// The newest todos of a session's user, if it meets the condition: a page of all, and one todo more.
///
/// It is what `query::page` gives for a page that [is the newest](is_newest), and has a text that diesel knows without
/// writing it. That takes a tenth of such a request else.
pub(super) fn newest_rows(
    connection: &mut AnyConnection,
    guard: SessionGuard,
    limit: PageLimit,
) -> QueryResult<Vec<TodoRow>> {
    let newest = tasks::table
        .filter(tasks::user_id.eq(Id(guard.user_id.as_uuid())))
        .filter(exists(meeting(guard)))
        .order((tasks::created_at.desc(), tasks::id.desc()))
        .limit(i64::from(limit.get()) + 1);
    on_its_database!(connection, |own| newest
        .select(TodoRow::as_select())
        .load(own))
}
