//! Lifetimes of sessions and tokens, and retention of security events.

use std::time::Duration;

use todo_domain::SessionPolicy;

use super::Variables;

const DAY: u64 = 24 * 60 * 60;

/// Lifetimes of sessions and tokens, and retention of security events.
#[derive(Debug)]
pub(crate) struct SessionConfig {
    pub(crate) policy: SessionPolicy,
    /// Retention of security events.
    pub(crate) security_event_retention: Duration,
}

impl SessionConfig {
    pub(super) fn read(variables: &mut Variables<'_>) -> Self {
        let default = SessionPolicy::default();
        let mut lifetime =
            |name, default: Duration, min| variables.seconds(name, default.as_secs(), min);
        Self {
            policy: SessionPolicy {
                access_token: lifetime("ACCESS_TOKEN_LIFETIME_SECONDS", default.access_token, 1),
                idle: lifetime("SESSION_IDLE_SECONDS", default.idle, 1),
                absolute: lifetime("SESSION_LIFETIME_SECONDS", default.absolute, 1),
                refresh_grace: lifetime("REFRESH_GRACE_SECONDS", default.refresh_grace, 0),
            },
            security_event_retention: variables.seconds(
                "SECURITY_EVENT_RETENTION_SECONDS",
                90 * DAY,
                DAY,
            ),
        }
    }
}
