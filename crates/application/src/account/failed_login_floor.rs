//! The floor of failed logins: the time that verifying a wrong password takes at least.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use todo_domain::ports::UserRepository;

use crate::ServiceError;

/// The smallest floor: a few times what bcrypt with a cost of 12 takes.
const MIN: Duration = Duration::from_secs(1);

/// The largest floor, however slow the machine is.
const MAX: Duration = Duration::from_secs(5);

/// The time that verifying a wrong password takes at least, while any account has a hash by bcrypt.
///
/// bcrypt takes ten times as long as Argon2id does. Without a floor, the time of one failed login tells which accounts
/// came from a backend that used bcrypt, and so that they exist (OWASP ASVS 5.0, 6.3.8 and 11.2.4). What is left of the
/// floor is waited for where it occupies no thread. It is some more than the slowest verification by bcrypt that was seen
/// lately.
///
/// The storage is asked now and then whether any such hash is left, and not for each login. Until it has answered, there
/// is a floor.
#[derive(Debug)]
pub struct FailedLoginFloor {
    is_needed: AtomicBool,
    /// The slowest verification by bcrypt since the storage was last asked, in microseconds.
    slowest: AtomicU64,
    /// The same of the time before.
    slowest_before: AtomicU64,
}

impl Default for FailedLoginFloor {
    fn default() -> Self {
        Self {
            is_needed: AtomicBool::new(true),
            slowest: AtomicU64::new(0),
            slowest_before: AtomicU64::new(0),
        }
    }
}

/// Why it is not known whether a floor is needed. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RefreshFloorError {
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl FailedLoginFloor {
    /// Asks the storage whether any hash by bcrypt is left.
    ///
    /// # Errors
    /// [`RefreshFloorError`].
    pub fn refresh(&self, users: &dyn UserRepository) -> Result<(), RefreshFloorError> {
        let is_needed = users.has_bcrypt_hash().map_err(ServiceError::from)?;
        self.is_needed.store(is_needed, Relaxed);
        self.slowest_before
            .store(self.slowest.swap(0, Relaxed), Relaxed);
        Ok(())
    }

    /// Takes note of a verification by bcrypt.
    pub(super) fn observe_bcrypt(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.slowest.fetch_max(micros, Relaxed);
        self.is_needed.store(true, Relaxed);
    }

    /// What is left of the floor after a verification that took so long.
    pub(super) fn rest(&self, took: Duration) -> Duration {
        if !self.is_needed.load(Relaxed) {
            return Duration::ZERO;
        }
        let slowest = self
            .slowest
            .load(Relaxed)
            .max(self.slowest_before.load(Relaxed));
        let slowest = Duration::from_micros(slowest);
        let floor = slowest.saturating_add(slowest / 4).clamp(MIN, MAX);
        floor.saturating_sub(took)
    }
}

#[cfg(test)]
mod tests {
    use todo_domain::ports::MockUserRepository;

    use super::*;
    use crate::testing::unavailable;

    fn users(has_bcrypt_hash: bool) -> MockUserRepository {
        let mut users = MockUserRepository::new();
        users
            .expect_has_bcrypt_hash()
            .returning(move || Ok(has_bcrypt_hash));
        users
    }

    const FAST: Duration = Duration::from_millis(20);

    #[test]
    fn there_is_one_until_the_storage_has_said_that_no_hash_by_bcrypt_is_left() {
        let floor = FailedLoginFloor::default();
        assert_eq!(floor.rest(FAST), MIN.checked_sub(FAST).unwrap());
        let mut away = MockUserRepository::new();
        away.expect_has_bcrypt_hash()
            .returning(|| Err(unavailable()));
        assert!(floor.refresh(&away).is_err());
        assert_eq!(floor.rest(FAST), MIN.checked_sub(FAST).unwrap());
        floor.refresh(&users(false)).unwrap();
        assert_eq!(floor.rest(FAST), Duration::ZERO);
        // One that came since then is noticed when it is verified.
        floor.observe_bcrypt(FAST);
        assert_eq!(floor.rest(FAST), MIN.checked_sub(FAST).unwrap());
    }

    #[test]
    fn it_is_more_than_the_slowest_verification_and_shrinks_again() {
        let floor = FailedLoginFloor::default();
        let slow = Duration::from_secs(2);
        floor.observe_bcrypt(slow);
        floor.observe_bcrypt(FAST);
        for took in [FAST, slow] {
            assert_eq!(took + floor.rest(took), Duration::from_millis(2_500));
        }
        floor.refresh(&users(true)).unwrap();
        assert_eq!(floor.rest(Duration::ZERO), Duration::from_millis(2_500));
        floor.refresh(&users(true)).unwrap();
        assert_eq!(floor.rest(Duration::ZERO), MIN);
        floor.observe_bcrypt(Duration::from_mins(1));
        assert_eq!(floor.rest(Duration::ZERO), MAX);
        assert_eq!(floor.rest(Duration::from_mins(1)), Duration::ZERO);
    }
}
