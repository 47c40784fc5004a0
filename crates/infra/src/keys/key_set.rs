//! The keys that sign and verify at one moment.

use std::{sync::Arc, time::Duration};

use todo_domain::{PublicKey, Timestamp};

use super::{SigningKey, StoredKey};

/// A signing key and the other keys that verify.
pub(super) struct KeySet {
    pub(super) current: Arc<SigningKey>,
    /// The keys that only verify, each with the instant at which it expires.
    pub(super) others: Vec<(Arc<SigningKey>, Timestamp)>,
}

impl KeySet {
    /// The keys of a file, of which exactly one is not retired, and configured keys; `None` when no key signs.
    pub(super) fn new(
        stored: &[StoredKey],
        configured: &[(Arc<SigningKey>, Timestamp)],
        longest_token_lifetime: Duration,
    ) -> Option<Self> {
        let current = stored.iter().find(|stored| stored.retired_at.is_none())?;
        let retired = stored.iter().filter_map(|stored| {
            let until = stored.verifies_until(longest_token_lifetime)?;
            Some((Arc::clone(&stored.key), until))
        });
        Some(Self {
            current: Arc::clone(&current.key),
            others: retired.chain(configured.iter().cloned()).collect(),
        })
    }

    /// The keys that verify at `now`, the signing key first.
    fn verifying(&self, now: Timestamp) -> impl Iterator<Item = &Arc<SigningKey>> {
        let others = self
            .others
            .iter()
            .filter(move |(_, until)| now < *until)
            .map(|(key, _)| key);
        std::iter::once(&self.current).chain(others)
    }

    pub(super) fn find(&self, id: &str, now: Timestamp) -> Option<Arc<SigningKey>> {
        self.verifying(now)
            .find(|key| key.id() == id)
            .map(Arc::clone)
    }

    pub(super) fn public(&self, now: Timestamp) -> Vec<PublicKey> {
        self.verifying(now).filter_map(|key| key.public()).collect()
    }
}
