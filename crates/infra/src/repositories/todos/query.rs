//! Filters, orders and pages of todos as queries.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, QueryDsl,
    dsl::{exists, sql},
    sql_types::{Bool, SmallInt, Text},
};
use todo_domain::{
    Direction, DueCondition, Page, PageStart, Position, SortKey, SortValue, TodoFilter, TodoOrder,
    ports::Owner,
};

use super::{
    super::session_condition::satisfying,
    rows::priority_column,
    search::{Condition, contains, has_tags},
};
use crate::database::{
    DatabaseKind, Day, Id, Instant, MultiBackend,
    columns::sql::{IdColumn, InstantColumn},
    schema::tasks,
};

pub(in crate::repositories) type Query<'a> = tasks::BoxedQuery<'a, MultiBackend>;

/// Whether a todo belongs to the owner, and the session condition, if any, is satisfied.
fn is_owners(owner: Owner) -> Condition {
    let is_users = tasks::user_id.eq(Id(owner.user_id().as_uuid()));
    match owner {
        Owner::User(_) => Box::new(is_users),
        Owner::OfSession(guard) => Box::new(is_users.and(exists(satisfying(guard)))),
    }
}

/// The todos of the owner that match a filter.
pub(in crate::repositories) fn matching<'a>(
    owner: Owner,
    filter: &TodoFilter,
    kind: DatabaseKind,
) -> Query<'a> {
    let mut query = tasks::table.filter(is_owners(owner)).into_boxed();
    if let Some(completed) = filter.completed {
        query = query.filter(tasks::completed.eq(completed));
    }
    if let Some(priority) = filter.priority {
        query = query.filter(tasks::priority.eq(priority_column(priority)));
    }
    if !filter.tags.is_empty() {
        query = query.filter(has_tags(&filter.tags, kind));
    }
    for due in &filter.due {
        query = due_as(query, *due);
    }
    if let Some(text) = &filter.text {
        query = query.filter(contains(text, kind));
    }
    query
}

/// A due condition: [`DueCondition::matches`] in SQL.
fn due_as(query: Query<'_>, due: DueCondition) -> Query<'_> {
    match due {
        DueCondition::Never => query
            .filter(tasks::due_date.is_null())
            .filter(tasks::due_offset.is_null()),
        DueCondition::Overdue { today, now } => query.filter(tasks::completed.eq(false)).filter(
            tasks::due_date.lt(Day(today)).or(tasks::due_offset
                .is_not_null()
                .and(tasks::due_at.lt(Instant(now)))),
        ),
        DueCondition::Within {
            first,
            last,
            from,
            until,
        } => {
            let query = query.filter(
                tasks::due_date
                    .is_not_null()
                    .or(tasks::due_offset.is_not_null()),
            );
            let query = match (first, from) {
                (Some(first), Some(from)) => query.filter(
                    tasks::due_date.ge(Day(first)).or(tasks::due_offset
                        .is_not_null()
                        .and(tasks::due_at.ge(Instant(from)))),
                ),
                _ => query,
            };
            match (last, until) {
                (Some(last), Some(until)) => query.filter(
                    tasks::due_date.le(Day(last)).or(tasks::due_offset
                        .is_not_null()
                        .and(tasks::due_at.lt(Instant(until)))),
                ),
                _ => query,
            }
        }
    }
}

/// One page of a query, and one todo more.
pub(in crate::repositories) fn page<'a>(query: Query<'a>, page: &Page) -> Query<'a> {
    let query = ordered(query, page.order);
    let query = query.limit(i64::from(page.limit.get()) + 1);
    match &page.start {
        PageStart::Offset(0) => query,
        PageStart::Offset(offset) => query.offset((*offset).into()),
        PageStart::After(position) => after(query, page.order, position),
    }
}

/// The order of a query. Each order is that of an index, forward or backward.
fn ordered(query: Query<'_>, order: TodoOrder) -> Query<'_> {
    macro_rules! by {
        ($column:expr) => {
            match order.direction {
                Direction::Ascending => query.order(($column.asc(), tasks::id.asc())),
                Direction::Descending => query.order(($column.desc(), tasks::id.desc())),
            }
        };
    }
    match order.key {
        SortKey::CreatedAt => by!(tasks::created_at),
        SortKey::UpdatedAt => by!(tasks::updated_at),
        SortKey::Due => by!(tasks::due_at),
        SortKey::Priority => by!(tasks::priority),
        SortKey::Title => by!(tasks::title_folded),
    }
}

/// The todos after a position. A comparison of rows, not of single columns, lets the index be entered there.
fn after<'a>(query: Query<'a>, order: TodoOrder, position: &Position) -> Query<'a> {
    let column = match order.key {
        SortKey::CreatedAt => "created_at",
        SortKey::UpdatedAt => "updated_at",
        SortKey::Due => "due_at",
        SortKey::Priority => "priority",
        SortKey::Title => "title_folded",
    };
    let comparison = match order.direction {
        Direction::Ascending => ">",
        Direction::Descending => "<",
    };
    let row = sql::<Bool>(&format!("(tasks.{column}, tasks.id) {comparison} ("));
    let id = Id(position.id.as_uuid());
    macro_rules! bound {
        ($sql_type:ty, $value:expr) => {
            query.filter(
                row.bind::<$sql_type, _>($value)
                    .sql(", ")
                    .bind::<IdColumn, _>(id)
                    .sql(")"),
            )
        };
    }
    match position.value.clone() {
        SortValue::Instant(instant) => bound!(InstantColumn, Instant(instant)),
        SortValue::Priority(priority) => bound!(SmallInt, priority),
        SortValue::Text(text) => bound!(Text, text),
    }
}
