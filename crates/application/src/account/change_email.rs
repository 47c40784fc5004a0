//! Asking for another address.

use todo_domain::{Email, MailPurpose, PasswordAttempt, TooManyGuesses};

use super::{
    confirm_password::{ConfirmPasswordError, confirm_password},
    guard::{GuardError, guard_mail},
    mail_secret::mail_secret,
};
use crate::{App, Failure, SessionCaller};

/// Another address for an account.
#[derive(Debug, Clone)]
pub struct EmailChange {
    /// The address that the account is to have.
    pub email: Email,
    /// What was typed as its password.
    pub password: PasswordAttempt,
}

/// Why the address may not be changed.
#[derive(Debug, thiserror::Error)]
pub enum AllowEmailChangeError {
    /// The password is another, or there is none.
    #[error("the password is wrong")]
    WrongPassword,
    /// The account has this address.
    #[error("the account has this address already")]
    SameEmail,
    /// The account was deleted a moment ago, and its sessions with it.
    #[error("the account does not exist any more")]
    CallerMissing,
    /// There were too many attempts through this session, or too many mails were asked for from the address of the
    /// client.
    #[error(transparent)]
    TooManyAttempts(TooManyGuesses),
    /// The service failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<ConfirmPasswordError> for AllowEmailChangeError {
    fn from(error: ConfirmPasswordError) -> Self {
        match error {
            ConfirmPasswordError::CallerMissing => Self::CallerMissing,
            ConfirmPasswordError::WrongPassword => Self::WrongPassword,
            ConfirmPasswordError::TooManyAttempts(too_many) => Self::TooManyAttempts(too_many),
            ConfirmPasswordError::Failure(failure) => Self::Failure(failure),
        }
    }
}

impl From<GuardError> for AllowEmailChangeError {
    fn from(error: GuardError) -> Self {
        match error {
            GuardError::TooMany(too_many) => Self::TooManyAttempts(too_many),
            GuardError::Failure(failure) => Self::Failure(failure),
        }
    }
}

/// Why no mail was sent.
#[derive(Debug, thiserror::Error)]
pub enum RequestEmailChangeError {
    /// The service failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Makes sure that the caller knows the password, and counts the mail, which it takes to [ask](request_email_change) for another address.
///
/// Whether someone else has that address is not said.
///
/// # Errors
/// [`AllowEmailChangeError`].
pub fn allow_email_change(
    app: &App,
    caller: &SessionCaller,
    change: &EmailChange,
) -> Result<(), AllowEmailChangeError> {
    let (user, _) = confirm_password(app, caller, &change.password)?;
    if change.email == user.email {
        return Err(AllowEmailChangeError::SameEmail);
    }
    Ok(guard_mail(app, &caller.client)?)
}

/// Mails to another address what it takes to make it that of the caller's account. Nothing changes until then.
///
/// # Errors
/// [`RequestEmailChangeError`].
pub fn request_email_change(
    app: &App,
    caller: &SessionCaller,
    email: Email,
) -> Result<(), RequestEmailChangeError> {
    let client = &caller.client;
    let purpose = MailPurpose::EmailChange;
    Ok(mail_secret(app, client, caller.user_id(), purpose, email)?)
}

#[cfg(test)]
mod tests {
    use mockall::Sequence;
    use rstest::rstest;
    use todo_domain::{
        Credentials, GuessPurpose, PasswordHash, SecurityEventKind::LoginFailed, User,
        ports::Verification,
    };

    use super::*;
    use crate::testing::{
        Mocks, digest, email, event, mailed_secret, password_hash, secret, session_caller,
        session_id, unavailable, user, user_id,
    };

    fn new_email() -> Email {
        Email::new("countess@example.com").unwrap()
    }

    fn allowed(mocks: Mocks, email: Email) -> Result<(), AllowEmailChangeError> {
        allowed_by(mocks.unguarded(), email)
    }

    fn allowed_by(mocks: Mocks, email: Email) -> Result<(), AllowEmailChangeError> {
        let change = EmailChange {
            email,
            password: PasswordAttempt::new("correct horse").unwrap(),
        };
        allow_email_change(&mocks.app(), &session_caller(), &change)
    }

    /// Mocks where the caller is this user, whose password has this hash.
    fn with(user: User, password_hash: Option<PasswordHash>) -> Mocks {
        let mut mocks = Mocks::at_now();
        let found = Credentials {
            user,
            password_hash,
        };
        mocks
            .users
            .expect_find_credentials_of()
            .withf(|id| *id == user_id(1))
            .return_once(|_| Ok(Some(found)));
        mocks
    }

