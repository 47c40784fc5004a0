//! Making an account.

use todo_domain::{
    AccessToken, Client, DisplayName, Email, Password, PasswordContext, Secret, SecurityEventKind,
    TooManyAttempts, User, WeakPassword, ports::InsertUserError,
};

use super::{
    SignedIn, TokenDelivery,
    choose_password::{ChoosePasswordError, choose_password},
    signed_in::begin_session,
    throttle::{GuardError, device, guard_registration, issued, know},
};
use crate::{App, ServiceError};

/// What a registration needs.
#[derive(Debug, Clone)]
pub struct Register {
    /// What the user will log in with.
    pub email: Email,
    /// What proves that it is the user.
    pub password: Password,
    /// What the user wants to be called.
    pub name: DisplayName,
    /// Who is to keep the token.
    pub keeper: TokenDelivery,
    /// What the device shows to be known again.
    pub device: Option<Secret>,
    /// The session cookie that the browser showed and that the new one overwrites.
    pub replaced_cookie: Option<AccessToken>,
}

/// An account that was made.
#[derive(Debug)]
pub struct Registered {
    /// Whose it is, and the session that began.
    pub signed_in: SignedIn,
    /// What the device is to show to be known again.
    pub device: Secret,
    /// Why the device is not known yet, for the log. Whoever registers need not care.
    pub device_not_known: Option<ServiceError>,
}

/// Why no account was made.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Someone has registered with this address.
    #[error("the e-mail address is registered already")]
    EmailTaken,
    /// No mail can be sent to an address of this form.
    #[error("no mail can be sent to the address")]
    UndeliverableEmail,
    /// The password is too easily guessed.
    #[error("the password {0}")]
    WeakPassword(WeakPassword),
    /// There were too many registrations from the address of the client. Nothing was hashed.
    #[error(transparent)]
    TooManyAttempts(TooManyAttempts),
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<GuardError> for RegisterError {
    fn from(error: GuardError) -> Self {
        match error {
            GuardError::TooMany(too_many) => Self::TooManyAttempts(too_many),
            GuardError::Service(failure) => Self::Service(failure),
        }
    }
}

