//! Telling callers who they are.

use todo_domain::{Session, User};

use crate::{App, Caller, Failure};

/// Who calls, and for how long the session lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentSession {
    /// Who calls.
    pub user: User,
    /// Through which session.
    pub session: Session,
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
pub fn current_session(app: &App, caller: &Caller) -> Result<CurrentSession, CurrentSessionError> {
    let user = app
        .users
        .find(caller.user_id())
        .map_err(Failure::from)?
        .ok_or(CurrentSessionError::CallerMissing)?;
    Ok(CurrentSession {
        user,
        session: caller.session().clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Mocks, caller, session, unavailable, user, user_id};

    #[test]
    fn it_tells_the_user_and_the_session() {
        let mut mocks = Mocks::default();
        mocks
            .users
            .expect_find()
            .withf(|id| *id == user_id(1))
            .returning(|_| Ok(Some(user())));
        let current = current_session(&mocks.app(), &caller()).unwrap();
        assert_eq!(current.user, user());
        assert_eq!(current.session, session());
    }

    #[test]
    fn an_account_deleted_meanwhile_is_said_to_be_gone() {
        let mut mocks = Mocks::default();
        mocks.users.expect_find().returning(|_| Ok(None));
        assert!(matches!(
            current_session(&mocks.app(), &caller()),
            Err(CurrentSessionError::CallerMissing)
        ));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = Mocks::default();
        mocks.users.expect_find().returning(|_| Err(unavailable()));
        assert!(matches!(
            current_session(&mocks.app(), &caller()),
            Err(CurrentSessionError::Failure(Failure::Unavailable(_)))
        ));
    }
}
