//! Authorization: who makes a request, whether they may, and whether their input is valid, in this order.
//!
//! Input is parsed before the request waits for a thread. Invalid input is reported to authorized callers alone, and also
//! when there is no thread to authorize them on.

use std::sync::Arc;

use todo_application::{
    App, Caller, SessionCaller,
    account::{
        Authenticated, Credential, Permission, authenticate_session, authorize, authorize_and_run,
    },
};
use todo_domain::{Client, Scope, UserId};
use tracing::warn;

use crate::{
    State,
    input::Input,
    problem::Problem,
    rate_limits::{RateLimited, RateLimits},
    trace::Actor,
};

/// The input of a request, parsed.
#[derive(Debug)]
pub(crate) struct Parsed<T> {
    /// The user whom the path names, if any.
    pub(crate) subject: Option<UserId>,
    /// The input, if it is valid.
    pub(crate) value: Option<T>,
    /// The problem with it, if it is not.
    pub(crate) problem: Option<Problem>,
}

/// The outcome of a request on its thread.
#[derive(Debug)]
pub(crate) enum Outcome<R> {
    /// The work ran.
    Done(R),
    /// The caller is authorized; the input is invalid.
    InputInvalid,
}

/// What it takes to authorize a caller.
#[derive(Debug, Clone)]
pub(crate) struct Authorization {
    pub(crate) credential: Credential,
    /// Counts requests of the user, if they are counted.
    pub(crate) rate_limits: Option<Arc<RateLimits>>,
    /// Where the user is noted for the log.
    pub(crate) actor: Actor,
}

impl<T> Parsed<T> {
    /// Parses the path, and the rest with `read`.
    pub(crate) fn new(input: &Input, read: impl FnOnce(&Input) -> Result<T, Problem>) -> Self {
        let (subject, value) = match input.user_id() {
            Ok(subject) => (subject, read(input)),
            Err(problem) => (None, Err(problem)),
        };
        let (value, problem) = match value {
            Ok(value) => (Some(value), None),
            Err(problem) => (None, Some(problem)),
        };
        Self {
            subject,
            value,
            problem,
        }
    }
}

impl<R> Outcome<R> {
    /// The result of a request whose input had this problem, if any. No answer is held back for lack of a thread.
    pub(crate) fn or_invalid(
        outcome: Result<Self, Problem>,
        invalid: Option<Problem>,
    ) -> Result<R, Problem> {
        match (outcome, invalid) {
            (Ok(Self::Done(reply)), _) => Ok(reply),
            (Err(busy), Some(invalid)) if busy.is_overload() => Err(invalid),
            (Err(problem), _) => Err(problem),
            (Ok(Self::InputInvalid), invalid) => Err(invalid.unwrap_or_else(Problem::internal)),
        }
    }
}

impl Authorization {
    /// Runs `work` for a caller with `scope`, who is `subject` if the path names a user; without input, the caller is
    /// authorized only.
    pub(crate) fn run<T, R>(
        &self,
        state: &State,
        scope: Scope,
        subject: Option<UserId>,
        input: Option<&T>,
        work: impl Fn(&App, &Caller, &T) -> Result<R, Problem>,
    ) -> Result<Outcome<R>, Problem> {
        let State {
            app, seen_sessions, ..
        } = state;
        let permission = Permission { scope, subject };
        let admit = |user| Ok::<_, Problem>(self.count(user)?);
        let credential = &self.credential;
        let Some(input) = input else {
            noted(authorize(
                app,
                seen_sessions,
                credential,
                permission,
                admit,
            )?);
            return Ok(Outcome::InputInvalid);
        };
        authorize_and_run(
            app,
            seen_sessions,
            credential,
            permission,
            admit,
            |authenticated| work(app, &noted(authenticated), input).map(Outcome::Done),
        )
    }

    /// The caller, if the credential is that of a session that is valid.
    pub(crate) fn session(&self, app: &App, client: &Client) -> Result<SessionCaller, Problem> {
        let caller = noted(authenticate_session(app, &self.credential, client)?);
        self.count(caller.user_id())?;
        Ok(caller)
    }

    /// Notes the user for the log, and counts the request.
    fn count(&self, user: UserId) -> Result<(), RateLimited> {
        self.actor.is(user);
        self.rate_limits
            .as_ref()
            .map_or(Ok(()), |limits| limits.count_user(user))
    }
}

/// The caller, after a failure to record the use of the credential was logged.
fn noted<C>(authenticated: Authenticated<C>) -> C {
    if let Some(failure) = authenticated.use_not_recorded {
        let cause = Problem::from(failure).causes();
        warn!(
            cause,
            "the time of the last use of a session or a token was not recorded"
        );
    }
    authenticated.caller
}
