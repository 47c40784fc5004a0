//! Statements on todos.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, Insertable, IntoSql, NullableExpressionMethods,
    OptionalExtension, QueryDsl, QueryResult, RunQueryDsl, SelectableHelper,
    dsl::{SqlTypeOf, case_when, exists, not, sql},
    expression::AppearsOnTable,
    pg::Pg,
    query_builder::{QueryFragment, QueryId},
    sql_types::{BigInt, Bool, Nullable},
    sqlite::Sqlite,
};
use todo_domain::{
    CompletionChange, Page, PageLimit, PageStart, QuotaExceeded, Quotas, SessionCondition,
    Timestamp, Todo, TodoChange, TodoFilter, TodoId, TodoOrder, ports::Owner,
};

use super::{
    super::{
        session_condition::satisfying,
        usage::{WithCounted, counted, exceeded, usage_with_room, with_addition},
    },
    rows::{ChangedBytes, NewTodoRow, TodoChangeset, TodoRow},
};
use crate::database::{
    AnyConnection, DatabaseKind, Id, Instant, cached, named,
    schema::{tasks, user_usage},
    with_backend,
};

/// Whether a todo is of the expected version. It is the same text with and without one, so that it stays prepared.
#[diesel::dsl::auto_type(no_type_alias)]
fn of_version(expected: i64) -> _ {
    let any: bool = expected == ANY_VERSION;
    tasks::version.eq(expected).or(any.into_sql::<Bool>())
}

/// No todo is of this version.
const ANY_VERSION: i64 = 0;

/// Inserts a todo if the quotas of its owner have room and the session condition, if any, is satisfied. Returns whether it
/// was inserted; `false` also if the owner does not exist.
pub(super) fn insert_row(
    connection: &mut AnyConnection,
    todo: &Todo,
    guard: Option<SessionCondition>,
    quotas: Quotas,
) -> QueryResult<bool> {
    /// The names of the statements on SQLite.
    enum Count {}
    enum CountOfSession {}
    enum InsertTask {}
    let row = NewTodoRow::from(todo);
    let addition = row.addition();
    /// An INSERT of one row for each row of a source, which has one or none.
    macro_rules! insert_each_of {
        ($source:expr; $($column:ident),* $(,)?) => {{
            let NewTodoRow { $($column),* } = row;
            $source
                .select(($($column.into_sql::<SqlTypeOf<tasks::$column>>()),*))
                .insert_into(tasks::table)
                .into_columns(($(tasks::$column),*))
        }};
        ($source:expr) => {
            insert_each_of!(
                $source;
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
                bytes,
            )
        };
    }
    macro_rules! inserted {
        ($with_room:expr, $count:ident) => {{
            let count = diesel::update($with_room).set(with_addition(addition));
            match connection {
                AnyConnection::Postgres(own) => cached(WithCounted {
                    update: count.returning(user_usage::user_id),
                    statement: insert_each_of!(counted::table).returning(tasks::id),
                })
                .get_results::<Id>(own)
                .map(|inserted| inserted.len()),
                // Without round trips, two statements cost less than one that selects what it inserts.
                AnyConnection::Sqlite(own) => {
                    let counted: Vec<Id> =
                        named::<$count, _>(count.returning(user_usage::user_id)).get_results(own)?;
                    if counted.is_empty() {
                        Ok(0)
                    } else {
                        let insert = diesel::insert_into(tasks::table).values(row);
                        named::<InsertTask, _>(insert.returning(tasks::id))
                            .get_results::<Id>(own)
                            .map(|inserted| inserted.len())
                    }
                }
            }
        }};
    }
    let with_room = usage_with_room(addition, quotas);
    let inserted = match guard {
        None => inserted!(with_room, Count),
        Some(guard) => inserted!(with_room.filter(exists(satisfying(guard))), CountOfSession),
    };
    Ok(inserted? == 1)
}

/// The quota that kept a todo from being inserted, if any.
pub(super) fn not_inserted(
    connection: &mut AnyConnection,
    todo: &Todo,
    quotas: Quotas,
) -> QueryResult<Option<QuotaExceeded>> {
    exceeded(connection, NewTodoRow::from(todo).addition(), quotas)
}

/// [`Todo::apply`] in SQL, for a change that is not empty. It does not happen if it would exceed the quota of bytes.
pub(super) fn update_row(
    connection: &mut AnyConnection,
    owner: Owner,
    id: TodoId,
    expected: Option<u64>,
    change: &TodoChange,
    now: Timestamp,
    quotas: Quotas,
) -> QueryResult<Result<Option<Todo>, QuotaExceeded>> {
    let now_column = Some(Instant(now));
    let toggle = (change.completion == CompletionChange::Toggle).then(|| {
        (
            tasks::completed.eq(not(tasks::completed)),
            tasks::completed_at
                .eq(case_when(not(tasks::completed), now_column).otherwise(None::<Instant>)),
        )
    });
    // A completed todo keeps its time of completion. (Other software may not have set `completed_at`.)
    let complete = (change.completion == CompletionChange::To(true)).then(|| {
        tasks::completed_at.eq(case_when(not(tasks::completed), now_column)
            .when(tasks::completed_at.is_null(), tasks::updated_at.nullable())
            .otherwise(tasks::completed_at))
    });
    let undo = (change.completion == CompletionChange::To(false))
        .then(|| tasks::completed_at.eq(None::<Instant>));
    let expected_version = expected.map_or(ANY_VERSION, u64::cast_signed);
    let (changeset, bytes) = TodoChangeset::new(change, now);
    let of_user = diesel::update(tasks::table.find(Id(id.as_uuid())))
        .filter(tasks::user_id.eq(Id(owner.user_id().as_uuid())))
        .filter(of_version(expected_version))
        .filter(has_room_for(bytes, quotas, connection.kind()));
    let set = (
        changeset,
        toggle,
        complete,
        undo,
        tasks::version.eq(tasks::version + 1),
    );
    macro_rules! updated {
        ($update:expr) => {
            with_backend!(connection, |own| cached(
                $update.returning(TodoRow::as_returning())
            )
            .get_result::<TodoRow>(own))
        };
    }
    let row = match owner {
        Owner::User(_) => updated!(of_user.set(set)),
        Owner::OfSession(guard) => updated!(of_user.filter(exists(satisfying(guard))).set(set)),
    };
    let updated = row.optional()?.map(Todo::from);
    if updated.is_none() && !bytes.is_none() {
        let found = find_row(connection, owner, id)?;
        if found.is_some_and(|todo| expected.is_none_or(|version| version == todo.version)) {
            return Ok(Err(QuotaExceeded::Bytes {
                limit: quotas.bytes,
            }));
        }
    }
    Ok(Ok(updated))
}

