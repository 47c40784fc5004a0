//! Logging out.

use actix_web::{HttpRequest, http::header};
use todo_api_types::{
    errors::{cross_site, not_authenticated},
    fields::{Fields, boolean, text},
    problem::ProblemBody,
};
use todo_application::account::{LogoutExtent, logout as log_out};
use utoipa::ToSchema;

use super::message::{MessageResponse, done};
use crate::{
    credentials::no_session_cookie,
    origin::{is_of_same_origin, is_said_to_be_cross_site},
    request::{Request, Response, database},
};

/// The sessions to terminate.
#[derive(ToSchema)]
#[schema(as = Logout)]
#[expect(dead_code, reason = "it describes what `read` reads")]
pub(crate) struct LogoutBody {
    /// `this` session (the default), all `others` of the user, or `all`.
    #[schema(inline, default = "this")]
    sessions: Option<Extent>,
    /// Also revoke personal access tokens; only with `others` or `all`.
    #[schema(default = false)]
    revoke_tokens: Option<bool>,
}

/// The sessions to terminate.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum Extent {
    This,
    Others,
    All,
}

fn read(fields: &mut Fields) -> Option<LogoutExtent> {
    let extent = fields.optional("sessions", text(extent));
    let revoke_tokens = fields.optional("revoke_tokens", boolean);
    let revoke_tokens = revoke_tokens?.unwrap_or_default();
    match extent?.unwrap_or(Extent::This) {
        Extent::This if revoke_tokens => fields.contradiction(
            "revoke_tokens",
            "must be false or absent unless sessions is others or all",
        ),
        Extent::This => Some(LogoutExtent::This),
        Extent::Others => Some(LogoutExtent::Others { revoke_tokens }),
        Extent::All => Some(LogoutExtent::All { revoke_tokens }),
    }
}

fn extent(text: &str) -> Result<Extent, &'static str> {
    match text {
        "this" => Ok(Extent::This),
        "others" => Ok(Extent::Others),
        "all" => Ok(Extent::All),
        _ => Err("must be this, others or all"),
    }
}

/// Log out
///
/// The tokens of the session are invalid from the next request on. Without a valid token, nothing is terminated and the
/// response is the same; `others` and `all` require a valid token. They also revoke every e-mail token and cancel a
/// pending change of the address. The session cookie is cleared for pages of the same origin.
#[utoipa::path(post, path = "/api/auth/logout", operation_id = "logout", tag = "auth", security((), ("token" = [])),
    request_body = LogoutBody,
    responses(
        (status = 200, description = "The sessions are terminated", body = MessageResponse),
        (status = 403, description = "The request has a personal access token (`insufficient_scope`), or it comes without a token from a page of another origin that is not in `CORS_ORIGINS` (`cross_site`)", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn logout(http: HttpRequest, request: Request) -> Response {
    // A browser obeys Set-Cookie in the response to a form of another site, though it sends no cookie with it.
    let clears_cookie = is_of_same_origin(&http);
    if is_forced(&http, &request) {
        return Err(cross_site().into());
    }
    request
        .for_anyone(
            database,
            |input| input.body_if_any(read),
            move |app, visitor, extent| {
                match &visitor.credential {
                    Some(credential) => {
                        log_out(app, &visitor.client, credential, extent)?;
                    }
                    None if extent == LogoutExtent::This => {}
                    None => return Err(not_authenticated()),
                }
                let reply = done("Successfully signed out")?;
                Ok(match extent {
                    LogoutExtent::This | LogoutExtent::All { .. } if clears_cookie => {
                        reply.with_cookie(no_session_cookie())
                    }
                    LogoutExtent::This | LogoutExtent::All { .. } | LogoutExtent::Others { .. } => {
                        reply
                    }
                })
            },
        )
        .await
}

/// Whether a page of a site that nobody trusts asks, without a credential of its own. Pages of `CORS_ORIGINS` may log out
/// without a token, which has no effect.
fn is_forced(http: &HttpRequest, request: &Request) -> bool {
    let headers = http.headers();
    let is_trusted = || {
        let origin = headers
            .get(header::ORIGIN)
            .and_then(|line| line.to_str().ok());
        origin.is_some_and(|origin| request.state.cors_origins.contain(origin))
    };
    !headers.contains_key(header::AUTHORIZATION) && is_said_to_be_cross_site(http) && !is_trusted()
}
