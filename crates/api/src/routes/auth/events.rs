//! Security events of the account.

use serde::Serialize;
use todo_api_types::wire::{as_text, as_text_or_null};
use todo_application::account::list_security_events;
use todo_domain::{SecurityEvent, Timestamp, UserAgent};
use utoipa::ToSchema;

use crate::{
    input::Input,
    reply::Reply,
    request::{Request, Response, database},
};

/// Security events of an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventList)]
pub(crate) struct EventListResponse<'a> {
    /// At most 100 events within the retention period, newest first.
    events: Vec<EventItem<'a>>,
}

/// A security event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventItem)]
pub(super) struct EventItem<'a> {
    /// Kind of event, for programs.
    #[schema(example = "logged_in")]
    kind: &'static str,
    /// Id of the session or token involved.
    #[serde(serialize_with = "as_text_or_null")]
    #[schema(required, value_type = Option<uuid::Uuid>)]
    subject: Option<uuid::Uuid>,
    /// User agent of the client; null if it was not sent.
    #[schema(required, example = "Mozilla/5.0 (X11; Linux x86_64)")]
    device: Option<&'a str>,
    /// Network address of the client.
    #[serde(serialize_with = "as_text_or_null")]
    #[schema(required, value_type = Option<String>, example = "192.0.2.1")]
    address: Option<std::net::IpAddr>,
    /// Time of the event, in UTC with microseconds.
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

/// List security events
///
/// Registrations, logins, failed logins, logouts, and changes of credentials.
#[utoipa::path(get, path = "/api/auth/events", operation_id = "securityEvents", tag = "auth",
    responses(
        (status = 200, description = "The security events", body = EventListResponse),
    ))]
pub(crate) async fn list(request: Request) -> Response {
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
