//! Telling callers who they are.

use serde::Serialize;
use todo_application::account::get_user;
use utoipa::ToSchema;

use crate::{
    input::Input,
    problem::Problem,
    reply::Reply,
    request::{Request, database},
    wire::UserResponse,
};

/// Who calls, and for how long.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionResponse<'a> {
    user: UserResponse<'a>,
    /// When the token expires, in seconds since 1970-01-01T00:00:00Z.
    #[schema(example = 1_796_117_400)]
    expires_at: i64,
}

/// Who am I?
#[utoipa::path(get, path = "/api/auth/session", operation_id = "session", tag = "auth",
    responses(
        (status = 200, description = "The caller", body = SessionResponse),
    ))]
pub(crate) async fn session(request: Request) -> Result<Reply, Problem> {
    request
        .for_session(database, Input::nothing, |app, caller, ()| {
            let user = get_user(app, caller)?;
            Reply::ok(&SessionResponse {
                user: (&user).into(),
                expires_at: caller.token_expires_at.as_seconds(),
            })
        })
        .await
}
