//! Who calls a use case.

use todo_domain::{Session, SessionWithSettings, UserId, UserSettings};

/// Who calls, as [`authenticate`](crate::account::authenticate) found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    session: Session,
    settings: UserSettings,
}

/// The caller asked for what is another user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the caller is not that user")]
pub struct NotTheCaller;

impl Caller {
    /// The owner of a session that was found to be live.
    #[must_use]
    pub fn of(found: SessionWithSettings) -> Self {
        let SessionWithSettings { session, settings } = found;
        Self { session, settings }
    }

    /// Which user calls.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        self.session.user_id
    }

    /// The session through which the user calls.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// What the user has chosen.
    #[must_use]
    pub fn settings(&self) -> &UserSettings {
        &self.settings
    }

    /// Makes sure that the caller is `user`.
    ///
    /// # Errors
    /// [`NotTheCaller`] when it is someone else.
    pub fn must_be(&self, user: UserId) -> Result<(), NotTheCaller> {
        if self.user_id() == user {
            Ok(())
        } else {
            Err(NotTheCaller)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{caller, user_id};

    #[test]
    fn a_caller_is_itself_and_nobody_else() {
        let caller = caller();
        assert_eq!(caller.must_be(caller.user_id()), Ok(()));
        assert_eq!(caller.must_be(user_id(99)), Err(NotTheCaller));
    }
}
