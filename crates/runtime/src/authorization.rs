//! Authorization: who makes a request, whether they may, and whether their input is valid, in this order.
//!
//! Input is parsed before the request waits for a thread. Invalid input is reported to authorized callers alone, and also
//! when there is no thread to authorize them on.

use todo_api_types::problem::Problem;
use todo_application::{
    App, Caller, SessionCaller,
    account::{
        Authenticated, Credential, Permission, authenticate_session, authorize, authorize_and_run,
    },
};
use todo_domain::{Client, Scope, UserId};
use tracing::warn;

use crate::{Runtime, rate_limits::RateLimited, trace::Actor};

/// The input of a request, parsed.
#[derive(Debug)]
pub struct Parsed<T> {
    /// The user that the request names and the caller must be, if any.
    pub subject: Option<UserId>,
    /// The input, if it is valid.
    pub value: Option<T>,
    /// The problem with it, if it is not.
    pub problem: Option<Problem>,
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
    credential: Credential,
    counts_for_user: bool,
    /// Where the user is noted for the log.
    actor: Actor,
}

impl<T> Parsed<T> {
    /// Input that was read, from a request that names the user `subject`, if any.
    pub fn new(subject: Option<UserId>, read: Result<T, Problem>) -> Self {
        let (value, problem) = match read {
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
    pub(crate) fn new(credential: Credential, counts_for_user: bool, actor: &Actor) -> Self {
        Self {
            credential,
            counts_for_user,
            actor: actor.clone(),
        }
    }

    /// The same, for a request that was counted.
    pub(crate) fn counted_already(self) -> Self {
        Self {
            counts_for_user: false,
            ..self
        }
    }

    /// Runs `work` for a caller with `scope`, who is `subject` if the request names a user; without input, the caller is
    /// authorized only.
    pub(crate) fn run<T, R>(
        &self,
        runtime: &Runtime,
        scope: Scope,
        subject: Option<UserId>,
        input: Option<&T>,
        work: impl Fn(&App, &Caller, &T) -> Result<R, Problem>,
    ) -> Result<Outcome<R>, Problem> {
        let Runtime {
            app,
            verified_sessions,
            ..
        } = runtime;
        let permission = Permission { scope, subject };
        let admit = |user| Ok::<_, Problem>(self.count(runtime, user)?);
        let credential = &self.credential;
        let Some(input) = input else {
            noted(authorize(
                app,
                verified_sessions,
                credential,
                permission,
                admit,
            )?);
            return Ok(Outcome::InputInvalid);
        };
        authorize_and_run(
            app,
            verified_sessions,
            credential,
            permission,
            admit,
            |authenticated| work(app, &noted(authenticated), input).map(Outcome::Done),
        )
    }

    /// The caller, if the credential is that of a session that is valid.
    pub(crate) fn session(
        &self,
        runtime: &Runtime,
        client: &Client,
    ) -> Result<SessionCaller, Problem> {
        let caller = noted(authenticate_session(
            &runtime.app,
            &self.credential,
            client,
        )?);
        self.count(runtime, caller.user_id())?;
        Ok(caller)
    }

    /// Notes the user for the log, and counts the request.
    fn count(&self, runtime: &Runtime, user: UserId) -> Result<(), RateLimited> {
        self.actor.is(user);
        if self.counts_for_user {
            runtime.rate_limits.count_user(user)
        } else {
            Ok(())
        }
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
