//! Who calls a use case.

use todo_domain::{Client, Session, Timestamp, UserId, UserSettings};

/// Who calls, as [`authenticate`](crate::account::authenticate) found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Which user calls.
    pub user_id: UserId,
    /// What the user has chosen.
    pub settings: UserSettings,
    /// What the user calls through.
    pub client: Client,
}

/// Who calls through a session, which alone is good for the account and what proves who its user is. As
/// [`authenticate_session`](crate::account::authenticate_session) found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCaller {
    /// Who calls.
    pub caller: Caller,
    /// Through which session.
    pub session: Session,
    /// The instant from which the token that was shown no longer counts.
    pub token_expires_at: Timestamp,
}

/// The caller asked for what is another user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the caller is not that user")]
pub struct NotTheCaller;

impl Caller {
    /// Makes sure that the caller is `user`.
    ///
    /// # Errors
    /// [`NotTheCaller`] when it is someone else.
    pub fn must_be(&self, user: UserId) -> Result<(), NotTheCaller> {
        if self.user_id == user {
            Ok(())
        } else {
            Err(NotTheCaller)
        }
    }
}

impl SessionCaller {
    /// Which user calls.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        self.caller.user_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{caller, user_id};

    #[test]
    fn a_caller_is_itself_and_nobody_else() {
        let caller = caller();
        assert_eq!(caller.must_be(caller.user_id), Ok(()));
        assert_eq!(caller.must_be(user_id(99)), Err(NotTheCaller));
    }
}
