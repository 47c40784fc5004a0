//! What happened to the caller's account.

use serde::Serialize;
use todo_application::account::list_security_events;
use todo_domain::{SecurityEvent, Timestamp, UserAgent};
use utoipa::ToSchema;

use crate::{
    input::Input,
    problem::Problem,
    reply::Reply,
    request::{Request, database},
    wire::{as_text, as_text_or_null},
};

/// What happened to an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventList)]
pub(crate) struct EventListResponse<'a> {
    /// The last first, at most 100, as far as they are kept.
    events: Vec<EventItem<'a>>,
}

/// Something that happened to an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventItem)]
pub(super) struct EventItem<'a> {
    /// What happened, for a program to compare.
    #[schema(example = "logged_in")]
    kind: &'static str,
    /// The session or the token that it happened to or through.
    #[serde(serialize_with = "as_text_or_null")]
    #[schema(required, value_type = Option<uuid::Uuid>)]
    subject: Option<uuid::Uuid>,
    /// What the program that brought it about called itself; null when it did not say.
    #[schema(required, example = "Mozilla/5.0 (X11; Linux x86_64)")]
    device: Option<&'a str>,
    /// The address that it came from.
    #[serde(serialize_with = "as_text_or_null")]
    #[schema(required, value_type = Option<String>, example = "192.0.2.1")]
    address: Option<std::net::IpAddr>,
    /// When it happened, in UTC and to the microsecond.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime, example = "2026-12-01T09:30:00.000000Z")]
    created_at: Timestamp,
}

impl<'a> From<&'a SecurityEvent> for EventItem<'a> {
    fn from(event: &'a SecurityEvent) -> Self {
        Self {
            kind: event.kind.as_str(),
            subject: event.subject,
            device: event.client.user_agent.as_ref().map(UserAgent::as_str),
            address: event.client.address,
            created_at: event.created_at,
        }
    }
}

/// What happened to my account?
///
/// Registrations, logins and those that failed, renewals, logouts, and changes of what proves who I am.
#[utoipa::path(get, path = "/api/auth/events", operation_id = "securityEvents", tag = "auth",
    responses(
        (status = 200, description = "What happened", body = EventListResponse),
    ))]
pub(crate) async fn list(request: Request) -> Result<Reply, Problem> {
    request
        .for_session(database, Input::nothing, |app, caller, ()| {
            let events = list_security_events(app, caller)?;
            let body = EventListResponse {
                events: events.iter().map(EventItem::from).collect(),
            };
            Reply::ok(&body)
        })
        .await
}
