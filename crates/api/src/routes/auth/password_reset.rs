//! Choosing a new password by mail.

use todo_application::account::{
    PasswordWasReset, allow_password_reset, request_password_reset, reset_password,
    tell_of_password_reset,
};
use todo_domain::{Email, Password, Secret, SecretKind};
use tracing::warn;
use utoipa::ToSchema;

use super::{
    mailed_secret::mailed_secret,
    message::{MessageResponse, accepted, done},
};
use crate::{
    credentials::device_cookie,
    fields::{Fields, text},
    problem::{Problem, ProblemBody},
    reply::Reply,
    request::{Request, database, hashing},
};

/// Whose password is to be another.
#[derive(ToSchema)]
#[schema(as = RequestPasswordReset)]
#[expect(dead_code, reason = "it describes what `read_request` reads")]
pub(crate) struct RequestPasswordResetBody {
    /// The address of the account, in any case.
    #[schema(format = Email, max_length = 255, example = "ada@example.com")]
    email: String,
}

fn read_request(fields: &mut Fields) -> Option<Email> {
    fields.required("email", text(Email::new))
}

/// The new password, and what allows it.
#[derive(ToSchema)]
#[schema(as = ResetPassword)]
#[expect(dead_code, reason = "it describes what `read` reads")]
pub(crate) struct ResetPasswordBody {
    /// The token of one of the mails.
    #[schema(example = "todo_pwr_0000000000000000000001LygHa16AHYF2Ys7tC")]
    token: String,
    /// Any characters; it is not trimmed. What is easily guessed is refused, as it is where an account is made.
    #[schema(format = Password, min_length = 8, max_length = 128, example = "correct horse battery")]
    password: String,
}

fn read(fields: &mut Fields) -> Option<(Secret, Password)> {
    let secret = fields.required("token", text(mailed_secret(SecretKind::PasswordReset)));
    let password = fields.required("password", text(Password::new));
    Some((secret?, password?))
}

/// Ask for a new password
///
/// If there is an account with this address, a token is mailed to it that is valid once, for 30 minutes: at most one such
/// mail a minute, and none while three of them are valid. A further request invalidates none of them. The answer is the
/// same if there is no account.
#[utoipa::path(post, path = "/api/auth/password/reset", operation_id = "requestPasswordReset", tag = "auth",
    security(()), request_body = RequestPasswordResetBody,
    responses(
        (status = 202, description = "A mail is sent if there is such an account", body = MessageResponse),
        (status = 429, description = "Too many attempts; `Retry-After` says how long to wait", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn request(request: Request) -> Result<Reply, Problem> {
    request
        .for_anyone(
            database,
            |input| input.body(read_request),
            |app, visitor, email| {
                allow_password_reset(app, &visitor.client)?;
                let client = visitor.client.clone();
                let reply = accepted(
                    "If there is an account with this address, a mail is on its way to it",
                )?;
                Ok(reply.followed_by(move |app| request_password_reset(app, &client, &email)))
            },
        )
        .await
}

/// Choose a new password
///
/// It takes the token of a mail. Every session of the user ends, and every personal access token is revoked. Failed logins
/// of the account are forgotten, and the device and the address of the client become known to it.
#[utoipa::path(post, path = "/api/auth/password/reset/confirm", operation_id = "resetPassword", tag = "auth",
    security(()), request_body = ResetPasswordBody,
    responses(
        (status = 200, description = "The password is the new one", body = MessageResponse),
    ))]
pub(crate) async fn confirm(request: Request) -> Result<Reply, Problem> {
    request
        .reserved()
        .for_anyone(
            hashing,
            |input| input.body(read),
            |app, visitor, (secret, password)| {
                let PasswordWasReset {
                    email,
                    device,
                    throttle_not_reset,
                } = reset_password(app, &visitor.client, &secret, &password)?;
                if let Some(failure) = throttle_not_reset {
                    let cause = Problem::from(failure).causes();
                    warn!(cause, "failed logins still count after a password reset");
                }
                Ok(done("Password changed; log in with the new one")?
                    .with_cookie(device_cookie(&device))
                    .followed_by_notice(move |app| tell_of_password_reset(app, email)))
            },
        )
        .await
}