/// Makes an account and begins its first session.
///
/// Of several registrations of one address at the same time, exactly one succeeds.
///
/// # Errors
/// [`RegisterError`].
pub fn register(app: &App, client: &Client, input: Register) -> Result<Registered, RegisterError> {
    if !app.mailer.accepts(&input.email) {
        return Err(RegisterError::UndeliverableEmail);
    }
    guard_registration(app, client)?;
    let context = PasswordContext {
        email: &input.email,
        name: Some(&input.name),
    };
    let password_hash =
        choose_password(app, &input.password, context).map_err(|error| match error {
            ChoosePasswordError::Guessable(reason) => RegisterError::WeakPassword(reason),
            ChoosePasswordError::Service(failure) => RegisterError::Service(failure),
        })?;
    let device = device(app, issued(app, input.device)?)?;
    let now = app.clock.now();
    let user = User::new(app.ids.user(), input.email, input.name, now);
    let kind = SecurityEventKind::Registered;
    let start = begin_session(app, user.id, client, kind, input.replaced_cookie.as_ref())?;
    // The token is made before anything is stored: if it cannot be, there is no account that nobody was told of.
    let signed_in = SignedIn::new(app, user, start.session.clone(), input.keeper, now)?;
    app.users
        .insert(&signed_in.user, &password_hash, &start)
        .map_err(|error| match error {
            InsertUserError::EmailTaken => RegisterError::EmailTaken,
            InsertUserError::Storage(error) => RegisterError::Service(error.into()),
            error => RegisterError::Service(ServiceError::Internal(error.into())),
        })?;
    // Not before: whoever registers the address of somebody else would be known in their place.
    let device_not_known = know(app, &signed_in.user.email, client, &device).err();
    Ok(Registered {
        signed_in,
        device,
        device_not_known,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use todo_domain::{
        AccessToken, RefreshClaims, RefreshToken, ThrottledAction,
        ports::{HashError, TokenError},
    };

    use super::*;
    use crate::testing::{
        Mocks, cause, client, device, email, event, event_id, now, password_hash, session,
        session_id, unavailable, user, user_id,
    };

    fn input() -> Register {
        Register {
            email: email(),
            password: Password::new("correct horse").unwrap(),
            name: DisplayName::new("Ada").unwrap(),
            keeper: TokenDelivery::Body,
            device: None,
            replaced_cookie: None,
        }
    }

    fn mocks() -> Mocks {
        let mut mocks = where_common(false);
        mocks.ids.expect_event().return_const(event_id());
        mocks.ids.expect_user().return_const(user_id(1));
        mocks.ids.expect_session().return_const(session_id(1));
        mocks
            .hasher
            .expect_hash()
            .withf(|password| password.expose() == "correct horse")
            .returning(|_| Ok(password_hash()));
        mocks
    }

    /// Mocks where every password is common, or none is.
    fn where_common(common: bool) -> Mocks {
        let mut mocks = Mocks::default();
        mocks.clock.expect_now().return_const(now());
        mocks
            .common_passwords
            .expect_contains()
            .withf(|folded| folded == "correct horse")
            .return_const(common);
        mocks
    }

    fn with_token(mut mocks: Mocks) -> Mocks {
        mocks
            .tokens
            .expect_issue()
            .withf(|claims| claims.user_id == user_id(1) && claims.session_id == session_id(1))
            .returning(|_| Ok(AccessToken::new("token".to_owned())));
        mocks
            .refresh_tokens
            .expect_issue()
            .withf(|claims| *claims == RefreshClaims::new(&session()))
            .returning(|_| Ok(RefreshToken::new("refresh".to_owned())));
        mocks
    }

    #[test]
    fn it_stores_the_user_with_the_hash_and_a_session() {
        let mut mocks = with_token(mocks());
        mocks
            .users
            .expect_insert()
            .withf(|stored, hash, start| {
                let recorded = event(SecurityEventKind::Registered).of_session(session_id(1));
                *stored == user()
                    && *hash == password_hash()
                    && start.session == session()
                    && start.event == recorded
                    && start.replaces.is_none()
            })
            .once()
            .returning(|_, _, _| Ok(()));
        let registered = register(&mocks.unguarded().app(), &client(), input()).unwrap();
        assert!(registered.device_not_known.is_none());
        let signed_in = registered.signed_in;
        assert_eq!(signed_in.user, user());
        assert_eq!(signed_in.session.created_at, now());
        assert_eq!(signed_in.token.expose(), "token");
    }

    #[test]
    fn an_address_that_is_taken_is_said_to_be() {
        let mut mocks = with_token(mocks());
        mocks
            .users
            .expect_insert()
            .returning(|_, _, _| Err(InsertUserError::EmailTaken));
        let error = register(&mocks.unguarded().app(), &client(), input()).unwrap_err();
        assert!(matches!(error, RegisterError::EmailTaken));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = with_token(mocks());
        mocks
            .users
            .expect_insert()
            .returning(|_, _, _| Err(unavailable().into()));
        let error = register(&mocks.unguarded().app(), &client(), input()).unwrap_err();
        assert!(matches!(
            error,
            RegisterError::Service(ServiceError::Unavailable(_))
        ));
    }

    #[test]
    fn nothing_is_stored_when_the_token_cannot_be_made() {
        let mut mocks = mocks();
        mocks
            .tokens
            .expect_issue()
            .returning(|_| Err(TokenError::Signing(cause())));
        let error = register(&mocks.unguarded().app(), &client(), input()).unwrap_err();
        assert!(matches!(
            error,
            RegisterError::Service(ServiceError::Internal(_))
        ));
    }

    #[test]
    fn an_address_that_no_mail_can_be_sent_to_is_refused() {
        let mut mocks = Mocks::at_now();
        mocks
            .mailer
            .expect_accepts()
            .withf(|address| *address == email())
            .once()
            .return_const(false);
        let error = register(&mocks.app(), &client(), input()).unwrap_err();
        assert!(matches!(error, RegisterError::UndeliverableEmail));
    }

    #[test]
    fn what_comes_too_early_is_not_hashed() {
        let app = Mocks::at_now().guarded().app();
        let error = register(&app, &client(), input()).unwrap_err();
        assert!(matches!(
            error,
            RegisterError::TooManyAttempts(too_many)
                if too_many.purpose == ThrottledAction::Registration
        ));
    }

    #[test]
    fn an_address_that_is_not_known_is_not_counted() {
        let nowhere = Client {
            address: None,
            ..client()
        };
        let mut mocks = with_token(mocks());
        mocks.users.expect_insert().returning(|_, _, _| Ok(()));
        mocks.mailer.expect_accepts().return_const(true);
        mocks.secrets.expect_generate().returning(|_| Ok(device()));
        // The device is known; nothing is expected to be counted.
        mocks.guesses.expect_succeed().returning(|_, _, _| Ok(()));
        assert!(register(&mocks.app(), &nowhere, input()).is_ok());
    }

    #[test]
    fn nothing_is_stored_when_the_password_is_easily_guessed() {
        let error =
            register(&where_common(true).unguarded().app(), &client(), input()).unwrap_err();
        assert!(matches!(
            error,
            RegisterError::WeakPassword(WeakPassword::Common)
        ));
    }

    #[rstest]
    #[case::address("ada@example.com", WeakPassword::Email)]
    #[case::name("Ada Lovelace", WeakPassword::Name)]
    fn a_password_is_compared_with_what_is_registered(
        #[case] password: &str,
        #[case] expected: WeakPassword,
    ) {
        let mut mocks = Mocks::default();
        mocks.clock.expect_now().return_const(now());
        mocks.common_passwords.expect_contains().return_const(false);
        let input = Register {
            password: Password::new(password).unwrap(),
            name: DisplayName::new("Ada Lovelace").unwrap(),
            ..input()
        };
        let error = register(&mocks.unguarded().app(), &client(), input).unwrap_err();
        assert!(matches!(error, RegisterError::WeakPassword(reason) if reason == expected));
    }

    #[test]
    fn nothing_is_stored_when_the_hash_cannot_be_made() {
        let mut mocks = where_common(false);
        mocks
            .hasher
            .expect_hash()
            .returning(|_| Err(HashError(cause())));
        let error = register(&mocks.unguarded().app(), &client(), input()).unwrap_err();
        assert!(matches!(
            error,
            RegisterError::Service(ServiceError::Internal(_))
        ));
    }
}
