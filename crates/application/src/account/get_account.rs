//! Telling callers what is kept of their account.

use todo_domain::User;

use crate::{App, Failure, SessionCaller};

/// Why it cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum GetAccountError {
    /// The account was deleted a moment ago, and its sessions with it.
    #[error("the account does not exist any more")]
    CallerMissing,
    /// The service failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// The account of the caller.
///
/// # Errors
/// [`GetAccountError`].
pub fn get_account(app: &App, caller: &SessionCaller) -> Result<User, GetAccountError> {
    app.users
        .find(caller.user_id())
        .map_err(Failure::from)?
        .ok_or(GetAccountError::CallerMissing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Mocks, session_caller, unavailable, user, user_id};

    #[test]
    fn it_is_the_callers() {
        let mut mocks = Mocks::default();
        mocks
            .users
            .expect_find()
            .withf(|id| *id == user_id(1))
            .returning(|_| Ok(Some(user())));
        assert_eq!(
            get_account(&mocks.app(), &session_caller()).unwrap(),
            user()
        );
    }

    #[test]
    fn an_account_deleted_meanwhile_is_said_to_be_gone() {
        let mut mocks = Mocks::default();
        mocks.users.expect_find().returning(|_| Ok(None));
        assert!(matches!(
            get_account(&mocks.app(), &session_caller()),
            Err(GetAccountError::CallerMissing)
        ));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = Mocks::default();
        mocks.users.expect_find().returning(|_| Err(unavailable()));
        assert!(matches!(
            get_account(&mocks.app(), &session_caller()),
            Err(GetAccountError::Failure(Failure::Unavailable(_)))
        ));
    }
}
