//! Renewing the tokens of a session.

use todo_domain::{
    Client, Refresh, RefreshToken,
    SecurityEventKind::RefreshTokenReused,
    Session,
    ports::{BoxError, TokenError},
};

use super::{SignedIn, TokenDelivery, refresh_limits::TooManyRefreshes};
use crate::{App, ServiceError, security_event::event};

/// Why the tokens were not renewed.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The token is malformed, not signed by us, or has expired.
    #[error("the refresh token is not acceptable")]
    TokenRejected(#[source] BoxError),
    /// The session was ended or has expired, or its user is gone.
    #[error("the session has ended")]
    SessionEnded,
    /// The token was replaced long before. Its session was ended, since two have it.
    #[error("the refresh token was used before")]
    Reused,
    /// The tokens of the session were renewed too often. Nothing was changed.
    #[error(transparent)]
    TooMany(#[from] TooManyRefreshes),
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Renews the access token of a session and replaces its refresh token (RFC 9700, 4.14.2).
///
/// Of several requests with one token at the same time, one replaces it, and all get the same successor. One that comes
/// later than the [grace](todo_domain::SessionPolicy::refresh_grace) allows ends the session. It is no security event: the
/// session has the instant of its last use.
///
/// # Errors
/// [`RefreshError`].
pub fn refresh(app: &App, client: &Client, token: &RefreshToken) -> Result<SignedIn, RefreshError> {
    let claims = app
        .refresh_tokens
        .verify(token)
        .map_err(|error| match error {
            TokenError::Rejected(reason) => RefreshError::TokenRejected(reason),
            error => RefreshError::Service(error.into()),
        })?;
    loop {
        let now = app.clock.now();
        let session = app
            .sessions
            .find(claims.session_id)
            .map_err(ServiceError::from)?
            .map(|found| found.session)
            .filter(|session| session.is_live(now, &app.session_policy))
            .ok_or(RefreshError::SessionEnded)?;
        let user_id = session.user_id;
        let session = match session.refresh(claims.generation, now, &app.session_policy) {
            Refresh::Again => session,
            Refresh::Rotate => {
                app.refresh_limits.count(session.id, now)?;
                let rotated = app
                    .sessions
                    .rotate(session.id, claims.generation, now)
                    .map_err(ServiceError::from)?;
                if !rotated {
                    // Another request did so at the same time, or ended the session.
                    continue;
                }
                Session {
                    generation: claims.generation.wrapping_add(1),
                    rotated_at: now,
                    last_used_at: now,
                    ..session
                }
            }
            Refresh::Reused => {
                let event = event(app, RefreshTokenReused, Some(user_id), client, now);
                app.sessions
                    .delete(user_id, session.id, &event.of_session(session.id))
                    .map_err(ServiceError::from)?;
                return Err(RefreshError::Reused);
            }
        };
        let user = app
            .users
            .find(user_id)
            .map_err(ServiceError::from)?
            .ok_or(RefreshError::SessionEnded)?;
        return Ok(SignedIn::new(app, user, session, TokenDelivery::Body, now)?);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mockall::Sequence;
    use rstest::rstest;
    use todo_domain::{AccessToken, RefreshClaims};

    use super::*;
    use crate::testing::{
        Mocks, POLICY, cause, client, event, found, now, session, session_id, unavailable, user,
        user_id,
    };

    fn refreshed(mocks: Mocks) -> Result<SignedIn, RefreshError> {
        let token = RefreshToken::new("token".to_owned());
        refresh(&mocks.app(), &client(), &token)
    }

    /// Mocks where the token of the third generation is shown.
    fn shown() -> Mocks {
        let mut mocks = Mocks::at_now();
        mocks
            .refresh_tokens
            .expect_verify()
            .withf(|shown| shown.expose() == "token")
            .returning(|_| {
                Ok(RefreshClaims {
                    generation: 3,
                    ..RefreshClaims::new(&session())
                })
            });
        mocks
    }

    /// The session, of this generation since so many seconds.
    fn of_generation(generation: u32, seconds: u64) -> Session {
        Session {
            generation,
            rotated_at: now().saturating_sub(Duration::from_secs(seconds)),
            ..session()
        }
    }

    /// And the user is there, and the tokens of these claims are made.
    fn with_tokens(mut mocks: Mocks, generation: u32) -> Mocks {
        mocks
            .users
            .expect_find()
            .withf(|id| *id == user_id(1))
            .returning(|_| Ok(Some(user())));
        mocks
            .tokens
            .expect_issue()
            .returning(|_| Ok(AccessToken::new("access".to_owned())));
        mocks
            .refresh_tokens
            .expect_issue()
            .withf(move |claims| claims.generation == generation)
            .once()
            .returning(|_| Ok(RefreshToken::new("successor".to_owned())));
        mocks
    }

    fn successor(signed_in: &SignedIn) -> &str {
        signed_in.refresh_token.as_ref().unwrap().expose()
    }

    #[test]
    fn the_token_that_counts_is_replaced() {
        let mut mocks = with_tokens(shown(), 4);
        mocks
            .sessions
            .expect_find()
            .returning(|_| Ok(Some(found(of_generation(3, 100)))));
        mocks
            .sessions
            .expect_rotate()
            .withf(|id, from, at| *id == session_id(1) && *from == 3 && *at == now())
            .once()
            .returning(|_, _, _| Ok(true));
        let signed_in = refreshed(mocks).unwrap();
        assert_eq!(signed_in.user, user());
        assert_eq!(signed_in.token.expose(), "access");
        assert_eq!(successor(&signed_in), "successor");
        assert_eq!(signed_in.session, of_generation(4, 0));
    }

    #[test]
    fn one_that_was_just_replaced_gives_the_same_successor() {
        let mut mocks = with_tokens(shown(), 4);
        mocks
            .sessions
            .expect_find()
            .returning(|_| Ok(Some(found(of_generation(4, 30)))));
        assert_eq!(successor(&refreshed(mocks).unwrap()), "successor");
    }

    #[test]
    fn one_that_another_request_replaces_at_the_same_time_gives_the_same_successor() {
        let mut mocks = with_tokens(shown(), 4);
        let mut order = Sequence::new();
        for generation in [3, 4] {
            mocks
                .sessions
                .expect_find()
                .once()
                .in_sequence(&mut order)
                .returning(move |_| Ok(Some(found(of_generation(generation, 0)))));
        }
        mocks
            .sessions
            .expect_rotate()
            .once()
            .returning(|_, _, _| Ok(false));
        assert_eq!(successor(&refreshed(mocks).unwrap()), "successor");
    }

    #[rstest]
    #[case::too_late(4, 31)]
    #[case::older(5, 0)]
    fn one_that_was_replaced_before_ends_the_session(
        #[case] generation: u32,
        #[case] seconds: u64,
    ) {
        let mut mocks = shown();
        mocks
            .sessions
            .expect_find()
            .returning(move |_| Ok(Some(found(of_generation(generation, seconds)))));
        mocks
            .sessions
            .expect_delete()
            .withf(|user, id, recorded| {
                *user == user_id(1)
                    && *id == session_id(1)
                    && *recorded == event(RefreshTokenReused).of_session(session_id(1))
            })
            .once()
            .returning(|_, _, _| Ok(true));
        assert!(matches!(refreshed(mocks), Err(RefreshError::Reused)));
    }

    #[test]
    fn a_session_is_not_renewed_more_often_than_it_may() {
        let mut mocks = shown();
        mocks
            .sessions
            .expect_find()
            .returning(|_| Ok(Some(found(of_generation(3, 100)))));
        let app = mocks.app();
        while app.refresh_limits.count(session_id(1), now()).is_ok() {}
        let token = RefreshToken::new("token".to_owned());
        let refreshed = refresh(&app, &client(), &token);
        assert!(matches!(refreshed, Err(RefreshError::TooMany(_))));
    }

    #[rstest]
    #[case::ended(None)]
    #[case::expired(Some(Session { expires_at: now(), ..session() }))]
    #[case::not_used_for_long(
        Some(Session { last_used_at: now().saturating_sub(POLICY.idle), ..session() })
    )]
    fn a_session_that_does_not_count_is_not_renewed(#[case] session: Option<Session>) {
        let mut mocks = shown();
        mocks
            .sessions
            .expect_find()
            .return_once(|_| Ok(session.map(found)));
        assert!(matches!(refreshed(mocks), Err(RefreshError::SessionEnded)));
    }

    #[test]
    fn a_token_that_is_not_acceptable_is_refused_before_the_storage_is_asked() {
        let mut mocks = Mocks::default();
        mocks
            .refresh_tokens
            .expect_verify()
            .returning(|_| Err(TokenError::Rejected(cause())));
        assert!(matches!(
            refreshed(mocks),
            Err(RefreshError::TokenRejected(_))
        ));
    }

    #[test]
    fn a_storage_that_is_away_is_a_failure_and_ends_nothing() {
        let mut mocks = shown();
        mocks
            .sessions
            .expect_find()
            .returning(|_| Err(unavailable()));
        assert!(matches!(
            refreshed(mocks),
            Err(RefreshError::Service(ServiceError::Unavailable(_)))
        ));
    }
}
