//! Clearing away what no longer counts.

use todo_domain::IdempotencyKey;

use crate::{App, ServiceError};

/// How much was cleared away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// Sessions that had ended.
    pub sessions: usize,
    /// Personal access tokens that had expired.
    pub personal_access_tokens: usize,
    /// Keys of requests that were to be forgotten.
    pub idempotency_keys: usize,
    /// Mailed secrets that had expired.
    pub mailed_secrets: usize,
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
    Service(#[from] ServiceError),
}

/// Deletes the sessions and tokens that have ended, the mailed secrets that have expired, and the keys, events and
/// guesses that are to be forgotten. Several instances may do so at once.
///
/// # Errors
/// [`PruneError`].
pub fn prune(app: &App) -> Result<Pruned, PruneError> {
    let now = app.clock.now();
    let sessions = app
        .sessions
        .delete_ended(now, &app.session_policy)
        .map_err(ServiceError::from)?;
    let personal_access_tokens = app
        .personal_access_tokens
        .delete_expired(now)
        .map_err(ServiceError::from)?;
    let idempotency_keys = app
        .idempotency_keys
        .delete_before(IdempotencyKey::forgotten_before(now))
        .map_err(ServiceError::from)?;
    let mailed_secrets = app
        .mailed_secrets
        .delete_expired(now)
        .map_err(ServiceError::from)?;
    let security_events = app
        .security_events
        .delete_before(now.saturating_sub(app.security_event_retention))
        .map_err(ServiceError::from)?;
    let guesses = app
        .guesses
        .delete_forgotten(now)
        .map_err(ServiceError::from)?;
    Ok(Pruned {
        sessions,
        personal_access_tokens,
        idempotency_keys,
        mailed_secrets,
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
            .personal_access_tokens
            .expect_delete_expired()
            .withf(|instant| *instant == now())
            .returning(|_| Ok(4));
        mocks
            .idempotency_keys
            .expect_delete_before()
            .withf(|instant| now().as_seconds() - instant.as_seconds() == 24 * 60 * 60)
            .returning(|_| Ok(5));
        mocks
            .mailed_secrets
            .expect_delete_expired()
            .withf(|instant| *instant == now())
            .returning(|_| Ok(6));
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
            personal_access_tokens: 4,
            idempotency_keys: 5,
            mailed_secrets: 6,
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
            Err(PruneError::Service(ServiceError::Unavailable(_)))
        ));

        let mut mocks = Mocks::at_now();
        mocks.sessions.expect_delete_ended().returning(|_, _| Ok(0));
        mocks
            .personal_access_tokens
            .expect_delete_expired()
            .returning(|_| Ok(0));
        mocks
            .idempotency_keys
            .expect_delete_before()
            .returning(|_| Err(unavailable()));
        assert!(matches!(
            prune(&mocks.app()),
            Err(PruneError::Service(ServiceError::Unavailable(_)))
        ));
    }
}
