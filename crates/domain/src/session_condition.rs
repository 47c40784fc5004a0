//! What a statement demands of a session, so that whether it counts need not be asked before.

use crate::{Session, SessionId, SessionPolicy, Timestamp, UserId};

/// What was seen of a session in the storage at some time.
///
/// Since then it was used again, or ended, or neither; its last use never goes back, and what was ended stays ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSnapshot {
    /// Which session.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// The instant from which it no longer counts, however much it is used.
    pub expires_at: Timestamp,
    /// When it was last used, as far as was seen.
    pub last_used_at: Timestamp,
}

/// A condition on what is stored of a session. One that meets it is [live](Session::is_live), and its use is
/// [not to be recorded](Session::is_use_to_be_recorded): nothing has to be known of it, or done to it, before a
/// statement.
///
/// It is made of a session that met it when it was [seen](SessionSnapshot), and that only its end can keep from meeting it
/// since then. So where the session meets it, it has done so all the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionCondition {
    /// The session must be there.
    pub session_id: SessionId,
    /// It must be this user's.
    pub user_id: UserId,
    /// It must expire later than this.
    pub expires_after: Timestamp,
    /// It must have been used later than this.
    pub used_after: Timestamp,
}

impl SessionSnapshot {
    /// The condition for this session at `now`; `None` when it did not meet it as it was seen.
    ///
    /// ```
    /// # use todo_domain::*;
    /// # let id = "0192f0c1-2345-7abc-8def-0123456789ab";
    /// let policy = SessionPolicy::default();
    /// let begin = Timestamp::from_microseconds(1_500_000)?;
    /// let session = Session::begin(id.parse()?, id.parse()?, Client::default(), begin, &policy);
    /// let guard = SessionSnapshot::from(&session).guard(begin, &policy).unwrap();
    /// assert!(guard.is_met_by(&session));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn guard(&self, now: Timestamp, policy: &SessionPolicy) -> Option<SessionCondition> {
        let guard = SessionCondition {
            session_id: self.id,
            user_id: self.user_id,
            expires_after: now,
            used_after: now.saturating_sub(policy.recording_interval()),
        };
        guard.is_met_by_seen(self).then_some(guard)
    }
}

impl SessionCondition {
    /// Whether a session meets it.
    #[must_use]
    pub fn is_met_by(&self, session: &Session) -> bool {
        self.is_met_by_seen(&session.into())
    }

    fn is_met_by_seen(&self, session: &SessionSnapshot) -> bool {
        session.id == self.session_id
            && session.user_id == self.user_id
            && session.expires_at > self.expires_after
            && session.last_used_at > self.used_after
    }
}

impl From<&Session> for SessionSnapshot {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id,
            user_id: session.user_id,
            expires_at: session.expires_at,
            last_used_at: session.last_used_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::Client;

    fn at(microseconds: i64) -> Timestamp {
        Timestamp::from_microseconds(microseconds).unwrap()
    }

    /// Instants around one.
    fn instants() -> impl Strategy<Value = Timestamp> {
        prop_oneof![
            2 => (-150..150_i64).prop_map(at),
            1 => (-150..150_i64).prop_map(|seconds| at(seconds * 1_000_000)),
        ]
    }

    /// The same, and the first and the last that there are.
    fn all_instants() -> impl Strategy<Value = Timestamp> {
        let first = at(0).saturating_sub(Duration::from_hours(24 * 366 * 20_000));
        prop_oneof![
            12 => instants(),
            1 => (0..150_u64).prop_map(move |n| first.saturating_add(Duration::from_micros(n))),
            1 => (0..150_u64).prop_map(|n| Timestamp::MAX.saturating_sub(Duration::from_micros(n))),
        ]
    }

    fn policies() -> impl Strategy<Value = SessionPolicy> {
        let idle = prop_oneof![
            (0..2_000_000_u64).prop_map(Duration::from_nanos),
            (0..2_000_u64).prop_map(Duration::from_secs),
        ];
        idle.prop_map(|idle| SessionPolicy {
            idle,
            ..SessionPolicy::default()
        })
    }

    fn session(expires_at: Timestamp, last_used_at: Timestamp) -> Session {
        let id = Uuid::from_u128(1);
        let (id, user_id) = (SessionId::from_uuid(id), UserId::from_uuid(id));
        let policy = SessionPolicy::default();
        Session {
            expires_at,
            last_used_at,
            ..Session::begin(id, user_id, Client::default(), last_used_at, &policy)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn whatever_meets_it_is_live_and_its_use_is_not_to_be_recorded(
            now in all_instants(),
            policy in policies(),
            seen in (all_instants(), all_instants()),
            stored in (all_instants(), all_instants()),
        ) {
            let seen = SessionSnapshot::from(&session(seen.0, seen.1));
            if let Some(guard) = seen.guard(now, &policy) {
                let stored = session(stored.0, stored.1);
                if guard.is_met_by(&stored) {
                    prop_assert!(stored.is_live(now, &policy));
                    prop_assert!(!stored.is_use_to_be_recorded(now, &policy));
                }
            }
        }

        #[test]
        fn there_is_one_where_the_session_was_live_and_its_use_not_to_be_recorded(
            now in instants(),
            policy in policies(),
            seen in (instants(), instants()),
        ) {
            let session = session(seen.0, seen.1);
            let guard = SessionSnapshot::from(&session).guard(now, &policy);
            let needs_no_more = session.is_live(now, &policy)
                && !session.is_use_to_be_recorded(now, &policy);
            prop_assert_eq!(guard.is_some(), needs_no_more);
            prop_assert!(guard.is_none_or(|guard| guard.is_met_by(&session)));
        }
    }

    #[test]
    fn another_session_and_another_users_do_not_meet_it() {
        let session = session(at(100), at(0));
        let guard = SessionSnapshot::from(&session).guard(at(1), &SessionPolicy::default());
        let guard = guard.unwrap();
        let other = Uuid::from_u128(2);
        assert!(!guard.is_met_by(&Session {
            id: SessionId::from_uuid(other),
            ..session.clone()
        }));
        assert!(!guard.is_met_by(&Session {
            user_id: UserId::from_uuid(other),
            ..session
        }));
    }
}
