//! Registration.

use todo_api_types::{
    fields::{Fields, text},
    problem::{Problem, ProblemBody},
};
use todo_application::account::{
    Register, Registered, register as register_user, request_verification,
};
use todo_domain::{AccessProof, DisplayName, Email, Password};
use tracing::warn;
use utoipa::ToSchema;

use super::signed_in::{SignedInResponse, read_keeper, replaced_cookie, reply_with};
use crate::{
    reply::Reply,
    request::{Request, Response, hashing},
};

/// A registration.
#[derive(ToSchema)]
#[schema(as = Register)]
#[expect(dead_code, reason = "it describes what `read` reads")]
pub(crate) struct RegisterBody {
    /// E-mail address; it is trimmed and converted to lower case.
    #[schema(format = Email, max_length = 255, example = "ada@example.com")]
    email: String,
    /// Password: any characters, not trimmed. Weak passwords are refused: common ones, the address, its local part, the
    /// name, and the name of this service, in any case.
    #[schema(format = Password, min_length = 8, max_length = 128, example = "correct horse battery")]
    password: String,
    /// Display name; leading and trailing white space is removed.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = r"\S",
        example = "Ada Lovelace"
    )]
    name: String,
    /// Store the token in a cookie that scripts cannot read, instead of returning it.
    #[schema(default = false)]
    cookie: Option<bool>,
}

fn read(fields: &mut Fields) -> Option<Register> {
    let email = fields.required("email", text(Email::new));
    let password = fields.required("password", text(Password::new));
    let name = fields.required("name", text(DisplayName::new));
    let keeper = read_keeper(fields);
    Some(Register {
        email: email?,
        password: password?,
        name: name?,
        keeper: keeper?,
        device: None,
        replaced_cookie: None,
    })
}

/// Register an account
///
/// Creates the first session, and mails a verification token to the address.
#[utoipa::path(post, path = "/api/auth/register", operation_id = "register", tag = "auth", security(()),
    request_body = RegisterBody,
    responses(
        (status = 201, description = "The new account and its session", body = SignedInResponse),
        (status = 409, description = "Another account has the address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many registrations from the address; retry after `Retry-After`",
            body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(crate) async fn register(request: Request) -> Response {
    request
        .for_anyone(
            hashing,
            |input| input.body(read),
            |app, visitor, input| {
                let input = Register {
                    device: visitor.device.clone(),
                    replaced_cookie: replaced_cookie(visitor, input.keeper),
                    ..input
                };
                let keeper = input.keeper;
                let Registered {
                    signed_in,
                    device,
                    device_not_known,
                } = register_user(app, &visitor.client, input)?;
                if let Some(failure) = device_not_known {
                    let cause = Problem::from(failure).causes();
                    warn!(cause, "a device is not known yet");
                }
                let reply = reply_with(visitor, &signed_in, keeper, Some(&device), Reply::created)?;
                let client = visitor.client.clone();
                let proof = AccessProof::new(signed_in.user.id).with_session(signed_in.session.id);
                Ok(reply
                    .at("/api/auth/session".to_owned())
                    .followed_at_best_by(move |app| request_verification(app, &client, &proof)))
            },
        )
        .await
}
