//! The condition that a session counts, as a part of the statement that depends on it.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, QueryDsl, QueryResult,
    RunQueryDsl, dsl::exists, select,
};
use todo_domain::SessionGuard;

use crate::database::{AnyConnection, Id, Instant, kept_prepared, schema::sessions};

/// The session that meets a condition: one or none.
///
/// It names nothing of the statement around it, so that PostgreSQL looks it up once.
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn meeting(guard: SessionGuard) -> _ {
    let id: Id = Id(guard.session_id.as_uuid());
    let user_id: Id = Id(guard.user_id.as_uuid());
    let expires_after: Instant = Instant(guard.expires_after);
    let used_after: Instant = Instant(guard.used_after);
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

/// Whether a session meets a condition.
pub(super) fn is_met(connection: &mut AnyConnection, guard: SessionGuard) -> QueryResult<bool> {
    kept_prepared(select(exists(meeting(guard)))).get_result(connection)
}
