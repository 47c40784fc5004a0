//! What each way of failing is over HTTP: the one place that maps errors to problems.

use actix_web::http::{
    StatusCode,
    header::{self, HeaderName},
};
use todo_application::{
    Failure, NotTheCaller,
    account::{
        AuthenticateError, CurrentSessionError, EndSessionError, GetAccountError,
        ListSessionsError, LoginError, LogoutError, RegisterError, UpdateAccountError,
    },
    operation::CheckReadinessError,
    todo::{
        ApplyTodosError, CreateTodoError, DeleteTodoError, GetTodoError, ListTodosError,
        UpdateTodoError,
    },
};

use todo_domain::{GuessPurpose, Guesses, TooManyGuesses};

use crate::{lane::LaneError, problem::Problem};

/// How a client proves who it is (RFC 6750, 3), where it did not try.
const CHALLENGE: &str = r#"Bearer realm="todo""#;
/// The same, where it tried and failed.
const CHALLENGE_INVALID: &str =
    r#"Bearer realm="todo", error="invalid_token", error_description="Invalid or expired token""#;
/// In how many seconds a client that found the server busy may try again.
const RETRY_AFTER: &str = "1";
/// What is limited, and how (draft-ietf-httpapi-ratelimit-headers).
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

/// There were too many attempts, at whatever `purpose` names.
fn too_many_attempts(purpose: &str, too_many: TooManyGuesses) -> Problem {
    let TooManyGuesses { retry_after, limit } = too_many;
    let seconds = retry_after.as_micros().div_ceil(1_000_000);
    let quota = u64::from(limit.without_delay) + 1;
    let window = Guesses::FORGOTTEN_AFTER.as_secs();
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_attempts",
        "Too many attempts; wait for as long as Retry-After says",
    )
    .with_header_of(header::RETRY_AFTER, &seconds.to_string())
    .with_header_of(
        RATE_LIMIT_POLICY,
        &format!("\"{purpose}\";q={quota};w={window}"),
    )
    .with_header_of(RATE_LIMIT, &format!("\"{purpose}\";r=0;t={seconds}"))
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match &failure {
            Failure::Unavailable(_) => unavailable(
                "storage_unavailable",
                "The storage cannot be reached at the moment; nothing was changed",
            ),
            Failure::OutcomeUnknown(_) => unavailable("outcome_unknown", OUTCOME_UNKNOWN),
            Failure::Internal(_) => Self::internal(),
        }
        .caused_by(failure)
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
            AuthenticateError::SessionEnded => invalid_token(),
            AuthenticateError::Failure(failure) => failure.into(),
        }
    }
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::EmailTaken => Self::new(
                StatusCode::CONFLICT,
                "email_taken",
                "Email already registered",
            ),
            RegisterError::GuessablePassword(reason) => Self::invalid_field("password", reason),
            RegisterError::TooManyAttempts(too_many) => {
                too_many_attempts(GuessPurpose::Registration.as_str(), too_many)
            }
            RegisterError::Failure(failure) => failure.into(),
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
            LoginError::TooManyAttempts(too_many) => {
                too_many_attempts(GuessPurpose::Login.as_str(), too_many)
            }
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

impl From<CurrentSessionError> for Problem {
    fn from(error: CurrentSessionError) -> Self {
        match error {
            CurrentSessionError::CallerMissing => invalid_token(),
            CurrentSessionError::Failure(failure) => failure.into(),
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

impl From<CheckReadinessError> for Problem {
    fn from(error: CheckReadinessError) -> Self {
        match error {
            CheckReadinessError::Failure(failure) => failure.into(),
        }
    }
}
