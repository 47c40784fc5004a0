//! Finding out who calls.

use todo_domain::{
    AccessClaims, AccessToken, Client, Scope, Secret, SecretKind, SessionWithSettings,
    ports::{BoxError, TokenError},
};

use super::authenticate_token::find_live;
use crate::{App, ServiceError, SessionCaller};

/// What someone shows to prove who they are.
#[derive(Debug, Clone)]
pub enum Credential {
    /// The token of a session.
    AccessToken(AccessToken),
    /// A personal access token.
    PersonalAccessToken(Secret),
}

impl Credential {
    /// The credential that a bearer token is. One that begins like a personal access token but is malformed is taken for
    /// an access token that no key has signed: it is rejected without asking the database.
    #[must_use]
    pub fn parse(token: &str) -> Self {
        Secret::parse(SecretKind::PersonalAccessToken, token).map_or_else(
            |_| Self::AccessToken(AccessToken::new(token.to_owned())),
            Self::PersonalAccessToken,
        )
    }
}

/// Someone who was found out to call.
#[derive(Debug)]
pub struct Authenticated<C> {
    /// Who it is.
    pub caller: C,
    /// Why it was not recorded that the credential was used, for the log. Whoever calls need not care.
    pub use_not_recorded: Option<ServiceError>,
}

impl<C> Authenticated<C> {
    pub(super) fn map<D>(self, map: impl FnOnce(C) -> D) -> Authenticated<D> {
        Authenticated {
            caller: map(self.caller),
            use_not_recorded: self.use_not_recorded,
        }
    }
}

