//! What each way of failing is over HTTP: the one place that maps errors to problems.

use std::time::Duration;

use actix_web::http::{
    StatusCode,
    header::{self, HeaderName},
};
use todo_application::{
    Failure, NotTheCaller,
    account::{
        AllowEmailChangeError, AllowPasswordResetError, AuthenticateError, ChangePasswordError,
        CreateTokenError, DeleteAccountError, EndSessionError, ExportAccountError, GetAccountError,
        ListSecurityEventsError, ListSessionsError, ListTokensError, LoginError, LogoutError,
        NotDone, RefreshError, RegisterError, RequestEmailChangeError, RequestPasswordResetError,
        RequestVerificationError, ResetPasswordError, RevokeTokenError, TellOfEmailChangeError,
        TellOfPasswordResetError, UpdateAccountError, VerifyEmailError,
    },
    operation::CheckReadinessError,
    todo::{
        ApplyTodosError, CreateTodoError, DeleteTodoError, GetTodoError, ListTodosError,
        UpdateTodoError,
    },
};
use todo_domain::{Scope, TooManyGuesses};

use crate::{lane::LaneError, problem::Problem, rate_limits::RateLimited};

/// What is said of the token of a mail that is malformed, was never made, was used, or has expired.
pub(crate) const INVALID_MAILED_TOKEN: &str = "is not valid any more; ask for a new mail";
/// How a client proves who it is (RFC 6750, 3), where it did not try.
const CHALLENGE: &str = r#"Bearer realm="todo""#;
/// The same, where it tried and failed.
const CHALLENGE_INVALID: &str =
    r#"Bearer realm="todo", error="invalid_token", error_description="Invalid or expired token""#;
/// The same, where what it showed is not good for what it wants (RFC 6750, 3.1).
const CHALLENGE_READ: &str =
    r#"Bearer realm="todo", error="insufficient_scope", scope="tasks:read""#;
const CHALLENGE_WRITE: &str =
    r#"Bearer realm="todo", error="insufficient_scope", scope="tasks:write""#;
/// The same, where no scope would be enough.
const CHALLENGE_SESSION: &str = r#"Bearer realm="todo", error="insufficient_scope", error_description="This takes the token of a session""#;
/// In how many seconds a client that found the server busy may try again.
const RETRY_AFTER: &str = "1";
/// What is limited, and how (draft-ietf-httpapi-ratelimit-headers-10).
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// What is left of it.
pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The request needs a token and has none.
pub(crate) fn not_authenticated() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "not_authenticated",
        "Not authenticated",
    )
    .with_header(header::WWW_AUTHENTICATE, CHALLENGE)
}

/// The request shows a cookie, and no page of this origin is known to make it.
pub(crate) fn cross_site() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "cross_site",
        "A cookie counts only in requests that a page of this origin makes",
    )
}

/// The request has a token that does not count. Why it does not, is not said.
fn invalid_token() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "invalid_token",
        "Invalid or expired token",
    )
    .with_header(header::WWW_AUTHENTICATE, CHALLENGE_INVALID)
}

/// The request has a personal access token that has not the scope that it takes.
fn insufficient_scope(needed: Scope) -> Problem {
    let (challenge, detail) = match needed {
        Scope::ReadTodos => (CHALLENGE_READ, "The token has not the scope tasks:read"),
        Scope::WriteTodos => (CHALLENGE_WRITE, "The token has not the scope tasks:write"),
    };
    Problem::new(StatusCode::FORBIDDEN, "insufficient_scope", detail)
        .with_header(header::WWW_AUTHENTICATE, challenge)
}

/// The request has a personal access token where it takes a session.
fn session_needed() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "insufficient_scope",
        "This takes the token of a session; a personal access token is good for tasks alone",
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

/// The token of a mail does not count. Why it does not, is not said.
fn invalid_mailed_token() -> Problem {
    Problem::invalid_field("token", INVALID_MAILED_TOKEN)
}

pub(crate) fn task_not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "task_not_found", "Task not found")
}

fn precondition_failed() -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "precondition_failed",
        "The task has changed since; read it again before you change it",
    )
}

/// The request has the `Idempotency-Key` of another one.
fn key_reused() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "idempotency_key_reused",
        "Idempotency-Key was used for another request; use a new one",
    )
}

/// The same request, by its `Idempotency-Key`, has not been answered yet.
fn under_way() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "request_under_way",
        "The same request is under way; repeat it to get its answer",
    )
    .with_header(header::RETRY_AFTER, RETRY_AFTER)
}

