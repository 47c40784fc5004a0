//! Telling callers who they are.

use todo_domain::{Timestamp, User};

use crate::{App, Failure, SessionCaller};

/// Who calls, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentSession {
    /// Who calls.
    pub user: User,
    /// The instant from which the token no longer counts.
    pub token_expires_at: Timestamp,
}

/// Why it cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum CurrentSessionError {
    /// The account was deleted a moment ago, and its sessions with it.
    #[error("the account does not exist any more")]
    CallerMissing,
    /// The service failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Tells who calls.
///
/// # Errors
/// [`CurrentSessionError`].
pub fn current_session(
    app: &App,
    caller: &SessionCaller,
) -> Result<CurrentSession, CurrentSessionError> {
    let user = app
        .users
        .find(caller.user_id())
        .map_err(Failure::from)?
        .ok_or(CurrentSessionError::CallerMissing)?;
    Ok(CurrentSession {
        user,
        token_expires_at: caller.token_expires_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Mocks, access_claims, session_caller, unavailable, user, user_id};

    #[test]
    fn it_tells_the_user_and_for_how_long() {
        let mut mocks = Mocks::default();
        mocks
            .users
            .expect_find()
            .withf(|id| *id == user_id(1))
            .returning(|_| Ok(Some(user())));
        let current = current_session(&mocks.app(), &session_caller()).unwrap();
        assert_eq!(current.user, user());
        assert_eq!(current.token_expires_at, access_claims().expires_at);
    }

    #[test]
    fn an_account_deleted_meanwhile_is_said_to_be_gone() {
        let mut mocks = Mocks::default();
        mocks.users.expect_find().returning(|_| Ok(None));
        assert!(matches!(
            current_session(&mocks.app(), &session_caller()),
            Err(CurrentSessionError::CallerMissing)
        ));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = Mocks::default();
        mocks.users.expect_find().returning(|_| Err(unavailable()));
        assert!(matches!(
            current_session(&mocks.app(), &session_caller()),
            Err(CurrentSessionError::Failure(Failure::Unavailable(_)))
        ));
    }
}
