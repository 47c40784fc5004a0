//! Responses of registration and login.

use serde::Serialize;
use todo_api_types::{
    fields::{Fields, boolean},
    problem::Problem,
    wire::UserResponse,
};
use todo_application::account::{SignedIn, TokenDelivery};
use todo_domain::{AccessToken, RefreshToken, Secret};
use utoipa::ToSchema;

use crate::{
    credentials::{device_cookie, session_cookie},
    reply::Reply,
    request::Anonymous,
};

/// A user with a new session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignedIn)]
pub(crate) struct SignedInResponse<'a> {
    user: UserResponse<'a>,
    /// Access token for `Authorization: Bearer …`; absent with `cookie`.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    /// Refresh token for `/api/auth/refresh`; absent with `cookie`.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    /// Expiry of the token, in seconds since 1970-01-01T00:00:00Z.
    #[schema(example = 1_796_117_400)]
    expires_at: i64,
}

/// Who keeps the token.
pub(super) fn read_keeper(fields: &mut Fields) -> Option<TokenDelivery> {
    let wants_cookie = fields.optional("cookie", boolean)?;
    Some(match wants_cookie {
        Some(true) => TokenDelivery::Cookie,
        Some(false) | None => TokenDelivery::Body,
    })
}

/// The session cookie of the visitor that a new one for `keeper` overwrites in the browser.
pub(super) fn replaced_cookie(visitor: &Anonymous, keeper: TokenDelivery) -> Option<AccessToken> {
    match keeper {
        TokenDelivery::Cookie => visitor.session_cookie.clone(),
        TokenDelivery::Body => None,
    }
}

/// Answers with the body that `reply` is given, and with a cookie where that was asked for. Another one has
/// `device` known again.
pub(super) fn reply_with<'a>(
    visitor: &Anonymous,
    signed_in: &'a SignedIn,
    keeper: TokenDelivery,
    device: Option<&Secret>,
    reply: impl FnOnce(&SignedInResponse<'a>) -> Result<Reply, Problem>,
) -> Result<Reply, Problem> {
    let SignedIn {
        user,
        token,
        refresh_token,
        issued_at,
        expires_at,
        ..
    } = signed_in;
    visitor.actor.is(user.id);
    let body = SignedInResponse {
        user: user.into(),
        token: (keeper == TokenDelivery::Body).then(|| token.expose()),
        refresh_token: refresh_token.as_ref().map(RefreshToken::expose),
        expires_at: expires_at.as_seconds(),
    };
    let reply = reply(&body)?;
    let reply = match keeper {
        TokenDelivery::Body => reply,
        TokenDelivery::Cookie => reply.with_cookie(session_cookie(token, *issued_at, *expires_at)),
    };
    Ok(match device {
        Some(device) => reply.with_cookie(device_cookie(device)),
        None => reply,
    })
}