    fn verifying(verification: Verification) -> Mocks {
        let mut mocks = with(user(), Some(password_hash()));
        mocks
            .hasher
            .expect_verify()
            .withf(|attempt, hash| attempt.expose() == "correct horse" && *hash == password_hash())
            .returning(move |_, _| Ok(verification));
        mocks
    }

    fn expect_failure_to_be_recorded(mocks: &mut Mocks) {
        mocks
            .security_events
            .expect_record()
            .withf(|recorded| *recorded == event(LoginFailed).of_session(session_id(1)))
            .once()
            .returning(|_| Ok(()));
    }

    #[rstest]
    #[case(Verification::Right)]
    #[case(Verification::RightButOutdated)]
    fn it_takes_the_password(#[case] verification: Verification) {
        assert!(allowed(verifying(verification), new_email()).is_ok());
    }

    #[test]
    fn a_wrong_password_is_recorded() {
        let mut mocks = verifying(Verification::Wrong);
        expect_failure_to_be_recorded(&mut mocks);
        let error = allowed(mocks, new_email()).unwrap_err();
        assert!(matches!(error, AllowEmailChangeError::WrongPassword));
    }

    #[test]
    fn without_a_password_every_one_is_wrong() {
        let mut mocks = with(user(), None);
        mocks
            .hasher
            .expect_verify_nothing()
            .once()
            .returning(|_| Ok(()));
        expect_failure_to_be_recorded(&mut mocks);
        let error = allowed(mocks, new_email()).unwrap_err();
        assert!(matches!(error, AllowEmailChangeError::WrongPassword));
    }

    #[test]
    fn it_counts_for_the_session_and_then_as_a_mail() {
        let mut mocks = verifying(Verification::Right);
        let mut sequence = Sequence::new();
        for purpose in [GuessPurpose::Confirmation, GuessPurpose::Mail] {
            mocks
                .guesses
                .expect_count()
                .withf(move |counters, _| {
                    matches!(counters, [counter] if counter.subject.purpose() == purpose)
                })
                .once()
                .in_sequence(&mut sequence)
                .returning(|_, _| Ok(()));
        }
        mocks.guesses.expect_succeed().returning(|_, _, _| Ok(()));
        assert!(allowed_by(mocks, new_email()).is_ok());
    }

    #[test]
    fn what_comes_too_early_is_not_looked_at() {
        let error = allowed_by(Mocks::at_now().guarded(), new_email()).unwrap_err();
        assert!(matches!(error, AllowEmailChangeError::TooManyAttempts(_)));
    }

    #[test]
    fn the_address_must_be_another() {
        let error = allowed(verifying(Verification::Right), email()).unwrap_err();
        assert!(matches!(error, AllowEmailChangeError::SameEmail));
    }

    #[test]
    fn an_account_deleted_meanwhile_is_said_to_be_gone() {
        let mut mocks = Mocks::at_now();
        mocks
            .users
            .expect_find_credentials_of()
            .returning(|_| Ok(None));
        let error = allowed(mocks, new_email()).unwrap_err();
        assert!(matches!(error, AllowEmailChangeError::CallerMissing));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = Mocks::at_now();
        mocks
            .users
            .expect_find_credentials_of()
            .returning(|_| Err(unavailable()));
        let error = allowed(mocks, new_email()).unwrap_err();
        assert!(matches!(
            error,
            AllowEmailChangeError::Failure(Failure::Unavailable(_))
        ));
    }

    #[test]
    fn the_mail_goes_to_the_new_address() {
        let mut mocks = Mocks::at_now();
        mocks
            .secrets
            .expect_generate()
            .returning(|kind| Ok(secret(kind)));
        mocks.secrets.expect_digest().return_const(digest());
        mocks
            .mailed_secrets
            .expect_insert()
            .withf(|kept, _| {
                *kept
                    == todo_domain::MailedSecret {
                        email: new_email(),
                        ..mailed_secret(MailPurpose::EmailChange)
                    }
            })
            .once()
            .returning(|_, _| Ok(true));
        mocks
            .mailer
            .expect_send()
            .withf(|mail| mail.to == new_email())
            .once()
            .returning(|_| Ok(()));
        assert!(request_email_change(&mocks.app(), &session_caller(), new_email()).is_ok());
    }
}
