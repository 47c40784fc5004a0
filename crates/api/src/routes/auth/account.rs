//! The caller's account.

use std::str::FromStr;

use serde::Serialize;
use todo_api_types::{
    fields::{Fields, text},
    wire::{as_text, as_text_or_null},
};
use todo_application::account::{Account, delete_account, get_account, update_account};
use todo_domain::{
    DisplayName, PasswordAttempt, PendingEmailChange, TimeZone, Timestamp, UserChange,
};
use utoipa::ToSchema;

use crate::{
    credentials::no_session_cookie,
    input::Input,
    reply::Reply,
    request::{Request, Response, database, hashing},
};

/// An account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub(crate) struct AccountResponse<'a> {
    /// Id of the user; never changes.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = uuid::Uuid)]
    id: todo_domain::UserId,
    /// E-mail address, in lower case.
    #[schema(format = Email, example = "ada@example.com")]
    email: &'a str,
    /// Whether the address is confirmed.
    email_verified: bool,
    /// Display name; null for some accounts of another backend.
    #[schema(required, example = "Ada Lovelace")]
    name: Option<&'a str>,
    /// IANA time zone of the user, in which days begin; null stands for UTC.
    #[serde(serialize_with = "as_text_or_null")]
    #[schema(required, value_type = Option<String>, example = "Europe/Berlin")]
    time_zone: Option<&'a TimeZone>,
    /// Creation time, in UTC with microseconds.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime, example = "2026-12-01T09:30:00.000000Z")]
    created_at: Timestamp,
    /// Time of the last change.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime, example = "2026-12-01T09:30:00.000000Z")]
    updated_at: Timestamp,
    /// Pending change of the address; null if there is none.
    #[schema(required)]
    pending_email_change: Option<PendingEmailChangeItem<'a>>,
}

/// A requested change of the address that is not confirmed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PendingEmailChange)]
pub(crate) struct PendingEmailChangeItem<'a> {
    /// New address.
    #[schema(format = Email, example = "countess@example.com")]
    email: &'a str,
    /// Time of the request, in UTC with microseconds.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime, example = "2026-12-01T09:30:00.000000Z")]
    requested_at: Timestamp,
    /// Expiry of the request.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime, example = "2026-12-02T09:30:00.000000Z")]
    expires_at: Timestamp,
}

impl<'a> From<&'a PendingEmailChange> for PendingEmailChangeItem<'a> {
    fn from(pending: &'a PendingEmailChange) -> Self {
        Self {
            email: pending.email.as_str(),
            requested_at: pending.requested_at,
            expires_at: pending.expires_at,
        }
    }
}

impl<'a> From<&'a Account> for AccountResponse<'a> {
    fn from(account: &'a Account) -> Self {
        let Account {
            user,
            pending_email_change,
        } = account;
        Self {
            id: user.id,
            email: user.email.as_str(),
            email_verified: user.email_verified,
            name: user.name.as_ref().map(DisplayName::as_str),
            time_zone: user.settings.time_zone.as_ref(),
            created_at: user.created_at,
            updated_at: user.updated_at,
            pending_email_change: pending_email_change.as_ref().map(Into::into),
        }
    }
}

/// A change of an account; absent fields are not changed.
#[derive(ToSchema)]
#[schema(as = UpdateAccount)]
#[expect(dead_code, reason = "it describes what `read` reads")]
pub(crate) struct UpdateAccountBody {
    /// Display name; leading and trailing white space is removed.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = r"\S",
        example = "Ada Lovelace",
        nullable = false
    )]
    name: Option<String>,
    /// IANA time zone; null clears it.
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
}

fn read(fields: &mut Fields) -> Option<UserChange> {
    let name = fields.change("name", text(DisplayName::new));
    let time_zone = fields.nullable_change("time_zone", text(TimeZone::from_str));
    Some(UserChange {
        name: name?,
        time_zone: time_zone?,
    })
}

/// Get the current account
#[utoipa::path(get, path = "/api/auth/account", operation_id = "account", tag = "auth",
    responses(
        (status = 200, description = "The account", body = AccountResponse),
    ))]
pub(crate) async fn account(request: Request) -> Response {
    request
        .for_session(database, Input::nothing, |app, caller, ()| {
            let account = get_account(app, caller)?;
            Reply::ok(&AccountResponse::from(&account))
        })
        .await
}

/// Update the current account
///
/// A JSON merge patch (RFC 7396).
#[utoipa::path(patch, path = "/api/auth/account", operation_id = "updateAccount", tag = "auth",
    request_body = UpdateAccountBody,
    responses(
        (status = 200, description = "The updated account", body = AccountResponse),
    ))]
pub(crate) async fn update(request: Request) -> Response {
    request
        .for_session(
            database,
            |input| input.merge_patch(read),
            |app, caller, change| {
                let account = update_account(app, caller, &change)?;
                Reply::ok(&AccountResponse::from(&account))
            },
        )
        .await
}

/// Confirmation of the deletion.
#[derive(ToSchema)]
#[schema(as = DeleteAccount)]
#[expect(dead_code, reason = "it describes what `read_password` reads")]
pub(crate) struct DeleteAccountBody {
    /// Current password.
    #[schema(format = Password, min_length = 1, max_length = 128)]
    password: String,
}

fn read_password(fields: &mut Fields) -> Option<PasswordAttempt> {
    fields.required("password", text(PasswordAttempt::new))
}

/// Delete the current account
///
/// The account and all its data, including tasks, are deleted permanently.
#[utoipa::path(post, path = "/api/auth/account/delete", operation_id = "deleteAccount", tag = "auth",
    request_body = DeleteAccountBody,
    responses(
        (status = 204, description = "The account is deleted"),
    ))]
pub(crate) async fn delete(request: Request) -> Response {
    request
        .for_session(
            hashing,
            |input| input.body(read_password),
            |app, caller, password| {
                delete_account(app, caller, &password)?;
                Ok(Reply::no_content().with_cookie(no_session_cookie()))
            },
        )
        .await
}
