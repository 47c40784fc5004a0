//! A file of keys that may be replaced while the server runs.

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
    InvalidKeyRing, KeyRingError, KeyRingFile, SigningKey, file::Opened, placing::Stamp, ring::Keys,
};

/// How often a running server looks whether the file was replaced.
const INTERVAL: Duration = Duration::from_secs(5);

/// The keys of a file, as it was when it was last looked at.
///
/// It is looked at every few seconds while keys are asked for, and whenever a key is asked for that is not known. That
/// is one opening of the file, whatever the key, and no reading: only a file that was replaced is read, and only once,
/// also if it turns out to be broken. So whoever makes up key ids causes no more work than that. Looks happen one after
/// another; a look that is due because of the time is left to whoever looks already.
pub(super) struct WatchedFile {
    file: KeyRingFile,
    previous: Vec<(Arc<SigningKey>, Timestamp)>,
    longest_token_lifetime: Duration,
    keys: RwLock<Arc<Keys>>,
    /// When it was last looked at because of the time, in microseconds.
    looked_at: AtomicI64,
    seen: Mutex<Seen>,
}

/// The file that was read last.
struct Seen {
    stamp: Stamp,
    /// Why the keys are still those of a file before it.
    fault: Option<InvalidKeyRing>,
    /// Whether the last look came to nothing, which is logged once.
    failing: bool,
}

impl WatchedFile {
    pub(super) fn new(
        file: KeyRingFile,
        previous: Vec<(Arc<SigningKey>, Timestamp)>,
        longest_token_lifetime: Duration,
        now: Timestamp,
    ) -> Result<Self, KeyRingError> {
        let mut opened = file.open()?;
        let stored = file.read(&mut opened)?;
        let keys = Keys::new(&stored, &previous, longest_token_lifetime)
            .ok_or_else(|| file.invalid(InvalidKeyRing::CurrentKeys(0)))?;
        Ok(Self {
            previous,
            longest_token_lifetime,
            keys: RwLock::new(Arc::new(keys)),
            looked_at: AtomicI64::new(now.as_microseconds()),
            seen: Mutex::new(Seen {
                stamp: opened.stamp(),
                fault: None,
                failing: false,
            }),
            file,
        })
    }

    /// The keys, which may have been replaced a few seconds ago.
    pub(super) fn keys(&self, now: Timestamp) -> Arc<Keys> {
        if self.is_due(now)
            && let Ok(mut seen) = self.seen.try_lock()
        {
            // What goes wrong is logged, and the keys are those that there were.
            drop(self.look(&mut seen));
        }
        self.latest()
    }

    /// The keys as they are in the file at this moment.
    pub(super) fn newest_keys(&self) -> Result<Arc<Keys>, KeyRingError> {
        self.look(&mut self.lock())?;
        Ok(self.latest())
    }

