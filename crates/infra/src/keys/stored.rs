//! A key as it is stored in the file.

use std::{sync::Arc, time::Duration};

use todo_domain::Timestamp;

use super::SigningKey;

/// A key with the times of its creation and retirement.
#[derive(Debug, Clone)]
pub struct StoredKey {
    /// The key.
    pub key: Arc<SigningKey>,
    /// The time of its creation.
    pub created_at: Timestamp,
    /// The time at which another key replaced it; `None` while it signs.
    pub retired_at: Option<Timestamp>,
}

impl StoredKey {
    /// How much longer a retired key verifies than tokens live: for instances that reload the file late, and for clocks that
    /// differ.
    const MARGIN: Duration = Duration::from_mins(10);

    /// The instant at which the key expires, when tokens live no longer than `longest_token_lifetime`; `None` while it signs.
    #[must_use]
    pub fn verifies_until(&self, longest_token_lifetime: Duration) -> Option<Timestamp> {
        let lasting = longest_token_lifetime.saturating_add(Self::MARGIN);
        self.retired_at
            .map(|retired_at| retired_at.saturating_add(lasting))
    }

    /// Whether the key has expired at `now`, so that it can be dropped.
    pub(super) fn is_expired(&self, longest_token_lifetime: Duration, now: Timestamp) -> bool {
        self.verifies_until(longest_token_lifetime)
            .is_some_and(|until| until <= now)
    }
}
