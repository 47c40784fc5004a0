//! Choosing a new password by what was mailed.

use todo_domain::{
    Client, Email, Password, PasswordContext, Secret, SecurityEventKind::PasswordReset,
    TokenPurpose, WeakPassword,
};

use super::{
    choose_password::{ChoosePasswordError, choose_password},
    mails::password_was_reset,
    throttle::{device, recover},
};
use crate::{App, ServiceError, security_event::event};

/// Why the password is what it was.
#[derive(Debug, thiserror::Error)]
pub enum ResetPasswordError {
    /// The secret was never made, was used, or has expired; which of these is not said.
    #[error("the token is not valid any more")]
    InvalidToken,
    /// The password is too easily guessed. The secret can be used again.
    #[error("the password {0}")]
    WeakPassword(WeakPassword),
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Why a user was not told.
#[derive(Debug, thiserror::Error)]
pub enum TellOfPasswordResetError {
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// A password that was reset.
#[derive(Debug)]
pub struct PasswordWasReset {
    /// The address to [notify](tell_of_password_reset).
    pub email: Email,
    /// The secret by which the device is known to the account from now on.
    pub device: Secret,
    /// Why the throttle of the account is as it was, for the log.
    pub throttle_not_reset: Option<ServiceError>,
}

/// Uses a mailed secret to set the password of its account, ends every session of the user, and revokes every access
/// token.
///
/// The secret proves that its owner reads the mailbox. So the failed logins of the account are forgotten, and the device
/// and the place of the client become known to it. The device gets a new secret: the one that it has may be stolen.
///
/// Of several uses of one secret at the same time, exactly one succeeds.
///
/// # Errors
/// [`ResetPasswordError`].
pub fn reset_password(
    app: &App,
    client: &Client,
    secret: &Secret,
    password: &Password,
) -> Result<PasswordWasReset, ResetPasswordError> {
    let digest = app.secrets.digest(secret);
    let kept = app
        .mailed_secrets
        .find(&digest)
        .map_err(ServiceError::from)?
        .filter(|kept| kept.purpose == TokenPurpose::PasswordReset && kept.is_live(app.clock.now()))
        .ok_or(ResetPasswordError::InvalidToken)?;
    let user = app
        .users
        .find(kept.user_id)
        .map_err(ServiceError::from)?
        .ok_or(ResetPasswordError::InvalidToken)?;
    let hash =
        choose_password(app, password, PasswordContext::from(&user)).map_err(
            |error| match error {
                ChoosePasswordError::Guessable(reason) => ResetPasswordError::WeakPassword(reason),
                ChoosePasswordError::Service(failure) => ResetPasswordError::Service(failure),
            },
        )?;
    let device = device(app, None)?;
    let now = app.clock.now();
    let event = event(app, PasswordReset, Some(user.id), client, now);
    let was_reset = app
        .mailed_secrets
        .reset_password(&kept, &hash, now, &event)
        .map_err(ServiceError::from)?;
    if !was_reset {
        return Err(ResetPasswordError::InvalidToken);
    }
    let throttle_not_reset = recover(app, &kept.email, client, &device).err();
    Ok(PasswordWasReset {
        email: kept.email,
        device,
        throttle_not_reset,
    })
}

/// Tells a user by mail that the password is another.
///
/// # Errors
/// [`TellOfPasswordResetError`].
pub fn tell_of_password_reset(app: &App, to: Email) -> Result<(), TellOfPasswordResetError> {
    let mail = password_was_reset(to);
    Ok(app.mailer.send(&mail).map_err(ServiceError::from)?)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use todo_domain::{EmailToken, SecretKind, ThrottleKey, ThrottledAction, ports::StorageError};

    use super::*;
    use crate::testing::{
        Mocks, client, device, digest, email, event, mailed_secret, now, password_hash, secret,
        unavailable, user, user_id,
    };

    fn reset(mocks: Mocks) -> Result<PasswordWasReset, ResetPasswordError> {
        let password = Password::new("battery staple").unwrap();
        let secret = secret(SecretKind::PasswordReset);
        reset_password(&mocks.app(), &client(), &secret, &password)
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

    /// Mocks where the secret counts, and every password is common or none is.
    fn live(common: bool) -> Mocks {
        let mut mocks = kept(Some(mailed_secret(TokenPurpose::PasswordReset)));
        mocks
            .users
            .expect_find()
            .withf(|id| *id == user_id(1))
            .returning(|_| Ok(Some(user())));
        mocks
            .common_passwords
            .expect_contains()
            .return_const(common);
        mocks
    }

    fn used(answer: impl FnOnce() -> Result<bool, StorageError> + Send + 'static) -> Mocks {
        let mut mocks = live(false);
        mocks
            .hasher
            .expect_hash()
            .withf(|password| password.expose() == "battery staple")
            .returning(|_| Ok(password_hash()));
        mocks
            .secrets
            .expect_generate()
            .withf(|kind| *kind == SecretKind::Device)
            .returning(|_| Ok(device()));
        mocks
            .mailed_secrets
            .expect_reset_password()
            .withf(|kept, hash, at, recorded| {
                *kept == mailed_secret(TokenPurpose::PasswordReset)
                    && *hash == password_hash()
                    && *at == now()
                    && *recorded == event(PasswordReset)
            })
            .once()
            .return_once(|_, _, _, _| answer());
        mocks
    }

    #[test]
    fn the_password_is_set_and_its_owner_no_longer_kept_out_by_others() {
        let expected = [
            ThrottleKey::account(ThrottledAction::Login, &email()),
            ThrottleKey::device(ThrottledAction::Login, &email(), &device()),
            ThrottleKey::place(ThrottledAction::Login, &email(), client().address.unwrap()),
            ThrottleKey::issued_device(&device()),
        ];
        let mut mocks = used(|| Ok(true));
        mocks
            .guesses
            .expect_succeed()
            .withf(move |cleared, taken_back, at| {
                *cleared == expected && taken_back.is_empty() && *at == now()
            })
            .once()
            .returning(|_, _, _| Ok(()));
        let reset = reset(mocks).unwrap();
        assert_eq!(reset.email, email());
        assert_eq!(reset.device.expose(), device().expose());
        assert!(reset.throttle_not_reset.is_none());
    }

    #[test]
    fn a_throttle_that_cannot_be_reset_undoes_nothing() {
        let mut mocks = used(|| Ok(true));
        mocks
            .guesses
            .expect_succeed()
            .returning(|_, _, _| Err(unavailable()));
        assert!(reset(mocks).unwrap().throttle_not_reset.is_some());
    }

    #[rstest]
    #[case::unknown(None)]
    #[case::expired(Some(EmailToken { expires_at: now(), ..mailed_secret(TokenPurpose::PasswordReset) }))]
    #[case::for_another_purpose(Some(mailed_secret(TokenPurpose::EmailVerification)))]
    fn a_secret_that_does_not_count_is_refused_before_anything_is_hashed(
        #[case] found: Option<EmailToken>,
    ) {
        let error = reset(kept(found)).unwrap_err();
        assert!(matches!(error, ResetPasswordError::InvalidToken));
    }

    #[test]
    fn a_secret_that_was_used_meanwhile_is_refused() {
        let error = reset(used(|| Ok(false))).unwrap_err();
        assert!(matches!(error, ResetPasswordError::InvalidToken));
    }

    #[test]
    fn a_password_that_is_easily_guessed_leaves_the_secret() {
        let error = reset(live(true)).unwrap_err();
        assert!(matches!(
            error,
            ResetPasswordError::WeakPassword(WeakPassword::Common)
        ));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let error = reset(used(|| Err(unavailable()))).unwrap_err();
        assert!(matches!(
            error,
            ResetPasswordError::Service(ServiceError::Unavailable(_))
        ));
    }

    #[test]
    fn the_user_is_told() {
        let mut mocks = Mocks::default();
        mocks
            .mailer
            .expect_send()
            .withf(|mail| mail.to == email() && mail.subject == "Your password was changed")
            .once()
            .returning(|_| Ok(()));
        assert!(tell_of_password_reset(&mocks.app(), email()).is_ok());
    }
}
