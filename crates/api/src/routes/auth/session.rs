//! Telling callers who they are.

use serde::Serialize;
use todo_api_types::wire::UserResponse;
use todo_application::account::get_user;
use utoipa::ToSchema;

use crate::{
    input::Input,
    reply::Reply,
    request::{Request, Response, database},
};

/// The current session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionResponse<'a> {
    user: UserResponse<'a>,
    /// Expiry of the token, in seconds since 1970-01-01T00:00:00Z.
    #[schema(example = 1_796_117_400)]
    expires_at: i64,
}

/// Get the current session
#[utoipa::path(get, path = "/api/auth/session", operation_id = "session", tag = "auth",
    responses(
        (status = 200, description = "The user and the expiry of the token", body = SessionResponse),
    ))]
pub(crate) async fn session(request: Request) -> Response {
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
