//! Mailing a secret that is good for something, once.

use todo_domain::{
    AccessProof, Client, Email, EmailToken, SecurityEventKind, TokenPurpose, ports::ProofError,
};

use super::mails::with_secret;
use crate::{App, ServiceError, security_event::event};

/// Makes a secret for `purpose`, keeps its digest, and mails it to `to`. `false`, and nothing is mailed, when one was
/// mailed to this user for this purpose a moment ago, or when `proof` does not hold any more.
pub(super) fn mail_secret(
    app: &App,
    client: &Client,
    proof: &AccessProof,
    purpose: TokenPurpose,
    to: Email,
) -> Result<bool, ServiceError> {
    let user_id = proof.user_id();
    let now = app.clock.now();
    let secret = app.secrets.generate(purpose.secret_kind())?;
    let digest = app.secrets.digest(&secret);
    let kept = EmailToken::new(digest, user_id, purpose, to, now);
    let event = requested(purpose).map(|kind| event(app, kind, Some(user_id), client, now));
    // First, since a secret that was mailed and is not kept would be of no use.
    match app.mailed_secrets.insert(&kept, proof, event.as_ref()) {
        Ok(true) => {
            let mail = with_secret(kept.email, purpose, &secret, app.public_url.as_ref());
            app.mailer.send(&mail)?;
            Ok(true)
        }
        Err(ProofError::Storage(error)) => Err(error.into()),
        Ok(false) | Err(_) => Ok(false),
    }
}

/// What happens to an account for which such a mail is asked for.
fn requested(purpose: TokenPurpose) -> Option<SecurityEventKind> {
    match purpose {
        TokenPurpose::PasswordReset => Some(SecurityEventKind::PasswordResetRequested),
        TokenPurpose::EmailChange => Some(SecurityEventKind::EmailChangeRequested),
        TokenPurpose::EmailVerification | TokenPurpose::EmailChangeCancellation => None,
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

    fn mocks(purpose: TokenPurpose) -> Mocks {
        let mut mocks = Mocks::at_now();
        mocks
            .secrets
            .expect_generate()
            .withf(move |kind| *kind == purpose.secret_kind())
            .returning(|kind| Ok(secret(kind)));
        mocks.secrets.expect_digest().return_const(digest());
        mocks
    }

    fn mailed(mocks: Mocks, purpose: TokenPurpose) -> Result<bool, ServiceError> {
        let proof = AccessProof::new(user_id(1));
        mail_secret(&mocks.app(), &client(), &proof, purpose, email())
    }

    #[rstest]
    #[case(
        TokenPurpose::PasswordReset,
        Some(SecurityEventKind::PasswordResetRequested)
    )]
    #[case(
        TokenPurpose::EmailChange,
        Some(SecurityEventKind::EmailChangeRequested)
    )]
    #[case(TokenPurpose::EmailVerification, None)]
    #[case(TokenPurpose::EmailChangeCancellation, None)]
    fn the_digest_is_kept_and_the_secret_mailed(
        #[case] purpose: TokenPurpose,
        #[case] expected: Option<SecurityEventKind>,
    ) {
        let mut mocks = mocks(purpose);
        mocks
            .mailed_secrets
            .expect_insert()
            .withf(move |kept, proof, recorded| {
                *kept == mailed_secret(purpose)
                    && *proof == AccessProof::new(user_id(1))
                    && *recorded == expected.map(event).as_ref()
            })
            .once()
            .returning(|_, _, _| Ok(true));
        mocks
            .mailer
            .expect_send()
            .withf(move |mail| {
                mail.to == email() && mail.text.contains(secret(purpose.secret_kind()).expose())
            })
            .once()
            .returning(|_| Ok(()));
        assert!(mailed(mocks, purpose).unwrap());
    }

    #[test]
    fn nothing_is_mailed_to_someone_whose_access_was_revoked() {
        for failed in [ProofError::SessionEnded, ProofError::PasswordChanged] {
            let mut mocks = mocks(TokenPurpose::EmailChange);
            mocks
                .mailed_secrets
                .expect_insert()
                .return_once(|_, _, _| Err(failed));
            assert!(!mailed(mocks, TokenPurpose::EmailChange).unwrap());
        }
    }

    #[test]
    fn a_second_mail_is_not_sent_soon_after_the_first() {
        let mut mocks = mocks(TokenPurpose::PasswordReset);
        mocks
            .mailed_secrets
            .expect_insert()
            .returning(|_, _, _| Ok(false));
        assert!(!mailed(mocks, TokenPurpose::PasswordReset).unwrap());
    }

    #[test]
    fn nothing_is_mailed_that_is_not_kept() {
        let mut mocks = mocks(TokenPurpose::PasswordReset);
        mocks
            .mailed_secrets
            .expect_insert()
            .returning(|_, _, _| Err(unavailable().into()));
        let error = mailed(mocks, TokenPurpose::PasswordReset).unwrap_err();
        assert!(matches!(error, ServiceError::Unavailable(_)));
    }

    #[test]
    fn a_mail_that_cannot_be_sent_is_a_failure() {
        let mut mocks = mocks(TokenPurpose::PasswordReset);
        mocks
            .mailed_secrets
            .expect_insert()
            .returning(|_, _, _| Ok(true));
        mocks
            .mailer
            .expect_send()
            .returning(|_| Err(MailError(cause())));
        let error = mailed(mocks, TokenPurpose::PasswordReset).unwrap_err();
        assert!(matches!(error, ServiceError::Unavailable(_)));
    }

    #[test]
    fn without_randomness_there_is_no_secret() {
        let mut mocks = Mocks::at_now();
        mocks
            .secrets
            .expect_generate()
            .returning(|_| Err(RandomError(cause())));
        let error = mailed(mocks, TokenPurpose::EmailChange).unwrap_err();
        assert!(matches!(error, ServiceError::Internal(_)));
    }
}
