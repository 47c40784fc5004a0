//! Renewing the tokens of a session.

use serde_json::Value;
use todo_api_types::{
    fields::{Fields, kind},
    problem::ProblemBody,
};
use todo_application::account::{TokenDelivery, refresh as refresh_session};
use todo_domain::RefreshToken;
use utoipa::ToSchema;

use super::signed_in::{SignedInResponse, reply_with};
use crate::{
    reply::Reply,
    request::{Request, Response, database},
};

/// A refresh.
#[derive(ToSchema)]
#[schema(as = Refresh)]
#[expect(dead_code, reason = "it describes what `read` reads")]
pub(crate) struct RefreshBody {
    /// The latest `refresh_token`.
    refresh_token: String,
}

fn read(fields: &mut Fields) -> Option<RefreshToken> {
    fields.required("refresh_token", token)
}

fn token(value: Value) -> Result<RefreshToken, String> {
    match value {
        Value::String(token) => Ok(RefreshToken::new(token)),
        other => Err(format!("must be a string, not {}", kind(&other))),
    }
}

/// Refresh tokens
///
/// Replaces the refresh token. Within half a minute, the old token returns the same successor, so that a lost response
/// can be requested again. Later reuse terminates the session, since the token may have been stolen.
#[utoipa::path(post, path = "/api/auth/refresh", operation_id = "refresh", tag = "auth", security(()),
    request_body = RefreshBody,
    responses(
        (status = 200, description = "New tokens", body = SignedInResponse),
        (status = 401, description = "The refresh token is invalid or expired", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn refresh(request: Request) -> Response {
    request
        .for_anyone(
            database,
            |input| input.body(read),
            |app, visitor, token| {
                let signed_in = refresh_session(app, &visitor.client, &token)?;
                reply_with(visitor, &signed_in, TokenDelivery::Body, None, Reply::ok)
            },
        )
        .await
}
