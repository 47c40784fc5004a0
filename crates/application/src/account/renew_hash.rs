//! Renewing an outdated hash while its password is at hand.

use todo_domain::{PasswordAttempt, PasswordHash, UserId};

use crate::{App, ServiceError};

/// Puts a hash of today in the place of `outdated`, which `password` was just found to be right for, unless something
/// else is there by now.
pub(super) fn renew_hash(
    app: &App,
    user: UserId,
    password: &PasswordAttempt,
    outdated: &PasswordHash,
) -> Result<(), ServiceError> {
    let renewed = app.hasher.renew(password, outdated)?;
    // `false` is as good: another login renewed it at the same time, or the account is gone.
    app.users.replace_password_hash(user, outdated, &renewed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use todo_domain::ports::HashError;

    use super::*;
    use crate::testing::{Mocks, cause, password_hash, unavailable, user_id};

    fn renewed_hash() -> PasswordHash {
        PasswordHash::new("a hash of today".to_owned())
    }

    fn renew(mocks: Mocks) -> Result<(), ServiceError> {
        let password = PasswordAttempt::new("correct horse").unwrap();
        renew_hash(&mocks.app(), user_id(1), &password, &password_hash())
    }

    /// Mocks where a hash of today can be made.
    fn mocks() -> Mocks {
        let mut mocks = Mocks::default();
        mocks
            .hasher
            .expect_renew()
            .withf(|attempt, hash| attempt.expose() == "correct horse" && *hash == password_hash())
            .once()
            .returning(|_, _| Ok(renewed_hash()));
        mocks
    }

    #[rstest]
    #[case::by_this_login(true)]
    #[case::by_another_at_the_same_time(false)]
    fn the_hash_that_was_verified_is_replaced(#[case] replaced: bool) {
        let mut mocks = mocks();
        mocks
            .users
            .expect_replace_password_hash()
            .withf(|id, from, to| {
                *id == user_id(1) && *from == password_hash() && *to == renewed_hash()
            })
            .once()
            .returning(move |_, _, _| Ok(replaced));
        assert!(renew(mocks).is_ok());
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = mocks();
        mocks
            .users
            .expect_replace_password_hash()
            .returning(|_, _, _| Err(unavailable()));
        assert!(matches!(renew(mocks), Err(ServiceError::Unavailable(_))));
    }

    #[test]
    fn nothing_is_replaced_when_the_hash_cannot_be_made() {
        let mut mocks = Mocks::default();
        mocks
            .hasher
            .expect_renew()
            .returning(|_, _| Err(HashError(cause())));
        assert!(matches!(renew(mocks), Err(ServiceError::Internal(_))));
    }
}
