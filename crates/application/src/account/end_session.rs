//! Ending one session from another.

use todo_domain::{SecurityEventKind::LoggedOut, SessionId};

use crate::{App, ServiceError, SessionCaller, security_event::event_by};

/// Why the session was not ended.
#[derive(Debug, thiserror::Error)]
pub enum EndSessionError {
    /// The caller has no such session.
    #[error("there is no such session")]
    NotFound,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Ends a session of the caller; from the next request on it counts no more, on every instance.
///
/// # Errors
/// [`EndSessionError`].
pub fn end_session(
    app: &App,
    caller: &SessionCaller,
    id: SessionId,
) -> Result<(), EndSessionError> {
    let event = event_by(app, caller, LoggedOut).of_session(id);
    let ended = app
        .sessions
        .delete(caller.user_id(), id, &event)
        .map_err(ServiceError::from)?;
    if ended {
        Ok(())
    } else {
        Err(EndSessionError::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use todo_domain::ports::StorageError;

    use super::*;
    use crate::testing::{Mocks, event, session_caller, session_id, unavailable, user_id};

    fn ended(
        answer: impl FnOnce() -> Result<bool, StorageError> + Send + 'static,
    ) -> Result<(), EndSessionError> {
        let mut mocks = Mocks::at_now();
        mocks
            .sessions
            .expect_delete()
            .withf(|user, id, recorded| {
                *user == user_id(1)
                    && *id == session_id(2)
                    && *recorded == event(LoggedOut).of_session(session_id(2))
            })
            .once()
            .return_once(|_, _, _| answer());
        end_session(&mocks.app(), &session_caller(), session_id(2))
    }

    #[test]
    fn it_is_the_callers_that_ends() {
        assert!(ended(|| Ok(true)).is_ok());
    }

    #[test]
    fn one_that_is_not_there_is_not_found() {
        let error = ended(|| Ok(false)).unwrap_err();
        assert!(matches!(error, EndSessionError::NotFound));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let error = ended(|| Err(unavailable())).unwrap_err();
        assert!(matches!(
            error,
            EndSessionError::Service(ServiceError::Unavailable(_))
        ));
    }
}
