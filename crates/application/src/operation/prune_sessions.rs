//! Clearing away what no longer counts.

use crate::{App, Failure};

/// Why nothing was cleared away.
#[derive(Debug, thiserror::Error)]
pub enum PruneSessionsError {
    /// The service failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Deletes the sessions that have expired, and tells how many there were. Several instances may do so at once.
///
/// # Errors
/// [`PruneSessionsError`].
pub fn prune_sessions(app: &App) -> Result<usize, PruneSessionsError> {
    Ok(app
        .sessions
        .delete_expired(app.clock.now())
        .map_err(Failure::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Mocks, now, unavailable};

    #[test]
    fn it_deletes_what_has_expired_by_now() {
        let mut mocks = Mocks::at_now();
        mocks
            .sessions
            .expect_delete_expired()
            .withf(|instant| *instant == now())
            .returning(|_| Ok(3));
        assert_eq!(prune_sessions(&mocks.app()).unwrap(), 3);
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = Mocks::at_now();
        mocks
            .sessions
            .expect_delete_expired()
            .returning(|_| Err(unavailable()));
        assert!(matches!(
            prune_sessions(&mocks.app()),
            Err(PruneSessionsError::Failure(Failure::Unavailable(_)))
        ));
    }
}
