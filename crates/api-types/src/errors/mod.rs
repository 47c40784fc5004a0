//! Problems: the only place that maps errors to HTTP.

mod account;
mod todo;

use std::{num::NonZeroU32, time::Duration};

use http::{
    StatusCode,
    header::{self, HeaderName},
};
use todo_application::{
    NotTheCaller, ServiceError,
    account::{AuthenticateError, AuthorizedWorkError, LoginLimit, TooManyLogins},
    operation::CheckReadinessError,
};
use todo_domain::{QuotaExceeded, Scope, TooManyAttempts};

use crate::problem::Problem;

/// The violation of an e-mail token that is malformed, unknown, used or expired.
pub const INVALID_MAILED_TOKEN: &str = "is invalid or expired; request a new mail";
/// The challenge without a credential (RFC 6750, 3).
const CHALLENGE: &str = r#"Bearer realm="todo""#;
/// The challenge after an invalid credential.
const CHALLENGE_INVALID: &str =
    r#"Bearer realm="todo", error="invalid_token", error_description="Invalid or expired token""#;
/// The challenge for a missing scope (RFC 6750, 3.1).
const CHALLENGE_READ: &str =
    r#"Bearer realm="todo", error="insufficient_scope", scope="tasks:read""#;
const CHALLENGE_WRITE: &str =
    r#"Bearer realm="todo", error="insufficient_scope", scope="tasks:write""#;
/// The challenge where a session is required.
const CHALLENGE_SESSION: &str =
    r#"Bearer realm="todo", error="insufficient_scope", error_description="A session is required""#;
/// `Retry-After` of an overloaded server, in seconds.
const RETRY_AFTER: &str = "1";
/// The policy of a rate limit (draft-ietf-httpapi-ratelimit-headers-10).
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// The rest of a rate limit.
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The request has no credential.
pub fn not_authenticated() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "not_authenticated",
        "Not authenticated",
    )
    .with_header(header::WWW_AUTHENTICATE, CHALLENGE)
}

/// The request has a session cookie and does not come from a page of the same origin.
#[must_use]
pub fn cross_site() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "cross_site",
        "The session cookie is accepted only from pages of the same origin",
    )
}

/// The credential is invalid. The response does not reveal why.
fn invalid_token() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "invalid_token",
        "Invalid or expired token",
    )
    .with_header(header::WWW_AUTHENTICATE, CHALLENGE_INVALID)
}

/// The personal access token lacks the required scope.
fn insufficient_scope(needed: Scope) -> Problem {
    let (challenge, detail) = match needed {
        Scope::ReadTodos => (CHALLENGE_READ, "The token lacks the scope `tasks:read`"),
        Scope::WriteTodos => (CHALLENGE_WRITE, "The token lacks the scope `tasks:write`"),
    };
    Problem::new(StatusCode::FORBIDDEN, "insufficient_scope", detail)
        .with_header(header::WWW_AUTHENTICATE, challenge)
}

/// The request has a personal access token, but requires a session.
fn session_needed() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "insufficient_scope",
        "A session is required; a personal access token grants access to tasks only",
    )
    .with_header(header::WWW_AUTHENTICATE, CHALLENGE_SESSION)
}

fn email_taken() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "email_taken",
        "Email already registered",
    )
}

/// The e-mail token is invalid. The response does not reveal why.
fn invalid_mailed_token() -> Problem {
    Problem::invalid_field("token", INVALID_MAILED_TOKEN)
}

/// The user has no such task.
#[must_use]
pub fn task_not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "task_not_found", "Task not found")
}

fn precondition_failed() -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "precondition_failed",
        "The task has changed; read it again before changing it",
    )
}

