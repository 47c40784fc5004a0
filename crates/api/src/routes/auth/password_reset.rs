//! Choosing a new password by mail.

use todo_api_types::{
    fields::{Fields, text},
    problem::{Problem, ProblemBody},
};
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
    request::{Request, Response, database, hashing},
};

/// A request of a password reset.
#[derive(ToSchema)]
#[schema(as = RequestPasswordReset)]
#[expect(dead_code, reason = "it describes what `read_request` reads")]
pub(crate) struct RequestPasswordResetBody {
    /// E-mail address of the account; case is ignored.
    #[schema(format = Email, max_length = 255, example = "ada@example.com")]
    email: String,
}

fn read_request(fields: &mut Fields) -> Option<Email> {
    fields.required("email", text(Email::new))
}

/// A password reset.
#[derive(ToSchema)]
#[schema(as = ResetPassword)]
#[expect(dead_code, reason = "it describes what `read` reads")]
pub(crate) struct ResetPasswordBody {
    /// Token of a mail.
    #[schema(example = "todo_pwr_0000000000000000000001LygHa16AHYF2Ys7tC")]
    token: String,
    /// New password: any characters, not trimmed. Weak passwords are refused, as in a registration.
    #[schema(format = Password, min_length = 8, max_length = 128, example = "correct horse battery")]
    password: String,
}

fn read(fields: &mut Fields) -> Option<(Secret, Password)> {
    let secret = fields.required("token", text(mailed_secret(SecretKind::PasswordReset)));
    let password = fields.required("password", text(Password::new));
    Some((secret?, password?))
}

/// Request a password reset
///
/// Mails a token to the address if it has an account. The token works once and expires in 30 minutes. At most one such
/// mail per minute is sent, and none while three tokens are valid. Another request does not invalidate earlier tokens.
/// The response is the same without an account.
#[utoipa::path(post, path = "/api/auth/password/reset", operation_id = "requestPasswordReset", tag = "auth",
    security(()), request_body = RequestPasswordResetBody,
    responses(
        (status = 202, description = "A mail is sent if the account exists", body = MessageResponse),
        (status = 429, description = "Too many attempts; retry after `Retry-After`", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn request(request: Request) -> Response {
    request
        .for_anyone(
            database,
            |input| input.body(read_request),
            |app, visitor, email| {
                allow_password_reset(app, &visitor.client)?;
                let client = visitor.client.clone();
                let reply = accepted("If the address has an account, a mail is sent to it")?;
                Ok(reply.followed_by(move |app| request_password_reset(app, &client, &email)))
            },
        )
        .await
}

/// Reset the password
///
/// Requires the token of a mail. All sessions are terminated and all personal access tokens are revoked. Login
/// throttling of the account is reset, and the client's device and address become known to it.
#[utoipa::path(post, path = "/api/auth/password/reset/confirm", operation_id = "resetPassword", tag = "auth",
    security(()), request_body = ResetPasswordBody,
    responses(
        (status = 200, description = "The password is changed", body = MessageResponse),
    ))]
pub(crate) async fn confirm(request: Request) -> Response {
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