/// Why nobody is known to call, or not with what it takes.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticateError {
    /// The token is malformed, of another kind, not signed by us, or has expired.
    #[error("the access token is not acceptable")]
    TokenRejected(#[source] BoxError),
    /// The session was ended or has expired, or its user is gone.
    #[error("the session has ended")]
    SessionEnded,
    /// The personal access token was never made, was revoked or has expired, or its user is gone.
    #[error("the personal access token does not count")]
    TokenEnded,
    /// The personal access token is not good for this (RFC 6750, 3.1).
    #[error("the personal access token has not the scope {needed}")]
    InsufficientScope {
        /// What it would have to be good for.
        needed: Scope,
    },
    /// A personal access token is good for nothing that has to do with accounts, sessions and credentials.
    #[error("this takes a session")]
    SessionNeeded,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Finds out who shows `credential`, and that it is that of a session which is still in force.
///
/// # Errors
/// [`AuthenticateError`].
pub fn authenticate_session(
    app: &App,
    credential: &Credential,
    client: &Client,
) -> Result<Authenticated<SessionCaller>, AuthenticateError> {
    match credential {
        Credential::AccessToken(token) => {
            let claims = verify(app, token)?;
            let found = find_session(app, &claims)?;
            Ok(
                found.map(|SessionWithSettings { session, settings }| SessionCaller {
                    settings,
                    client: client.clone(),
                    session,
                    token_expires_at: claims.expires_at,
                }),
            )
        }
        Credential::PersonalAccessToken(secret) => {
            find_live(app, secret)?;
            Err(AuthenticateError::SessionNeeded)
        }
    }
}

/// What a token says, if it is acceptable. Nothing is asked of the storage.
pub(super) fn verify(app: &App, token: &AccessToken) -> Result<AccessClaims, AuthenticateError> {
    app.tokens.verify(token).map_err(|error| match error {
        TokenError::Rejected(reason) => AuthenticateError::TokenRejected(reason),
        error => AuthenticateError::Service(error.into()),
    })
}

/// The session that a token belongs to, if it is still in force.
///
/// It is read from the storage each time, so that a logout counts at once.
pub(super) fn find_session(
    app: &App,
    claims: &AccessClaims,
) -> Result<Authenticated<SessionWithSettings>, AuthenticateError> {
    let now = app.clock.now();
    let mut found = app
        .sessions
        .find(claims.session_id)
        .map_err(ServiceError::from)?
        .filter(|SessionWithSettings { session, .. }| {
            session.user_id == claims.user_id && session.is_live(now, &app.session_policy)
        })
        .ok_or(AuthenticateError::SessionEnded)?;
    let session = &mut found.session;
    let mut use_not_recorded = None;
    if session.is_use_to_be_recorded(now, &app.session_policy) {
        match app.sessions.record_use(session.id, now) {
            Ok(()) => session.last_used_at = now,
            Err(error) => use_not_recorded = Some(error.into()),
        }
    }
    Ok(Authenticated {
        caller: found,
        use_not_recorded,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;
    use todo_domain::{Session, Timestamp, ports::StorageError};

    use super::*;
    use crate::testing::{
        Mocks, POLICY, access_claims, cause, client, found, now, session, session_caller,
        session_id, unavailable, user_id,
    };

    fn token() -> AccessToken {
        AccessToken::new("token".to_owned())
    }

    fn shown(mocks: Mocks) -> Result<Authenticated<SessionCaller>, AuthenticateError> {
        authenticate_session(&mocks.app(), &Credential::AccessToken(token()), &client())
    }

    fn accepted() -> Mocks {
        let mut mocks = Mocks::at_now();
        mocks
            .tokens
            .expect_verify()
            .withf(|shown| *shown == token())
            .returning(|_| Ok(access_claims()));
        mocks
    }

    #[test]
    fn a_live_session_tells_who_calls() {
        let mut mocks = accepted();
        mocks
            .sessions
            .expect_find()
            .withf(|id| *id == session_id(1))
            .once()
            .returning(|_| Ok(Some(found(session()))));
        let Authenticated {
            caller,
            use_not_recorded,
        } = shown(mocks).unwrap();
        assert_eq!(caller, session_caller());
        assert!(use_not_recorded.is_none());
    }

    #[rstest]
    #[case::ended(None)]
    #[case::expired(Some(Session { expires_at: now(), ..session() }))]
    #[case::not_used_for_long(Some(Session { last_used_at: long_ago(), ..session() }))]
    #[case::of_another_user(Some(Session { user_id: user_id(2), ..session() }))]
    fn a_session_that_does_not_count_is_refused(#[case] session: Option<Session>) {
        let mut mocks = accepted();
        mocks
            .sessions
            .expect_find()
            .return_once(|_| Ok(session.map(found)));
        assert!(matches!(shown(mocks), Err(AuthenticateError::SessionEnded)));
    }

    #[test]
    fn a_token_that_is_not_acceptable_is_refused_before_the_storage_is_asked() {
        let mut mocks = Mocks::default();
        mocks
            .tokens
            .expect_verify()
            .returning(|_| Err(TokenError::Rejected(cause())));
        assert!(matches!(
            shown(mocks),
            Err(AuthenticateError::TokenRejected(_))
        ));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure_and_not_an_ended_session() {
        let mut mocks = accepted();
        mocks
            .sessions
            .expect_find()
            .returning(|_| Err(unavailable()));
        assert!(matches!(
            shown(mocks),
            Err(AuthenticateError::Service(ServiceError::Unavailable(_)))
        ));
    }

    #[test]
    fn keys_that_cannot_be_read_are_a_failure_that_may_pass() {
        let mut mocks = Mocks::default();
        mocks
            .tokens
            .expect_verify()
            .returning(|_| Err(TokenError::KeysUnavailable(cause())));
        assert!(matches!(
            shown(mocks),
            Err(AuthenticateError::Service(ServiceError::Unavailable(_)))
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
            shown(mocks),
            Err(AuthenticateError::Service(ServiceError::Internal(_)))
        ));
    }

    fn long_ago() -> Timestamp {
        now().saturating_sub(POLICY.idle)
    }

    /// Mocks where the session was used a minute ago, and that is to be recorded.
    fn used_a_minute_ago(
        recorded: impl FnOnce() -> Result<(), StorageError> + Send + 'static,
    ) -> Mocks {
        let mut mocks = accepted();
        mocks.sessions.expect_find().returning(|_| {
            Ok(Some(found(Session {
                last_used_at: now().saturating_sub(Duration::from_mins(1)),
                ..session()
            })))
        });
        mocks
            .sessions
            .expect_record_use()
            .withf(|id, at| *id == session_id(1) && *at == now())
            .once()
            .return_once(|_, _| recorded());
        mocks
    }

    #[test]
    fn a_use_is_recorded_from_time_to_time() {
        let authenticated = shown(used_a_minute_ago(|| Ok(()))).unwrap();
        assert!(authenticated.use_not_recorded.is_none());
        assert_eq!(authenticated.caller.session.last_used_at, now());
    }

    #[test]
    fn a_use_that_cannot_be_recorded_keeps_nobody_out() {
        let authenticated = shown(used_a_minute_ago(|| Err(unavailable()))).unwrap();
        assert_eq!(authenticated.caller.user_id(), user_id(1));
        assert!(authenticated.caller.session.last_used_at < now());
        assert!(matches!(
            authenticated.use_not_recorded,
            Some(ServiceError::Unavailable(_))
        ));
    }
}