/// The change would exceed a quota of the user.
fn quota_exceeded(exceeded: QuotaExceeded) -> Problem {
    let detail = match exceeded {
        QuotaExceeded::Todos { limit } => {
            format!("The quota of {limit} tasks is reached; delete tasks before creating more")
        }
        QuotaExceeded::Bytes { limit } => format!(
            "The quota of {limit} bytes for the texts of all tasks would be exceeded; shorten or delete tasks first"
        ),
        exceeded => exceeded.to_string(),
    };
    Problem::new(StatusCode::CONFLICT, "quota_exceeded", detail)
}

/// The `Idempotency-Key` belongs to a different request.
fn key_reused() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "idempotency_key_reused",
        "Idempotency-Key was used for a different request; use a new key",
    )
}

/// The request with the same `Idempotency-Key` is in progress.
fn under_way() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "request_under_way",
        "A request with the same Idempotency-Key is in progress; retry to get its response",
    )
    .with_header(header::RETRY_AFTER, RETRY_AFTER)
}

fn unavailable(code: &'static str, detail: &'static str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
        .with_header(header::RETRY_AFTER, RETRY_AFTER)
}

/// The buffer budget has no memory for the body of a response. A change may have been made.
#[must_use]
pub fn no_room_for_response(is_safe: bool) -> Problem {
    if is_safe {
        no_room()
    } else {
        unavailable("outcome_unknown", OUTCOME_UNKNOWN)
    }
}

/// The buffer budget has no memory for the body.
#[must_use]
pub fn no_room() -> Problem {
    unavailable(
        "overloaded",
        "Too many large requests and responses are in memory; retry later",
    )
}

const OUTCOME_UNKNOWN: &str =
    "The outcome is unknown; check whether the change was made before retrying";

/// A rate limit was exceeded.
struct TooMany {
    code: &'static str,
    detail: &'static str,
    /// The name of the policy.
    policy: &'static str,
    /// The quota of a window.
    quota: u32,
    /// The window, in seconds.
    window: u64,
    /// The time until the next attempt.
    retry_after: Duration,
}

impl From<TooMany> for Problem {
    fn from(too_many: TooMany) -> Self {
        let TooMany {
            code,
            detail,
            policy,
            quota,
            window,
            retry_after,
        } = too_many;
        let seconds = retry_after.as_micros().div_ceil(1_000_000).max(1);
        Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail)
            .with_header_of(header::RETRY_AFTER, &seconds.to_string())
            .with_header_of(
                RATE_LIMIT_POLICY,
                &format!("\"{policy}\";q={quota};w={window}"),
            )
            .with_header_of(RATE_LIMIT, &format!("\"{policy}\";r=0;t={seconds}"))
    }
}

/// Login throttling delays the attempt.
fn too_many_attempts(too_many: TooManyAttempts) -> Problem {
    let TooManyAttempts {
        purpose,
        retry_after,
        limit,
    } = too_many;
    let quota = limit.without_delay.saturating_add(1);
    Problem::from(TooMany {
        code: "too_many_attempts",
        detail: "Too many attempts; retry after the time in Retry-After",
        policy: purpose.as_str(),
        quota,
        window: limit.forgets_one_in.saturating_mul(quota).as_secs(),
        retry_after,
    })
}

/// Too many concurrent or successful logins of an account or a device.
fn too_many_logins(too_many: TooManyLogins) -> Problem {
    const CODE: &str = "too_many_attempts";
    match too_many.limit {
        LoginLimit::InFlight => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            CODE,
            "Other logins to this account are in progress; retry after the time in Retry-After",
        )
        .with_header_of(
            header::RETRY_AFTER,
            &too_many.retry_after.as_secs().max(1).to_string(),
        ),
        LoginLimit::Rate { per_minute } => Problem::from(TooMany {
            code: CODE,
            detail: "Too many logins to this account; retry after the time in Retry-After",
            policy: "login-rate",
            quota: per_minute.get(),
            window: 60,
            retry_after: too_many.retry_after,
        }),
    }
}

