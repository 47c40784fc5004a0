//! Making a token for a program.

use todo_domain::{
    AccessProof, NewPersonalAccessToken, PasswordAttempt, PersonalAccessToken, Secret, SecretKind,
    SecurityEventKind::TokenCreated, TooManyAttempts, ports::InsertTokenError,
};

use super::{
    confirm_password::{ConfirmPasswordError, confirm_password},
    notices::Notice,
};
use crate::{App, ServiceError, SessionCaller, security_event::event_by};

/// The input of [`create_token`].
#[derive(Debug, Clone)]
pub struct CreateToken {
    /// The token.
    pub new: NewPersonalAccessToken,
    /// The password of the account. It may be absent after a [recent login](todo_domain::Session::RECENT_LOGIN).
    pub password: Option<PasswordAttempt>,
}

/// A token that was just made.
#[derive(Debug)]
pub struct CreatedToken {
    /// The token.
    pub token: PersonalAccessToken,
    /// What the program is to show. Nobody can tell it a second time.
    pub secret: Secret,
    /// The notice for the user.
    pub notice: Notice,
}

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateTokenError {
    /// The caller has [as many](PersonalAccessToken::MAX_LIVE) as a user may have.
    #[error("the user has too many tokens")]
    TooMany,
    /// The login is too long ago, and the password is missing.
    #[error("the password is required")]
    ReauthenticationRequired,
    /// The password is another, or the account has none.
    #[error("is not the password of the account")]
    WrongPassword,
    /// There were too many attempts through this session. Nothing was hashed.
    #[error(transparent)]
    TooManyAttempts(TooManyAttempts),
    /// The session was revoked meanwhile, or the account was deleted.
    #[error("the session or the account does not exist any more")]
    CallerMissing,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<ConfirmPasswordError> for CreateTokenError {
    fn from(error: ConfirmPasswordError) -> Self {
        match error {
            ConfirmPasswordError::CallerMissing => Self::CallerMissing,
            ConfirmPasswordError::WrongPassword => Self::WrongPassword,
            ConfirmPasswordError::TooManyAttempts(too_many) => Self::TooManyAttempts(too_many),
            ConfirmPasswordError::Service(failure) => Self::Service(failure),
        }
    }
}

/// Makes a token of the caller. It outlives the session, so it takes the password or a recent login (OWASP ASVS 5.0,
/// 7.5.3).
///
/// # Errors
/// [`CreateTokenError`].
pub fn create_token(
    app: &App,
    caller: &SessionCaller,
    input: CreateToken,
) -> Result<CreatedToken, CreateTokenError> {
    let CreateToken { new, password } = input;
    let proof = reauthenticate(app, caller, password.as_ref())?;
    let secret = app
        .secrets
        .generate(SecretKind::PersonalAccessToken)
        .map_err(ServiceError::from)?;
    let (id, now) = (app.ids.token(), app.clock.now());
    let token = PersonalAccessToken::new(id, caller.user_id(), new, now);
    let event = event_by(app, caller, TokenCreated).of_token(id);
    app.personal_access_tokens
        .insert(&token, &app.secrets.digest(&secret), &proof, &event)
        .map_err(|error| match error {
            InsertTokenError::TooMany => CreateTokenError::TooMany,
            InsertTokenError::Proof(failed) => ConfirmPasswordError::from(failed).into(),
            error => ServiceError::Internal(error.into()).into(),
        })?;
    let notice = Notice::token_created(app, caller.user_id(), &caller.client);
    Ok(CreatedToken {
        token,
        secret,
        notice,
    })
}

/// The proof that the owner is present: by the password, or else by a recent login.
fn reauthenticate(
    app: &App,
    caller: &SessionCaller,
    password: Option<&PasswordAttempt>,
) -> Result<AccessProof, CreateTokenError> {
    match password {
        Some(password) => Ok(confirm_password(app, caller, password)?.1),
        None if caller.session.is_recent_login(app.clock.now()) => Ok(caller.proof()),
        None => Err(CreateTokenError::ReauthenticationRequired),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use todo_domain::{
        Credentials, Session, TokenLifetime,
        ports::{ProofError, RandomError, Verification},
    };

    use super::*;
    use crate::testing::{
        Mocks, cause, digest, event, now, password_hash, personal_access_token, secret, session,
        session_caller, token_id, unavailable, user,
    };

    fn without_password() -> CreateToken {
        let PersonalAccessToken { name, scopes, .. } = personal_access_token();
        CreateToken {
            new: NewPersonalAccessToken {
                name,
                scopes,
                lifetime: TokenLifetime::from_days(30).unwrap(),
            },
            password: None,
        }
    }

    fn with_password() -> CreateToken {
        CreateToken {
            password: Some(PasswordAttempt::new("correct horse").unwrap()),
            ..without_password()
        }
    }

    /// A caller who logged in before the last ten minutes.
    fn caller_of_old_session() -> SessionCaller {
        SessionCaller {
            session: Session {
                created_at: now().saturating_sub(Session::RECENT_LOGIN),
                ..session()
            },
            ..session_caller()
        }
    }

    /// Mocks where the password of the account is verified with this result.
    fn verifying(verification: Verification) -> Mocks {
        let mut mocks = Mocks::at_now();
        mocks.users.expect_find_credentials_of().returning(|_| {
            Ok(Some(Credentials {
                user: user(),
                password_hash: Some(password_hash()),
            }))
        });
        mocks
            .hasher
            .expect_verify()
            .withf(|attempt, hash| attempt.expose() == "correct horse" && *hash == password_hash())
            .once()
            .returning(move |_, _| Ok(verification));
        mocks.guesses.expect_count().returning(|_, _| Ok(()));
        mocks.guesses.expect_succeed().returning(|_, _, _| Ok(()));
        mocks
    }

    fn created(
        answer: impl FnOnce() -> Result<(), InsertTokenError> + Send + 'static,
    ) -> Result<CreatedToken, CreateTokenError> {
        let proof = session_caller().proof();
        created_by(
            Mocks::at_now(),
            &session_caller(),
            without_password(),
            proof,
            answer,
        )
    }

    fn created_by(
        mut mocks: Mocks,
        caller: &SessionCaller,
        input: CreateToken,
        proof: AccessProof,
        answer: impl FnOnce() -> Result<(), InsertTokenError> + Send + 'static,
    ) -> Result<CreatedToken, CreateTokenError> {
        mocks.ids.expect_token().return_const(token_id(1));
        mocks
            .secrets
            .expect_generate()
            .withf(|kind| *kind == SecretKind::PersonalAccessToken)
            .returning(|_| Ok(secret(SecretKind::PersonalAccessToken)));
        mocks.secrets.expect_digest().return_const(digest());
        mocks
            .personal_access_tokens
            .expect_insert()
            .withf(move |token, kept, shown, recorded| {
                *token == personal_access_token()
                    && *kept == digest()
                    && *shown == proof
                    && *recorded == event(TokenCreated).of_token(token_id(1))
            })
            .once()
            .return_once(|_, _, _, _| answer());
        create_token(&mocks.app(), caller, input)
    }

    #[test]
    fn after_a_while_it_takes_the_password() {
        let mocks = Mocks::at_now();
        let error = create_token(&mocks.app(), &caller_of_old_session(), without_password());
        assert!(matches!(
            error.unwrap_err(),
            CreateTokenError::ReauthenticationRequired
        ));
        let caller = caller_of_old_session();
        let proof = caller.proof().with_password_hash(password_hash());
        let mocks = verifying(Verification::Right);
        assert!(created_by(mocks, &caller, with_password(), proof, || Ok(())).is_ok());
    }

    #[test]
    fn a_wrong_password_is_refused_also_after_a_recent_login() {
        let mut mocks = verifying(Verification::Wrong);
        mocks
            .security_events
            .expect_record()
            .once()
            .returning(|_| Ok(()));
        let error = create_token(&mocks.app(), &session_caller(), with_password()).unwrap_err();
        assert!(matches!(error, CreateTokenError::WrongPassword));
    }

    #[test]
    fn its_digest_is_kept_and_its_secret_is_told() {
        let CreatedToken {
            token,
            secret: told,
            notice: _,
        } = created(|| Ok(())).unwrap();
        assert_eq!(token, personal_access_token());
        assert_eq!(
            told.expose(),
            secret(SecretKind::PersonalAccessToken).expose()
        );
    }

    #[test]
    fn one_too_many_is_refused() {
        let error = created(|| Err(InsertTokenError::TooMany)).unwrap_err();
        assert!(matches!(error, CreateTokenError::TooMany));
    }

    #[rstest]
    #[case::account(ProofError::UserMissing)]
    #[case::session(ProofError::SessionEnded)]
    fn what_was_deleted_meanwhile_is_said_to_be_gone(#[case] failed: ProofError) {
        let error = created(|| Err(failed.into())).unwrap_err();
        assert!(matches!(error, CreateTokenError::CallerMissing));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let error = created(|| Err(ProofError::from(unavailable()).into())).unwrap_err();
        assert!(matches!(
            error,
            CreateTokenError::Service(ServiceError::Unavailable(_))
        ));
    }

    #[test]
    fn without_randomness_there_is_no_token() {
        let mut mocks = Mocks::at_now();
        mocks
            .secrets
            .expect_generate()
            .returning(|_| Err(RandomError(cause())));
        let error = create_token(&mocks.app(), &session_caller(), without_password()).unwrap_err();
        assert!(matches!(
            error,
            CreateTokenError::Service(ServiceError::Internal(_))
        ));
    }
}
