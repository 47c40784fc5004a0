//! Which sessions were seen to count a moment ago.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use todo_domain::{SessionId, SessionPolicy, SessionSnapshot, Timestamp};

/// So many are remembered at most: some megabytes.
const MOST: usize = 100_000;

/// The sessions that this instance saw in the storage within the last minute or so.
///
/// It never tells that a session counts: it tells for which ones it is worth while to ask that in the statement that
/// does what is wanted. Whatever is not remembered is looked at first.
#[derive(Debug, Default)]
pub struct VerifiedSessionCache(Mutex<HashMap<SessionId, SessionSnapshot>>);

impl VerifiedSessionCache {
    /// Forgets the sessions whose next use is to be recorded, or that have ended.
    pub fn forget_old(&self, now: Timestamp, policy: &SessionPolicy) {
        let mut sessions = self.sessions();
        sessions.retain(|_, session| session.guard(now, policy).is_some());
        sessions.shrink_to_fit();
    }

    /// The session with this id as it was seen.
    pub(super) fn find(&self, id: SessionId) -> Option<SessionSnapshot> {
        self.sessions().get(&id).copied()
    }

    /// Remembers a session, if there is room.
    pub(super) fn remember(&self, session: SessionSnapshot) {
        let mut sessions = self.sessions();
        if sessions.len() < MOST || sessions.contains_key(&session.id) {
            sessions.insert(session.id, session);
        }
    }

    /// Forgets a session.
    pub(super) fn forget(&self, id: SessionId) {
        self.sessions().remove(&id);
    }

    /// What is remembered counts whatever happened to whoever held it: each entry is written at once.
    fn sessions(&self) -> MutexGuard<'_, HashMap<SessionId, SessionSnapshot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::{POLICY, now, session, session_id};

    #[test]
    fn a_session_is_remembered_until_its_use_is_to_be_recorded() {
        let seen = VerifiedSessionCache::default();
        seen.remember(SessionSnapshot::from(&session()));
        seen.forget_old(now().saturating_add(Duration::from_secs(59)), &POLICY);
        assert_eq!(seen.find(session_id(1)), Some((&session()).into()));
        seen.forget_old(now().saturating_add(Duration::from_mins(1)), &POLICY);
        assert_eq!(seen.find(session_id(1)), None);
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let seen = VerifiedSessionCache::default();
        let of = |n: usize| SessionSnapshot {
            id: session_id(n as u128),
            ..(&session()).into()
        };
        for n in 0..=MOST {
            seen.remember(of(n));
        }
        assert_eq!(seen.find(of(MOST).id), None);
        seen.forget(of(0).id);
        seen.remember(of(MOST));
        assert_eq!(seen.find(of(MOST).id), Some(of(MOST)));
    }
}
