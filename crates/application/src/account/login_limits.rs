//! Limits of logins, successful ones included.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, RandomState},
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use todo_domain::{ThrottleKey, Timestamp};

use super::allowance::{WINDOW, use_one};

/// How many logins of one subject may be in flight: enough for a page that is submitted twice.
const MAX_IN_FLIGHT: u32 = 2;

/// After which time a login may be tried again where too many are in flight: a hash takes less.
const RETRY_IN_FLIGHT: Duration = Duration::from_secs(1);

/// A limit of logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginLimit {
    /// Logins in flight.
    InFlight,
    /// Logins that succeed.
    Rate {
        /// How many of them in a minute.
        per_minute: NonZeroU32,
    },
}

impl LoginLimit {
    /// Its name in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InFlight => "in_flight",
            Self::Rate { .. } => "rate",
        }
    }
}

/// A login exceeds a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many logins ({})", limit.as_str())]
pub struct TooManyLogins {
    /// The limit.
    pub limit: LoginLimit,
    /// After which time a login may be tried again.
    pub retry_after: Duration,
}

/// The logins of this instance, by subject: the account for unknown devices, whether or not it exists; else the known
/// device or place.
///
/// It protects the capacity of this instance, so each instance counts for itself, in memory. An entry exists while a login
/// is in flight, and for at most a minute after one that succeeded: memory is bounded by the hashes of a minute.
pub struct LoginLimits {
    per_minute: Option<NonZeroU32>,
    /// Entries are found by a keyed hash, so that neither addresses nor secrets of devices are kept.
    hasher: RandomState,
    entries: Mutex<HashMap<u64, Entry>>,
}

/// The logins of one subject.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    in_flight: u32,
    /// When the whole allowance is there again (GCRA's theoretical arrival time).
    full_at: Option<Timestamp>,
}

impl Entry {
    fn is_idle(&self, now: Timestamp) -> bool {
        self.in_flight == 0 && self.full_at.is_none_or(|full_at| full_at <= now)
    }
}

impl fmt::Debug for LoginLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginLimits")
            .field("per_minute", &self.per_minute)
            .finish_non_exhaustive()
    }
}

impl LoginLimits {
    /// No logins so far, of which so many a minute may succeed for each subject; `None` is for any number.
    #[must_use]
    pub fn new(per_minute: Option<NonZeroU32>) -> Self {
        Self {
            per_minute,
            hasher: RandomState::new(),
            entries: Mutex::default(),
        }
    }

    /// Removes the subjects that have no login in flight and their whole allowance.
    pub fn forget_idle(&self, now: Timestamp) {
        let mut entries = self.lock();
        entries.retain(|_, entry| !entry.is_idle(now));
        entries.shrink_to_fit();
    }

    /// Begins a login of `subject`, which is in flight until the permit is dropped.
    ///
    /// # Errors
    /// [`TooManyLogins`]; then nothing is counted.
    pub(super) fn begin(
        &self,
        subject: &ThrottleKey,
        now: Timestamp,
    ) -> Result<LoginPermit<'_>, TooManyLogins> {
        let key = self.hasher.hash_one(subject.expose());
        let mut entries = self.lock();
        let mut entry = entries.get(&key).copied().unwrap_or_default();
        if entry.in_flight >= MAX_IN_FLIGHT {
            return Err(TooManyLogins {
                limit: LoginLimit::InFlight,
                retry_after: RETRY_IN_FLIGHT,
            });
        }
        if let Some(per_minute) = self.per_minute {
            let used = use_one(entry.full_at, now, per_minute);
            let full_at = used.map_err(|retry_after| TooManyLogins {
                limit: LoginLimit::Rate { per_minute },
                retry_after,
            })?;
            entry.full_at = Some(full_at);
        }
        entry.in_flight += 1;
        entries.insert(key, entry);
        Ok(LoginPermit {
            limits: self,
            key,
            began_at: now,
            has_succeeded: false,
        })
    }

    /// Each entry is written at once, so that it is right whatever panicked.
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A login in flight. Unless it has succeeded, what it used of the rate is given back when it is dropped.
#[derive(Debug)]
pub(super) struct LoginPermit<'a> {
    limits: &'a LoginLimits,
    key: u64,
    began_at: Timestamp,
    has_succeeded: bool,
}

impl LoginPermit<'_> {
    /// Has the login be counted in the rate.
    pub(super) fn succeed(&mut self) {
        self.has_succeeded = true;
    }
}

