//! Logging out.

use todo_domain::{AccessToken, ports::TokenError};

use crate::{App, Failure};

/// Why a session may still be in force.
#[derive(Debug, thiserror::Error)]
pub enum LogoutError {
    /// The service failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Ends the session that `token` belongs to; from the next request on it counts no more, on every instance.
///
/// Tells whether a session was ended. A token that is not acceptable, or that belongs to a session that has ended
/// before, leaves nothing to end, which is no error: logging out twice is as good as once.
///
/// # Errors
/// [`LogoutError`].
pub fn logout(app: &App, token: &AccessToken) -> Result<bool, LogoutError> {
    let claims = match app.tokens.verify(token) {
        Ok(claims) => claims,
        Err(TokenError::Rejected(_)) => return Ok(false),
        Err(error) => return Err(Failure::from(error).into()),
    };
    Ok(app
        .sessions
        .delete(claims.session_id)
        .map_err(Failure::from)?)
}

#[cfg(test)]
mod tests {
    use todo_domain::AccessClaims;

    use super::*;
    use crate::testing::{Mocks, cause, session, session_id, unavailable, user};

    fn token() -> AccessToken {
        AccessToken::new("token".to_owned())
    }

    fn accepted() -> Mocks {
        let mut mocks = Mocks::default();
        mocks
            .tokens
            .expect_verify()
            .withf(|shown| *shown == token())
            .returning(|_| Ok(AccessClaims::new(&user(), &session())));
        mocks
    }

    #[test]
    fn it_ends_the_session_and_a_second_time_finds_none() {
        for ended in [true, false] {
            let mut mocks = accepted();
            mocks
                .sessions
                .expect_delete()
                .withf(|id| *id == session_id(1))
                .once()
                .return_once(move |_| Ok(ended));
            assert_eq!(logout(&mocks.app(), &token()).unwrap(), ended);
        }
    }

    #[test]
    fn a_token_that_is_not_acceptable_leaves_nothing_to_end() {
        let mut mocks = Mocks::default();
        mocks
            .tokens
            .expect_verify()
            .returning(|_| Err(TokenError::Rejected(cause())));
        assert!(!logout(&mocks.app(), &token()).unwrap());
    }

    #[test]
    fn a_session_that_could_not_be_ended_is_not_said_to_be() {
        let mut mocks = accepted();
        mocks
            .sessions
            .expect_delete()
            .returning(|_| Err(unavailable()));
        assert!(matches!(
            logout(&mocks.app(), &token()),
            Err(LogoutError::Failure(Failure::Unavailable(_)))
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
            logout(&mocks.app(), &token()),
            Err(LogoutError::Failure(Failure::Internal(_)))
        ));
    }
}
