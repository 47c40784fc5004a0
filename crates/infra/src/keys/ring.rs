//! The ring of keys that a running server signs and verifies with.

use std::{fmt, sync::Arc, time::Duration};

use todo_domain::{
    PublicKey, Timestamp,
    ports::{Clock, PublicKeys},
};

use super::{KeyRingError, KeyRingFile, SigningKey, StoredKey, watched::WatchedFile};

/// The keys, either those that are configured once and for all, or those of a file, whose changes are noticed.
pub struct KeyRing {
    source: Source,
    clock: Arc<dyn Clock>,
}

enum Source {
    Configured(Keys),
    File(WatchedFile),
}

/// The keys of one moment.
pub(super) struct Keys {
    current: Arc<SigningKey>,
    /// Those that only verify, each with the instant from which it does not.
    others: Vec<(Arc<SigningKey>, Timestamp)>,
}

impl KeyRing {
    /// Signs with `current`, and verifies with it and the `previous` keys.
    #[must_use]
    pub fn configured(
        current: SigningKey,
        previous: Vec<SigningKey>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let keys = Keys {
            current: Arc::new(current),
            others: forever(previous).collect(),
        };
        Self {
            source: Source::Configured(keys),
            clock,
        }
    }

    /// Signs and verifies with the keys of `file`, and verifies with the `previous` keys as well. Tokens live no longer
    /// than `longest_token_lifetime`.
    ///
    /// # Errors
    /// [`KeyRingError`]; later on, a file that cannot be used leaves the ring with the keys that it had.
    pub fn of_file(
        file: KeyRingFile,
        previous: Vec<SigningKey>,
        longest_token_lifetime: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, KeyRingError> {
        let previous = forever(previous).collect();
        let file = WatchedFile::new(file, previous, longest_token_lifetime, clock.now())?;
        Ok(Self {
            source: Source::File(file),
            clock,
        })
    }

    /// The key that signs.
    pub(crate) fn current(&self) -> Arc<SigningKey> {
        match &self.source {
            Source::Configured(keys) => Arc::clone(&keys.current),
            Source::File(file) => Arc::clone(&file.keys(self.clock.now()).current),
        }
    }

    /// The key of this id, if it verifies now. Where it is not known, the file is asked whether it was replaced, so
    /// that what another instance signed with a newer key is accepted at once.
    pub(crate) fn find(&self, id: &str) -> Result<Option<Arc<SigningKey>>, KeyRingError> {
        let now = self.clock.now();
        match &self.source {
            Source::Configured(keys) => Ok(keys.find(id, now)),
            Source::File(file) => match file.keys(now).find(id, now) {
                Some(key) => Ok(Some(key)),
                None => Ok(file.newest_keys()?.find(id, now)),
            },
        }
    }
}

impl PublicKeys for KeyRing {
    fn public_keys(&self) -> Vec<PublicKey> {
        let now = self.clock.now();
        match &self.source {
            Source::Configured(keys) => keys.public(now),
            Source::File(file) => file.keys(now).public(now),
        }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("current", &self.current())
            .finish_non_exhaustive()
    }
}

/// Keys that verify for as long as they are configured.
fn forever(keys: Vec<SigningKey>) -> impl Iterator<Item = (Arc<SigningKey>, Timestamp)> {
    keys.into_iter().map(|key| (Arc::new(key), Timestamp::MAX))
}

impl Keys {
    /// The keys of a file, of which exactly one is not retired, and others that are configured; `None` when none signs.
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

    /// Those that verify now, the one that signs first.
    fn verifying(&self, now: Timestamp) -> impl Iterator<Item = &Arc<SigningKey>> {
        let others = self
            .others
            .iter()
            .filter(move |(_, until)| now < *until)
            .map(|(key, _)| key);
        std::iter::once(&self.current).chain(others)
    }

    fn find(&self, id: &str, now: Timestamp) -> Option<Arc<SigningKey>> {
        self.verifying(now)
            .find(|key| key.id() == id)
            .map(Arc::clone)
    }

    fn public(&self, now: Timestamp) -> Vec<PublicKey> {
        self.verifying(now).filter_map(|key| key.public()).collect()
    }
}
