//! What use cases record of what they do.

use todo_domain::{Client, SecurityEvent, SecurityEventKind, Timestamp, UserId};

use crate::{App, SessionCaller};

/// An event of `kind` that happens to the account of `user_id` at `now`.
pub(crate) fn event(
    app: &App,
    kind: SecurityEventKind,
    user_id: Option<UserId>,
    client: &Client,
    now: Timestamp,
) -> SecurityEvent {
    SecurityEvent {
        id: app.ids.event(),
        user_id,
        kind,
        subject: None,
        client: client.clone(),
        created_at: now,
    }
}

/// An event of `kind` that the caller brings about now, through the caller's session.
pub(crate) fn event_by(
    app: &App,
    caller: &SessionCaller,
    kind: SecurityEventKind,
) -> SecurityEvent {
    let user_id = Some(caller.user_id());
    event(app, kind, user_id, &caller.client, app.clock.now()).of_session(caller.session.id)
}
