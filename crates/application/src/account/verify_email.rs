//! Showing by what was mailed that an address is one's own.

use todo_domain::{
    Client, Email, Secret,
    SecurityEventKind::{EmailChanged, EmailVerified},
    TokenPurpose,
    ports::ChangeEmailError,
};

use super::mails::email_was_changed;
use crate::{App, ServiceError, security_event::event};

/// An address that is known to be a user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedEmail {
    /// The address that the account had before, if it was moved, to [tell](tell_of_email_change) of that.
    pub former: Option<Email>,
}

/// Why nothing is known of the address.
#[derive(Debug, thiserror::Error)]
pub enum VerifyEmailError {
    /// The secret was never made, was used, has expired, or is not the last one; which of these is not said.
    #[error("the token is not valid any more")]
    InvalidToken,
    /// Another user has the address by now.
    #[error("another user has this e-mail address")]
    EmailTaken,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Why a user was not told.
#[derive(Debug, thiserror::Error)]
pub enum TellOfEmailChangeError {
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Uses a mailed secret to mark the address of its account as the user's, or to move the account to the address that was
/// asked for.
///
/// # Errors
/// [`VerifyEmailError`].
pub fn verify_email(
    app: &App,
    client: &Client,
    secret: &Secret,
) -> Result<VerifiedEmail, VerifyEmailError> {
    let now = app.clock.now();
    let digest = app.secrets.digest(secret);
    let kept = app
        .mailed_secrets
        .find(&digest)
        .map_err(ServiceError::from)?
        .filter(|kept| kept.is_live(now))
        .ok_or(VerifyEmailError::InvalidToken)?;
    let (was_used, former) = match kept.purpose {
        TokenPurpose::PasswordReset | TokenPurpose::EmailChangeCancellation => (false, None),
        TokenPurpose::EmailVerification => {
            let event = event(app, EmailVerified, Some(kept.user_id), client, now);
            let verified = app.mailed_secrets.verify_email(&kept, now, &event);
            (verified.map_err(ServiceError::from)?, None)
        }
        TokenPurpose::EmailChange => {
            let former = app.users.find(kept.user_id).map_err(ServiceError::from)?;
            let event = event(app, EmailChanged, Some(kept.user_id), client, now);
            let changed = app.mailed_secrets.change_email(&kept, now, &event);
            let changed = changed.map_err(|error| match error {
                ChangeEmailError::EmailTaken => VerifyEmailError::EmailTaken,
                ChangeEmailError::Storage(error) => VerifyEmailError::Service(error.into()),
                error => VerifyEmailError::Service(ServiceError::Internal(error.into())),
            })?;
            (changed, former.map(|user| user.email))
        }
    };
    if was_used {
        Ok(VerifiedEmail { former })
    } else {
        Err(VerifyEmailError::InvalidToken)
    }
}

/// Tells a user by mail to the former address that the account has another one.
///
/// # Errors
/// [`TellOfEmailChangeError`].
pub fn tell_of_email_change(app: &App, former: Email) -> Result<(), TellOfEmailChangeError> {
    let mail = email_was_changed(former);
    Ok(app.mailer.send(&mail).map_err(ServiceError::from)?)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use todo_domain::{EmailToken, SecretKind};

    use super::*;
    use crate::testing::{
        Mocks, client, digest, email, event, mailed_secret, now, secret, unavailable, user,
    };

    fn verified(mocks: Mocks) -> Result<VerifiedEmail, VerifyEmailError> {
        let secret = secret(SecretKind::EmailVerification);
        verify_email(&mocks.app(), &client(), &secret)
    }

    /// Mocks where this is found to be kept of the secret.
    fn kept(kept: Option<EmailToken>) -> Mocks {
        let mut mocks = Mocks::at_now();
        mocks.secrets.expect_digest().return_const(digest());
        mocks
            .mailed_secrets
            .expect_find()
            .withf(|wanted| *wanted == digest())
            .return_once(move |_| Ok(kept));
        mocks
    }

    fn moved(
        answer: impl FnOnce() -> Result<bool, ChangeEmailError> + Send + 'static,
    ) -> Result<VerifiedEmail, VerifyEmailError> {
        let mut mocks = kept(Some(mailed_secret(TokenPurpose::EmailChange)));
        mocks.users.expect_find().returning(|_| Ok(Some(user())));
        mocks
            .mailed_secrets
            .expect_change_email()
            .withf(|kept, at, recorded| {
                *kept == mailed_secret(TokenPurpose::EmailChange)
                    && *at == now()
                    && *recorded == event(EmailChanged)
            })
            .once()
            .return_once(|_, _, _| answer());
        verified(mocks)
    }

    #[rstest]
    #[case::counts(true)]
    #[case::was_used_meanwhile(false)]
    fn the_address_is_marked_where_the_secret(#[case] used: bool) {
        let mut mocks = kept(Some(mailed_secret(TokenPurpose::EmailVerification)));
        mocks
            .mailed_secrets
            .expect_verify_email()
            .withf(|kept, at, recorded| {
                *kept == mailed_secret(TokenPurpose::EmailVerification)
                    && *at == now()
                    && *recorded == event(EmailVerified)
            })
            .once()
            .return_once(move |_, _, _| Ok(used));
        match verified(mocks) {
            Ok(VerifiedEmail { former }) => assert!(used && former.is_none()),
            Err(error) => assert!(!used && matches!(error, VerifyEmailError::InvalidToken)),
        }
    }

    #[test]
    fn the_account_is_moved_and_the_former_address_given() {
        let former = Some(email());
        assert_eq!(moved(|| Ok(true)).unwrap(), VerifiedEmail { former });
    }

    #[test]
    fn a_change_may_come_too_late() {
        let error = moved(|| Ok(false)).unwrap_err();
        assert!(matches!(error, VerifyEmailError::InvalidToken));
        let error = moved(|| Err(ChangeEmailError::EmailTaken)).unwrap_err();
        assert!(matches!(error, VerifyEmailError::EmailTaken));
        let error = moved(|| Err(unavailable().into())).unwrap_err();
        assert!(matches!(
            error,
            VerifyEmailError::Service(ServiceError::Unavailable(_))
        ));
    }

    #[rstest]
    #[case::unknown(None)]
    #[case::expired(Some(EmailToken { expires_at: now(), ..mailed_secret(TokenPurpose::EmailVerification) }))]
    #[case::for_a_password(Some(mailed_secret(TokenPurpose::PasswordReset)))]
    fn a_secret_that_does_not_count_is_refused(#[case] found: Option<EmailToken>) {
        let error = verified(kept(found)).unwrap_err();
        assert!(matches!(error, VerifyEmailError::InvalidToken));
    }

    #[test]
    fn the_former_address_is_told() {
        let mut mocks = Mocks::default();
        mocks
            .mailer
            .expect_send()
            .withf(|mail| mail.to == email() && mail.subject == "Your e-mail address was changed")
            .once()
            .returning(|_| Ok(()));
        assert!(tell_of_email_change(&mocks.app(), email()).is_ok());
    }
}
