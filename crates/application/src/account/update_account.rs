//! Changing what a user may change of the account at will.

use todo_domain::UserChange;

use super::Account;
use crate::{App, ServiceError, SessionCaller};

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateAccountError {
    /// The account was deleted a moment ago, and its sessions with it.
    #[error("the account does not exist any more")]
    CallerMissing,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Applies `change` to the account of the caller, and gives the account as it is then.
///
/// # Errors
/// [`UpdateAccountError`].
pub fn update_account(
    app: &App,
    caller: &SessionCaller,
    change: &UserChange,
) -> Result<Account, UpdateAccountError> {
    let user = app
        .users
        .update(caller.user_id(), change, app.clock.now())
        .map_err(ServiceError::from)?
        .ok_or(UpdateAccountError::CallerMissing)?;
    Ok(Account::of(app, user)?)
}

#[cfg(test)]
mod tests {
    use todo_domain::{Change, TimeZone, User};

    use super::*;
    use crate::testing::{Mocks, now, session_caller, unavailable, user, user_id};

    fn change() -> UserChange {
        UserChange {
            time_zone: Change::To(Some(TimeZone::UTC)),
            ..UserChange::default()
        }
    }

    fn updated(
        answer: impl FnOnce() -> Result<Option<User>, todo_domain::ports::StorageError> + Send + 'static,
    ) -> Result<Account, UpdateAccountError> {
        let mut mocks = Mocks::at_now();
        mocks
            .mailed_secrets
            .expect_find_email_change()
            .returning(|_, _| Ok(None));
        mocks
            .users
            .expect_update()
            .withf(|id, wanted, at| *id == user_id(1) && *wanted == change() && *at == now())
            .once()
            .return_once(|_, _, _| answer());
        update_account(&mocks.app(), &session_caller(), &change())
    }

    #[test]
    fn it_is_the_callers_that_changes() {
        assert_eq!(updated(|| Ok(Some(user()))).unwrap().user, user());
    }

    #[test]
    fn an_account_deleted_meanwhile_is_said_to_be_gone() {
        let error = updated(|| Ok(None)).unwrap_err();
        assert!(matches!(error, UpdateAccountError::CallerMissing));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let error = updated(|| Err(unavailable())).unwrap_err();
        assert!(matches!(
            error,
            UpdateAccountError::Service(ServiceError::Unavailable(_))
        ));
    }
}
