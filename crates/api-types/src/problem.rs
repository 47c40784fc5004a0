//! Errors as clients see them: problem details (RFC 9457), at most 16 KiB each whatever the input.

use std::{borrow::Cow, fmt};

use http::{
    StatusCode,
    header::{HeaderName, HeaderValue},
};
use serde::Serialize;
use todo_domain::ports::BoxError;
use utoipa::ToSchema;

use crate::violations::{FieldError, MAX_DETAIL_BYTES, Violations, truncated};

/// An error response, with a cause for the log only.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    violations: Violations,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<BoxError>,
    is_session_not_proven: bool,
}

/// Problem details (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// Always `about:blank`; `code` identifies the problem.
    #[schema(example = "about:blank")]
    r#type: &'static str,
    /// Reason phrase of the status.
    #[schema(example = "Not Found")]
    title: &'a str,
    /// Status of the response.
    #[schema(example = 404)]
    status: u16,
    /// Description of the error, for people.
    #[schema(example = "Task not found")]
    detail: &'a str,
    /// Stable error code, for programs.
    #[schema(example = "task_not_found")]
    code: &'static str,
    /// Id of the request in the server's log.
    request_id: &'a str,
    /// Violations of invalid input, or failed readiness checks. At most 20 are listed; `detail` has the number of
    /// further ones.
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    #[schema(required = false, max_items = 20)]
    errors: &'a [FieldError],
}

impl Problem {
    /// A problem with a status, a stable code, and a detail for people, which is cut off at [`MAX_DETAIL_BYTES`].
    pub fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let mut detail = detail.into();
        if let Cow::Owned(short) = truncated(&detail, usize::MAX, MAX_DETAIL_BYTES) {
            detail = Cow::Owned(short);
        }
        Self {
            status,
            code,
            detail,
            violations: Violations::default(),
            headers: Vec::new(),
            cause: None,
            is_session_not_proven: false,
        }
    }

    /// The input breaks a rule: 422, with the violations, the first of which are also the detail.
    #[must_use]
    pub fn invalid(violations: Violations) -> Self {
        Self {
            detail: violations.summary().into(),
            violations,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", "")
        }
    }

    /// One field breaks a rule.
    pub fn invalid_field(field: &str, message: impl fmt::Display) -> Self {
        Self::invalid(Violations::one(field, &message.to_string()))
    }

    /// An internal error, without details.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "Internal server error",
        )
    }

    /// The problem of a response of the framework, by its status and message.
    #[must_use]
    pub fn of_status(status: StatusCode, said: Option<String>) -> Self {
        match status {
            StatusCode::NOT_FOUND => {
                Self::new(status, "route_not_found", "The route does not exist")
            }
            StatusCode::METHOD_NOT_ALLOWED => Self::new(
                status,
                "method_not_allowed",
                "The route does not support this method; see the Allow header",
            ),
            status if status.is_client_error() => Self::new(
                status,
                "bad_request",
                said.unwrap_or_else(|| "The request is malformed".to_owned()),
            ),
            _ => Self::internal(),
        }
    }

    /// Adds the cause, for the log.
    #[must_use]
    pub fn caused_by(self, cause: impl Into<BoxError>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..self
        }
    }

    /// Adds the field that violates the rule.
    #[must_use]
    pub fn about(mut self, field: &str) -> Self {
        self.violations.push(field, &self.detail);
        self
    }

    /// The same with a header field.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// The same with a header that is known only now; without it, should it be one that cannot be sent.
    #[must_use]
    pub fn with_header_of(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// The same, where it is not proven that the session of the caller is valid, so that the session is read.
    #[must_use]
    pub fn of_session_not_proven(self) -> Self {
        Self {
            is_session_not_proven: true,
            ..self
        }
    }

    /// Whether it is not proven that the session of the caller is valid.
    #[must_use]
    pub fn is_session_not_proven(&self) -> bool {
        self.is_session_not_proven
    }

    /// Whether the server was busy and nothing was begun.
    #[must_use]
    pub fn is_overload(&self) -> bool {
        self.code == "overloaded"
    }

    /// The code, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The cause and its causes, for the log.
    #[must_use]
    pub fn causes(&self) -> String {
        let mut text = String::new();
        let mut next = self
            .cause
            .as_ref()
            .map(|cause| cause.as_ref() as &dyn std::error::Error);
        while let Some(cause) = next {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause.to_string());
            next = cause.source();
        }
        text
    }

    /// The header fields that say more about it (RFC 9110).
    #[must_use]
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// The body of the response to the request with this id.
    #[must_use]
    pub fn body<'a>(&'a self, request_id: &'a str) -> ProblemBody<'a> {
        ProblemBody {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            request_id,
            errors: self.violations.listed(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::violations::MAX_VIOLATIONS;

    /// The largest body of an error response.
    const MAX_BYTES: usize = 16 * 1_024;
    /// The longest id of a request that is accepted from a client.
    const MAX_REQUEST_ID: usize = 128;

    fn size(problem: &Problem) -> usize {
        let body = serde_json::to_vec(&problem.body(&"x".repeat(MAX_REQUEST_ID)));
        body.unwrap().len()
    }

    #[test]
    fn the_largest_problem_is_within_the_limit() {
        for character in ['a', '\u{1}', '"', '💩', '\u{7f}'] {
            let long: String = std::iter::repeat_n(character, 100_000).collect();
            let mut violations = Violations::default();
            for _ in 0..2 * MAX_VIOLATIONS {
                violations.push(&long, &long);
            }
            let mut of_a_batch = Violations::default();
            for _ in 0..100 {
                of_a_batch.extend("operations[99].", &violations);
            }
            let bad_request = Problem::of_status(StatusCode::BAD_REQUEST, Some(long.clone()));
            for problem in [
                Problem::invalid(violations),
                Problem::invalid(of_a_batch),
                Problem::invalid_field(&long, &long),
                Problem::new(StatusCode::BAD_REQUEST, "malformed_json", long.clone()),
                bad_request.about(&long),
            ] {
                let size = size(&problem);
                assert!(size <= MAX_BYTES, "{size} bytes of {character:?}");
            }
        }
    }

    /// A fuzz target: no combination of texts makes a problem exceed its limit.
    #[test]
    fn no_problem_exceeds_the_limit() {
        bolero::check!()
            .with_type::<Vec<(String, String, u16)>>()
            .for_each(|parts| {
                let mut violations = Violations::default();
                let mut detail = String::new();
                for (field, message, times) in parts {
                    let times = usize::from(*times) % 300;
                    violations.push(&field.repeat(times), &message.repeat(times));
                    detail.push_str(&message.repeat(times));
                }
                assert!(size(&Problem::invalid(violations)) <= MAX_BYTES);
                let problem = Problem::new(StatusCode::BAD_REQUEST, "malformed_json", detail);
                assert!(size(&problem.about("field")) <= MAX_BYTES);
            });
    }
}
