//! Where the caller is logged in.

use serde::Serialize;
use todo_application::account::{end_session, list_sessions};
use todo_domain::{Session, SessionId, Timestamp, UserAgent};
use utoipa::ToSchema;

use crate::{
    input::Input,
    problem::{Problem, ProblemBody},
    reply::Reply,
    request::{Request, database},
    wire::{as_text, as_text_or_null},
};

/// The sessions of the caller.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionList)]
pub(crate) struct SessionListResponse<'a> {
    /// Those that are in force, the one that began last first.
    sessions: Vec<SessionItem<'a>>,
}

/// One login.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionItem)]
pub(crate) struct SessionItem<'a> {
    /// Identifies the session.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = uuid::Uuid)]
    id: SessionId,
    /// Whether it is the one through which this is asked.
    current: bool,
    /// What the program that logged in called itself; null when it did not say.
    #[schema(required, example = "Mozilla/5.0 (X11; Linux x86_64)")]
    device: Option<&'a str>,
    /// The address from which it logged in.
    #[serde(serialize_with = "as_text_or_null")]
    #[schema(required, value_type = Option<String>, example = "192.0.2.1")]
    address: Option<std::net::IpAddr>,
    /// When it began, in UTC and to the microsecond.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime, example = "2026-12-01T09:30:00.000000Z")]
    created_at: Timestamp,
    /// When it was last used, to the minute or so.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime, example = "2026-12-01T09:30:00.000000Z")]
    last_used_at: Timestamp,
    /// When it ends, however much it is used.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime, example = "2026-12-31T09:30:00.000000Z")]
    expires_at: Timestamp,
}

impl<'a> SessionItem<'a> {
    pub(super) fn new(session: &'a Session, current: SessionId) -> Self {
        Self {
            id: session.id,
            current: session.id == current,
            device: session.client.user_agent.as_ref().map(UserAgent::as_str),
            address: session.client.address,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
        }
    }
}

/// Where am I logged in?
#[utoipa::path(get, path = "/api/auth/sessions", operation_id = "sessions", tag = "auth",
    responses(
        (status = 200, description = "The sessions of the caller", body = SessionListResponse),
    ))]
pub(crate) async fn list(request: Request) -> Result<Reply, Problem> {
    request
        .not_counted_for_user()
        .for_session(database, Input::nothing, |app, caller, ()| {
            let sessions = list_sessions(app, caller)?;
            let items = sessions
                .iter()
                .map(|session| SessionItem::new(session, caller.session.id));
            Reply::ok(&SessionListResponse {
                sessions: items.collect(),
            })
        })
        .await
}

/// End a session
///
/// From the next request on, none of its tokens counts any more.
#[utoipa::path(delete, path = "/api/auth/sessions/{id}", operation_id = "endSession", tag = "auth",
    params(("id" = uuid::Uuid, Path, description = "The id of the session")),
    responses(
        (status = 204, description = "The session has ended"),
        (status = 404, description = "The caller has no such session", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn end(request: Request) -> Result<Reply, Problem> {
    request
        .not_counted_for_user()
        .for_session(database, Input::id_alone, |app, caller, id| {
            end_session(app, caller, id)?;
            Ok(Reply::no_content())
        })
        .await
}
