//! The caller's personal access tokens.

use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;
use todo_application::account::{
    CreateToken, CreatedToken, create_token, list_tokens, notify, revoke_token,
};
use todo_domain::{
    NewPersonalAccessToken, PasswordAttempt, PersonalAccessToken, Scope, Timestamp, TokenId,
    TokenLifetime, TokenName, TokenScopes,
};
use utoipa::ToSchema;

use crate::{
    fields::{Fields, array, integer, text},
    input::Input,
    problem::{Problem, ProblemBody},
    reply::Reply,
    request::{Request, database, hashing},
    wire::{as_text, as_text_or_null},
};

/// A token to be made.
#[derive(ToSchema)]
#[schema(as = CreateToken)]
#[expect(dead_code, reason = "it describes what `read` reads")]
pub(crate) struct CreateTokenBody {
    /// What to call it; it is trimmed. Two may have the same name.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"\S",
        example = "backup of the laptop"
    )]
    name: String,
    /// What it is to be good for; nothing twice.
    #[schema(value_type = HashSet<ScopeName>, inline = false, min_items = 1, max_items = 2)]
    scopes: Vec<ScopeName>,
    /// After how many days of 24 hours it expires.
    #[schema(minimum = 1, maximum = 366, example = 30)]
    expires_in_days: i64,
    /// Password of the account. Required when the login of the session is more than ten minutes old.
    #[schema(format = Password, min_length = 1, max_length = 128)]
    password: Option<String>,
}

/// One thing that a token may be good for.
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

/// A token that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedToken)]
pub(crate) struct CreatedTokenResponse<'a> {
    /// What to send as `Authorization: Bearer …`. It is told now and never again.
    #[schema(example = "todo_pat_0000000000000000000001LygHa16AHYF22r4wb")]
    token: &'a str,
    #[serde(flatten)]
    item: TokenItem<'a>,
}

/// The tokens of the caller.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokenList)]
pub(crate) struct TokenListResponse<'a> {
    /// Those that are in force, the one that was made last first.
    tokens: Vec<TokenItem<'a>>,
}

/// What is known of a token, its secret aside.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokenItem)]
pub(crate) struct TokenItem<'a> {
    /// Identifies the token; it is no secret.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = uuid::Uuid)]
    id: TokenId,
    /// What it is called.
    #[schema(min_length = 1, max_length = 100, example = "backup of the laptop")]
    name: &'a str,
    /// What it is good for.
    #[schema(value_type = Vec<ScopeName>)]
    scopes: Vec<&'static str>,
    /// When it was made, in UTC and to the microsecond.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime, example = "2026-12-01T09:30:00.000000Z")]
    created_at: Timestamp,
    /// When it expires.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime, example = "2026-12-31T09:30:00.000000Z")]
    expires_at: Timestamp,
    /// When it was last used, to the minute or so; null while it never was.
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

/// Make a personal access token
///
/// For a program, which shows it in place of a login. It is good for tasks alone, as far as its scopes say; what has to
/// do with the account, its sessions and its tokens takes a session. A user has 50 at most. A token outlives the session,
/// so it takes the password, unless the login of the session is at most ten minutes old.
#[utoipa::path(post, path = "/api/auth/tokens", operation_id = "createToken", tag = "auth",
    request_body = CreateTokenBody,
    responses(
        (status = 201, description = "The token", body = CreatedTokenResponse),
        (status = 403, description = "The token lacks the permission, or the password is required \
            (`reauthentication_required`)", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The caller has 50 tokens", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 429, description = "Too many attempts; `Retry-After` says how long to wait", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn create(request: Request) -> Result<Reply, Problem> {
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

/// Which tokens have I made?
#[utoipa::path(get, path = "/api/auth/tokens", operation_id = "tokens", tag = "auth",
    responses(
        (status = 200, description = "The tokens of the caller", body = TokenListResponse),
    ))]
pub(crate) async fn list(request: Request) -> Result<Reply, Problem> {
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

/// Revoke a token
///
/// From the next request on, it counts no more.
#[utoipa::path(delete, path = "/api/auth/tokens/{id}", operation_id = "revokeToken", tag = "auth",
    params(("id" = uuid::Uuid, Path, description = "The id of the token")),
    responses(
        (status = 204, description = "The token counts no more"),
        (status = 404, description = "The caller has no such token", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn revoke(request: Request) -> Result<Reply, Problem> {
    request
        .not_counted_for_user()
        .for_session(database, Input::id_alone, |app, caller, id| {
            revoke_token(app, caller, id)?;
            Ok(Reply::no_content())
        })
        .await
}
