//! Making a token for a program.

use todo_domain::{
    NewPersonalAccessToken, PersonalAccessToken, Secret, SecretKind,
    SecurityEventKind::TokenCreated, ports::InsertTokenError,
};

use crate::{App, Failure, SessionCaller, security_event::event_by};

/// A token that was just made.
#[derive(Debug)]
pub struct CreatedToken {
    /// The token.
    pub token: PersonalAccessToken,
    /// What the program is to show. Nobody can tell it a second time.
    pub secret: Secret,
}

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateTokenError {
    /// The caller has [as many](PersonalAccessToken::MAX_LIVE) as a user may have.
    #[error("the user has too many tokens")]
    TooMany,
    /// The account was deleted a moment ago, and its sessions with it.
    #[error("the account does not exist any more")]
    CallerMissing,
    /// The service failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Makes a token of the caller.
///
/// # Errors
/// [`CreateTokenError`].
pub fn create_token(
    app: &App,
    caller: &SessionCaller,
    new: NewPersonalAccessToken,
) -> Result<CreatedToken, CreateTokenError> {
    let secret = app
        .secrets
        .generate(SecretKind::PersonalAccessToken)
        .map_err(Failure::from)?;
    let (id, now) = (app.ids.token(), app.clock.now());
    let token = PersonalAccessToken::new(id, caller.user_id(), new, now);
    let event = event_by(app, caller, TokenCreated).of_token(id);
    app.personal_access_tokens
        .insert(&token, &app.secrets.digest(&secret), &event)
        .map_err(|error| match error {
            InsertTokenError::TooMany => CreateTokenError::TooMany,
            InsertTokenError::UserMissing => CreateTokenError::CallerMissing,
            InsertTokenError::Storage(error) => Failure::from(error).into(),
            error => Failure::Internal(error.into()).into(),
        })?;
    Ok(CreatedToken { token, secret })
}

#[cfg(test)]
mod tests {
    use todo_domain::{TokenLifetime, ports::RandomError};

    use super::*;
    use crate::testing::{
        Mocks, cause, digest, event, personal_access_token, secret, session_caller, token_id,
        unavailable,
    };

    fn new() -> NewPersonalAccessToken {
        let PersonalAccessToken { name, scopes, .. } = personal_access_token();
        NewPersonalAccessToken {
            name,
            scopes,
            lifetime: TokenLifetime::from_days(30).unwrap(),
        }
    }

    fn created(
        answer: impl FnOnce() -> Result<(), InsertTokenError> + Send + 'static,
    ) -> Result<CreatedToken, CreateTokenError> {
        let mut mocks = Mocks::at_now();
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
            .withf(|token, kept, recorded| {
                *token == personal_access_token()
                    && *kept == digest()
                    && *recorded == event(TokenCreated).of_token(token_id(1))
            })
            .once()
            .return_once(|_, _, _| answer());
        create_token(&mocks.app(), &session_caller(), new())
    }

    #[test]
    fn its_digest_is_kept_and_its_secret_is_told() {
        let CreatedToken {
            token,
            secret: told,
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

    #[test]
    fn an_account_deleted_meanwhile_is_said_to_be_gone() {
        let error = created(|| Err(InsertTokenError::UserMissing)).unwrap_err();
        assert!(matches!(error, CreateTokenError::CallerMissing));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let error = created(|| Err(unavailable().into())).unwrap_err();
        assert!(matches!(
            error,
            CreateTokenError::Failure(Failure::Unavailable(_))
        ));
    }

    #[test]
    fn without_randomness_there_is_no_token() {
        let mut mocks = Mocks::default();
        mocks
            .secrets
            .expect_generate()
            .returning(|_| Err(RandomError(cause())));
        let error = create_token(&mocks.app(), &session_caller(), new()).unwrap_err();
        assert!(matches!(
            error,
            CreateTokenError::Failure(Failure::Internal(_))
        ));
    }
}
