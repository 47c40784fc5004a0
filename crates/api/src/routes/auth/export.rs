//! The export of an account, streamed.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodySize, MessageBody},
    http::{Method, header},
    web::Bytes,
};
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use todo_api_types::{problem::Problem, wire::TaskResponse};
use todo_application::account::{Account, AccountExport, ExportPage, export_account};
use todo_domain::SessionId;
use todo_runtime::BulkWork;
use tokio::time::sleep;
use tracing::{Instrument, Span, warn};
use utoipa::ToSchema;

use super::{
    account::AccountResponse, events::EventItem, personal_access_tokens::TokenItem,
    sessions::SessionItem,
};
use crate::{problem_response::ProblemResponse, request::Request};

/// Number of attempts to read a page while the bulk pool is full.
const PAGE_ATTEMPTS: usize = 10;
/// The pause between these attempts.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// The data of an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountExport)]
pub(crate) struct ExportResponse<'a> {
    /// The user.
    account: AccountResponse<'a>,
    /// All tasks, in the order of their creation.
    tasks: Vec<TaskResponse<'a>>,
    /// Sessions, including recently terminated ones.
    sessions: Vec<SessionItem<'a>>,
    /// Personal access tokens, including recently expired ones.
    tokens: Vec<TokenItem<'a>>,
    /// Security events within the retention period, newest first.
    events: Vec<EventItem<'a>>,
}

/// Export my data
///
/// All data of the account as a file, without passwords and tokens, which the server does not have. The file is
/// streamed: if the connection closes without the last chunk, the export failed, for example because the session was
/// revoked.
#[utoipa::path(get, path = "/api/auth/account/export", operation_id = "exportAccount", tag = "auth",
    responses(
        (status = 200, description = "The data of the account", body = ExportResponse, headers(
            ("Content-Disposition" = String, description = "File name"),
        )),
    ))]
pub(crate) async fn export(
    http: HttpRequest,
    request: Request,
) -> Result<HttpResponse, ProblemResponse> {
    let begun = request.begin_bulk_work(|app, caller| {
        let (account, export) = export_account(app, caller)?;
        let document = Document::of(caller.session.id);
        let first = Document::begin(&account)?;
        Ok((export, document, first))
    });
    let ((export, document, first), work) = begun.await?;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"todo-account.json\"",
        ))
        .content_type(mime::APPLICATION_JSON);
    if http.method() == Method::HEAD {
        return Ok(response.body(ExportBody::without_pages()));
    }
    let source = Source {
        pages: Arc::new(Mutex::new((export, document))),
        work,
        span: Span::current(),
    };
    Ok(response.body(ExportBody::new(source, first)))
}

/// Writes an export as one JSON object, of pages that come one after another.
#[derive(Debug)]
struct Document {
    current: SessionId,
    /// The array that is open.
    section: Option<&'static str>,
    is_empty: bool,
}

impl Document {
    fn of(current: SessionId) -> Self {
        Self {
            current,
            section: None,
            is_empty: true,
        }
    }

    /// The head of the document, before the first page.
    fn begin(account: &Account) -> Result<Vec<u8>, Problem> {
        let mut text = b"{\"account\":".to_vec();
        write(&mut text, &AccountResponse::from(account))?;
        Ok(text)
    }

    fn page(&mut self, page: &ExportPage) -> Result<Vec<u8>, Problem> {
        let current = self.current;
        match page {
            ExportPage::Todos(todos) => self.items("tasks", todos.iter().map(TaskResponse::from)),
            ExportPage::Sessions(sessions) => self.items(
                "sessions",
                sessions
                    .iter()
                    .map(|session| SessionItem::new(session, current)),
            ),
            ExportPage::PersonalAccessTokens(tokens) => {
                self.items("tokens", tokens.iter().map(TokenItem::from))
            }
            ExportPage::SecurityEvents(events) => {
                self.items("events", events.iter().map(EventItem::from))
            }
        }
    }

