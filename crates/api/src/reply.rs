//! Answers that grant what was asked for.

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    http::{
        StatusCode,
        header::{self, HeaderName},
    },
};
use serde::Serialize;

use crate::problem::Problem;

/// An answer that grants what was asked for.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    body: Vec<u8>,
    headers: Vec<(HeaderName, String)>,
    cache_control: &'static str,
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

    /// Says that no cache may keep it, since it carries a token.
    pub(crate) fn not_to_be_stored(self) -> Self {
        Self {
            cache_control: "no-store",
            ..self
        }
    }

    /// Says that any cache may keep it, and for how long.
    pub(crate) fn cached(self, cache_control: &'static str) -> Self {
        Self {
            cache_control,
            ..self
        }
    }

    fn with_body(status: StatusCode, body: &impl Serialize) -> Result<Self, Problem> {
        let body =
            serde_json::to_vec(body).map_err(|error| Problem::internal().caused_by(error))?;
        Ok(Self::new(status, body))
    }

    fn new(status: StatusCode, body: Vec<u8>) -> Self {
        Self {
            status,
            body,
            headers: Vec::new(),
            cache_control: "private, no-cache",
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
