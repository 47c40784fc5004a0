//! Asking for a mail by which a new password can be chosen.

use todo_domain::{
    AccessProof, Client, Email, SecurityEventKind::PasswordResetRequested, TokenPurpose,
    TooManyAttempts,
};

use super::{
    mail_secret::mail_secret,
    throttle::{GuardError, guard_mail},
};
use crate::{App, ServiceError, security_event::event};

/// Why no mail may be asked for.
#[derive(Debug, thiserror::Error)]
pub enum AllowPasswordResetError {
    /// Too many mails were asked for from the address of the client.
    #[error(transparent)]
    TooManyAttempts(TooManyAttempts),
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<GuardError> for AllowPasswordResetError {
    fn from(error: GuardError) -> Self {
        match error {
            GuardError::TooMany(too_many) => Self::TooManyAttempts(too_many),
            GuardError::Service(failure) => Self::Service(failure),
        }
    }
}

/// Why no mail was sent.
#[derive(Debug, thiserror::Error)]
pub enum RequestPasswordResetError {
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Counts a mail by which a password could be chosen, whether or not there is an account to [send](request_password_reset)
/// it to.
///
/// # Errors
/// [`AllowPasswordResetError`].
pub fn allow_password_reset(app: &App, client: &Client) -> Result<(), AllowPasswordResetError> {
    Ok(guard_mail(app, client)?)
}

/// Mails whoever has an account with this address what it takes to choose a new password.
///
/// Whether there is such an account is nothing that whoever asks may learn: this is to run after the answer.
///
/// # Errors
/// [`RequestPasswordResetError`].
pub fn request_password_reset(
    app: &App,
    client: &Client,
    email: &Email,
) -> Result<(), RequestPasswordResetError> {
    let found = app
        .users
        .find_credentials(email)
        .map_err(ServiceError::from)?;
    if let Some(found) = found {
        let purpose = TokenPurpose::PasswordReset;
        // To the address as it is stored.
        let email = found.user.email;
        let proof = AccessProof::new(found.user.id).with_email(email.clone());
        mail_secret(app, client, &proof, purpose, email)?;
    } else {
        let event = event(app, PasswordResetRequested, None, client, app.clock.now());
        app.security_events
            .record(&event)
            .map_err(ServiceError::from)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use todo_domain::{Credentials, SecurityEvent, ThrottleKey, ThrottledAction};

    use super::*;
    use crate::testing::{
        Mocks, client, digest, email, event, mailed_secret, secret, unavailable, user,
    };

    fn requested(mocks: Mocks) -> Result<(), RequestPasswordResetError> {
        request_password_reset(&mocks.app(), &client(), &email())
    }

    #[test]
    fn an_account_is_sent_a_mail_even_when_it_has_no_password() {
        let mut mocks = Mocks::at_now();
        mocks
            .users
            .expect_find_credentials()
            .withf(|address| *address == email())
            .returning(|_| {
                Ok(Some(Credentials {
                    user: user(),
                    password_hash: None,
                }))
            });
        mocks
            .secrets
            .expect_generate()
            .returning(|kind| Ok(secret(kind)));
        mocks.secrets.expect_digest().return_const(digest());
        mocks
            .mailed_secrets
            .expect_insert()
            .withf(|kept, proof, recorded| {
                *kept == mailed_secret(TokenPurpose::PasswordReset)
                    && *proof == AccessProof::new(user().id).with_email(user().email)
                    && *recorded == Some(&event(PasswordResetRequested))
            })
            .once()
            .returning(|_, _, _| Ok(true));
        mocks.mailer.expect_send().once().returning(|_| Ok(()));
        assert!(requested(mocks).is_ok());
    }

    #[test]
    fn an_address_without_an_account_is_recorded_and_gets_no_mail() {
        let mut mocks = Mocks::at_now();
        mocks
            .users
            .expect_find_credentials()
            .returning(|_| Ok(None));
        mocks
            .security_events
            .expect_record()
            .withf(|recorded| {
                *recorded
                    == SecurityEvent {
                        user_id: None,
                        ..event(PasswordResetRequested)
                    }
            })
            .once()
            .returning(|_| Ok(()));
        assert!(requested(mocks).is_ok());
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = Mocks::at_now();
        mocks
            .users
            .expect_find_credentials()
            .returning(|_| Err(unavailable()));
        let error = requested(mocks).unwrap_err();
        assert!(matches!(
            error,
            RequestPasswordResetError::Service(ServiceError::Unavailable(_))
        ));
    }

    #[test]
    fn one_may_be_asked_for_until_too_many_were_from_one_address() {
        let address = client().address.unwrap();
        let expected = ThrottleKey::address(ThrottledAction::Mail, address);
        let mut mocks = Mocks::at_now();
        mocks
            .guesses
            .expect_count()
            .withf(move |counters, _| matches!(counters, [one] if one.subject == expected))
            .once()
            .returning(|_, _| Ok(()));
        assert!(allow_password_reset(&mocks.app(), &client()).is_ok());

        let app = Mocks::at_now().guarded().app();
        let error = allow_password_reset(&app, &client()).unwrap_err();
        assert!(matches!(error, AllowPasswordResetError::TooManyAttempts(_)));
    }

    #[test]
    fn of_ipv6_the_site_is_counted_as_well() {
        let address = "2001:db8:1:2::1".parse().unwrap();
        let client = Client {
            address: Some(address),
            ..client()
        };
        let expected = [
            ThrottleKey::address(ThrottledAction::Mail, address),
            ThrottleKey::site(ThrottledAction::Mail, "2001:db8:1:3::1".parse().unwrap()).unwrap(),
        ];
        let mut mocks = Mocks::at_now();
        mocks
            .guesses
            .expect_count()
            .withf(move |counters, _| {
                let [network, site] = counters else {
                    return false;
                };
                [&network.subject, &site.subject] == [&expected[0], &expected[1]]
                    && site.limit.without_delay == 16 * network.limit.without_delay
                    && site.limit.forgets_one_in == network.limit.forgets_one_in / 16
            })
            .once()
            .returning(|_, _| Ok(()));
        assert!(allow_password_reset(&mocks.app(), &client).is_ok());
    }
}
