//! Telling users what happened to their account.

use todo_domain::SecurityEvent;

use crate::{App, ServiceError, SessionCaller};

/// Why it cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum ListSecurityEventsError {
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// How many events are told.
pub const SECURITY_EVENTS_SHOWN: u32 = 100;

/// What happened to the caller's account, the last first, as far as it is kept and at most
/// [`SECURITY_EVENTS_SHOWN`].
///
/// # Errors
/// [`ListSecurityEventsError`].
pub fn list_security_events(
    app: &App,
    caller: &SessionCaller,
) -> Result<Vec<SecurityEvent>, ListSecurityEventsError> {
    Ok(app
        .security_events
        .list(caller.user_id(), SECURITY_EVENTS_SHOWN)
        .map_err(ServiceError::from)?)
}

#[cfg(test)]
mod tests {
    use todo_domain::SecurityEventKind::LoggedIn;

    use super::*;
    use crate::testing::{Mocks, event, session_caller, unavailable, user_id};

    #[test]
    fn they_are_the_callers() {
        let mut mocks = Mocks::default();
        mocks
            .security_events
            .expect_list()
            .withf(|user, limit| *user == user_id(1) && *limit == 100)
            .returning(|_, _| Ok(vec![event(LoggedIn)]));
        let listed = list_security_events(&mocks.app(), &session_caller()).unwrap();
        assert_eq!(listed, [event(LoggedIn)]);
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = Mocks::default();
        mocks
            .security_events
            .expect_list()
            .returning(|_, _| Err(unavailable()));
        assert!(matches!(
            list_security_events(&mocks.app(), &session_caller()),
            Err(ListSecurityEventsError::Service(ServiceError::Unavailable(
                _
            )))
        ));
    }
}
