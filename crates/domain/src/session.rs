//! Logins that are still in force.

use std::time::Duration;

use crate::{SessionId, Timestamp, UserId, UserSettings};

/// One login of one user, in force until it expires or is ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Session {
    /// Identifies the session.
    pub id: SessionId,
    /// Who logged in.
    pub user_id: UserId,
    /// When it began.
    pub created_at: Timestamp,
    /// The instant from which it no longer counts; a whole second, since access tokens carry it as one.
    pub expires_at: Timestamp,
}

/// A session with what its user has chosen: all that a request needs to know of who makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionWithSettings {
    /// The session.
    pub session: Session,
    /// What its user has chosen.
    pub settings: UserSettings,
}

impl Session {
    /// A session of `user_id` that begins at `now` and lasts for `lifetime`, less the fraction of a second.
    #[must_use]
    pub fn begin(id: SessionId, user_id: UserId, now: Timestamp, lifetime: Duration) -> Self {
        Self {
            id,
            user_id,
            created_at: now,
            expires_at: now.saturating_add(lifetime).floor_to_second(),
        }
    }

    /// Whether it still counts at `now`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use todo_domain::*;
    /// # let id = "0192f0c1-2345-7abc-8def-0123456789ab";
    /// let begin = Timestamp::from_microseconds(1_500_000)?;
    /// let session = Session::begin(id.parse()?, id.parse()?, begin, Duration::from_secs(60));
    /// assert!(session.is_live(begin));
    /// assert!(!session.is_live(session.expires_at));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}
