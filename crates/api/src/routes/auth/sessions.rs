//! Where the caller is logged in.

use serde::Serialize;
use todo_api_types::{
    problem::ProblemBody,
    wire::{as_text, as_text_or_null},
};
use todo_application::account::{end_session, list_sessions};
use todo_domain::{Session, SessionId, Timestamp, UserAgent};
use utoipa::ToSchema;

use crate::{
    input::Input,
    reply::Reply,
    request::{Request, Response, database},
};

/// The sessions of the user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionList)]
pub(crate) struct SessionListResponse<'a> {
    /// Valid sessions, newest first.
    sessions: Vec<SessionItem<'a>>,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionItem)]
pub(crate) struct SessionItem<'a> {
    /// Id of the session.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = uuid::Uuid)]
    id: SessionId,
    /// Whether it is the session of this request.
    current: bool,
    /// User agent of the login; null if it was not sent.
    #[schema(required, example = "Mozilla/5.0 (X11; Linux x86_64)")]
    device: Option<&'a str>,
    /// Network address of the login.
    #[serde(serialize_with = "as_text_or_null")]
    #[schema(required, value_type = Option<String>, example = "192.0.2.1")]
    address: Option<std::net::IpAddr>,
    /// Time of the login, in UTC with microseconds.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime, example = "2026-12-01T09:30:00.000000Z")]
    created_at: Timestamp,
    /// Last-used time, to the minute.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime, example = "2026-12-01T09:30:00.000000Z")]
    last_used_at: Timestamp,
    /// Absolute expiry.
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

/// List sessions
#[utoipa::path(get, path = "/api/auth/sessions", operation_id = "sessions", tag = "auth",
    responses(
        (status = 200, description = "The sessions of the user", body = SessionListResponse),
    ))]
pub(crate) async fn list(request: Request) -> Response {
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

/// Terminate a session
///
/// Its tokens are invalid from the next request on.
#[utoipa::path(delete, path = "/api/auth/sessions/{id}", operation_id = "endSession", tag = "auth",
    params(("id" = uuid::Uuid, Path, description = "The id of the session")),
    responses(
        (status = 204, description = "The session is terminated"),
        (status = 404, description = "The session does not exist", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn end(request: Request) -> Response {
    request
        .not_counted_for_user()
        .for_session(database, Input::id_alone, |app, caller, id| {
            end_session(app, caller, id)?;
            Ok(Reply::no_content())
        })
        .await
}
