//! Asking for a mail by which an address is shown to be its user's.

use todo_domain::{AccessProof, Client, TokenPurpose};

use super::mail_secret::mail_secret;
use crate::{App, ServiceError};

/// Why no mail was sent.
#[derive(Debug, thiserror::Error)]
pub enum RequestVerificationError {
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Mails the user of `proof` what it takes to show that the address of the account is the user's, unless that is known, or
/// the proof does not hold any more.
///
/// # Errors
/// [`RequestVerificationError`].
pub fn request_verification(
    app: &App,
    client: &Client,
    proof: &AccessProof,
) -> Result<(), RequestVerificationError> {
    let user = app
        .users
        .find(proof.user_id())
        .map_err(ServiceError::from)?;
    if let Some(user) = user.filter(|user| !user.email_verified) {
        let proof = proof.clone().with_email(user.email.clone());
        let purpose = TokenPurpose::EmailVerification;
        mail_secret(app, client, &proof, purpose, user.email)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use todo_domain::User;

    use super::*;
    use crate::testing::{
        Mocks, client, digest, mailed_secret, secret, session, unavailable, user,
    };

    fn proof() -> AccessProof {
        AccessProof::new(user().id).with_session(session().id)
    }

    fn requested(mocks: Mocks) -> Result<(), RequestVerificationError> {
        request_verification(&mocks.app(), &client(), &proof())
    }

    #[test]
    fn a_user_is_sent_a_mail() {
        let mut mocks = Mocks::at_now();
        mocks
            .users
            .expect_find()
            .withf(|id| *id == user().id)
            .returning(|_| Ok(Some(user())));
        mocks
            .secrets
            .expect_generate()
            .returning(|kind| Ok(secret(kind)));
        mocks.secrets.expect_digest().return_const(digest());
        mocks
            .mailed_secrets
            .expect_insert()
            .withf(|kept, shown, recorded| {
                *kept == mailed_secret(TokenPurpose::EmailVerification)
                    && *shown == proof().with_email(user().email)
                    && recorded.is_none()
            })
            .once()
            .returning(|_, _, _| Ok(true));
        mocks.mailer.expect_send().once().returning(|_| Ok(()));
        assert!(requested(mocks).is_ok());
    }

    #[rstest]
    #[case::gone_meanwhile(None)]
    #[case::known_to_have_the_address(Some(User { email_verified: true, ..user() }))]
    fn nothing_is_sent_to_a_user_who_is(#[case] found: Option<User>) {
        let mut mocks = Mocks::default();
        mocks.users.expect_find().return_once(|_| Ok(found));
        assert!(requested(mocks).is_ok());
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = Mocks::default();
        mocks.users.expect_find().returning(|_| Err(unavailable()));
        let error = requested(mocks).unwrap_err();
        assert!(matches!(
            error,
            RequestVerificationError::Service(ServiceError::Unavailable(_))
        ));
    }
}
