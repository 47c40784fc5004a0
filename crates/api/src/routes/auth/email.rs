//! Confirming an address, and changing it.

use todo_api_types::{
    errors::not_authenticated,
    fields::{Fields, text},
    problem::ProblemBody,
};
use todo_application::account::{
    EmailChange, allow_email_change, authenticate_session, cancel_email_change,
    request_email_change, request_verification, tell_of_email_change, verify_email,
    withdraw_email_change,
};
use todo_domain::{Email, PasswordAttempt, Secret, SecretKind};
use utoipa::ToSchema;

use super::{
    mailed_secret::mailed_secret,
    message::{MessageResponse, accepted, done},
};
use crate::{
    input::Input,
    request::{Request, Response, database, hashing},
};

/// A confirmation of an e-mail address.
#[derive(ToSchema)]
#[schema(as = VerifyEmail)]
#[expect(dead_code, reason = "it describes what `read_token` reads")]
pub(crate) struct VerifyEmailBody {
    /// Token of the latest mail.
    #[schema(example = "todo_evt_0000000000000000000001LygHa16AHYF1jfXl3")]
    token: String,
}

fn read_token(fields: &mut Fields) -> Option<Secret> {
    fields.required("token", text(mailed_secret(SecretKind::EmailVerification)))
}

/// A change of the e-mail address.
#[derive(ToSchema)]
#[schema(as = ChangeEmail)]
#[expect(dead_code, reason = "it describes what `read_change` reads")]
pub(crate) struct ChangeEmailBody {
    /// New address; it is trimmed and converted to lower case.
    #[schema(format = Email, max_length = 255, example = "countess@example.com")]
    email: String,
    /// Current password.
    #[schema(format = Password, min_length = 1, max_length = 128, example = "correct horse battery")]
    password: String,
}

fn read_change(fields: &mut Fields) -> Option<EmailChange> {
    let email = fields.required("email", text(Email::new));
    let password = fields.required("password", text(PasswordAttempt::new));
    Some(EmailChange {
        email: email?,
        password: password?,
    })
}

/// Request a verification mail
///
/// The token works once and expires in 24 hours. At most one such mail per minute is sent, and none if the address is
/// confirmed.
#[utoipa::path(post, path = "/api/auth/email/verification", operation_id = "requestVerification", tag = "auth",
    responses(
        (status = 202, description = "A mail is sent if the address is not confirmed", body = MessageResponse),
    ))]
pub(crate) async fn request(request: Request) -> Response {
    request
        .for_session(database, Input::nothing, |_, caller, ()| {
            let (client, proof) = (caller.client.clone(), caller.proof());
            let reply = accepted("If the address is not confirmed, a mail is sent to it")?;
            Ok(reply.followed_by(move |app| request_verification(app, &client, &proof)))
        })
        .await
}

/// Confirm an e-mail address
///
/// Requires the token of the mail. A pending change of the address takes effect.
#[utoipa::path(post, path = "/api/auth/email/verify", operation_id = "verifyEmail", tag = "auth", security(()),
    request_body = VerifyEmailBody,
    responses(
        (status = 200, description = "The address is confirmed", body = MessageResponse),
        (status = 409, description = "Another account has the address", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn verify(request: Request) -> Response {
    request
        .for_anyone(
            database,
            |input| input.body(read_token),
            |app, visitor, secret| {
                let verified = verify_email(app, &visitor.client, &secret)?;
                let reply = done("Address confirmed")?;
                Ok(match verified.former {
                    None => reply,
                    Some(former) => {
                        reply.followed_by_notice(move |app| tell_of_email_change(app, former))
                    }
                })
            },
        )
        .await
}

/// Change the e-mail address
///
/// Requires the password. A token is mailed to the new address; it works once and expires in 24 hours. At most one such
/// mail per minute is sent. The address changes when it is confirmed. The current address is notified, with a token
/// that cancels the change. The response does not reveal whether another account has the new address.
#[utoipa::path(post, path = "/api/auth/email", operation_id = "changeEmail", tag = "auth",
    request_body = ChangeEmailBody,
    responses(
        (status = 202, description = "A mail is sent to each address", body = MessageResponse),
        (status = 429, description = "Too many attempts; retry after `Retry-After`", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn change(request: Request) -> Response {
    request
        .for_session(
            hashing,
            |input| input.body(read_change),
            |app, caller, change| {
                let allowed = allow_email_change(app, caller, change)?;
                let reply = accepted(
                    "A mail is sent to the new address; confirm the address to change it",
                )?;
                Ok(reply.followed_by(move |app| request_email_change(app, allowed)))
            },
        )
        .await
}

/// A cancellation of a change of the address.
#[derive(ToSchema)]
#[schema(as = CancelEmailChange)]
#[expect(dead_code, reason = "it describes what `read_cancellation` reads")]
pub(crate) struct CancelEmailChangeBody {
    /// Token that was mailed to the current address. Optional if the request has the credential of a session.
    #[schema(example = "todo_ecc_0000000000000000000001LygHa16AHYF1iky3b")]
    token: Option<String>,
}

fn read_cancellation(fields: &mut Fields) -> Option<Option<Secret>> {
    let kind = SecretKind::EmailChangeCancellation;
    fields.optional("token", text(mailed_secret(kind)))
}

/// Cancel a change of the e-mail address
///
/// Requires the token that was mailed to the current address, or a session. The token that was mailed to the new
/// address is revoked.
#[utoipa::path(post, path = "/api/auth/email/cancel", operation_id = "cancelEmailChange", tag = "auth",
    security((), ("token" = [])), request_body = CancelEmailChangeBody,
    responses(
        (status = 200, description = "The change is cancelled", body = MessageResponse),
        (status = 404, description = "No change is pending", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn cancel(request: Request) -> Response {
    request
        .for_anyone(
            database,
            |input| input.body_if_any(read_cancellation),
            |app, visitor, secret| {
                match (secret, &visitor.credential) {
                    (Some(secret), _) => cancel_email_change(app, &visitor.client, &secret)?,
                    (None, Some(credential)) => {
                        let caller = authenticate_session(app, credential, &visitor.client)?.caller;
                        withdraw_email_change(app, &caller)?;
                    }
                    (None, None) => return Err(not_authenticated()),
                }
                done("Change of the address cancelled")
            },
        )
        .await
}