/// Whether a todo gets no longer, or the quota of its owner has room for the growth.
fn has_room_for(
    bytes: ChangedBytes,
    quotas: Quotas,
    kind: DatabaseKind,
) -> impl AppearsOnTable<tasks::table, SqlType = Bool>
+ QueryFragment<Pg>
+ QueryFragment<Sqlite>
+ QueryId {
    /// The length that the todo would have, without the length that it has, and the room of its owner.
    macro_rules! growth_fits {
        ($greatest:literal) => {
            sql::<Bool>("coalesce(")
                .bind::<Nullable<BigInt>, _>(bytes.title)
                .sql(growth_fits!(title $greatest))
                .bind::<Nullable<BigInt>, _>(bytes.description)
                .sql(growth_fits!(description $greatest))
                .bind::<Nullable<BigInt>, _>(bytes.tags)
                .sql(growth_fits!(tags $greatest))
                .bind::<BigInt, _>(i64::try_from(quotas.bytes).unwrap_or(i64::MAX))
                .sql(" - (SELECT bytes FROM user_usage WHERE user_usage.user_id = tasks.user_id))")
        };
        (title $greatest:literal) => {
            concat!(", ", growth_fits!(title_bytes $greatest), ") + coalesce(")
        };
        (description $greatest:literal) => {
            concat!(", ", growth_fits!(description_bytes $greatest), ") + coalesce(")
        };
        (tags $greatest:literal) => {
            concat!(
                ", octet_length(tasks.tags)) - coalesce(tasks.bytes, ",
                growth_fits!(title_bytes $greatest),
                " + ",
                growth_fits!(description_bytes $greatest),
                " + octet_length(tasks.tags)) <= ",
                $greatest,
                "(0, "
            )
        };
        (title_bytes $greatest:literal) => {
            concat!(
                $greatest,
                "(octet_length(tasks.title), coalesce(octet_length(tasks.title_folded), 0))"
            )
        };
        (description_bytes $greatest:literal) => {
            concat!(
                $greatest,
                "(coalesce(octet_length(tasks.description), 0), \
                 coalesce(octet_length(tasks.description_folded), 0))"
            )
        };
    }
    match kind {
        DatabaseKind::Postgres => growth_fits!("greatest"),
        DatabaseKind::Sqlite => growth_fits!("max"),
    }
}

/// Deletes a todo, and returns whether it existed.
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
        Owner::User(_) => with_backend!(connection, |own| of_user.execute(own)),
        Owner::OfSession(guard) => with_backend!(connection, |own| of_user
            .filter(exists(satisfying(guard)))
            .execute(own)),
    };
    Ok(deleted? > 0)
}

pub(super) fn find_row(
    connection: &mut AnyConnection,
    owner: Owner,
    id: TodoId,
) -> QueryResult<Option<Todo>> {
    let of_user = tasks::table
        .find(Id(id.as_uuid()))
        .filter(tasks::user_id.eq(Id(owner.user_id().as_uuid())));
    // Each statement has a type of its own, so that diesel knows its text without rendering it.
    let row: Option<TodoRow> = match owner {
        Owner::User(_) => with_backend!(connection, |own| of_user
            .select(TodoRow::as_select())
            .first(own)),
        Owner::OfSession(guard) => with_backend!(connection, |own| of_user
            .filter(exists(satisfying(guard)))
            .select(TodoRow::as_select())
            .first(own)),
    }
    .optional()?;
    Ok(row.map(Todo::from))
}

/// Whether a request is the most frequent one: the newest of all todos.
pub(super) fn is_newest(filter: &TodoFilter, page: &Page) -> bool {
    *filter == TodoFilter::default()
        && page.order == TodoOrder::default()
        && page.start == PageStart::default()
}

/// The newest todos of the user of a session that satisfies a condition: a page, and one todo more.
///
/// The result equals that of `query::page` for a page that [is the newest](is_newest). diesel knows the text of this
/// statement without rendering it, which would take a tenth of such a request.
pub(super) fn newest_rows(
    connection: &mut AnyConnection,
    guard: SessionCondition,
    limit: PageLimit,
) -> QueryResult<Vec<TodoRow>> {
    let newest = tasks::table
        .filter(tasks::user_id.eq(Id(guard.user_id.as_uuid())))
        .filter(exists(satisfying(guard)))
        .order((tasks::created_at.desc(), tasks::id.desc()))
        .limit(i64::from(limit.get()) + 1);
    with_backend!(connection, |own| newest
        .select(TodoRow::as_select())
        .load(own))
}