fn unavailable(code: &'static str, detail: &'static str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
        .with_header(header::RETRY_AFTER, RETRY_AFTER)
}

const OUTCOME_UNKNOWN: &str = "Whether the change was made is not known; look before you repeat it";

/// There was too much of what a policy counts.
struct TooMany {
    code: &'static str,
    detail: &'static str,
    /// Names what is counted.
    policy: &'static str,
    /// How much of it there may be in a window.
    quota: u32,
    /// How long that is, in seconds.
    window: u64,
    /// After which time there may be more.
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

/// There were too many attempts at something.
fn too_many_attempts(too_many: TooManyGuesses) -> Problem {
    let TooManyGuesses {
        purpose,
        retry_after,
        limit,
    } = too_many;
    let quota = limit.without_delay.saturating_add(1);
    Problem::from(TooMany {
        code: "too_many_attempts",
        detail: "Too many attempts; wait for as long as Retry-After says",
        policy: purpose.as_str(),
        quota,
        window: limit.forgets_one_in.saturating_mul(quota).as_secs(),
        retry_after,
    })
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match &failure {
            Failure::Unavailable(_) => unavailable(
                "storage_unavailable",
                "The storage cannot be reached at the moment; nothing was changed",
            ),
            Failure::StorageFull(_) => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "storage_full",
                "The storage is full; nothing was changed, and nothing can be until there is room",
            ),
            // `act` has looked at the session where nothing else came of it.
            Failure::SessionNotProven => invalid_token(),
            Failure::OutcomeUnknown(_) => unavailable("outcome_unknown", OUTCOME_UNKNOWN),
            Failure::Internal(_) => Self::internal(),
        }
        .caused_by(failure)
    }
}

impl NotDone for Problem {
    /// What is not there, or is of another version, was looked for on the condition that the session counts. All else
    /// that is wrong with a request is for those to know whose session counts.
    fn is_certain(&self) -> bool {
        !self.status().is_client_error()
            || matches!(
                self.status(),
                StatusCode::NOT_FOUND | StatusCode::PRECONDITION_FAILED
            )
    }
}

impl From<LaneError> for Problem {
    fn from(error: LaneError) -> Self {
        match error {
            LaneError::Full | LaneError::NotStarted => unavailable(
                "overloaded",
                "The server is busy; the request was not begun",
            ),
            LaneError::NotFinished => unavailable("outcome_unknown", OUTCOME_UNKNOWN),
            LaneError::Panicked => Self::internal(),
        }
        .caused_by(error)
    }
}

impl From<RateLimited> for Problem {
    fn from(limited: RateLimited) -> Self {
        let RateLimited {
            policy,
            per_minute,
            retry_after,
        } = limited;
        Self::from(TooMany {
            code: "rate_limited",
            detail: "Too many requests; wait for as long as Retry-After says",
            policy,
            quota: per_minute.get(),
            window: 60,
            retry_after,
        })
    }
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
            AuthenticateError::Failure(failure) => failure.into(),
        }
    }
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::EmailTaken => email_taken(),
            RegisterError::GuessablePassword(reason) => Self::invalid_field("password", reason),
            RegisterError::TooManyAttempts(too_many) => too_many_attempts(too_many),
            RegisterError::Failure(failure) => failure.into(),
        }
    }
}

impl From<AllowPasswordResetError> for Problem {
    fn from(error: AllowPasswordResetError) -> Self {
        match error {
            AllowPasswordResetError::TooManyAttempts(too_many) => too_many_attempts(too_many),
            AllowPasswordResetError::Failure(failure) => failure.into(),
        }
    }
}

impl From<RequestPasswordResetError> for Problem {
    fn from(error: RequestPasswordResetError) -> Self {
        match error {
            RequestPasswordResetError::Failure(failure) => failure.into(),
        }
    }
}

impl From<ResetPasswordError> for Problem {
    fn from(error: ResetPasswordError) -> Self {
        match error {
            ResetPasswordError::InvalidToken => invalid_mailed_token(),
            ResetPasswordError::GuessablePassword(reason) => {
                Self::invalid_field("password", reason)
            }
            ResetPasswordError::Failure(failure) => failure.into(),
        }
    }
}

impl From<TellOfPasswordResetError> for Problem {
    fn from(error: TellOfPasswordResetError) -> Self {
        match error {
            TellOfPasswordResetError::Failure(failure) => failure.into(),
        }
    }
}

