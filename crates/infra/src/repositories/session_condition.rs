//! The session condition: that a session is valid, checked inside the statement that depends on it.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, QueryDsl, QueryResult,
    RunQueryDsl, dsl::exists, select,
};
use todo_domain::SessionCondition;

use crate::database::{AnyConnection, Id, Instant, cached, schema::sessions};

/// The session that satisfies a condition: one row or none.
///
/// The query is not correlated, so PostgreSQL runs it once per statement.
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn satisfying(condition: SessionCondition) -> _ {
    let id: Id = Id(condition.session_id.as_uuid());
    let user_id: Id = Id(condition.user_id.as_uuid());
    let expires_after: Instant = Instant(condition.expires_after);
    let used_after: Instant = Instant(condition.used_after);
    let never_used = sessions::last_used_at
        .is_null()
        .and(sessions::created_at.gt(used_after));
    sessions::table
        .filter(sessions::id.eq(id))
        .filter(sessions::user_id.eq(user_id))
        .filter(sessions::expires_at.gt(expires_after))
        .filter(
            sessions::last_used_at
                .assume_not_null()
                .gt(used_after)
                .or(never_used),
        )
}

/// Whether a session satisfies a condition.
pub(super) fn is_satisfied(
    connection: &mut AnyConnection,
    condition: SessionCondition,
) -> QueryResult<bool> {
    cached(select(exists(satisfying(condition)))).get_result(connection)
}
