//! Answers that grant what was asked for.

use std::fmt;

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    http::{
        StatusCode,
        header::{self, HeaderName},
    },
};
use serde::Serialize;
use todo_application::App;

use crate::{budget::SMALL, fair_queue::QueueClass, problem::Problem, trace::handler_of};

/// An answer that grants what was asked for.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    body: Vec<u8>,
    headers: Vec<(HeaderName, String)>,
    cache_control: &'static str,
    followed_by: Option<Afterwards>,
}

/// A use case that answers nobody.
type Work = Box<dyn FnOnce(&App) -> Result<(), Problem> + Send>;

/// What is done after the answer, in the lane for mail.
pub(crate) struct Afterwards {
    /// Whether the answer says that it will be done, and so is 503 where there is no room for it.
    pub(crate) is_promised: bool,
    /// Its class in the queue: notices are sent after the mails that somebody waits for.
    pub(crate) class: QueueClass,
    /// The handler that wants it.
    pub(crate) handler: &'static str,
    pub(crate) work: Work,
}

impl fmt::Debug for Afterwards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Afterwards")
            .field("is_promised", &self.is_promised)
            .finish_non_exhaustive()
    }
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

    /// Promises that a use case is run after it, of which whoever asks learns nothing. Where there is no room for it, the
    /// answer is 503: so nothing else may have been changed.
    pub(crate) fn followed_by<E: Into<Problem>>(
        self,
        work: impl FnOnce(&App) -> Result<(), E> + Send + 'static,
    ) -> Self {
        self.followed(true, QueueClass::Reserved, work)
    }

    /// Has a use case run after it, if there is room for it, that mails what somebody waits for.
    pub(crate) fn followed_at_best_by<E: Into<Problem>>(
        self,
        work: impl FnOnce(&App) -> Result<(), E> + Send + 'static,
    ) -> Self {
        self.followed(false, QueueClass::Reserved, work)
    }

    /// Has a use case run after it, if there is room for it, that mails a notice.
    pub(crate) fn followed_by_notice<E: Into<Problem>>(
        self,
        work: impl FnOnce(&App) -> Result<(), E> + Send + 'static,
    ) -> Self {
        self.followed(false, QueueClass::Open, work)
    }

    fn followed<E: Into<Problem>>(
        self,
        is_promised: bool,
        class: QueueClass,
        work: impl FnOnce(&App) -> Result<(), E> + Send + 'static,
    ) -> Self {
        let handler = handler_of(&work);
        let work = Box::new(move |app: &App| work(app).map_err(Into::into));
        Self {
            followed_by: Some(Afterwards {
                is_promised,
                class,
                handler,
                work,
            }),
            ..self
        }
    }

    /// What is to be done after it.
    pub(crate) fn take_afterwards(&mut self) -> Option<Afterwards> {
        self.followed_by.take()
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
            followed_by: None,
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
