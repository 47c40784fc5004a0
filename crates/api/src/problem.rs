//! Errors as clients see them: problem details (RFC 9457).

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

/// A request that was not granted: what its sender is told, and what only the log is told.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<BoxError>,
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// The field of the body, the parameter of the query, or the part of the path.
    pub(crate) field: String,
    /// What is wrong with it, and what would be right.
    pub(crate) message: String,
}

/// Problem details (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// Always `about:blank`: the status says what kind of problem it is, and `code` which one.
    #[schema(example = "about:blank")]
    r#type: &'static str,
    /// The status in words.
    #[schema(example = "Not Found")]
    title: &'a str,
    /// The status of the response.
    #[schema(example = 404)]
    status: u16,
    /// What went wrong, for a person to read.
    #[schema(example = "Task not found")]
    detail: &'a str,
    /// What went wrong, for a program to compare; it stays the same.
    #[schema(example = "task_not_found")]
    code: &'static str,
    /// Names this request in the server's log.
    request_id: &'a str,
    /// What is wrong with which field, where the input is at fault; with which check, where the server is not ready.
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    #[schema(required = false)]
    errors: &'a [FieldError],
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
            cause: None,
        }
    }

    /// The input breaks a rule: 422, with what is wrong with which field.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = errors
            .iter()
            .map(|FieldError { field, message }| format!("{field} {message}"))
            .collect::<Vec<_>>()
            .join("; ");
        Self {
            errors,
            ..Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "validation_failed",
                detail,
            )
        }
    }

    /// One field breaks a rule.
    pub(crate) fn invalid_field(field: &str, message: impl fmt::Display) -> Self {
        Self::invalid(vec![FieldError {
            field: field.to_owned(),
            message: message.to_string(),
        }])
    }

    /// The server is at fault, and does not say how.
    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "Internal server error",
        )
    }

    /// What there is to say of an answer that no handler gave: its status, and perhaps what the framework said.
    pub(crate) fn of_status(status: StatusCode, said: Option<String>) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::new(status, "route_not_found", "There is no such route"),
            StatusCode::METHOD_NOT_ALLOWED => Self::new(
                status,
                "method_not_allowed",
                "This route does not know this method; see the Allow header for those that it does",
            ),
            status if status.is_client_error() => Self::new(
                status,
                "bad_request",
                said.unwrap_or_else(|| "The request cannot be understood".to_owned()),
            ),
            _ => Self::internal(),
        }
    }

    /// Adds what the log is to know.
    pub(crate) fn caused_by(self, cause: impl Into<BoxError>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..self
        }
    }

    /// Says which field it is about.
    pub(crate) fn about(mut self, field: String) -> Self {
        let message = self.detail.to_string();
        self.errors.push(FieldError { field, message });
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
            errors: &self.errors,
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