    /// Whether it is time to look, which one of those who ask is told. A clock that was set back makes no difference.
    fn is_due(&self, now: Timestamp) -> bool {
        let now = now.as_microseconds();
        let looked_at = self.looked_at.load(Ordering::Relaxed);
        u128::from(now.abs_diff(looked_at)) >= INTERVAL.as_micros()
            && self
                .looked_at
                .compare_exchange(looked_at, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    fn look(&self, seen: &mut Seen) -> Result<(), KeyRingError> {
        let looked = self
            .file
            .open()
            .and_then(|opened| self.read_if_replaced(opened, seen));
        let was_failing = std::mem::replace(&mut seen.failing, looked.is_err());
        if let Err(error) = &looked
            && !was_failing
        {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            error!(cause, "{error}; the keys are those that there were");
        }
        looked
    }

    fn read_if_replaced(&self, mut opened: Opened, seen: &mut Seen) -> Result<(), KeyRingError> {
        let stamp = opened.stamp();
        if seen.stamp == stamp {
            return match &seen.fault {
                None => Ok(()),
                Some(fault) => Err(self.file.invalid(fault.clone())),
            };
        }
        let keys = self.file.read(&mut opened).and_then(|stored| {
            Keys::new(&stored, &self.previous, self.longest_token_lifetime)
                .ok_or_else(|| self.file.invalid(InvalidKeyRing::CurrentKeys(0)))
        });
        match keys {
            Ok(keys) => {
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
                seen.stamp = stamp;
                seen.fault = None;
                info!(path = %self.file.path().display(), "the key ring was replaced");
                Ok(())
            }
            Err(KeyRingError::Invalid(path, fault)) => {
                seen.stamp = stamp;
                seen.fault = Some(fault.clone());
                Err(KeyRingError::Invalid(path, fault))
            }
            Err(error) => Err(error),
        }
    }

    fn latest(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, thread};

    use tempfile::TempDir;
    use todo_domain::ports::PublicKeys;

    use super::*;
    use crate::keys::{
        KeyRing, SigningAlgorithm,
        testing::{SetClock, at},
    };

    const HOUR: Duration = Duration::from_hours(1);

    struct Place {
        _folder: TempDir,
        clock: SetClock,
        file: KeyRingFile,
        ring: KeyRing,
    }

    impl Place {
        /// A ring of one key that is watched.
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let clock = SetClock::new(at(0));
            let file = KeyRingFile::new(folder.path().join("keys"), clock.shared());
            file.make_if_missing().unwrap();
            let ring = KeyRing::of_file(file.clone(), Vec::new(), HOUR, clock.shared()).unwrap();
            Self {
                _folder: folder,
                clock,
                file,
                ring,
            }
        }

        fn current(&self) -> String {
            self.ring.current().id().to_owned()
        }

        fn rotate(&self) -> String {
            let keys = self.file.rotate(None, HOUR).unwrap().keys;
            keys[0].key.id().to_owned()
        }

        fn knows(&self, id: &str) -> bool {
            self.ring.find(id).unwrap().is_some()
        }
    }

    #[test]
    fn a_rotation_is_noticed_after_a_few_seconds() {
        let place = Place::new();
        let old = place.current();
        let new = place.rotate();
        place.clock.set(at(4));
        assert_eq!(place.current(), old);
        place.clock.set(at(5));
        assert_eq!(place.current(), new);
        assert!(place.knows(&old));
    }

    #[test]
    fn a_revoked_key_is_refused_after_a_few_seconds() {
        let place = Place::new();
        let old = place.current();
        place.file.revoke_others(None).unwrap();
        place.clock.set(at(5));
        assert!(!place.knows(&old));
        assert_ne!(place.current(), old);
    }

    #[test]
    fn it_is_noticed_though_the_clock_was_set_back() {
        let place = Place::new();
        let new = place.rotate();
        place.clock.set(at(-600));
        assert_eq!(place.current(), new);
    }

    #[test]
    fn a_key_that_is_not_known_is_looked_for_at_once() {
        let place = Place::new();
        for _ in 0..3 {
            // Others may make up ids just before.
            assert!(!place.knows("made up"));
            let new = place.rotate();
            assert!(place.knows(&new));
            assert_eq!(place.current(), new);
        }
    }

    #[test]
    fn a_retired_key_verifies_until_its_tokens_have_expired_and_no_longer() {
        let place = Place::new();
        let old = place.current();
        place.rotate();
        place.clock.set(at(70 * 60 - 1));
        assert!(place.knows(&old));
        place.clock.set(at(70 * 60));
        assert!(!place.knows(&old), "though it is in the file");
        assert_eq!(place.file.keys().unwrap().len(), 2);
    }

    #[test]
    fn a_file_that_breaks_or_goes_leaves_the_keys_that_there_were() {
        let place = Place::new();
        let old = place.current();
        let good = fs::read(place.file.path()).unwrap();
        fs::write(place.file.path(), "{").unwrap();
        for seconds in [10, 20] {
            place.clock.set(at(seconds));
            assert_eq!(place.current(), old);
            assert!(place.knows(&old));
            let error = place.ring.find("another").unwrap_err();
            assert!(matches!(error, KeyRingError::Invalid(..)), "{error}");
        }
        fs::remove_file(place.file.path()).unwrap();
        assert!(place.knows(&old));
        let error = place.ring.find("another").unwrap_err();
        assert!(matches!(error, KeyRingError::Missing(_)), "{error}");

        fs::write(place.file.path(), good).unwrap();
        assert!(!place.knows("another"));
        let new = place.rotate();
        assert!(place.knows(&new));
    }

    #[test]
    fn nobody_is_refused_while_keys_are_rotated() {
        let place = Place::new();
        let first = place.current();
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..20 {
                    let new = place.rotate();
                    assert!(place.knows(&new), "what was just signed is accepted");
                }
            });
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        assert!(place.knows(&first));
                        assert!(!place.knows("made up"));
                    }
                });
            }
        });
    }

    #[test]
    fn only_the_keys_that_have_a_public_half_are_public_and_only_while_they_verify() {
        let place = Place::new();
        assert_eq!(place.ring.public_keys(), []);
        let ids = |seconds| {
            place.clock.set(at(seconds));
            let keys = place.ring.public_keys();
            keys.into_iter().map(|key| key.id).collect::<Vec<_>>()
        };
        let rotate = |algorithm| {
            let keys = place.file.rotate(Some(algorithm), HOUR).unwrap().keys;
            keys[0].key.id().to_owned()
        };
        let first = rotate(SigningAlgorithm::EdDsa);
        let second = rotate(SigningAlgorithm::EdDsa);
        assert_eq!(ids(5), [second.clone(), first.clone()]);
        rotate(SigningAlgorithm::Hs256);
        assert_eq!(ids(10).len(), 2);
        // The first was retired at 0, the second 5 seconds later.
        assert_eq!(ids(70 * 60), [second]);
    }
}
