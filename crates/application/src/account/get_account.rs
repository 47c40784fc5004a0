//! Reading the caller's account.

use todo_domain::{PendingEmailChange, User};

use crate::{App, ServiceError, SessionCaller};

/// An account with what is pending of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user.
    pub user: User,
    /// The change of the address that is requested and not confirmed.
    pub pending_email_change: Option<PendingEmailChange>,
}

impl Account {
    /// The account of `user`.
    pub(super) fn of(app: &App, user: User) -> Result<Self, ServiceError> {
        let pending = app
            .mailed_secrets
            .find_email_change(user.id, app.clock.now())?;
        Ok(Self {
            user,
            pending_email_change: pending.map(PendingEmailChange::from),
        })
    }
}

/// Why it cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum GetAccountError {
    /// The account was deleted a moment ago, and its sessions with it.
    #[error("the account does not exist any more")]
    CallerMissing,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// The account of the caller.
///
/// # Errors
/// [`GetAccountError`].
pub fn get_account(app: &App, caller: &SessionCaller) -> Result<Account, GetAccountError> {
    let user = get_user(app, caller)?;
    Ok(Account::of(app, user)?)
}

/// The caller.
///
/// # Errors
/// [`GetAccountError`].
pub fn get_user(app: &App, caller: &SessionCaller) -> Result<User, GetAccountError> {
    app.users
        .find(caller.user_id())
        .map_err(ServiceError::from)?
        .ok_or(GetAccountError::CallerMissing)
}

#[cfg(test)]
mod tests {
    use todo_domain::TokenPurpose;

    use super::*;
    use crate::testing::{Mocks, mailed_secret, now, session_caller, unavailable, user, user_id};

    #[test]
    fn it_is_the_callers_with_what_is_pending() {
        let mut mocks = Mocks::at_now();
        mocks
            .users
            .expect_find()
            .withf(|id| *id == user_id(1))
            .returning(|_| Ok(Some(user())));
        let pending = mailed_secret(TokenPurpose::EmailChange);
        let found = pending.clone();
        mocks
            .mailed_secrets
            .expect_find_email_change()
            .withf(|id, at| *id == user_id(1) && *at == now())
            .return_once(|_, _| Ok(Some(found)));
        assert_eq!(
            get_account(&mocks.app(), &session_caller()).unwrap(),
            Account {
                user: user(),
                pending_email_change: Some(PendingEmailChange::from(pending)),
            }
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
            Err(GetAccountError::Service(ServiceError::Unavailable(_)))
        ));
    }
}