impl From<RequestVerificationError> for Problem {
    fn from(error: RequestVerificationError) -> Self {
        match error {
            RequestVerificationError::Failure(failure) => failure.into(),
        }
    }
}

impl From<VerifyEmailError> for Problem {
    fn from(error: VerifyEmailError) -> Self {
        match error {
            VerifyEmailError::InvalidToken => invalid_mailed_token(),
            VerifyEmailError::EmailTaken => email_taken(),
            VerifyEmailError::Failure(failure) => failure.into(),
        }
    }
}

impl From<TellOfEmailChangeError> for Problem {
    fn from(error: TellOfEmailChangeError) -> Self {
        match error {
            TellOfEmailChangeError::Failure(failure) => failure.into(),
        }
    }
}

impl From<AllowEmailChangeError> for Problem {
    fn from(error: AllowEmailChangeError) -> Self {
        match error {
            AllowEmailChangeError::WrongPassword => {
                Self::invalid_field("password", "is not the password of this account")
            }
            AllowEmailChangeError::SameEmail => {
                Self::invalid_field("email", "must be another than that of the account")
            }
            AllowEmailChangeError::CallerMissing => invalid_token(),
            AllowEmailChangeError::TooManyAttempts(too_many) => too_many_attempts(too_many),
            AllowEmailChangeError::Failure(failure) => failure.into(),
        }
    }
}

impl From<RequestEmailChangeError> for Problem {
    fn from(error: RequestEmailChangeError) -> Self {
        match error {
            RequestEmailChangeError::Failure(failure) => failure.into(),
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::InvalidCredentials => Self::new(
                StatusCode::UNAUTHORIZED,
                "invalid_credentials",
                "Invalid email or password",
            )
            .with_header(header::WWW_AUTHENTICATE, CHALLENGE),
            LoginError::TooManyAttempts(too_many) => too_many_attempts(too_many),
            LoginError::Failure(failure) => failure.into(),
        }
    }
}

impl From<LogoutError> for Problem {
    fn from(error: LogoutError) -> Self {
        match error {
            LogoutError::NotAuthenticated(error) => error.into(),
            LogoutError::Failure(failure) => failure.into(),
        }
    }
}

impl From<ChangePasswordError> for Problem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::CallerMissing => invalid_token(),
            ChangePasswordError::WrongPassword => Self::invalid_field("current_password", error),
            ChangePasswordError::GuessablePassword(reason) => {
                Self::invalid_field("new_password", reason)
            }
            ChangePasswordError::TooManyAttempts(too_many) => too_many_attempts(too_many),
            ChangePasswordError::Failure(failure) => failure.into(),
        }
    }
}

impl From<DeleteAccountError> for Problem {
    fn from(error: DeleteAccountError) -> Self {
        match error {
            DeleteAccountError::CallerMissing => invalid_token(),
            DeleteAccountError::WrongPassword => Self::invalid_field("password", error),
            DeleteAccountError::TooManyAttempts(too_many) => too_many_attempts(too_many),
            DeleteAccountError::Failure(failure) => failure.into(),
        }
    }
}

impl From<ExportAccountError> for Problem {
    fn from(error: ExportAccountError) -> Self {
        match error {
            ExportAccountError::CallerMissing => invalid_token(),
            ExportAccountError::Failure(failure) => failure.into(),
        }
    }
}

impl From<ListSecurityEventsError> for Problem {
    fn from(error: ListSecurityEventsError) -> Self {
        match error {
            ListSecurityEventsError::Failure(failure) => failure.into(),
        }
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        let refused = || {
            Self::new(
                StatusCode::UNAUTHORIZED,
                "invalid_refresh_token",
                "Invalid or expired refresh token",
            )
            .with_header(header::WWW_AUTHENTICATE, CHALLENGE_INVALID)
        };
        match error {
            RefreshError::TokenRejected(reason) => refused().caused_by(reason),
            RefreshError::SessionEnded | RefreshError::Reused => refused(),
            RefreshError::Failure(failure) => failure.into(),
        }
    }
}

impl From<ListSessionsError> for Problem {
    fn from(error: ListSessionsError) -> Self {
        match error {
            ListSessionsError::Failure(failure) => failure.into(),
        }
    }
}

impl From<EndSessionError> for Problem {
    fn from(error: EndSessionError) -> Self {
        match error {
            EndSessionError::NotFound => Self::new(
                StatusCode::NOT_FOUND,
                "session_not_found",
                "Session not found",
            ),
            EndSessionError::Failure(failure) => failure.into(),
        }
    }
}