impl Drop for LoginPermit<'_> {
    fn drop(&mut self) {
        let mut entries = self.limits.lock();
        let Some(entry) = entries.get_mut(&self.key) else {
            return;
        };
        entry.in_flight = entry.in_flight.saturating_sub(1);
        if let (false, Some(per_minute)) = (self.has_succeeded, self.limits.per_minute) {
            entry.full_at = entry
                .full_at
                .map(|full_at| full_at.saturating_sub(WINDOW / per_minute.get()));
        }
        if entry.is_idle(self.began_at) {
            entries.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use todo_domain::{Email, ThrottledAction};

    use super::*;
    use crate::testing::now;

    fn limits(per_minute: u32) -> LoginLimits {
        LoginLimits::new(NonZeroU32::new(per_minute))
    }

    fn account(email: &str) -> ThrottleKey {
        ThrottleKey::account(ThrottledAction::Login, &Email::new(email).unwrap())
    }

    fn after(seconds: u64) -> Timestamp {
        now().saturating_add(Duration::from_secs(seconds))
    }

    fn log_in(limits: &LoginLimits, subject: &ThrottleKey, at: Timestamp) -> bool {
        limits
            .begin(subject, at)
            .map(|mut permit| permit.succeed())
            .is_ok()
    }

    #[test]
    fn two_logins_of_a_subject_are_in_flight_at_most() {
        let limits = limits(0);
        let (ada, grace) = (account("ada@example.com"), account("grace@example.com"));
        let first = limits.begin(&ada, now()).unwrap();
        let _second = limits.begin(&ada, now()).unwrap();
        let refused = limits.begin(&ada, now()).unwrap_err();
        assert_eq!(refused.limit, LoginLimit::InFlight);
        assert_eq!(refused.retry_after, Duration::from_secs(1));
        assert!(limits.begin(&grace, now()).is_ok());
        drop(first);
        assert!(limits.begin(&ada, now()).is_ok());
    }

    #[test]
    fn a_login_that_panics_is_no_longer_in_flight() {
        let limits = limits(20);
        let ada = account("ada@example.com");
        for _ in 0..100 {
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                let _permit = limits.begin(&ada, now()).unwrap();
                panic!("on purpose");
            }));
            assert!(panicked.is_err());
        }
        assert!(limits.lock().is_empty());
    }

    #[test]
    fn logins_that_succeed_have_a_rate_and_those_that_fail_use_none_of_it() {
        for per_minute in [1, 7, 20] {
            let limits = limits(per_minute);
            let ada = account("ada@example.com");
            for _ in 0..per_minute {
                for _ in 0..100 {
                    drop(limits.begin(&ada, now()).unwrap());
                }
                assert!(log_in(&limits, &ada, now()));
            }
            let refused = limits.begin(&ada, now()).unwrap_err();
            let per_minute = NonZeroU32::new(per_minute).unwrap();
            assert_eq!(refused.limit, LoginLimit::Rate { per_minute });
            assert!(refused.retry_after <= WINDOW / per_minute.get());
            assert!(log_in(&limits, &account("grace@example.com"), now()));
            // One comes back after its share of the minute, all of them after the minute.
            assert!(log_in(
                &limits,
                &ada,
                after(60 / u64::from(per_minute.get()) + 1)
            ));
            assert!(!log_in(
                &limits,
                &ada,
                after(60 / u64::from(per_minute.get()) + 1)
            ));
            let granted = (0..100).filter(|_| log_in(&limits, &ada, after(200)));
            assert_eq!(granted.count(), per_minute.get() as usize);
        }
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nobody_wait() {
        let limits = limits(1);
        let ada = account("ada@example.com");
        assert!(log_in(&limits, &ada, after(100_000)));
        assert!(log_in(&limits, &ada, now()));
        assert!(!log_in(&limits, &ada, now()));
    }

    #[test]
    fn without_a_rate_any_number_succeeds() {
        let limits = limits(0);
        let ada = account("ada@example.com");
        assert!((0..1_000).all(|_| log_in(&limits, &ada, now())));
        assert!(limits.lock().is_empty());
    }

    #[test]
    fn subjects_without_logins_are_forgotten() {
        let limits = limits(20);
        assert!(log_in(&limits, &account("ada@example.com"), now()));
        let grace = account("grace@example.com");
        let permit = limits.begin(&grace, now()).unwrap();
        limits.forget_idle(now());
        assert_eq!(limits.lock().len(), 2);
        limits.forget_idle(after(3));
        assert_eq!(limits.lock().len(), 1);
        drop(permit);
        assert!(limits.lock().is_empty());
    }
}
