//! The key ring of a running server.

use std::{fmt, sync::Arc, time::Duration};

use todo_domain::{
    PublicKey, Timestamp,
    ports::{Clock, PublicKeys},
};

use super::{
    KeyRingError, KeyRingFile, SigningKey, key_file_watcher::KeyFileWatcher, key_set::KeySet,
};

/// The keys that sign and verify: either configured, or those of a file that is reloaded when it changes.
pub struct KeyRing {
    source: Source,
    clock: Arc<dyn Clock>,
}

enum Source {
    Configured(KeySet),
    File(KeyFileWatcher),
}

impl KeyRing {
    /// A ring that signs with `current`, and verifies with it and the `previous` keys.
    #[must_use]
    pub fn configured(
        current: SigningKey,
        previous: Vec<SigningKey>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let keys = KeySet {
            current: Arc::new(current),
            others: forever(previous).collect(),
        };
        Self {
            source: Source::Configured(keys),
            clock,
        }
    }

    /// A ring that signs and verifies with the keys of `file`, and verifies with the `previous` keys as well. Tokens live no
    /// longer than `longest_token_lifetime`.
    ///
    /// # Errors
    /// [`KeyRingError`]. Later on, a file that cannot be used leaves the ring with the keys that it had.
    pub fn of_file(
        file: KeyRingFile,
        previous: Vec<SigningKey>,
        longest_token_lifetime: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, KeyRingError> {
        let previous = forever(previous).collect();
        let file = KeyFileWatcher::new(file, previous, longest_token_lifetime, clock.now())?;
        Ok(Self {
            source: Source::File(file),
            clock,
        })
    }

    /// The signing key.
    pub(crate) fn current(&self) -> Arc<SigningKey> {
        match &self.source {
            Source::Configured(keys) => Arc::clone(&keys.current),
            Source::File(file) => Arc::clone(&file.keys(self.clock.now()).current),
        }
    }

    /// The key with this id, if it verifies now. An unknown id reloads the file if it was replaced, so that a token that
    /// another instance signed with a newer key is accepted at once.
    pub(crate) fn find(&self, id: &str) -> Result<Option<Arc<SigningKey>>, KeyRingError> {
        let now = self.clock.now();
        match &self.source {
            Source::Configured(keys) => Ok(keys.find(id, now)),
            Source::File(file) => match file.keys(now).find(id, now) {
                Some(key) => Ok(Some(key)),
                None => Ok(file.reload()?.find(id, now)),
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

/// Configured keys, which never expire.
fn forever(keys: Vec<SigningKey>) -> impl Iterator<Item = (Arc<SigningKey>, Timestamp)> {
    keys.into_iter().map(|key| (Arc::new(key), Timestamp::MAX))
}