impl From<ServiceError> for Problem {
    fn from(failure: ServiceError) -> Self {
        match &failure {
            ServiceError::Unavailable(_) => unavailable(
                "storage_unavailable",
                "The storage is unavailable; nothing was changed",
            ),
            ServiceError::StorageFull(_) => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "storage_full",
                "The storage is full; nothing was changed",
            ),
            ServiceError::QuotaExceeded(exceeded) => quota_exceeded(*exceeded),
            ServiceError::SessionNotProven => invalid_token().of_session_not_proven(),
            ServiceError::OutcomeUnknown(_) => unavailable("outcome_unknown", OUTCOME_UNKNOWN),
            ServiceError::Internal(_) => Self::internal(),
        }
        .caused_by(failure)
    }
}

impl AuthorizedWorkError for Problem {
    fn is_session_not_proven(&self) -> bool {
        Self::is_session_not_proven(self)
    }
}

/// The server is busy, and the request was not executed.
#[must_use]
pub fn overloaded() -> Problem {
    unavailable(
        "overloaded",
        "The server is overloaded; the request was not executed",
    )
}

/// The request overran its deadline while it was executed, or its response was lost.
#[must_use]
pub fn outcome_unknown() -> Problem {
    unavailable("outcome_unknown", OUTCOME_UNKNOWN)
}

/// More requests than `per_minute` were made of what `policy` names.
#[must_use]
pub fn rate_limited(
    policy: &'static str,
    per_minute: NonZeroU32,
    retry_after: Duration,
) -> Problem {
    TooMany {
        code: "rate_limited",
        detail: "Too many requests; retry after the time in Retry-After",
        policy,
        quota: per_minute.get(),
        window: 60,
        retry_after,
    }
    .into()
}

/// The user has `limit` searches and exports in flight.
#[must_use]
pub fn too_many_in_flight(limit: u32) -> Problem {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "rate_limited",
        format!(
            "At most {limit} searches and exports of a user run concurrently; retry when one of them has ended"
        ),
    )
    .with_header(header::RETRY_AFTER, RETRY_AFTER)
    .with_header_of(
        RATE_LIMIT_POLICY,
        &format!("\"in-flight\";q={limit};qu=\"concurrent-requests\""),
    )
    .with_header(RATE_LIMIT, "\"in-flight\";r=0")
}

impl From<NotTheCaller> for Problem {
    fn from(NotTheCaller: NotTheCaller) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "user_id_mismatch",
            "Access forbidden: user ID mismatch",
        )
    }
}

impl From<AuthenticateError> for Problem {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::TokenRejected(reason) => invalid_token().caused_by(reason),
            AuthenticateError::SessionEnded | AuthenticateError::TokenEnded => invalid_token(),
            AuthenticateError::InsufficientScope { needed } => insufficient_scope(needed),
            AuthenticateError::SessionNeeded => session_needed(),
            AuthenticateError::Service(failure) => failure.into(),
        }
    }
}

/// The problem of a failed readiness check, in the words of operators, with the name of the check.
#[must_use]
pub fn not_ready(problem: Problem) -> Problem {
    let (code, check, detail) = match problem.code() {
        "not_migrated" => return problem.about("migrations"),
        "overloaded" => (
            "overloaded",
            "queue",
            "The queue of the database pool is full or blocked",
        ),
        "outcome_unknown" => (
            "storage_unavailable",
            "database",
            "The database does not respond",
        ),
        "storage_unavailable" => (
            "storage_unavailable",
            "database",
            "The database is unavailable or does not respond",
        ),
        "internal_error" => (
            "internal_error",
            "database",
            "The database fails; the log has the cause",
        ),
        _ => return problem,
    };
    unavailable(code, detail)
        .caused_by(problem.causes())
        .about(check)
}

impl From<CheckReadinessError> for Problem {
    fn from(error: CheckReadinessError) -> Self {
        match error {
            CheckReadinessError::NotMigrated => unavailable(
                "not_migrated",
                "The database is not migrated; run `todo-server migrate`",
            ),
            CheckReadinessError::Service(failure) => failure.into(),
        }
    }
}
