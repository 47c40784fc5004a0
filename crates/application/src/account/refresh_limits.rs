//! The limit of refreshes of each session.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use todo_domain::{SessionId, Timestamp};

use super::allowance::use_one;

/// The tokens of a session were renewed too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tokens of the session were renewed too often")]
pub struct TooManyRefreshes {
    /// The number of refreshes that one session may make in a minute.
    pub per_minute: NonZeroU32,
    /// The time after which one more may be made.
    pub retry_after: Duration,
}

/// The refreshes of each session on this instance.
///
/// Only a valid token of a live session is counted, and an entry exists for at most a minute: memory is bounded by the
/// refreshes of a minute.
#[derive(Debug)]
pub struct RefreshLimits {
    per_minute: Option<NonZeroU32>,
    /// The instant at which a session has its whole allowance again.
    full_at: Mutex<HashMap<SessionId, Timestamp>>,
}

impl RefreshLimits {
    /// No refreshes so far, of which each session may make this number in a minute; `None` is for any number.
    #[must_use]
    pub fn new(per_minute: Option<NonZeroU32>) -> Self {
        Self {
            per_minute,
            full_at: Mutex::default(),
        }
    }

    /// Removes the sessions that have their whole allowance.
    pub fn forget_idle(&self, now: Timestamp) {
        let mut full_at = self.lock();
        full_at.retain(|_, full_at| *full_at > now);
        full_at.shrink_to_fit();
    }

    /// Counts a refresh of a session.
    ///
    /// # Errors
    /// [`TooManyRefreshes`]; then it is not counted.
    pub(super) fn count(&self, session: SessionId, now: Timestamp) -> Result<(), TooManyRefreshes> {
        let Some(per_minute) = self.per_minute else {
            return Ok(());
        };
        let mut full_at = self.lock();
        let used = use_one(full_at.get(&session).copied(), now, per_minute);
        let used = used.map_err(|retry_after| TooManyRefreshes {
            per_minute,
            retry_after,
        })?;
        full_at.insert(session, used);
        Ok(())
    }

    /// Each entry is written at once, so that it is right whatever panicked.
    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Timestamp>> {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{now, session_id};

    #[test]
    fn an_allowance_can_be_used_at_once_and_comes_back_evenly() {
        let per_minute = NonZeroU32::new(4).unwrap();
        let limits = RefreshLimits::new(Some(per_minute));
        for _ in 0..4 {
            limits.count(session_id(1), now()).unwrap();
        }
        let refused = TooManyRefreshes {
            per_minute,
            retry_after: Duration::from_secs(15),
        };
        for _ in 0..100 {
            assert_eq!(limits.count(session_id(1), now()), Err(refused));
        }
        limits.count(session_id(2), now()).unwrap();
        let later = now().saturating_add(refused.retry_after);
        limits.count(session_id(1), later).unwrap();
        assert_eq!(limits.count(session_id(1), later), Err(refused));
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nobody_wait() {
        let limits = RefreshLimits::new(NonZeroU32::new(1));
        limits.count(session_id(1), now()).unwrap();
        let before = now().saturating_sub(Duration::from_hours(1));
        limits.count(session_id(1), before).unwrap();
        assert!(limits.count(session_id(1), before).is_err());
    }

    #[test]
    fn sessions_with_their_whole_allowance_are_forgotten() {
        let limits = RefreshLimits::new(NonZeroU32::new(60));
        limits.count(session_id(1), now()).unwrap();
        limits.forget_idle(now());
        assert_eq!(limits.lock().len(), 1);
        limits.forget_idle(now().saturating_add(Duration::from_secs(1)));
        assert!(limits.lock().is_empty());
    }

    #[test]
    fn without_a_limit_there_is_none() {
        let limits = RefreshLimits::new(None);
        for _ in 0..1_000 {
            limits.count(session_id(1), now()).unwrap();
        }
        assert!(limits.lock().is_empty());
    }
}
