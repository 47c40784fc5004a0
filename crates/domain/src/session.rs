//! Logins that are still in force.

use std::time::Duration;

use crate::{Client, SecurityEvent, SessionId, Timestamp, UserId, UserSettings};

/// One login of one user, in force until it expires, is left unused for too long, or is ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Session {
    /// Identifies the session.
    pub id: SessionId,
    /// Who logged in.
    pub user_id: UserId,
    /// When it began.
    pub created_at: Timestamp,
    /// The instant from which it no longer counts, however much it is used; a whole second, since tokens carry it as
    /// one.
    pub expires_at: Timestamp,
    /// When it was last used, more or less: see [`is_use_to_be_recorded`](Session::is_use_to_be_recorded).
    pub last_used_at: Timestamp,
    /// How many times its refresh token was replaced.
    pub generation: u32,
    /// When its refresh token was last replaced; at first, when it began.
    pub rotated_at: Timestamp,
    /// What logged in.
    pub client: Client,
}

/// For how long what belongs to a session counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionPolicy {
    /// An access token, if its session does not end before.
    pub access_token: Duration,
    /// A session that is not used (OWASP ASVS 5.0, 7.3.1).
    pub idle: Duration,
    /// A session, however much it is used (OWASP ASVS 5.0, 7.3.2; NIST SP 800-63B-4, 2.1.3).
    pub absolute: Duration,
    /// A refresh token that was replaced by the one that counts: for this long it is taken for the first of two
    /// requests whose answer got lost, or that were made at once, and not for that of a thief.
    pub refresh_grace: Duration,
}

impl Default for SessionPolicy {
    /// A day, two weeks, 30 days (the most that NIST SP 800-63B-4, 2.1.3 recommends for one factor), and 30 seconds.
    fn default() -> Self {
        Self {
            access_token: Duration::from_hours(24),
            idle: Duration::from_hours(14 * 24),
            absolute: Duration::from_hours(30 * 24),
            refresh_grace: Duration::from_secs(30),
        }
    }
}

impl SessionPolicy {
    /// How old the last record of a use becomes before the next is made, in whole microseconds, as instants are.
    pub(crate) fn recording_interval(&self) -> Duration {
        let interval = (self.idle / 10).min(Duration::from_mins(1));
        let finer = Duration::from_nanos((interval.subsec_nanos() % 1_000).into());
        interval.saturating_sub(finer)
    }
}

/// What showing a refresh token leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// It is replaced by the next.
    Rotate,
    /// It was replaced a moment ago, and whoever shows it gets the same successor again.
    Again,
    /// It was replaced long ago, so that two have it, one of whom is a thief (RFC 9700, 4.14.2).
    Reused,
}

/// A session with what its user has chosen: all that a request needs to know of who makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionWithSettings {
    /// The session.
    pub session: Session,
    /// What its user has chosen.
    pub settings: UserSettings,
}

/// A session that begins, with what is recorded of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionStart {
    /// The session.
    pub session: Session,
    /// The event that records its beginning.
    pub event: SecurityEvent,
    /// The session that it replaces.
    pub replaces: Option<ReplacedSession>,
    /// The event that records the end of the least recently used session, where the user has as many as the
    /// [quota](crate::Quotas::sessions) allows. The storage gives it the session.
    pub eviction: SecurityEvent,
}

/// A session that ends because a login in the same browser replaces it (OWASP ASVS 5.0, 7.2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplacedSession {
    /// The session.
    pub id: SessionId,
    /// Its user, who may be another one.
    pub user_id: UserId,
    /// The event that records its end.
    pub event: SecurityEvent,
}

impl Session {
    /// The time after a login within which the password need not be asked for again.
    pub const RECENT_LOGIN: Duration = Duration::from_mins(10);

    /// A session of `user_id` that begins at `now`.
    #[must_use]
    pub fn begin(
        id: SessionId,
        user_id: UserId,
        client: Client,
        now: Timestamp,
        policy: &SessionPolicy,
    ) -> Self {
        Self {
            id,
            user_id,
            created_at: now,
            expires_at: now.saturating_add(policy.absolute).floor_to_second(),
            last_used_at: now,
            generation: 0,
            rotated_at: now,
            client,
        }
    }

