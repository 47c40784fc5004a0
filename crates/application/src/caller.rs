//! Who calls a use case.

use todo_domain::{
    AccessProof, Client, Session, SessionCondition, Timestamp, UserId, UserSettings, ports::Owner,
};

use crate::ServiceError;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A user who is known to call, as [`authorize_and_run`](crate::account::authorize_and_run) found out.
    Known {
        /// Which user calls.
        user_id: UserId,
        /// What the user has chosen.
        settings: UserSettings,
    },
    /// The user whose token was shown, on the condition that its session meets this. Nothing was asked of the storage:
    /// each statement has to, as one with what it does.
    OfSession(SessionCondition),
}

/// Who calls through a session, which alone is good for the account and what proves who its user is. As
/// [`authenticate_session`](crate::account::authenticate_session) found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCaller {
    /// What the user has chosen.
    pub settings: UserSettings,
    /// What the user calls through.
    pub client: Client,
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
    /// Whose todos the caller may see and change, and on which condition.
    #[must_use]
    pub fn owner(&self) -> Owner {
        match self {
            Self::Known { user_id, .. } => Owner::User(*user_id),
            Self::OfSession(guard) => Owner::OfSession(*guard),
        }
    }

    /// Which user calls, or is said to.
    #[must_use]
    pub fn claimed_user_id(&self) -> UserId {
        self.owner().user_id()
    }

    /// Which user is known to call: for what cannot be done on a condition.
    ///
    /// # Errors
    /// [`ServiceError::SessionNotProven`].
    pub fn known_user_id(&self) -> Result<UserId, ServiceError> {
        match self {
            Self::Known { user_id, .. } => Ok(*user_id),
            Self::OfSession(_) => Err(ServiceError::SessionNotProven),
        }
    }

    /// What the user has chosen.
    ///
    /// # Errors
    /// [`ServiceError::SessionNotProven`] when it was not read.
    pub fn settings(&self) -> Result<&UserSettings, ServiceError> {
        match self {
            Self::Known { settings, .. } => Ok(settings),
            Self::OfSession(_) => Err(ServiceError::SessionNotProven),
        }
    }

    /// Makes sure that the caller is `user`, if they are who they are said to be.
    ///
    /// # Errors
    /// [`NotTheCaller`] when it is someone else.
    pub fn must_be(&self, user: UserId) -> Result<(), NotTheCaller> {
        if self.claimed_user_id() == user {
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
        self.session.user_id
    }

    /// The proof of access that holds as long as the session exists.
    #[must_use]
    pub fn proof(&self) -> AccessProof {
        AccessProof::new(self.user_id()).with_session(self.session.id)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::testing::{caller, caller_of_session, session_condition, user_id};

    #[rstest]
    #[case::known(caller())]
    #[case::of_a_session(caller_of_session())]
    fn a_caller_is_itself_and_nobody_else(#[case] caller: Caller) {
        assert_eq!(caller.must_be(user_id(1)), Ok(()));
        assert_eq!(caller.must_be(user_id(99)), Err(NotTheCaller));
    }

    #[test]
    fn of_a_session_nothing_is_known_but_the_condition() {
        let caller = caller_of_session();
        assert_eq!(caller.owner(), Owner::OfSession(session_condition()));
        assert!(matches!(
            caller.known_user_id(),
            Err(ServiceError::SessionNotProven)
        ));
        assert!(matches!(
            caller.settings(),
            Err(ServiceError::SessionNotProven)
        ));
    }
}
