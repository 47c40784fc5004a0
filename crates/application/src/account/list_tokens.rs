//! Telling users which tokens they have made.

use todo_domain::PersonalAccessToken;

use crate::{App, ServiceError, SessionCaller};

/// Why it cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum ListTokensError {
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// The tokens of the caller that are in force, the one that was made last first.
///
/// # Errors
/// [`ListTokensError`].
pub fn list_tokens(
    app: &App,
    caller: &SessionCaller,
) -> Result<Vec<PersonalAccessToken>, ListTokensError> {
    let mut tokens = app
        .personal_access_tokens
        .list(caller.user_id())
        .map_err(ServiceError::from)?;
    let now = app.clock.now();
    tokens.retain(|token| token.is_live(now));
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Mocks, now, personal_access_token, session_caller, unavailable, user_id};

    #[test]
    fn those_that_have_expired_are_not_listed() {
        let mut mocks = Mocks::at_now();
        mocks
            .personal_access_tokens
            .expect_list()
            .withf(|user| *user == user_id(1))
            .returning(|_| {
                let expired = PersonalAccessToken {
                    expires_at: now(),
                    ..personal_access_token()
                };
                Ok(vec![expired, personal_access_token()])
            });
        let tokens = list_tokens(&mocks.app(), &session_caller()).unwrap();
        assert_eq!(tokens, [personal_access_token()]);
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = Mocks::at_now();
        mocks
            .personal_access_tokens
            .expect_list()
            .returning(|_| Err(unavailable()));
        assert!(matches!(
            list_tokens(&mocks.app(), &session_caller()),
            Err(ListTokensError::Service(ServiceError::Unavailable(_)))
        ));
    }
}
