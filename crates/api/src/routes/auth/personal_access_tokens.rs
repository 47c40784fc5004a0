//! The caller's personal access tokens.

use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;
use todo_api_types::{
    fields::{Fields, array, integer, text},
    problem::ProblemBody,
    wire::{as_text, as_text_or_null},
};
use todo_application::account::{
    CreateToken, CreatedToken, create_token, list_tokens, notify, revoke_token,
};
use todo_domain::{
    NewPersonalAccessToken, PasswordAttempt, PersonalAccessToken, Scope, Timestamp, TokenId,
    TokenLifetime, TokenName, TokenScopes,
};
use utoipa::ToSchema;

use crate::{
    input::Input,
    reply::Reply,
    request::{Request, Response, database, hashing},
};

/// A new personal access token.
#[derive(ToSchema)]
#[schema(as = CreateToken)]
#[expect(dead_code, reason = "it describes what `read` reads")]
pub(crate) struct CreateTokenBody {
    /// Name; it is trimmed and need not be unique.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"\S",
        example = "backup of the laptop"
    )]
    name: String,
    /// Scopes, without duplicates.
    #[schema(value_type = HashSet<ScopeName>, inline = false, min_items = 1, max_items = 2)]
    scopes: Vec<ScopeName>,
    /// Lifetime in days of 24 hours.
    #[schema(minimum = 1, maximum = 366, example = 30)]
    expires_in_days: i64,
    /// Current password. Required if the login of the session is more than ten minutes old.
    #[schema(format = Password, min_length = 1, max_length = 128)]
    password: Option<String>,
}

/// A permission of a personal access token.
#[derive(ToSchema)]
#[schema(as = Scope)]
#[expect(dead_code, reason = "it describes what a scope is on the wire")]
pub(crate) enum ScopeName {
    #[schema(rename = "tasks:read")]
    Read,
    #[schema(rename = "tasks:write")]
    Write,
}

fn read(fields: &mut Fields) -> Option<CreateToken> {
    let name = fields.required("name", text(TokenName::new));
    let scopes = fields.required("scopes", scopes);
    let lifetime = fields.required("expires_in_days", integer(TokenLifetime::from_days));
    let password = fields.optional("password", text(PasswordAttempt::new));
    Some(CreateToken {
        new: NewPersonalAccessToken {
            name: name?,
            scopes: scopes?,
            lifetime: lifetime?,
        },
        password: password?,
    })
}

fn scopes(value: Value) -> Result<TokenScopes, String> {
    TokenScopes::new(array(text(Scope::from_str))(value)?).map_err(|error| error.to_string())
}

/// A personal access token with its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedToken)]
pub(crate) struct CreatedTokenResponse<'a> {
    /// Token for `Authorization: Bearer …`. It is shown only once.
    #[schema(example = "todo_pat_0000000000000000000001LygHa16AHYF22r4wb")]
    token: &'a str,
    #[serde(flatten)]
    item: TokenItem<'a>,
}

/// The personal access tokens of the user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokenList)]
pub(crate) struct TokenListResponse<'a> {
    /// Valid tokens, newest first.
    tokens: Vec<TokenItem<'a>>,
}

/// A personal access token without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokenItem)]
pub(crate) struct TokenItem<'a> {
    /// Id of the token; not a secret.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = uuid::Uuid)]
    id: TokenId,
    /// Name.
    #[schema(min_length = 1, max_length = 100, example = "backup of the laptop")]
    name: &'a str,
    /// Scopes.
    #[schema(value_type = Vec<ScopeName>)]
    scopes: Vec<&'static str>,
    /// Creation time, in UTC with microseconds.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime, example = "2026-12-01T09:30:00.000000Z")]
    created_at: Timestamp,
    /// Expiry.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime, example = "2026-12-31T09:30:00.000000Z")]
    expires_at: Timestamp,
    /// Last-used time, to the minute; null if never used.
    #[serde(serialize_with = "as_text_or_null")]
    #[schema(required, value_type = Option<String>, format = DateTime, example = "2026-12-01T09:30:00.000000Z")]
    last_used_at: Option<Timestamp>,
}

impl<'a> From<&'a PersonalAccessToken> for TokenItem<'a> {
    fn from(token: &'a PersonalAccessToken) -> Self {
        Self {
            id: token.id,
            name: token.name.as_str(),
            scopes: token.scopes.iter().map(Scope::as_str).collect(),
            created_at: token.created_at,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
        }
    }
}

/// Create a personal access token
///
/// A credential for programs. It grants access to tasks, within its scopes; accounts, sessions and tokens require a
/// session. A user has at most 50. The token outlives the session, so the password is required unless the login is at
/// most ten minutes old.
#[utoipa::path(post, path = "/api/auth/tokens", operation_id = "createToken", tag = "auth",
    request_body = CreateTokenBody,
    responses(
        (status = 201, description = "The token", body = CreatedTokenResponse),
        (status = 403, description = "The request has a personal access token (`insufficient_scope`), or the password is required (`reauthentication_required`)", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The user has 50 tokens", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 429, description = "Too many attempts; retry after `Retry-After`", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn create(request: Request) -> Response {
    request
        .for_session(
            hashing,
            |input| input.body(read),
            |app, caller, new| {
                let CreatedToken {
                    token,
                    secret,
                    notice,
                } = create_token(app, caller, new)?;
                Ok(Reply::created(&CreatedTokenResponse {
                    token: secret.expose(),
                    item: (&token).into(),
                })?
                .followed_by_notice(move |app| notify(app, &notice).map(drop)))
            },
        )
        .await
}

/// List personal access tokens
#[utoipa::path(get, path = "/api/auth/tokens", operation_id = "tokens", tag = "auth",
    responses(
        (status = 200, description = "The personal access tokens of the user", body = TokenListResponse),
    ))]
pub(crate) async fn list(request: Request) -> Response {
    request
        .not_counted_for_user()
        .for_session(database, Input::nothing, |app, caller, ()| {
            let tokens = list_tokens(app, caller)?;
            Reply::ok(&TokenListResponse {
                tokens: tokens.iter().map(TokenItem::from).collect(),
            })
        })
        .await
}

/// Revoke a personal access token
///
/// The token is invalid from the next request on.
#[utoipa::path(delete, path = "/api/auth/tokens/{id}", operation_id = "revokeToken", tag = "auth",
    params(("id" = uuid::Uuid, Path, description = "The id of the token")),
    responses(
        (status = 204, description = "The token is revoked"),
        (status = 404, description = "The token does not exist", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn revoke(request: Request) -> Response {
    request
        .not_counted_for_user()
        .for_session(database, Input::id_alone, |app, caller, id| {
            revoke_token(app, caller, id)?;
            Ok(Reply::no_content())
        })
        .await
}
