//! Logging in.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use todo_api_types::{
    fields::{Fields, text},
    problem::{Problem, ProblemBody},
};
use todo_application::account::{LoggedIn, Login, LoginError, login as log_in, notify};
use todo_domain::{Email, PasswordAttempt};
use tokio::time::sleep;
use tracing::warn;
use utoipa::ToSchema;

use super::signed_in::{SignedInResponse, read_keeper, replaced_cookie, reply_with};
use crate::{
    reply::Reply,
    request::{Request, Response, hashing},
};

/// A login.
#[derive(ToSchema)]
#[schema(as = Login)]
#[expect(dead_code, reason = "it describes what `read` reads")]
pub(crate) struct LoginBody {
    /// E-mail address of the account; case is ignored.
    #[schema(format = Email, max_length = 255, example = "ada@example.com")]
    email: String,
    /// Current password.
    #[schema(format = Password, min_length = 1, max_length = 128, example = "correct horse battery")]
    password: String,
    /// Store the token in a cookie that scripts cannot read, instead of returning it.
    #[schema(default = false)]
    cookie: Option<bool>,
}

fn read(fields: &mut Fields) -> Option<Login> {
    let email = fields.required("email", text(Email::new));
    let password = fields.required("password", text(PasswordAttempt::new));
    let keeper = read_keeper(fields);
    Some(Login {
        email: email?,
        password: password?,
        keeper: keeper?,
        device: None,
        replaced_cookie: None,
    })
}

/// Log in
///
/// A login with `cookie` terminates the session whose cookie it overwrites. A notice is mailed to the account if
/// neither the device nor the network has logged in to it within 90 days.
#[utoipa::path(post, path = "/api/auth/login", operation_id = "login", tag = "auth", security(()),
    request_body = LoginBody,
    responses(
        (status = 200, description = "The new session", body = SignedInResponse),
        (status = 401, description = "Invalid e-mail address or password", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 403, description = "The password is valid, but the account is disabled", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 429, description = "Too many attempts, or too many concurrent or recent logins of the account or device; retry after `Retry-After`", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn login(request: Request) -> Response {
    let metrics = request.login_metrics();
    let limited = metrics.clone();
    let floor = Floor::default();
    let floor_of_work = floor.clone();
    let answer = request
        .for_anyone(
            hashing,
            |input| input.body(read),
            move |app, visitor, input| {
                let input = Login {
                    device: visitor.device.clone(),
                    replaced_cookie: replaced_cookie(visitor, input.keeper),
                    ..input
                };
                let LoggedIn {
                    signed_in,
                    device,
                    notice,
                    hash_not_renewed,
                    throttle_not_reset,
                } = log_in(app, &visitor.client, &input).inspect_err(|error| match error {
                    LoginError::TooManyLogins(too_many) => limited.limited(too_many.limit),
                    LoginError::InvalidCredentials { rest } => floor_of_work.set(*rest),
                    _ => {}
                })?;
                if let Some(failure) = hash_not_renewed {
                    let cause = Problem::from(failure).causes();
                    warn!(cause, "an outdated password hash is kept");
                }
                if let Some(failure) = throttle_not_reset {
                    let cause = Problem::from(failure).causes();
                    warn!(cause, "a login that succeeded is counted as a failed one");
                }
                let reply =
                    reply_with(visitor, &signed_in, input.keeper, Some(&device), Reply::ok)?;
                Ok(match notice {
                    Some(notice) => {
                        reply.followed_by_notice(move |app| notify(app, &notice).map(drop))
                    }
                    None => reply,
                })
            },
        )
        .await;
    floor.wait().await;
    metrics.answered(answer.as_ref().err().map(|problem| problem.0.code()));
    answer
}

/// What is left of the floor of a failed login. It is waited for here, where it occupies no thread.
#[derive(Debug, Clone, Default)]
struct Floor(Arc<OnceLock<Duration>>);

impl Floor {
    fn set(&self, rest: Duration) {
        // A login fails once.
        self.0.get_or_init(|| rest);
    }

    async fn wait(&self) {
        if let Some(rest) = self.0.get().filter(|rest| !rest.is_zero()) {
            sleep(*rest).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// By a clock that stands still while anything runs, and jumps ahead while all waits.
    #[tokio::test(start_paused = true)]
    async fn what_is_left_of_the_floor_is_waited_for() {
        let began = Instant::now();
        let floor = Floor::default();
        floor.wait().await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        floor.clone().set(Duration::from_millis(970));
        floor.wait().await;
        // The timer counts whole milliseconds.
        let waited = began.elapsed().as_millis();
        assert!((970..=972).contains(&waited), "{waited}");
    }
}
