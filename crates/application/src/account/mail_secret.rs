//! Mailing a secret that is good for something, once.

use todo_domain::{Client, Email, MailPurpose, MailedSecret, SecurityEventKind, UserId};

use super::mails::with_secret;
use crate::{App, Failure, security_event::event};

/// Makes a secret for `purpose`, keeps its digest, and mails it to `to`, unless one was mailed to this user for this
/// purpose a moment ago.
pub(super) fn mail_secret(
    app: &App,
    client: &Client,
    user_id: UserId,
    purpose: MailPurpose,
    to: Email,
) -> Result<(), Failure> {
    let now = app.clock.now();
    let secret = app.secrets.generate(purpose.secret_kind())?;
    let digest = app.secrets.digest(&secret);
    let kept = MailedSecret::new(digest, user_id, purpose, to, now);
    let event = requested(purpose).map(|kind| event(app, kind, Some(user_id), client, now));
    // First, since a secret that was mailed and is not kept would be of no use.
    if app.mailed_secrets.insert(&kept, event.as_ref())? {
        let mail = with_secret(kept.email, purpose, &secret, app.public_url.as_ref());
        app.mailer.send(&mail)?;
    }
    Ok(())
}

/// What happens to an account for which such a mail is asked for.
fn requested(purpose: MailPurpose) -> Option<SecurityEventKind> {
    match purpose {
        MailPurpose::PasswordReset => Some(SecurityEventKind::PasswordResetRequested),
        MailPurpose::EmailChange => Some(SecurityEventKind::EmailChangeRequested),
        MailPurpose::EmailVerification => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use todo_domain::ports::{MailError, RandomError};

    use super::*;
    use crate::testing::{
        Mocks, cause, client, digest, email, event, mailed_secret, secret, unavailable, user_id,
    };

    fn mocks(purpose: MailPurpose) -> Mocks {
        let mut mocks = Mocks::at_now();
        mocks
            .secrets
            .expect_generate()
            .withf(move |kind| *kind == purpose.secret_kind())
            .returning(|kind| Ok(secret(kind)));
        mocks.secrets.expect_digest().return_const(digest());
        mocks
    }

    fn mailed(mocks: Mocks, purpose: MailPurpose) -> Result<(), Failure> {
        mail_secret(&mocks.app(), &client(), user_id(1), purpose, email())
    }

    #[rstest]
    #[case(
        MailPurpose::PasswordReset,
        Some(SecurityEventKind::PasswordResetRequested)
    )]
    #[case(
        MailPurpose::EmailChange,
        Some(SecurityEventKind::EmailChangeRequested)
    )]
    #[case(MailPurpose::EmailVerification, None)]
    fn the_digest_is_kept_and_the_secret_mailed(
        #[case] purpose: MailPurpose,
        #[case] expected: Option<SecurityEventKind>,
    ) {
        let mut mocks = mocks(purpose);
        mocks
            .mailed_secrets
            .expect_insert()
            .withf(move |kept, recorded| {
                *kept == mailed_secret(purpose) && *recorded == expected.map(event).as_ref()
            })
            .once()
            .returning(|_, _| Ok(true));
        mocks
            .mailer
            .expect_send()
            .withf(move |mail| {
                mail.to == email() && mail.text.contains(secret(purpose.secret_kind()).expose())
            })
            .once()
            .returning(|_| Ok(()));
        assert!(mailed(mocks, purpose).is_ok());
    }

    #[test]
    fn a_second_mail_is_not_sent_soon_after_the_first() {
        let mut mocks = mocks(MailPurpose::PasswordReset);
        mocks
            .mailed_secrets
            .expect_insert()
            .returning(|_, _| Ok(false));
        assert!(mailed(mocks, MailPurpose::PasswordReset).is_ok());
    }

    #[test]
    fn nothing_is_mailed_that_is_not_kept() {
        let mut mocks = mocks(MailPurpose::PasswordReset);
        mocks
            .mailed_secrets
            .expect_insert()
            .returning(|_, _| Err(unavailable()));
        let error = mailed(mocks, MailPurpose::PasswordReset).unwrap_err();
        assert!(matches!(error, Failure::Unavailable(_)));
    }

    #[test]
    fn a_mail_that_cannot_be_sent_is_a_failure() {
        let mut mocks = mocks(MailPurpose::PasswordReset);
        mocks
            .mailed_secrets
            .expect_insert()
            .returning(|_, _| Ok(true));
        mocks
            .mailer
            .expect_send()
            .returning(|_| Err(MailError(cause())));
        let error = mailed(mocks, MailPurpose::PasswordReset).unwrap_err();
        assert!(matches!(error, Failure::Unavailable(_)));
    }

    #[test]
    fn without_randomness_there_is_no_secret() {
        let mut mocks = Mocks::at_now();
        mocks
            .secrets
            .expect_generate()
            .returning(|_| Err(RandomError(cause())));
        let error = mailed(mocks, MailPurpose::EmailChange).unwrap_err();
        assert!(matches!(error, Failure::Internal(_)));
    }
}
