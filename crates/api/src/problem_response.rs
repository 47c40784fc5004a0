//! Problems as responses (RFC 9457).

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use todo_api_types::problem::Problem;

/// A problem that is the response to a request.
#[derive(Debug)]
pub(crate) struct ProblemResponse(pub(crate) Problem);

impl ProblemResponse {
    /// The response to the request with this id.
    pub(crate) fn response(&self, request_id: &str) -> HttpResponse {
        let Self(problem) = self;
        let mut response = HttpResponse::build(self.status_code());
        for (name, value) in problem.headers() {
            let name = HeaderName::from_bytes(name.as_str().as_bytes());
            let value = HeaderValue::from_bytes(value.as_bytes());
            if let (Ok(name), Ok(value)) = (name, value) {
                response.insert_header((name, value));
            }
        }
        response
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .content_type("application/problem+json")
            .body(serde_json::to_vec(&problem.body(request_id)).unwrap_or_default())
    }
}

impl From<Problem> for ProblemResponse {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl fmt::Display for ProblemResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for ProblemResponse {
    fn status_code(&self) -> StatusCode {
        // The two types have the same range.
        StatusCode::from_u16(self.0.status().as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The status alone; the outermost middleware writes the rest, since it knows the id of the request.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}
