//! Errors as clients see them: problem details (RFC 9457), at most 16 KiB each whatever the input.

use std::{borrow::Cow, fmt};

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use serde::Serialize;
use todo_domain::ports::BoxError;
use utoipa::ToSchema;

use crate::violations::{FieldError, MAX_DETAIL_BYTES, Violations, truncated};

/// An error response, with a cause for the log only.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    violations: Violations,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<BoxError>,
}

/// Problem details (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
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
    pub(crate) fn new(
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
        }
    }

    /// The input breaks a rule: 422, with the violations, the first of which are also the detail.
    pub(crate) fn invalid(violations: Violations) -> Self {
        Self {
            detail: violations.summary().into(),
            violations,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", "")
        }
    }

    /// One field breaks a rule.
    pub(crate) fn invalid_field(field: &str, message: impl fmt::Display) -> Self {
        Self::invalid(Violations::one(field, &message.to_string()))
    }

    /// An internal error, without details.
    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "Internal server error",
        )
    }

    /// The problem of a response of the framework, by its status and message.
    pub(crate) fn of_status(status: StatusCode, said: Option<String>) -> Self {
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
    pub(crate) fn caused_by(self, cause: impl Into<BoxError>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..self
        }
    }

    /// Adds the field that violates the rule.
    pub(crate) fn about(mut self, field: &str) -> Self {
        self.violations.push(field, &self.detail);
        self
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// The same with a header that is known only now; without it, should it be one that cannot be sent.
    pub(crate) fn with_header_of(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// Whether the server was busy and nothing was begun.
    pub(crate) fn is_overload(&self) -> bool {
        self.code == "overloaded"
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The cause and its causes, for the log.
    pub(crate) fn causes(&self) -> String {
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

    /// The response to the request of this id.
    pub(crate) fn response(&self, request_id: &str) -> HttpResponse {
        let body = ProblemBody {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            request_id,
            errors: self.violations.listed(),
        };
        let mut response = HttpResponse::build(self.status);
        for header in &self.headers {
            response.insert_header(header.clone());
        }
        response
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .content_type("application/problem+json")
            .body(serde_json::to_vec(&body).unwrap_or_default())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    /// The status alone; `edge` fills in the rest, since it knows the id of the request.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody;

    use super::*;
    use crate::violations::MAX_VIOLATIONS;

    /// The largest body of an error response.
    const MAX_BYTES: usize = 16 * 1_024;
    /// The longest id of a request that is accepted from a client.
    const MAX_REQUEST_ID: usize = 128;

    fn size(problem: &Problem) -> usize {
        let body = problem.response(&"x".repeat(MAX_REQUEST_ID)).into_body();
        body.try_into_bytes().unwrap().len()
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
