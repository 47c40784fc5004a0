//! Choosing a password: at a registration, and wherever else one is chosen.

use todo_domain::{Password, PasswordContext, PasswordHash, WeakPassword};

use crate::{App, ServiceError};

/// Why a password was not accepted.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChoosePasswordError {
    /// It is too easily guessed.
    #[error(transparent)]
    Guessable(#[from] WeakPassword),
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Hashes a password that was chosen for the account of `context`, unless it is too easily guessed.
///
/// No use case hashes a new password by other means, so none can forget to ask.
pub(super) fn choose_password(
    app: &App,
    password: &Password,
    context: PasswordContext<'_>,
) -> Result<PasswordHash, ChoosePasswordError> {
    password.refuse_guessable(context, app.common_passwords.as_ref())?;
    Ok(app.hasher.hash(password).map_err(ServiceError::from)?)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use todo_domain::ports::HashError;

    use super::*;
    use crate::testing::{Mocks, cause, password_hash, user};

    fn choose(mocks: Mocks, password: &str) -> Result<PasswordHash, ChoosePasswordError> {
        let password = Password::new(password).unwrap();
        choose_password(&mocks.app(), &password, PasswordContext::from(&user()))
    }

    /// Mocks where this is the only common password.
    fn where_common(common: &'static str) -> Mocks {
        let mut mocks = Mocks::default();
        mocks
            .common_passwords
            .expect_contains()
            .returning(move |folded| folded == common);
        mocks
    }

    #[test]
    fn a_password_that_nobody_would_guess_is_hashed() {
        let mut mocks = where_common("sunshine");
        mocks
            .hasher
            .expect_hash()
            .withf(|password| password.expose() == "correct horse")
            .once()
            .returning(|_| Ok(password_hash()));
        assert_eq!(choose(mocks, "correct horse").unwrap(), password_hash());
    }

    #[rstest]
    #[case::common("Sunshine", WeakPassword::Common)]
    #[case::of_the_account("ada@example.com", WeakPassword::Email)]
    fn one_that_is_easily_guessed_is_not(#[case] password: &str, #[case] expected: WeakPassword) {
        let error = choose(where_common("sunshine"), password).unwrap_err();
        assert!(matches!(error, ChoosePasswordError::Guessable(reason) if reason == expected));
    }

    #[test]
    fn a_hash_that_cannot_be_made_is_a_failure() {
        let mut mocks = where_common("sunshine");
        mocks
            .hasher
            .expect_hash()
            .returning(|_| Err(HashError(cause())));
        let error = choose(mocks, "correct horse").unwrap_err();
        assert!(matches!(
            error,
            ChoosePasswordError::Service(ServiceError::Internal(_))
        ));
    }
}
