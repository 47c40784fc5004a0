//! Deleting one's account.

use todo_domain::{PasswordAttempt, SecurityEventKind::AccountDeleted, TooManyAttempts};

use super::confirm_password::{ConfirmPasswordError, confirm_password};
use crate::{App, ServiceError, SessionCaller, security_event::event_by};

/// Why the account was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteAccountError {
    /// The session was revoked meanwhile, or the account was deleted.
    #[error("the session or the account does not exist any more")]
    CallerMissing,
    /// The password is another.
    #[error("is not the password of the account")]
    WrongPassword,
    /// There were too many attempts through this session. Nothing was hashed.
    #[error(transparent)]
    TooManyAttempts(TooManyAttempts),
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<ConfirmPasswordError> for DeleteAccountError {
    fn from(error: ConfirmPasswordError) -> Self {
        match error {
            ConfirmPasswordError::CallerMissing => Self::CallerMissing,
            ConfirmPasswordError::WrongPassword => Self::WrongPassword,
            ConfirmPasswordError::TooManyAttempts(too_many) => Self::TooManyAttempts(too_many),
            ConfirmPasswordError::Service(failure) => Self::Service(failure),
        }
    }
}

/// Deletes the caller's account with everything that is kept of it. From the next request on, none of its sessions and
/// tokens counts any more. One event is left: who was deleted, when and from where.
///
/// # Errors
/// [`DeleteAccountError`].
pub fn delete_account(
    app: &App,
    caller: &SessionCaller,
    password: &PasswordAttempt,
) -> Result<(), DeleteAccountError> {
    let (_, proof) = confirm_password(app, caller, password)?;
    let event = event_by(app, caller, AccountDeleted).of_former_user(caller.user_id());
    let deleted = app.users.delete(&proof, &event);
    Ok(deleted.map_err(ConfirmPasswordError::from)?)
}

#[cfg(test)]
mod tests {
    use todo_domain::{
        Credentials, SecurityEvent,
        ports::{ProofError, Verification},
    };

    use super::*;
    use crate::testing::{Mocks, event, password_hash, session_caller, unavailable, user};

    fn delete(
        verification: Verification,
        answer: Option<Result<(), ProofError>>,
    ) -> Result<(), DeleteAccountError> {
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
        if let Some(answer) = answer {
            mocks
                .users
                .expect_delete()
                .withf(|proof, recorded| {
                    let left = SecurityEvent {
                        user_id: None,
                        subject: Some(user().id.as_uuid()),
                        ..event(AccountDeleted)
                    };
                    *proof == session_caller().proof().with_password_hash(password_hash())
                        && *recorded == left
                })
                .return_once(|_, _| answer);
        }
        let password = PasswordAttempt::new("correct horse").unwrap();
        delete_account(&mocks.unguarded().app(), &session_caller(), &password)
    }

    #[test]
    fn it_is_the_callers_that_is_deleted() {
        assert!(delete(Verification::Right, Some(Ok(()))).is_ok());
    }

    #[test]
    fn a_wrong_password_deletes_nothing() {
        let error = delete(Verification::Wrong, None).unwrap_err();
        assert!(matches!(error, DeleteAccountError::WrongPassword));
    }

    #[test]
    fn an_account_deleted_meanwhile_is_said_to_be_gone() {
        for failed in [ProofError::UserMissing, ProofError::SessionEnded] {
            let error = delete(Verification::Right, Some(Err(failed))).unwrap_err();
            assert!(matches!(error, DeleteAccountError::CallerMissing));
        }
    }

    #[test]
    fn a_password_that_was_changed_meanwhile_deletes_nothing() {
        let failed = Some(Err(ProofError::PasswordChanged));
        let error = delete(Verification::Right, failed).unwrap_err();
        assert!(matches!(error, DeleteAccountError::WrongPassword));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let error = delete(Verification::Right, Some(Err(unavailable().into()))).unwrap_err();
        assert!(matches!(
            error,
            DeleteAccountError::Service(ServiceError::Unavailable(_))
        ));
    }
}
