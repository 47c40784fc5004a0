//! A watcher that reloads the key file when it is replaced while the server runs.

use std::{
    error::Error,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use todo_domain::Timestamp;
use tracing::{error, info};

use super::{
    InvalidKeyRing, KeyRingError, KeyRingFile, SigningKey, atomic_file::FileFingerprint,
    file::OpenFile, key_set::KeySet,
};

/// How often a running server checks whether the file was replaced.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// The keys of a file as of the last check.
///
/// The file is checked every few seconds while keys are used, and for each id that is unknown. A check opens the file and
/// compares its fingerprint; only a file that was replaced is read, and only once, even if it is invalid. So a client that
/// invents key ids causes no more work than that. Checks run one after another; a periodic check is skipped while another
/// runs.
pub(super) struct KeyFileWatcher {
    file: KeyRingFile,
    previous: Vec<(Arc<SigningKey>, Timestamp)>,
    longest_token_lifetime: Duration,
    keys: RwLock<Arc<KeySet>>,
    /// The time of the last periodic check, in microseconds.
    checked_at: AtomicI64,
    last_read: Mutex<LastRead>,
}

/// The file that was read last.
struct LastRead {
    fingerprint: FileFingerprint,
    /// Why the file is invalid, so that the keys of an earlier one are still used.
    error: Option<InvalidKeyRing>,
    /// Whether the last check failed, which is logged once.
    is_failing: bool,
}

impl KeyFileWatcher {
    pub(super) fn new(
        file: KeyRingFile,
        previous: Vec<(Arc<SigningKey>, Timestamp)>,
        longest_token_lifetime: Duration,
        now: Timestamp,
    ) -> Result<Self, KeyRingError> {
        let mut opened = file.open()?;
        let stored = file.read(&mut opened)?;
        let keys = KeySet::new(&stored, &previous, longest_token_lifetime)
            .ok_or_else(|| file.invalid(InvalidKeyRing::CurrentKeys(0)))?;
        Ok(Self {
            previous,
            longest_token_lifetime,
            keys: RwLock::new(Arc::new(keys)),
            checked_at: AtomicI64::new(now.as_microseconds()),
            last_read: Mutex::new(LastRead {
                fingerprint: opened.fingerprint(),
                error: None,
                is_failing: false,
            }),
            file,
        })
    }

    /// The keys, up to one check interval old.
    pub(super) fn keys(&self, now: Timestamp) -> Arc<KeySet> {
        if self.is_due(now)
            && let Ok(mut last_read) = self.last_read.try_lock()
        {
            // An error is logged, and the keys stay.
            drop(self.check(&mut last_read));
        }
        self.latest()
    }

    /// Checks the file now, and returns its keys.
    pub(super) fn reload(&self) -> Result<Arc<KeySet>, KeyRingError> {
        self.check(&mut self.lock())?;
        Ok(self.latest())
    }

    /// Whether a periodic check is due; one caller gets `true`. A clock that was set back makes no difference.
    fn is_due(&self, now: Timestamp) -> bool {
        let now = now.as_microseconds();
        let checked_at = self.checked_at.load(Ordering::Relaxed);
        u128::from(now.abs_diff(checked_at)) >= CHECK_INTERVAL.as_micros()
            && self
                .checked_at
                .compare_exchange(checked_at, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    fn check(&self, last_read: &mut LastRead) -> Result<(), KeyRingError> {
        let checked = self
            .file
            .open()
            .and_then(|opened| self.read_if_replaced(opened, last_read));
        let was_failing = std::mem::replace(&mut last_read.is_failing, checked.is_err());
        if let Err(error) = &checked
            && !was_failing
        {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            error!(cause, "{error}; the previous keys stay in use");
        }
        checked
    }

    fn read_if_replaced(
        &self,
        mut opened: OpenFile,
        last_read: &mut LastRead,
    ) -> Result<(), KeyRingError> {
        let fingerprint = opened.fingerprint();
        if last_read.fingerprint == fingerprint {
            return match &last_read.error {
                None => Ok(()),
                Some(error) => Err(self.file.invalid(error.clone())),
            };
        }
        let keys = self.file.read(&mut opened).and_then(|stored| {
            KeySet::new(&stored, &self.previous, self.longest_token_lifetime)
                .ok_or_else(|| self.file.invalid(InvalidKeyRing::CurrentKeys(0)))
        });
        match keys {
            Ok(keys) => {
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
                last_read.fingerprint = fingerprint;
                last_read.error = None;
                info!(path = %self.file.path().display(), "the key ring was reloaded");
                Ok(())
            }
            Err(KeyRingError::Invalid(path, error)) => {
                last_read.fingerprint = fingerprint;
                last_read.error = Some(error.clone());
                Err(KeyRingError::Invalid(path, error))
            }
            Err(error) => Err(error),
        }
    }

    fn latest(&self) -> Arc<KeySet> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn lock(&self) -> MutexGuard<'_, LastRead> {
        self.last_read
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
