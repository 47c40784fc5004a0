//! A key as a file keeps it.

use std::{sync::Arc, time::Duration};

use todo_domain::Timestamp;

use super::SigningKey;

/// A key, when it was made, and when another took its place.
#[derive(Debug, Clone)]
pub struct StoredKey {
    /// The key.
    pub key: Arc<SigningKey>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When another key took its place; `None` while it signs.
    pub retired_at: Option<Timestamp>,
}

impl StoredKey {
    /// How much longer a retired key verifies than tokens live: for instances that notice late that it was retired, and
    /// whose clocks differ.
    const MARGIN: Duration = Duration::from_mins(10);

    /// The instant from which the key no longer verifies, where tokens live no longer than `longest_token_lifetime`;
    /// `None` while it signs.
    #[must_use]
    pub fn verifies_until(&self, longest_token_lifetime: Duration) -> Option<Timestamp> {
        let lasting = longest_token_lifetime.saturating_add(Self::MARGIN);
        self.retired_at
            .map(|retired_at| retired_at.saturating_add(lasting))
    }

    /// Whether the key can be dropped at `now`.
    pub(super) fn is_past(&self, longest_token_lifetime: Duration, now: Timestamp) -> bool {
        self.verifies_until(longest_token_lifetime)
            .is_some_and(|until| until <= now)
    }
}
