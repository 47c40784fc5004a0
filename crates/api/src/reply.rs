//! Answers that grant what was asked for.

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    http::{
        StatusCode,
        header::{self, HeaderName},
    },
};
use serde::Serialize;
use todo_api_types::problem::Problem;
use todo_application::App;
use todo_runtime::AfterResponse;

use crate::budget::SMALL;

/// An answer that grants what was asked for.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    body: Vec<u8>,
    headers: Vec<(HeaderName, String)>,
    cache_control: &'static str,
    after_response: Option<AfterResponse>,
}

impl Reply {
    /// 200 with a body.
    pub(crate) fn ok(body: &impl Serialize) -> Result<Self, Problem> {
        Self::with_body(StatusCode::OK, body)
    }

    /// 201 with a body.
    pub(crate) fn created(body: &impl Serialize) -> Result<Self, Problem> {
        Self::with_body(StatusCode::CREATED, body)
    }

    /// 202 with a body.
    pub(crate) fn accepted(body: &impl Serialize) -> Result<Self, Problem> {
        Self::with_body(StatusCode::ACCEPTED, body)
    }

    /// 204.
    pub(crate) fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT, Vec::new())
    }

    /// 200 with a body that was sent before.
    pub(crate) fn ok_before(body: String) -> Self {
        Self::new(StatusCode::OK, body.into_bytes())
    }

    /// 201 with a body that was sent before.
    pub(crate) fn created_before(body: String) -> Self {
        Self::new(StatusCode::CREATED, body.into_bytes())
    }

    /// Says where the thing that was created is.
    pub(crate) fn at(self, location: String) -> Self {
        self.with_header(header::LOCATION, location)
    }

    /// Names the state of what is in it.
    pub(crate) fn with_etag(self, etag: String) -> Self {
        self.with_header(header::ETAG, etag)
    }

    /// Says where the next page is.
    pub(crate) fn with_next(self, uri: &str) -> Self {
        self.with_header(header::LINK, format!("<{uri}>; rel=\"next\""))
    }

    /// The body, as it will be sent.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The same with 304 in place of the body: the client has it.
    pub(crate) fn not_modified(self) -> Self {
        Self {
            status: StatusCode::NOT_MODIFIED,
            body: Vec::new(),
            ..self
        }
    }

    /// Has a browser keep a cookie, or forget it.
    pub(crate) fn with_cookie(self, cookie: String) -> Self {
        self.with_header(header::SET_COOKIE, cookie)
    }

    fn with_header(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same with work that the response promises: see [`AfterResponse::required`].
    pub(crate) fn followed_by<E: Into<Problem>>(
        self,
        work: impl FnOnce(&App) -> Result<(), E> + Send + 'static,
    ) -> Self {
        self.with_after_response(AfterResponse::required(work))
    }

    /// The same with a mail that somebody waits for: see [`AfterResponse::best_effort`].
    pub(crate) fn followed_at_best_by<E: Into<Problem>>(
        self,
        work: impl FnOnce(&App) -> Result<(), E> + Send + 'static,
    ) -> Self {
        self.with_after_response(AfterResponse::best_effort(work))
    }

    /// The same with a notice: see [`AfterResponse::notice`].
    pub(crate) fn followed_by_notice<E: Into<Problem>>(
        self,
        work: impl FnOnce(&App) -> Result<(), E> + Send + 'static,
    ) -> Self {
        self.with_after_response(AfterResponse::notice(work))
    }

    fn with_after_response(self, work: AfterResponse) -> Self {
        Self {
            after_response: Some(work),
            ..self
        }
    }

    /// The work after it.
    pub(crate) fn take_after_response(&mut self) -> Option<AfterResponse> {
        self.after_response.take()
    }

    /// Says that any cache may keep it, and for how long.
    pub(crate) fn cached(self, cache_control: &'static str) -> Self {
        Self {
            cache_control,
            ..self
        }
    }

    fn with_body(status: StatusCode, body: &impl Serialize) -> Result<Self, Problem> {
        let mut body =
            serde_json::to_vec(body).map_err(|error| Problem::internal().caused_by(error))?;
        if body.len() > SMALL {
            // A large body is held for as long as its client takes to read it.
            body.shrink_to_fit();
        }
        Ok(Self::new(status, body))
    }

    fn new(status: StatusCode, body: Vec<u8>) -> Self {
        Self {
            status,
            body,
            headers: Vec::new(),
            // It is about one user. A client that keeps a copy by itself can still ask whether it is current.
            cache_control: "no-store",
            after_response: None,
        }
    }
}

impl Responder for Reply {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((header::CACHE_CONTROL, self.cache_control));
        for header in self.headers {
            response.append_header(header);
        }
        if self.body.is_empty() {
            return response.finish();
        }
        response
            .content_type(mime::APPLICATION_JSON)
            .body(self.body)
    }
}