impl From<CreateTokenError> for Problem {
    fn from(error: CreateTokenError) -> Self {
        match error {
            CreateTokenError::TooMany => Self::new(
                StatusCode::CONFLICT,
                "too_many_tokens",
                "You have 50 tokens; revoke one before you make another",
            ),
            CreateTokenError::CallerMissing => invalid_token(),
            CreateTokenError::Failure(failure) => failure.into(),
        }
    }
}

impl From<ListTokensError> for Problem {
    fn from(error: ListTokensError) -> Self {
        match error {
            ListTokensError::Failure(failure) => failure.into(),
        }
    }
}

impl From<RevokeTokenError> for Problem {
    fn from(error: RevokeTokenError) -> Self {
        match error {
            RevokeTokenError::NotFound => {
                Self::new(StatusCode::NOT_FOUND, "token_not_found", "Token not found")
            }
            RevokeTokenError::Failure(failure) => failure.into(),
        }
    }
}

impl From<GetAccountError> for Problem {
    fn from(error: GetAccountError) -> Self {
        match error {
            GetAccountError::CallerMissing => invalid_token(),
            GetAccountError::Failure(failure) => failure.into(),
        }
    }
}

impl From<UpdateAccountError> for Problem {
    fn from(error: UpdateAccountError) -> Self {
        match error {
            UpdateAccountError::CallerMissing => invalid_token(),
            UpdateAccountError::Failure(failure) => failure.into(),
        }
    }
}

impl From<CreateTodoError> for Problem {
    fn from(error: CreateTodoError) -> Self {
        match error {
            CreateTodoError::CallerMissing => invalid_token(),
            CreateTodoError::KeyReused => key_reused(),
            CreateTodoError::UnderWay => under_way(),
            CreateTodoError::Failure(failure) => failure.into(),
        }
    }
}

impl From<ApplyTodosError> for Problem {
    fn from(error: ApplyTodosError) -> Self {
        match error {
            ApplyTodosError::CallerMissing => invalid_token(),
            ApplyTodosError::NotFound { index } => {
                task_not_found().about(format!("operations[{index}].id"))
            }
            ApplyTodosError::KeyReused => key_reused(),
            ApplyTodosError::UnderWay => under_way(),
            ApplyTodosError::Failure(failure) => failure.into(),
        }
    }
}

impl From<GetTodoError> for Problem {
    fn from(error: GetTodoError) -> Self {
        match error {
            GetTodoError::NotFound => task_not_found(),
            GetTodoError::Failure(failure) => failure.into(),
        }
    }
}

impl From<ListTodosError> for Problem {
    fn from(error: ListTodosError) -> Self {
        match error {
            ListTodosError::Failure(failure) => failure.into(),
        }
    }
}

impl From<UpdateTodoError> for Problem {
    fn from(error: UpdateTodoError) -> Self {
        match error {
            UpdateTodoError::NotFound => task_not_found(),
            UpdateTodoError::PreconditionFailed => precondition_failed(),
            UpdateTodoError::Failure(failure) => failure.into(),
        }
    }
}

impl From<DeleteTodoError> for Problem {
    fn from(error: DeleteTodoError) -> Self {
        match error {
            DeleteTodoError::NotFound => task_not_found(),
            DeleteTodoError::PreconditionFailed => precondition_failed(),
            DeleteTodoError::Failure(failure) => failure.into(),
        }
    }
}

/// What is wrong when requests cannot be served, in the words of whoever operates the server, with which check says so.
pub(crate) fn not_ready(problem: Problem) -> Problem {
    let (code, check, detail) = match problem.code() {
        "not_migrated" => return problem.about("migrations".to_owned()),
        "overloaded" => (
            "overloaded",
            "queue",
            "The queue for the database is full, or does not move",
        ),
        "outcome_unknown" => (
            "storage_unavailable",
            "database",
            "The database does not answer",
        ),
        "storage_unavailable" => (
            "storage_unavailable",
            "database",
            "The database cannot be reached",
        ),
        "internal_error" => (
            "internal_error",
            "database",
            "The database fails; the log says how",
        ),
        _ => return problem,
    };
    unavailable(code, detail)
        .caused_by(problem.causes())
        .about(check.to_owned())
}

impl From<CheckReadinessError> for Problem {
    fn from(error: CheckReadinessError) -> Self {
        match error {
            CheckReadinessError::NotMigrated => unavailable(
                "not_migrated",
                "The database has not the tables that are needed; run `todo-server migrate`",
            ),
            CheckReadinessError::Failure(failure) => failure.into(),
        }
    }
}
