//! Emergency operations on the accounts of others.

use std::fmt;

use todo_domain::{
    AccessProof, Client, Email, Revocation, SecurityEvent,
    SecurityEventKind::{
        self, AccountDisabled, AccountEnabled, KeysRevoked, SessionsEndedByOperator,
    },
    UserId,
    ports::{Clock, IdGenerator, ProofError, SecurityEvents, SessionRepository, UserRepository},
};

use crate::ServiceError;

/// The number of users that are read at a time.
const USERS_AT_A_TIME: u32 = 1_000;

/// An operator of the service, who acts on accounts without being their user. Every operation records a security event.
#[derive(Clone, Copy)]
pub struct Operator<'a> {
    /// The users.
    pub users: &'a dyn UserRepository,
    /// Their sessions.
    pub sessions: &'a dyn SessionRepository,
    /// The security events.
    pub security_events: &'a dyn SecurityEvents,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// The ids of events.
    pub ids: &'a dyn IdGenerator,
}

impl fmt::Debug for Operator<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operator").finish_non_exhaustive()
    }
}

/// An operation did not happen.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// No user has this address.
    #[error("no user has this e-mail address")]
    UserMissing,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// What ending sessions ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndedSessions {
    /// The number of sessions.
    pub sessions: u64,
    /// The number of users who had any of them.
    pub users: u64,
}

impl Operator<'_> {
    /// Ends every session of a user, with refresh tokens, mailed secrets and pending changes of the address; with `tokens`,
    /// revokes personal access tokens as well.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn end_sessions_of(
        &self,
        email: &Email,
        tokens: bool,
    ) -> Result<EndedSessions, OperatorError> {
        let user_id = self.find(email)?;
        let mut ended = EndedSessions::default();
        ended.add(self.revoke(user_id, tokens)?);
        Ok(ended)
    }

    /// Ends every session of every user, as [`Self::end_sessions_of`] does, user by user. What begins after its user was
    /// dealt with goes on.
    ///
    /// # Errors
    /// [`OperatorError`]. Some sessions may have been ended by then.
    pub fn end_all_sessions(&self, tokens: bool) -> Result<EndedSessions, OperatorError> {
        let mut ended = EndedSessions::default();
        let mut last = None;
        loop {
            let page = self
                .sessions
                .list_users_with_access(last, USERS_AT_A_TIME)
                .map_err(ServiceError::from)?;
            let Some(&last_of_page) = page.last() else {
                return Ok(ended);
            };
            last = Some(last_of_page);
            for user_id in page {
                ended.add(self.revoke(user_id, tokens)?);
            }
        }
    }

    /// Disables the account of a user: all access is revoked, and none is granted until it is enabled.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn disable(&self, email: &Email) -> Result<(), OperatorError> {
        let id = self.find(email)?;
        let event = self.event(AccountDisabled, Some(id));
        found(self.users.disable(id, &event).map_err(ServiceError::from)?)
    }

    /// Enables the account of a user, who can log in again with the password of before.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn enable(&self, email: &Email) -> Result<(), OperatorError> {
        let id = self.find(email)?;
        let event = self.event(AccountEnabled, Some(id));
        found(self.users.enable(id, &event).map_err(ServiceError::from)?)
    }

    /// Records that all keys that sign tokens were revoked but for a new one.
    ///
    /// # Errors
    /// [`OperatorError::Service`].
    pub fn record_revoked_keys(&self) -> Result<(), OperatorError> {
        let event = self.event(KeysRevoked, None);
        Ok(self
            .security_events
            .record(&event)
            .map_err(ServiceError::from)?)
    }

    fn find(&self, email: &Email) -> Result<UserId, OperatorError> {
        let found = self
            .users
            .find_credentials(email)
            .map_err(ServiceError::from)?;
        found
            .map(|found| found.user.id)
            .ok_or(OperatorError::UserMissing)
    }

    /// Revokes the access of a user, and gives the number of sessions.
    fn revoke(&self, user_id: UserId, tokens: bool) -> Result<usize, OperatorError> {
        let event = self.event(SessionsEndedByOperator, Some(user_id));
        let revocation = Revocation {
            except: None,
            tokens,
        };
        let proof = AccessProof::new(user_id);
        match self.sessions.revoke_all(&proof, revocation, &event) {
            Ok(sessions) => Ok(sessions),
            Err(ProofError::Storage(error)) => Err(ServiceError::from(error).into()),
            // A user who is gone or disabled has no access.
            Err(_) => Ok(0),
        }
    }

    fn event(&self, kind: SecurityEventKind, user_id: Option<UserId>) -> SecurityEvent {
        SecurityEvent {
            id: self.ids.event(),
            user_id,
            kind,
            subject: None,
            client: Client::default(),
            created_at: self.clock.now(),
        }
    }
}

