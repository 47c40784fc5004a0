//! Finding out who calls.

use todo_domain::{
    AccessToken,
    ports::{BoxError, TokenError},
};

use crate::{App, Caller, Failure};

/// Why nobody is known to call.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticateError {
    /// The token is malformed, of another kind, not signed by us, or has expired.
    #[error("the access token is not acceptable")]
    TokenRejected(#[source] BoxError),
    /// The session was ended or has expired, or its user is gone.
    #[error("the session has ended")]
    SessionEnded,
    /// The service failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Finds out who shows `token`, and that their session is still in force.
///
/// The session is read from the storage each time, so that a logout counts at once.
///
/// # Errors
/// [`AuthenticateError`].
pub fn authenticate(app: &App, token: &AccessToken) -> Result<Caller, AuthenticateError> {
    let claims = app.tokens.verify(token).map_err(|error| match error {
        TokenError::Rejected(reason) => AuthenticateError::TokenRejected(reason),
        error => AuthenticateError::Failure(error.into()),
    })?;
    let session = app
        .sessions
        .find(claims.session_id)
        .map_err(Failure::from)?
        .filter(|session| session.user_id == claims.user_id && session.is_live(app.clock.now()))
        .ok_or(AuthenticateError::SessionEnded)?;
    Ok(Caller::of(session))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use todo_domain::{AccessClaims, Session};

    use super::*;
    use crate::testing::{Mocks, cause, now, session, session_id, unavailable, user, user_id};

    fn token() -> AccessToken {
        AccessToken::new("token".to_owned())
    }

    fn accepted() -> Mocks {
        let mut mocks = Mocks::at_now();
        mocks
            .tokens
            .expect_verify()
            .withf(|shown| *shown == token())
            .returning(|_| Ok(AccessClaims::new(&user(), &session())));
        mocks
    }

    #[test]
    fn a_live_session_tells_who_calls() {
        let mut mocks = accepted();
        mocks
            .sessions
            .expect_find()
            .withf(|id| *id == session_id(1))
            .once()
            .returning(|_| Ok(Some(session())));
        let caller = authenticate(&mocks.app(), &token()).unwrap();
        assert_eq!(caller.session(), &session());
    }

    #[rstest]
    #[case::ended(None)]
    #[case::expired(Some(Session { expires_at: now(), ..session() }))]
    #[case::of_another_user(Some(Session { user_id: user_id(2), ..session() }))]
    fn a_session_that_does_not_count_is_refused(#[case] found: Option<Session>) {
        let mut mocks = accepted();
        mocks.sessions.expect_find().return_once(|_| Ok(found));
        assert!(matches!(
            authenticate(&mocks.app(), &token()),
            Err(AuthenticateError::SessionEnded)
        ));
    }

    #[test]
    fn a_token_that_is_not_acceptable_is_refused_before_the_storage_is_asked() {
        let mut mocks = Mocks::default();
        mocks
            .tokens
            .expect_verify()
            .returning(|_| Err(TokenError::Rejected(cause())));
        assert!(matches!(
            authenticate(&mocks.app(), &token()),
            Err(AuthenticateError::TokenRejected(_))
        ));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure_and_not_an_ended_session() {
        let mut mocks = accepted();
        mocks
            .sessions
            .expect_find()
            .returning(|_| Err(unavailable()));
        assert!(matches!(
            authenticate(&mocks.app(), &token()),
            Err(AuthenticateError::Failure(Failure::Unavailable(_)))
        ));
    }

    #[test]
    fn keys_that_cannot_be_read_are_a_failure_that_may_pass() {
        let mut mocks = Mocks::default();
        mocks
            .tokens
            .expect_verify()
            .returning(|_| Err(TokenError::KeysUnavailable(cause())));
        assert!(matches!(
            authenticate(&mocks.app(), &token()),
            Err(AuthenticateError::Failure(Failure::Unavailable(_)))
        ));
    }

    #[test]
    fn a_token_that_cannot_be_read_for_another_reason_is_a_failure() {
        let mut mocks = Mocks::default();
        mocks
            .tokens
            .expect_verify()
            .returning(|_| Err(TokenError::Signing(cause())));
        assert!(matches!(
            authenticate(&mocks.app(), &token()),
            Err(AuthenticateError::Failure(Failure::Internal(_)))
        ));
    }
}