    /// Whether it still counts at `now`.
    ///
    /// ```
    /// # use todo_domain::*;
    /// # let id = "0192f0c1-2345-7abc-8def-0123456789ab";
    /// let policy = SessionPolicy::default();
    /// let begin = Timestamp::from_microseconds(1_500_000)?;
    /// let mut session = Session::begin(id.parse()?, id.parse()?, Client::default(), begin, &policy);
    /// assert!(session.is_live(begin, &policy));
    /// assert!(!session.is_live(begin.saturating_add(policy.idle), &policy));
    ///
    /// session.last_used_at = session.expires_at;
    /// assert!(!session.is_live(session.expires_at, &policy));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_live(&self, now: Timestamp, policy: &SessionPolicy) -> bool {
        now < self.expires_at && now < self.last_used_at.saturating_add(policy.idle)
    }

    /// Whether its login is so [recent](Self::RECENT_LOGIN) at `now` that it proves that the owner is present.
    ///
    /// ```
    /// # use todo_domain::*;
    /// # let id = "0192f0c1-2345-7abc-8def-0123456789ab";
    /// let policy = SessionPolicy::default();
    /// let begin = Timestamp::from_microseconds(1_500_000)?;
    /// let session = Session::begin(id.parse()?, id.parse()?, Client::default(), begin, &policy);
    /// assert!(session.is_recent_login(begin));
    /// assert!(!session.is_recent_login(begin.saturating_add(Session::RECENT_LOGIN)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_recent_login(&self, now: Timestamp) -> bool {
        now < self.created_at.saturating_add(Self::RECENT_LOGIN)
    }

    /// Whether a use at `now` is to be recorded.
    ///
    /// That would be a write with each request. So it is done when the last record is a minute old, or a tenth of the
    /// time after which an unused session ends.
    #[must_use]
    pub fn is_use_to_be_recorded(&self, now: Timestamp, policy: &SessionPolicy) -> bool {
        now >= self
            .last_used_at
            .saturating_add(policy.recording_interval())
    }

    /// The instant from which an access token that is made at `now` no longer counts.
    #[must_use]
    pub fn access_expires_at(&self, now: Timestamp, policy: &SessionPolicy) -> Timestamp {
        now.saturating_add(policy.access_token)
            .floor_to_second()
            .min(self.expires_at)
    }

    /// What it leads to that the refresh token of a generation is shown at `now`.
    #[must_use]
    pub fn refresh(&self, generation: u32, now: Timestamp, policy: &SessionPolicy) -> Refresh {
        if generation == self.generation {
            return Refresh::Rotate;
        }
        let is_last = generation.checked_add(1) == Some(self.generation);
        if is_last && now <= self.rotated_at.saturating_add(policy.refresh_grace) {
            Refresh::Again
        } else {
            Refresh::Reused
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;

    const POLICY: SessionPolicy = SessionPolicy {
        access_token: Duration::from_secs(20),
        idle: Duration::from_secs(100),
        absolute: Duration::from_secs(1_000),
        refresh_grace: Duration::from_secs(5),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_microseconds(seconds * 1_000_000).unwrap()
    }

    fn session() -> Session {
        let id = Uuid::from_u128(1);
        Session::begin(
            SessionId::from_uuid(id),
            UserId::from_uuid(id),
            Client::default(),
            at(0),
            &POLICY,
        )
    }

    #[test]
    fn it_ends_when_it_is_not_used_and_in_the_end_all_the_same() {
        let mut session = session();
        assert!(session.is_live(at(99), &POLICY));
        assert!(!session.is_live(at(100), &POLICY));
        session.last_used_at = at(950);
        assert!(session.is_live(at(999), &POLICY));
        assert!(!session.is_live(at(1_000), &POLICY));
    }

    #[rstest]
    #[case(9, false)]
    #[case(10, true)]
    #[case(-5, false)]
    fn its_use_is_recorded_from_time_to_time(#[case] seconds: i64, #[case] recorded: bool) {
        let now = at(100 + seconds);
        let session = Session {
            last_used_at: at(100),
            ..session()
        };
        assert_eq!(session.is_use_to_be_recorded(now, &POLICY), recorded);
        let patient = SessionPolicy {
            idle: Duration::from_hours(1_000),
            ..POLICY
        };
        assert!(!session.is_use_to_be_recorded(at(159), &patient));
        assert!(session.is_use_to_be_recorded(at(160), &patient));
    }

    #[test]
    fn an_access_token_does_not_outlive_its_session() {
        let session = session();
        assert_eq!(session.access_expires_at(at(10), &POLICY), at(30));
        assert_eq!(session.access_expires_at(at(990), &POLICY), at(1_000));
    }

    #[rstest]
    #[case::the_one_that_counts(3, 1_000, Refresh::Rotate)]
    #[case::the_one_before_at_once(2, 500, Refresh::Again)]
    #[case::the_one_before_at_the_last_moment(2, 505, Refresh::Again)]
    #[case::the_one_before_too_late(2, 506, Refresh::Reused)]
    #[case::an_older_one(1, 500, Refresh::Reused)]
    #[case::one_that_was_never_given(4, 500, Refresh::Reused)]
    fn a_refresh_token_counts_once_and_again_for_a_moment(
        #[case] generation: u32,
        #[case] seconds: i64,
        #[case] expected: Refresh,
    ) {
        let session = Session {
            generation: 3,
            rotated_at: at(500),
            ..session()
        };
        assert_eq!(session.refresh(generation, at(seconds), &POLICY), expected);
    }
}