    fn items<T: Serialize>(
        &mut self,
        section: &'static str,
        items: impl Iterator<Item = T>,
    ) -> Result<Vec<u8>, Problem> {
        let mut text = Vec::new();
        if self.section != Some(section) {
            if self.section.is_some() {
                text.push(b']');
            }
            text.extend_from_slice(format!(",\"{section}\":[").as_bytes());
            self.section = Some(section);
            self.is_empty = true;
        }
        for item in items {
            if !self.is_empty {
                text.push(b',');
            }
            self.is_empty = false;
            write(&mut text, &item)?;
        }
        Ok(text)
    }

    /// The end of the document, after the last page.
    fn end() -> Vec<u8> {
        b"]}".to_vec()
    }
}

fn write(text: &mut Vec<u8>, value: &impl Serialize) -> Result<(), Problem> {
    serde_json::to_writer(text, value).map_err(|error| Problem::internal().caused_by(error))
}

/// Where the pages come from.
struct Source {
    pages: Arc<Mutex<(AccountExport, Document)>>,
    work: BulkWork,
    /// The request, for the log.
    span: Span,
}

impl Source {
    /// The next part of the document; `None` after the last page. Nothing runs for it before this is polled.
    async fn next(self) -> Result<Part, Problem> {
        let mut attempt = 1;
        loop {
            let pages = Arc::clone(&self.pages);
            let page = self.work.run(move |app| {
                let mut pages = pages.lock().unwrap_or_else(PoisonError::into_inner);
                let (export, document) = &mut *pages;
                let page = export.next_page(app)?;
                page.map(|page| document.page(&page)).transpose()
            });
            match page.await {
                Ok(Some(text)) => return Ok((text, Some(self))),
                Ok(None) => return Ok((Document::end(), None)),
                // It did not begin, and so the page is there still.
                Err(problem) if problem.is_overload() && attempt < PAGE_ATTEMPTS => {
                    attempt += 1;
                    sleep(RETRY_PAUSE).await;
                }
                Err(problem) => {
                    let cause = problem.causes();
                    warn!(cause, "an export was broken off: {problem}");
                    return Err(problem);
                }
            }
        }
    }
}

/// The body of an export. A page is read when the one before was taken, so that a slow client holds no more than a page.
///
/// An error ends the transfer without the last chunk (RFC 9112, 8), so that no part is taken for the whole.
struct ExportBody {
    first: Option<Bytes>,
    step: Step,
}

/// A part of the document, and where the next one comes from.
type Part = (Vec<u8>, Option<Source>);

enum Step {
    Idle(Box<Source>),
    Reading(LocalBoxFuture<'static, Result<Part, Problem>>),
    Ended,
}

impl ExportBody {
    fn new(source: Source, first: Vec<u8>) -> Self {
        Self {
            first: Some(first.into()),
            step: Step::Idle(Box::new(source)),
        }
    }

    /// For HEAD.
    fn without_pages() -> Self {
        Self {
            first: None,
            step: Step::Ended,
        }
    }
}

impl fmt::Debug for ExportBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportBody").finish_non_exhaustive()
    }
}

impl MessageBody for ExportBody {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        loop {
            let mut reading = match std::mem::replace(&mut self.step, Step::Ended) {
                Step::Ended => return Poll::Ready(None),
                Step::Idle(source) => {
                    let span = source.span.clone();
                    Box::pin(source.next().instrument(span))
                }
                Step::Reading(reading) => reading,
            };
            let Poll::Ready(done) = reading.as_mut().poll(context) else {
                self.step = Step::Reading(reading);
                return Poll::Pending;
            };
            let (text, source) = match done {
                Ok(done) => done,
                Err(problem) => return Poll::Ready(Some(Err(problem.to_string().into()))),
            };
            if let Some(source) = source {
                self.step = Step::Idle(Box::new(source));
            }
            // An empty chunk would be the last.
            if !text.is_empty() {
                return Poll::Ready(Some(Ok(text.into())));
            }
        }
    }
}
