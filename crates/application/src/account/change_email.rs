//! Asking for another address.

use todo_domain::{AccessProof, Client, Email, PasswordAttempt, TokenPurpose, TooManyAttempts};

use super::{
    confirm_password::{ConfirmPasswordError, confirm_password},
    mail_secret::mail_secret,
    throttle::{GuardError, guard_mail},
};
use crate::{App, ServiceError, SessionCaller};

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
    /// No mail can be sent to an address of this form.
    #[error("no mail can be sent to the address")]
    UndeliverableEmail,
    /// The account has this address.
    #[error("the account has this address already")]
    SameEmail,
    /// The session was revoked meanwhile, or the account was deleted.
    #[error("the session or the account does not exist any more")]
    CallerMissing,
    /// There were too many attempts through this session, or too many mails were asked for from the address of the
    /// client.
    #[error(transparent)]
    TooManyAttempts(TooManyAttempts),
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<ConfirmPasswordError> for AllowEmailChangeError {
    fn from(error: ConfirmPasswordError) -> Self {
        match error {
            ConfirmPasswordError::CallerMissing => Self::CallerMissing,
            ConfirmPasswordError::WrongPassword => Self::WrongPassword,
            ConfirmPasswordError::TooManyAttempts(too_many) => Self::TooManyAttempts(too_many),
            ConfirmPasswordError::Service(failure) => Self::Service(failure),
        }
    }
}

impl From<GuardError> for AllowEmailChangeError {
    fn from(error: GuardError) -> Self {
        match error {
            GuardError::TooMany(too_many) => Self::TooManyAttempts(too_many),
            GuardError::Service(failure) => Self::Service(failure),
        }
    }
}

/// A change of the address that may be [requested](request_email_change).
#[derive(Debug, Clone)]
pub struct AllowedEmailChange {
    proof: AccessProof,
    client: Client,
    current: Email,
    new: Email,
}

/// Why no mail was sent.
#[derive(Debug, thiserror::Error)]
pub enum RequestEmailChangeError {
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Verifies the password of the caller, and counts the mail, before another address is
/// [requested](request_email_change).
///
/// Whether someone else has that address is not said.
///
/// # Errors
/// [`AllowEmailChangeError`].
pub fn allow_email_change(
    app: &App,
    caller: &SessionCaller,
    change: EmailChange,
) -> Result<AllowedEmailChange, AllowEmailChangeError> {
    if !app.mailer.accepts(&change.email) {
        return Err(AllowEmailChangeError::UndeliverableEmail);
    }
    let (user, proof) = confirm_password(app, caller, &change.password)?;
    if change.email == user.email {
        return Err(AllowEmailChangeError::SameEmail);
    }
    guard_mail(app, &caller.client)?;
    Ok(AllowedEmailChange {
        proof: proof.with_email(user.email.clone()),
        client: caller.client.clone(),
        current: user.email,
        new: change.email,
    })
}

/// Notifies the present address of the account of the change, with a token that cancels it, and then mails a token to the
/// new address that confirms it. Nothing changes until the new address is confirmed.
///
/// The notice comes first, so that no change is pending without it. Nothing is mailed when access was revoked meanwhile,
/// or when a change was requested a moment ago.
///
/// # Errors
/// [`RequestEmailChangeError`].
pub fn request_email_change(
    app: &App,
    change: AllowedEmailChange,
) -> Result<(), RequestEmailChangeError> {
    let AllowedEmailChange {
        proof,
        client,
        current,
        new,
    } = change;
    let cancellation = TokenPurpose::EmailChangeCancellation;
    if mail_secret(app, &client, &proof, cancellation, current)? {
        mail_secret(app, &client, &proof, TokenPurpose::EmailChange, new)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use mockall::Sequence;
    use rstest::rstest;
    use todo_domain::{
        Credentials, PasswordHash, SecurityEventKind::LoginFailed, ThrottledAction, User,
        ports::Verification,
    };

    use super::*;
    use crate::testing::{
        Mocks, client, digest, email, event, mailed_secret, password_hash, secret, session_caller,
        session_id, unavailable, user, user_id,
    };

    fn new_email() -> Email {
        Email::new("countess@example.com").unwrap()
    }

    /// The session, the password and the address on which a change depends.
    fn proof() -> AccessProof {
        let proof = session_caller().proof();
        proof
            .with_password_hash(password_hash())
            .with_email(email())
    }

    fn allowed(mocks: Mocks, email: Email) -> Result<AllowedEmailChange, AllowEmailChangeError> {
        allowed_by(mocks.unguarded(), email)
    }

    fn allowed_by(mocks: Mocks, email: Email) -> Result<AllowedEmailChange, AllowEmailChangeError> {
        let change = EmailChange {
            email,
            password: PasswordAttempt::new("correct horse").unwrap(),
        };
        allow_email_change(&mocks.app(), &session_caller(), change)
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
        let allowed = allowed(verifying(verification), new_email()).unwrap();
        assert_eq!(allowed.proof, proof());
        assert_eq!((allowed.current, allowed.new), (email(), new_email()));
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
        for purpose in [ThrottledAction::Confirmation, ThrottledAction::Mail] {
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
        mocks.mailer.expect_accepts().return_const(true);
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
            AllowEmailChangeError::Service(ServiceError::Unavailable(_))
        ));
    }

    /// Requests a change, where secrets of these purposes are kept in turn, and mailed to these addresses.
    fn requested(mut mocks: Mocks, kept: &[(TokenPurpose, Email, bool)]) {
        mocks
            .secrets
            .expect_generate()
            .returning(|kind| Ok(secret(kind)));
        mocks.secrets.expect_digest().return_const(digest());
        let mut sequence = Sequence::new();
        for (purpose, to, is_kept) in kept.iter().cloned() {
            let expected = todo_domain::EmailToken {
                email: to.clone(),
                ..mailed_secret(purpose)
            };
            mocks
                .mailed_secrets
                .expect_insert()
                .withf(move |kept, shown, _| *kept == expected && *shown == proof())
                .once()
                .in_sequence(&mut sequence)
                .returning(move |_, _, _| Ok(is_kept));
            if is_kept {
                mocks
                    .mailer
                    .expect_send()
                    .withf(move |mail| mail.to == to)
                    .once()
                    .in_sequence(&mut sequence)
                    .returning(|_| Ok(()));
            }
        }
        let change = AllowedEmailChange {
            proof: proof(),
            client: client(),
            current: email(),
            new: new_email(),
        };
        assert!(request_email_change(&mocks.app(), change).is_ok());
    }

    #[test]
    fn the_present_address_is_notified_and_then_the_new_one_asked() {
        requested(
            Mocks::at_now(),
            &[
                (TokenPurpose::EmailChangeCancellation, email(), true),
                (TokenPurpose::EmailChange, new_email(), true),
            ],
        );
    }

    #[test]
    fn without_a_notice_no_change_is_pending() {
        let cancellation = (TokenPurpose::EmailChangeCancellation, email(), false);
        requested(Mocks::at_now(), &[cancellation]);
    }
}
