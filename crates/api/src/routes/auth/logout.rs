//! Logging out.

use serde::Serialize;
use todo_application::account::logout as log_out;
use utoipa::ToSchema;

use crate::{problem::Problem, reply::Reply, request::Request};

/// What logging out is answered with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignedOut)]
pub(crate) struct SignedOutResponse {
    #[schema(example = "Successfully signed out")]
    message: &'static str,
}

/// Log out
///
/// From the next request on, the token does not count any more. Without a token, or with one that does not count,
/// there is nothing to end, and the answer is the same.
#[utoipa::path(post, path = "/api/auth/logout", operation_id = "logout", tag = "auth", security((), ("token" = [])),
    responses(
        (status = 200, description = "No session is left", body = SignedOutResponse),
    ))]
pub(crate) async fn logout(request: Request) -> Result<Reply, Problem> {
    request
        .for_anyone(
            |lanes| &lanes.database,
            |app, token, input| {
                input.nothing()?;
                if let Some(token) = token {
                    log_out(app, token)?;
                }
                Ok(Reply::ok(&SignedOutResponse {
                    message: "Successfully signed out",
                })?
                .not_to_be_stored())
            },
        )
        .await
}
