//! Changing the caller's password.

use todo_api_types::{
    fields::{Fields, boolean, text},
    problem::ProblemBody,
};
use todo_application::account::{ChangePassword, change_password, notify};
use todo_domain::{Password, PasswordAttempt};
use utoipa::ToSchema;

use super::message::{MessageResponse, done};
use crate::request::{Request, Response, hashing};

/// A change of the password.
#[derive(ToSchema)]
#[schema(as = ChangePassword)]
#[expect(dead_code, reason = "it describes what `read` reads")]
pub(crate) struct ChangePasswordBody {
    /// Current password.
    #[schema(format = Password, min_length = 1, max_length = 128)]
    current_password: String,
    /// New password: any characters, but no common password.
    #[schema(format = Password, min_length = 8, max_length = 128)]
    new_password: String,
    /// Also revoke personal access tokens.
    #[schema(default = false)]
    revoke_tokens: Option<bool>,
}

fn read(fields: &mut Fields) -> Option<ChangePassword> {
    let current = fields.required("current_password", text(PasswordAttempt::new));
    let new = fields.required("new_password", text(Password::new));
    let revoke_tokens = fields.optional("revoke_tokens", boolean);
    Some(ChangePassword {
        current: current?,
        new: new?,
        revoke_tokens: revoke_tokens?.unwrap_or_default(),
    })
}

/// Change the password
///
/// Terminates all other sessions, revokes all e-mail tokens, cancels a pending change of the address, and mails a
/// notice to the account.
#[utoipa::path(put, path = "/api/auth/password", operation_id = "changePassword", tag = "auth",
    request_body = ChangePasswordBody,
    responses(
        (status = 200, description = "The password is changed", body = MessageResponse),
        (status = 429, description = "Too many attempts; retry after `Retry-After`", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn change(request: Request) -> Response {
    request
        .for_session(
            hashing,
            |input| input.body(read),
            |app, caller, change| {
                let notice = change_password(app, caller, &change)?;
                Ok(done("Password changed")?
                    .followed_by_notice(move |app| notify(app, &notice).map(drop)))
            },
        )
        .await
}
