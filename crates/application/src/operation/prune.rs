//! Clearing away what no longer counts.

use todo_domain::IdempotencyKey;

use crate::{App, Failure};

/// How much was cleared away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// Sessions that had ended.
    pub sessions: usize,
    /// Keys of requests that were to be forgotten.
    pub idempotency_keys: usize,
    /// Events that were kept for as long as they are to be.
    pub security_events: usize,
    /// Subjects of guesses that are forgotten.
    pub guesses: usize,
}

/// Why not everything was cleared away.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// The service failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Deletes the sessions that have ended and the keys, events and guesses that are to be forgotten. Several
/// instances may do so at once.
///
/// # Errors
/// [`PruneError`].
pub fn prune(app: &App) -> Result<Pruned, PruneError> {
    let now = app.clock.now();
    let sessions = app
        .sessions
        .delete_ended(now, &app.session_policy)
        .map_err(Failure::from)?;
    let idempotency_keys = app
        .idempotency_keys
        .delete_before(IdempotencyKey::forgotten_before(now))
        .map_err(Failure::from)?;
    let security_events = app
        .security_events
        .delete_before(now.saturating_sub(app.security_event_retention))
        .map_err(Failure::from)?;
    let guesses = app.guesses.delete_forgotten(now).map_err(Failure::from)?;
    Ok(Pruned {
        sessions,
        idempotency_keys,
        security_events,
        guesses,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Mocks, POLICY, now, unavailable};

    #[test]
    fn it_deletes_what_no_longer_counts_now() {
        let mut mocks = Mocks::at_now();
        mocks
            .sessions
            .expect_delete_ended()
            .withf(|instant, policy| *instant == now() && *policy == POLICY)
            .returning(|_, _| Ok(3));
        mocks
            .idempotency_keys
            .expect_delete_before()
            .withf(|instant| now().as_seconds() - instant.as_seconds() == 24 * 60 * 60)
            .returning(|_| Ok(5));
        mocks
            .security_events
            .expect_delete_before()
            .withf(|instant| now().as_seconds() - instant.as_seconds() == 24 * 60 * 60)
            .returning(|_| Ok(7));
        mocks
            .guesses
            .expect_delete_forgotten()
            .withf(|instant| *instant == now())
            .returning(|_| Ok(9));
        let pruned = Pruned {
            sessions: 3,
            idempotency_keys: 5,
            security_events: 7,
            guesses: 9,
        };
        assert_eq!(prune(&mocks.app()).unwrap(), pruned);
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = Mocks::at_now();
        mocks
            .sessions
            .expect_delete_ended()
            .returning(|_, _| Err(unavailable()));
        assert!(matches!(
            prune(&mocks.app()),
            Err(PruneError::Failure(Failure::Unavailable(_)))
        ));

        let mut mocks = Mocks::at_now();
        mocks.sessions.expect_delete_ended().returning(|_, _| Ok(0));
        mocks
            .idempotency_keys
            .expect_delete_before()
            .returning(|_| Err(unavailable()));
        assert!(matches!(
            prune(&mocks.app()),
            Err(PruneError::Failure(Failure::Unavailable(_)))
        ));
    }
}