impl EndedSessions {
    fn add(&mut self, sessions: usize) {
        self.sessions += sessions as u64;
        self.users += u64::from(sessions > 0);
    }
}

fn found(found: bool) -> Result<(), OperatorError> {
    if found {
        Ok(())
    } else {
        Err(OperatorError::UserMissing)
    }
}

#[cfg(test)]
mod tests {
    use todo_domain::Credentials;

    use super::*;
    use crate::{
        App,
        testing::{Mocks, email, event, unavailable, user, user_id},
    };

    fn by_operator<T>(app: &App, act: impl FnOnce(Operator<'_>) -> T) -> T {
        act(Operator {
            users: &*app.users,
            sessions: &*app.sessions,
            security_events: &*app.security_events,
            clock: &*app.clock,
            ids: &*app.ids,
        })
    }

    fn mocks(is_found: bool) -> Mocks {
        let mut mocks = Mocks::at_now();
        mocks
            .users
            .expect_find_credentials()
            .withf(|address| *address == email())
            .returning(move |_| {
                Ok(is_found.then(|| Credentials {
                    user: user(),
                    password_hash: None,
                }))
            });
        mocks
    }

    /// The event that the operator records of the first user.
    fn recorded(kind: SecurityEventKind) -> SecurityEvent {
        SecurityEvent {
            client: Client::default(),
            ..event(kind)
        }
    }

    #[test]
    fn the_sessions_of_one_user_are_ended() {
        let mut mocks = mocks(true);
        mocks
            .sessions
            .expect_revoke_all()
            .withf(|proof, revocation, event| {
                let everything = Revocation {
                    except: None,
                    tokens: true,
                };
                *proof == AccessProof::new(user_id(1))
                    && *revocation == everything
                    && *event == recorded(SessionsEndedByOperator)
            })
            .once()
            .returning(|_, _, _| Ok(3));
        let ended = by_operator(&mocks.app(), |by| by.end_sessions_of(&email(), true)).unwrap();
        let expected = EndedSessions {
            sessions: 3,
            users: 1,
        };
        assert_eq!(ended, expected);
    }

    #[test]
    fn the_sessions_of_all_users_are_ended_page_by_page() {
        let mut mocks = Mocks::at_now();
        for (after, page) in [
            (None, vec![user_id(1), user_id(2)]),
            (Some(user_id(2)), vec![user_id(3)]),
            (Some(user_id(3)), Vec::new()),
        ] {
            mocks
                .sessions
                .expect_list_users_with_access()
                .withf(move |last, _| *last == after)
                .once()
                .returning(move |_, _| Ok(page.clone()));
        }
        mocks
            .sessions
            .expect_revoke_all()
            .times(3)
            .returning(|proof, _, _| match proof.user_id() {
                id if id == user_id(2) => Err(ProofError::UserDisabled),
                _ => Ok(2),
            });
        let ended = by_operator(&mocks.app(), |by| by.end_all_sessions(false)).unwrap();
        let expected = EndedSessions {
            sessions: 4,
            users: 2,
        };
        assert_eq!(ended, expected);
    }

    #[test]
    fn an_account_is_disabled_and_enabled_with_an_event() {
        let mut mocks = mocks(true);
        mocks
            .users
            .expect_disable()
            .withf(|id, event| *id == user_id(1) && *event == recorded(AccountDisabled))
            .once()
            .returning(|_, _| Ok(true));
        mocks
            .users
            .expect_enable()
            .withf(|id, event| *id == user_id(1) && *event == recorded(AccountEnabled))
            .once()
            .returning(|_, _| Ok(true));
        by_operator(&mocks.app(), |by| {
            by.disable(&email()).unwrap();
            by.enable(&email()).unwrap();
        });
    }

    #[test]
    fn an_address_without_an_account_is_named_as_such() {
        by_operator(&mocks(false).app(), |by| {
            for result in [
                by.disable(&email()),
                by.enable(&email()),
                by.end_sessions_of(&email(), false).map(drop),
            ] {
                assert!(matches!(result, Err(OperatorError::UserMissing)));
            }
        });
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure() {
        let mut mocks = Mocks::at_now();
        mocks
            .security_events
            .expect_record()
            .withf(|event| event.user_id.is_none() && event.kind == KeysRevoked)
            .returning(|_| Err(unavailable()));
        let error = by_operator(&mocks.app(), |by| by.record_revoked_keys()).unwrap_err();
        assert!(matches!(
            error,
            OperatorError::Service(ServiceError::Unavailable(_))
        ));
    }
}
