//! Logging out.

use todo_domain::{
    AccessToken, Client, Revocation,
    SecurityEventKind::{LoggedOut, SessionsEnded},
    ports::{ProofError, TokenError},
};

use super::{AuthenticateError, Authenticated, Credential, authenticate_session};
use crate::{
    App, ServiceError,
    security_event::{event, event_by},
};

/// Which sessions are to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogoutExtent {
    /// The one whose token is shown.
    #[default]
    This,
    /// Every other one of its user, with every e-mail token and a pending change of the address.
    Others {
        /// Whether personal access tokens are revoked as well.
        revoke_tokens: bool,
    },
    /// Every one of its user, with every e-mail token and a pending change of the address.
    All {
        /// Whether personal access tokens are revoked as well.
        revoke_tokens: bool,
    },
}

/// Why sessions may still be in force.
#[derive(Debug, thiserror::Error)]
pub enum LogoutError {
    /// More than one was to end, and nobody is known to call.
    #[error(transparent)]
    NotAuthenticated(#[from] AuthenticateError),
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Ends sessions; from the next request on they count no more, on every instance. Tells how many were ended.
///
/// A token that is not acceptable, or that belongs to a session that has ended before, leaves nothing to end, which is no
/// error: logging out twice has the effect of once. A personal access token has no session to end. Ending others takes a
/// session that is in force.
///
/// # Errors
/// [`LogoutError`].
pub fn logout(
    app: &App,
    client: &Client,
    credential: &Credential,
    extent: LogoutExtent,
) -> Result<usize, LogoutError> {
    match (extent, credential) {
        (LogoutExtent::This, Credential::AccessToken(token)) => end_this(app, client, token),
        (LogoutExtent::This, Credential::PersonalAccessToken(_)) => Ok(0),
        (LogoutExtent::Others { revoke_tokens }, _) => {
            end_several(app, client, credential, true, revoke_tokens)
        }
        (LogoutExtent::All { revoke_tokens }, _) => {
            end_several(app, client, credential, false, revoke_tokens)
        }
    }
}

fn end_this(app: &App, client: &Client, token: &AccessToken) -> Result<usize, LogoutError> {
    let claims = match app.tokens.verify(token) {
        Ok(claims) => claims,
        Err(TokenError::Rejected(_)) => return Ok(0),
        Err(error) => return Err(ServiceError::from(error).into()),
    };
    let (user_id, session_id) = (claims.user_id, claims.session_id);
    let event =
        event(app, LoggedOut, Some(user_id), client, app.clock.now()).of_session(session_id);
    let ended = app
        .sessions
        .delete(user_id, session_id, &event)
        .map_err(ServiceError::from)?;
    Ok(ended.into())
}

fn end_several(
    app: &App,
    client: &Client,
    credential: &Credential,
    but_this: bool,
    tokens: bool,
) -> Result<usize, LogoutError> {
    let Authenticated { caller, .. } = authenticate_session(app, credential, client)?;
    let revocation = Revocation {
        except: but_this.then_some(caller.session.id),
        tokens,
    };
    let event = event_by(app, &caller, SessionsEnded);
    app.sessions
        .revoke_all(&caller.proof(), revocation, &event)
        .map_err(|error| match error {
            ProofError::Storage(error) => LogoutError::Service(error.into()),
            // Another session ended this one meanwhile.
            _ => AuthenticateError::SessionEnded.into(),
        })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use todo_domain::{SessionId, TokenWithSettings, UserSettings};

    use super::*;
    use crate::testing::{
        Mocks, access_claims, cause, client, digest, event, found, personal_access_token, secret,
        session, session_caller, session_id, unavailable, user_id,
    };

    const OTHERS: LogoutExtent = LogoutExtent::Others {
        revoke_tokens: false,
    };
    const ALL: LogoutExtent = LogoutExtent::All {
        revoke_tokens: true,
    };

    fn logged_out(mocks: Mocks, extent: LogoutExtent) -> Result<usize, LogoutError> {
        let credential = Credential::AccessToken(AccessToken::new("token".to_owned()));
        logout(&mocks.app(), &client(), &credential, extent)
    }

    fn accepted() -> Mocks {
        let mut mocks = Mocks::at_now();
        mocks
            .tokens
            .expect_verify()
            .withf(|shown| shown.expose() == "token")
            .returning(|_| Ok(access_claims()));
        mocks
    }

    #[test]
    fn it_ends_the_session_and_a_second_time_finds_none() {
        for ended in [true, false] {
            let mut mocks = accepted();
            mocks
                .sessions
                .expect_delete()
                .withf(|user, id, recorded| {
                    *user == user_id(1)
                        && *id == session_id(1)
                        && *recorded == event(LoggedOut).of_session(session_id(1))
                })
                .once()
                .return_once(move |_, _, _| Ok(ended));
            let count = logged_out(mocks, LogoutExtent::This).unwrap();
            assert_eq!(count, usize::from(ended));
        }
    }

    #[rstest]
    #[case(OTHERS, Some(session_id(1)), false)]
    #[case(ALL, None, true)]
    fn it_ends_the_others_or_all(
        #[case] extent: LogoutExtent,
        #[case] except: Option<SessionId>,
        #[case] tokens: bool,
    ) {
        let mut mocks = accepted();
        mocks
            .sessions
            .expect_find()
            .returning(|_| Ok(Some(found(session()))));
        mocks
            .sessions
            .expect_revoke_all()
            .withf(move |proof, revocation, recorded| {
                *proof == session_caller().proof()
                    && *revocation == Revocation { except, tokens }
                    && *recorded == event(SessionsEnded).of_session(session_id(1))
            })
            .once()
            .returning(|_, _, _| Ok(3));
        assert_eq!(logged_out(mocks, extent).unwrap(), 3);
    }

    #[rstest]
    #[case(OTHERS)]
    #[case(ALL)]
    fn a_session_that_has_ended_ends_no_others(#[case] extent: LogoutExtent) {
        let ended_before = || {
            let mut mocks = accepted();
            mocks.sessions.expect_find().returning(|_| Ok(None));
            mocks
        };
        let ended_meanwhile = || {
            let mut mocks = accepted();
            mocks
                .sessions
                .expect_find()
                .returning(|_| Ok(Some(found(session()))));
            mocks
                .sessions
                .expect_revoke_all()
                .returning(|_, _, _| Err(ProofError::SessionEnded));
            mocks
        };
        for mocks in [ended_before(), ended_meanwhile()] {
            assert!(matches!(
                logged_out(mocks, extent),
                Err(LogoutError::NotAuthenticated(
                    AuthenticateError::SessionEnded
                ))
            ));
        }
    }

    #[test]
    fn a_token_that_is_not_acceptable_leaves_nothing_to_end() {
        let mut mocks = Mocks::default();
        mocks
            .tokens
            .expect_verify()
            .returning(|_| Err(TokenError::Rejected(cause())));
        assert_eq!(logged_out(mocks, LogoutExtent::This).unwrap(), 0);
    }

    #[test]
    fn a_personal_access_token_has_no_session_to_end() {
        let credential =
            Credential::PersonalAccessToken(secret(todo_domain::SecretKind::PersonalAccessToken));
        let app = Mocks::default().app();
        let ended = logout(&app, &client(), &credential, LogoutExtent::This);
        assert_eq!(ended.unwrap(), 0);
    }

    #[rstest]
    #[case(OTHERS)]
    #[case(ALL)]
    fn a_personal_access_token_ends_no_sessions(#[case] extent: LogoutExtent) {
        let mut mocks = Mocks::at_now();
        mocks.secrets.expect_digest().return_const(digest());
        mocks.personal_access_tokens.expect_find().returning(|_| {
            Ok(Some(TokenWithSettings {
                token: personal_access_token(),
                settings: UserSettings::default(),
            }))
        });
        let credential =
            Credential::PersonalAccessToken(secret(todo_domain::SecretKind::PersonalAccessToken));
        let error = logout(&mocks.app(), &client(), &credential, extent).unwrap_err();
        assert!(matches!(
            error,
            LogoutError::NotAuthenticated(AuthenticateError::SessionNeeded)
        ));
    }

    #[test]
    fn a_session_that_could_not_be_ended_is_not_said_to_be() {
        let mut mocks = accepted();
        mocks
            .sessions
            .expect_delete()
            .returning(|_, _, _| Err(unavailable()));
        assert!(matches!(
            logged_out(mocks, LogoutExtent::This),
            Err(LogoutError::Service(ServiceError::Unavailable(_)))
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
            logged_out(mocks, LogoutExtent::This),
            Err(LogoutError::Service(ServiceError::Internal(_)))
        ));
    }
}
