//! Revoking a token.

use todo_domain::{SecurityEventKind::TokenRevoked, TokenId};

use crate::{App, ServiceError, SessionCaller, security_event::event_by};

/// Why the token was not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeTokenError {
    /// The caller has no such token.
    #[error("there is no such token")]
    NotFound,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Revokes a token of the caller; from the next request on it counts no more, on every instance.
///
/// # Errors
/// [`RevokeTokenError`].
pub fn revoke_token(
    app: &App,
    caller: &SessionCaller,
    id: TokenId,
) -> Result<(), RevokeTokenError> {
    let event = event_by(app, caller, TokenRevoked).of_token(id);
    let revoked = app
        .personal_access_tokens
        .delete(caller.user_id(), id, &event)
        .map_err(ServiceError::from)?;
    if revoked {
        Ok(())
    } else {
        Err(RevokeTokenError::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use todo_domain::ports::StorageError;

    use super::*;
    use crate::testing::{Mocks, event, session_caller, token_id, unavailable, user_id};

    fn revoked(
        answer: impl FnOnce() -> Result<bool, StorageError> + Send + 'static,
    ) -> Result<(), RevokeTokenError> {
        let mut mocks = Mocks::at_now();
        mocks
            .personal_access_tokens
            .expect_delete()
            .withf(|user, id, recorded| {
                *user == user_id(1)
                    && *id == token_id(2)
                    && *recorded == event(TokenRevoked).of_token(token_id(2))
            })
            .once()
            .return_once(|_, _, _| answer());
        revoke_token(&mocks.app(), &session_caller(), token_id(2))
    }

    #[test]
    fn it_is_the_callers_that_is_revoked() {
        assert!(revoked(|| Ok(true)).is_ok());
    }

    #[test]
    fn one_that_is_not_there_is_not_found() {
        let error = revoked(|| Ok(false)).unwrap_err();
        assert!(matches!(error, RevokeTokenError::NotFound));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let error = revoked(|| Err(unavailable())).unwrap_err();
        assert!(matches!(
            error,
            RevokeTokenError::Service(ServiceError::Unavailable(_))
        ));
    }
}
