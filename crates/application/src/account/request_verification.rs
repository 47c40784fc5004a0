//! Asking for a mail by which an address is shown to be its user's.

use todo_domain::{Client, MailPurpose, UserId};

use super::mail_secret::mail_secret;
use crate::{App, Failure};

/// Why no mail was sent.
#[derive(Debug, thiserror::Error)]
pub enum RequestVerificationError {
    /// The service failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Mails a user what it takes to show that the address of the account is the user's, unless that is known.
///
/// # Errors
/// [`RequestVerificationError`].
pub fn request_verification(
    app: &App,
    client: &Client,
    user_id: UserId,
) -> Result<(), RequestVerificationError> {
    let user = app.users.find(user_id).map_err(Failure::from)?;
    if let Some(user) = user.filter(|user| !user.email_verified) {
        let purpose = MailPurpose::EmailVerification;
        mail_secret(app, client, user.id, purpose, user.email)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use todo_domain::User;

    use super::*;
    use crate::testing::{Mocks, client, digest, mailed_secret, secret, unavailable, user};

    fn requested(mocks: Mocks) -> Result<(), RequestVerificationError> {
        request_verification(&mocks.app(), &client(), user().id)
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
            .withf(|kept, recorded| {
                *kept == mailed_secret(MailPurpose::EmailVerification) && recorded.is_none()
            })
            .once()
            .returning(|_, _| Ok(true));
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
            RequestVerificationError::Failure(Failure::Unavailable(_))
        ));
    }
}
