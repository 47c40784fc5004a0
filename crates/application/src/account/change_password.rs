//! Changing one's password.

use todo_domain::{
    Password, PasswordAttempt, PasswordContext, Revocation, SecurityEventKind::PasswordChanged,
    TooManyAttempts, WeakPassword,
};

use super::{
    choose_password::{ChoosePasswordError, choose_password},
    confirm_password::{ConfirmPasswordError, confirm_password},
    notices::Notice,
};
use crate::{App, ServiceError, SessionCaller, security_event::event_by};

/// What changing a password needs.
#[derive(Debug, Clone)]
pub struct ChangePassword {
    /// What was typed as the present password.
    pub current: PasswordAttempt,
    /// The password that is to take its place.
    pub new: Password,
    /// Whether the personal access tokens are to end as well.
    pub revoke_tokens: bool,
}

/// Why the password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The session was revoked meanwhile, or the account was deleted.
    #[error("the session or the account does not exist any more")]
    CallerMissing,
    /// The present password is another, or was changed at the same time.
    #[error("is not the password of the account")]
    WrongPassword,
    /// The new password is too easily guessed.
    #[error(transparent)]
    WeakPassword(WeakPassword),
    /// There were too many attempts through this session. Nothing was hashed.
    #[error(transparent)]
    TooManyAttempts(TooManyAttempts),
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<ConfirmPasswordError> for ChangePasswordError {
    fn from(error: ConfirmPasswordError) -> Self {
        match error {
            ConfirmPasswordError::CallerMissing => Self::CallerMissing,
            ConfirmPasswordError::WrongPassword => Self::WrongPassword,
            ConfirmPasswordError::TooManyAttempts(too_many) => Self::TooManyAttempts(too_many),
            ConfirmPasswordError::Service(failure) => Self::Service(failure),
        }
    }
}

impl From<ChoosePasswordError> for ChangePasswordError {
    fn from(error: ChoosePasswordError) -> Self {
        match error {
            ChoosePasswordError::Guessable(reason) => Self::WeakPassword(reason),
            ChoosePasswordError::Service(failure) => Self::Service(failure),
        }
    }
}

/// Changes the password of the caller, who must know the present one, and revokes all other access: every other session,
/// every e-mail token, and a pending change of the address (OWASP ASVS 5.0, 6.2.3 and 7.4.3). Gives the notice for the
/// user (6.3.7).
///
/// # Errors
/// [`ChangePasswordError`].
pub fn change_password(
    app: &App,
    caller: &SessionCaller,
    input: &ChangePassword,
) -> Result<Notice, ChangePasswordError> {
    let (user, proof) = confirm_password(app, caller, &input.current)?;
    let context = PasswordContext::from(&user);
    let new = choose_password(app, &input.new, context)?;
    let revocation = Revocation {
        except: Some(caller.session.id),
        tokens: input.revoke_tokens,
    };
    let event = event_by(app, caller, PasswordChanged);
    let replaced = app.users.replace_password(&proof, &new, revocation, &event);
    replaced.map_err(ConfirmPasswordError::from)?;
    Ok(Notice::password_changed(app, user.email, &caller.client))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use todo_domain::{
        Credentials, PasswordHash,
        ports::{ProofError, Verification},
    };

    use super::*;
    use crate::testing::{
        Mocks, event, password_hash, session_caller, session_id, unavailable, user,
    };

    fn new_hash() -> PasswordHash {
        PasswordHash::new("a new hash".to_owned())
    }

    fn confirmed(verification: Verification) -> Mocks {
        let mut mocks = Mocks::at_now();
        mocks.users.expect_find_credentials_of().returning(|_| {
            Ok(Some(Credentials {
                user: user(),
                password_hash: Some(password_hash()),
            }))
        });
        mocks
            .hasher
            .expect_verify()
            .returning(move |_, _| Ok(verification));
        mocks
            .security_events
            .expect_record()
            .times(usize::from(verification == Verification::Wrong))
            .returning(|_| Ok(()));
        mocks.common_passwords.expect_contains().return_const(false);
        mocks.hasher.expect_hash().returning(|_| Ok(new_hash()));
        mocks
    }

    fn change(mocks: Mocks, new: &str) -> Result<Notice, ChangePasswordError> {
        let input = ChangePassword {
            current: PasswordAttempt::new("correct horse").unwrap(),
            new: Password::new(new).unwrap(),
            revoke_tokens: true,
        };
        change_password(&mocks.unguarded().app(), &session_caller(), &input)
    }

    #[test]
    fn it_replaces_the_hash_that_was_verified_and_keeps_this_session() {
        let mut mocks = confirmed(Verification::Right);
        mocks
            .users
            .expect_replace_password()
            .withf(|proof, new, revocation, recorded| {
                *proof == session_caller().proof().with_password_hash(password_hash())
                    && *new == new_hash()
                    && *revocation
                        == Revocation {
                            except: Some(session_id(1)),
                            tokens: true,
                        }
                    && *recorded == event(PasswordChanged).of_session(session_id(1))
            })
            .once()
            .returning(|_, _, _, _| Ok(()));
        assert!(change(mocks, "battery staple").is_ok());
    }

    #[test]
    fn one_that_was_changed_at_the_same_time_is_wrong_by_now() {
        let mut mocks = confirmed(Verification::Right);
        mocks
            .users
            .expect_replace_password()
            .returning(|_, _, _, _| Err(ProofError::PasswordChanged));
        let error = change(mocks, "battery staple").unwrap_err();
        assert!(matches!(error, ChangePasswordError::WrongPassword));
    }

    #[rstest]
    #[case(ProofError::SessionEnded)]
    #[case(ProofError::UserMissing)]
    fn a_session_revoked_meanwhile_changes_nothing(#[case] failed: ProofError) {
        let mut mocks = confirmed(Verification::Right);
        mocks
            .users
            .expect_replace_password()
            .return_once(|_, _, _, _| Err(failed));
        let error = change(mocks, "battery staple").unwrap_err();
        assert!(matches!(error, ChangePasswordError::CallerMissing));
    }

    #[test]
    fn a_wrong_password_changes_nothing() {
        let error = change(confirmed(Verification::Wrong), "battery staple").unwrap_err();
        assert!(matches!(error, ChangePasswordError::WrongPassword));
    }

    #[test]
    fn a_new_one_that_is_easily_guessed_is_refused() {
        let error = change(confirmed(Verification::Right), "ada@example.com").unwrap_err();
        assert!(matches!(error, ChangePasswordError::WeakPassword(_)));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = confirmed(Verification::Right);
        mocks
            .users
            .expect_replace_password()
            .returning(|_, _, _, _| Err(unavailable().into()));
        let error = change(mocks, "battery staple").unwrap_err();
        assert!(matches!(
            error,
            ChangePasswordError::Service(ServiceError::Unavailable(_))
        ));
    }
}
