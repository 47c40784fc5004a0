//! Telling users where they are logged in.

use todo_domain::Session;

use crate::{App, ServiceError, SessionCaller};

/// Why it cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum ListSessionsError {
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// The sessions of the caller that are in force, the one that began last first.
///
/// # Errors
/// [`ListSessionsError`].
pub fn list_sessions(app: &App, caller: &SessionCaller) -> Result<Vec<Session>, ListSessionsError> {
    let mut sessions = app
        .sessions
        .list(caller.user_id())
        .map_err(ServiceError::from)?;
    let now = app.clock.now();
    sessions.retain(|session| session.is_live(now, &app.session_policy));
    Ok(sessions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Mocks, now, session, session_caller, unavailable, user_id};

    #[test]
    fn those_that_have_ended_are_not_listed() {
        let mut mocks = Mocks::at_now();
        mocks
            .sessions
            .expect_list()
            .withf(|user| *user == user_id(1))
            .returning(|_| {
                let ended = Session {
                    expires_at: now(),
                    ..session()
                };
                Ok(vec![session(), ended])
            });
        let listed = list_sessions(&mocks.app(), &session_caller()).unwrap();
        assert_eq!(listed, [session()]);
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = Mocks::default();
        mocks
            .sessions
            .expect_list()
            .returning(|_| Err(unavailable()));
        assert!(matches!(
            list_sessions(&mocks.app(), &session_caller()),
            Err(ListSessionsError::Service(ServiceError::Unavailable(_)))
        ));
    }
}
