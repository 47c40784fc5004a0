//! Authorizing a request and running it, with as few reads of the storage as possible.

use todo_domain::{AccessClaims, Scope, SessionSnapshot, SessionWithSettings, UserId};

use super::{
    AuthenticateError, Authenticated, Credential, VerifiedSessionCache,
    authenticate::{find_session, verify},
    authenticate_token::authenticate_token,
};
use crate::{App, Caller, NotTheCaller};

/// The error type of [`authorize_and_run`].
pub trait AuthorizedWorkError: From<AuthenticateError> + From<NotTheCaller> {
    /// Whether the work failed because it is not proven that the caller's session is valid
    /// ([`ServiceError::SessionNotProven`](crate::ServiceError::SessionNotProven)). Nothing was changed then.
    fn is_session_not_proven(&self) -> bool;
}

/// What a request asks for permission to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// The scope that a personal access token must have.
    pub scope: Scope,
    /// The user that the caller must be, where the request names one.
    pub subject: Option<UserId>,
}

/// Runs `work` for the caller who presents `credential`, if the credential is valid and grants `permission`, and `admit`
/// accepts the request.
///
/// A session that was verified within the last minute is not read again: `work` runs at once, on the condition that the
/// session still exists, which each of its statements checks. Where that condition fails, nothing was changed; then the
/// session is read, and `work` runs a second time. `admit` is called before any work, until it has accepted the request.
///
/// # Errors
/// [`AuthenticateError`], [`NotTheCaller`], and the errors of `admit` and `work`.
pub fn authorize_and_run<T, E: AuthorizedWorkError>(
    app: &App,
    seen: &VerifiedSessionCache,
    credential: &Credential,
    permission: Permission,
    admit: impl Fn(UserId) -> Result<(), E>,
    work: impl Fn(Authenticated<Caller>) -> Result<T, E>,
) -> Result<T, E> {
    let mut is_admitted = false;
    let authenticated = match credential {
        Credential::AccessToken(token) => {
            let claims = verify(app, token)?;
            if let Some(caller) = caller_at_once(app, seen, &claims, permission.subject) {
                // The error of a caller who is not admitted is for those whose session is valid.
                is_admitted = admit(claims.user_id).is_ok();
                if is_admitted {
                    let at_once = Authenticated {
                        caller,
                        use_not_recorded: None,
                    };
                    match work(at_once) {
                        Err(error) if error.is_session_not_proven() => {
                            seen.forget(claims.session_id);
                        }
                        done => return done,
                    }
                }
            }
            read_session(app, seen, &claims)?
        }
        Credential::PersonalAccessToken(secret) => {
            authenticate_token(app, secret, permission.scope)?
        }
    };
    if !is_admitted {
        admit(authenticated.caller.claimed_user_id())?;
    }
    require_subject(&authenticated.caller, permission.subject)?;
    work(authenticated)
}

/// Checks that `credential` is valid and grants `permission`, and that `admit` accepts the request, for a request whose
/// input is invalid: only such a caller learns that.
///
/// # Errors
/// As [`authorize_and_run`].
pub fn authorize<E: AuthorizedWorkError>(
    app: &App,
    seen: &VerifiedSessionCache,
    credential: &Credential,
    permission: Permission,
    admit: impl Fn(UserId) -> Result<(), E>,
) -> Result<Authenticated<Caller>, E> {
    let authenticated = match credential {
        Credential::AccessToken(token) => read_session(app, seen, &verify(app, token)?)?,
        Credential::PersonalAccessToken(secret) => {
            authenticate_token(app, secret, permission.scope)?
        }
    };
    admit(authenticated.caller.claimed_user_id())?;
    require_subject(&authenticated.caller, permission.subject)?;
    Ok(authenticated)
}

/// The caller with these claims, on the condition that the session still exists; `None` where the session must be read.
fn caller_at_once(
    app: &App,
    seen: &VerifiedSessionCache,
    claims: &AccessClaims,
    subject: Option<UserId>,
) -> Option<Caller> {
    if subject.is_some_and(|subject| subject != claims.user_id) {
        return None;
    }
    let session = seen.find(claims.session_id)?;
    let guard = session.guard(app.clock.now(), &app.session_policy)?;
    (session.user_id == claims.user_id).then_some(Caller::OfSession(guard))
}

/// The caller whose session is read from the storage.
fn read_session(
    app: &App,
    seen: &VerifiedSessionCache,
    claims: &AccessClaims,
) -> Result<Authenticated<Caller>, AuthenticateError> {
    let found = find_session(app, claims)?;
    Ok(found.map(|SessionWithSettings { session, settings }| {
        seen.remember(SessionSnapshot::from(&session));
        Caller::Known {
            user_id: session.user_id,
            settings,
        }
    }))
}

fn require_subject(caller: &Caller, subject: Option<UserId>) -> Result<(), NotTheCaller> {
    subject.map_or(Ok(()), |subject| caller.must_be(subject))
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, time::Duration};

    use rstest::rstest;
    use todo_domain::{AccessToken, Secret, SecretKind, Session, Timestamp, TokenWithSettings};

    use super::*;
    use crate::testing::{
        Mocks, POLICY, access_claims, caller, caller_of_session, digest, found, now,
        personal_access_token, secret, session, session_id, user_id,
    };

    /// Why nothing was done in these tests.
    #[derive(Debug, PartialEq)]
    enum Why {
        /// The work failed otherwise.
        Failed,
        /// It is not proven that the session is valid.
        NotProven,
        /// The caller is somebody else.
        SomebodyElse,
        /// The caller may do no more.
        NotAdmitted,
        /// The session has ended.
        Ended,
        /// Nobody is known to call for another reason.
        NotAuthenticated,
    }

    impl From<AuthenticateError> for Why {
        fn from(error: AuthenticateError) -> Self {
            match error {
                AuthenticateError::SessionEnded => Self::Ended,
                _ => Self::NotAuthenticated,
            }
        }
    }

    impl From<NotTheCaller> for Why {
        fn from(NotTheCaller: NotTheCaller) -> Self {
            Self::SomebodyElse
        }
    }

    impl AuthorizedWorkError for Why {
        fn is_session_not_proven(&self) -> bool {
            *self == Self::NotProven
        }
    }

    const PERMISSION: Permission = Permission {
        scope: Scope::ReadTodos,
        subject: None,
    };

    /// What was asked of whoever wants something done, in its order.
    #[derive(Debug, PartialEq)]
    enum Asked {
        Admit(UserId),
        Work(Caller),
    }
    use Asked::{Admit, Work};

    /// What came of it, and what was asked for it.
    fn outcome(
        mocks: Mocks,
        seen: &VerifiedSessionCache,
        admits: bool,
        work: impl Fn(&Caller) -> Result<(), Why>,
    ) -> (Result<(), Why>, Vec<Asked>) {
        let credential = Credential::AccessToken(AccessToken::new("token".to_owned()));
        outcome_for(mocks, seen, &credential, admits, work)
    }

    fn outcome_for(
        mocks: Mocks,
        seen: &VerifiedSessionCache,
        credential: &Credential,
        admits: bool,
        work: impl Fn(&Caller) -> Result<(), Why>,
    ) -> (Result<(), Why>, Vec<Asked>) {
        let asked = RefCell::new(Vec::new());
        let admit = |user| {
            asked.borrow_mut().push(Admit(user));
            if admits {
                Ok(())
            } else {
                Err(Why::NotAdmitted)
            }
        };
        let app = mocks.app();
        let done = authorize_and_run(&app, seen, credential, PERMISSION, admit, |found| {
            let result = work(&found.caller);
            asked.borrow_mut().push(Work(found.caller));
            result
        });
        (done, asked.into_inner())
    }

    /// Mocks where the token is that of the session, of which this is stored, and which is looked at so many times.
    fn stored(session: Option<Session>, looks: usize) -> Mocks {
        let mut mocks = Mocks::at_now();
        mocks
            .tokens
            .expect_verify()
            .once()
            .returning(|_| Ok(access_claims()));
        mocks
            .sessions
            .expect_find()
            .withf(|id| *id == session_id(1))
            .times(looks)
            .returning(move |_| Ok(session.clone().map(found)));
        mocks
    }

    /// Where the session was seen as it is.
    fn seen() -> VerifiedSessionCache {
        let seen = VerifiedSessionCache::default();
        seen.remember(SessionSnapshot::from(&session()));
        seen
    }

    fn unless_of_session(caller: &Caller) -> Result<(), Why> {
        match caller {
            Caller::Known { .. } => Ok(()),
            Caller::OfSession(_) => Err(Why::NotProven),
        }
    }

    #[test]
    fn a_session_that_was_not_seen_is_looked_at_and_then_it_was_seen() {
        let seen = VerifiedSessionCache::default();
        let (done, asked) = outcome(stored(Some(session()), 1), &seen, true, |_| Ok(()));
        assert_eq!(done, Ok(()));
        assert_eq!(asked, [Admit(user_id(1)), Work(caller())]);
        assert_eq!(seen.find(session_id(1)), Some((&session()).into()));
    }

    #[test]
    fn for_a_session_that_was_seen_it_is_done_at_once() {
        for result in [Ok(()), Err(Why::Failed)] {
            let mocks = stored(None, 0);
            let (done, asked) = outcome(mocks, &seen(), true, |_| match &result {
                Ok(()) => Ok(()),
                Err(_) => Err(Why::Failed),
            });
            assert_eq!(done, result);
            assert_eq!(asked, [Admit(user_id(1)), Work(caller_of_session())]);
        }
    }

    #[test]
    fn work_whose_condition_fails_runs_again_after_the_session_was_read() {
        let mocks = stored(Some(session()), 1);
        let (done, asked) = outcome(mocks, &seen(), true, unless_of_session);
        assert_eq!(done, Ok(()));
        let expected = [Admit(user_id(1)), Work(caller_of_session()), Work(caller())];
        assert_eq!(asked, expected);
    }

    #[test]
    fn a_session_that_has_ended_is_seen_no_more_and_counts_for_nothing() {
        let seen = seen();
        let (done, _) = outcome(stored(None, 1), &seen, true, unless_of_session);
        assert_eq!(done, Err(Why::Ended));
        let (done, asked) = outcome(stored(None, 1), &seen, true, unless_of_session);
        assert_eq!((done, asked), (Err(Why::Ended), vec![]));
    }

    #[rstest]
    #[case::live(Some(session()), Why::NotAdmitted, 2)]
    #[case::ended(None, Why::Ended, 1)]
    fn whoever_may_do_no_more_is_told_so_if_their_session_counts(
        #[case] session: Option<Session>,
        #[case] why: Why,
        #[case] times: usize,
    ) {
        let (done, asked) = outcome(stored(session, 1), &seen(), false, |_| Ok(()));
        assert_eq!(done, Err(why));
        assert_eq!(asked.len(), times);
        assert!(asked.iter().all(|asked| *asked == Admit(user_id(1))));
    }

    #[rstest]
    #[case::whose_use_is_to_be_recorded(Session { last_used_at: a_minute_ago(), ..session() })]
    #[case::that_has_expired(Session { expires_at: now(), ..session() })]
    #[case::of_another_user(Session { user_id: user_id(2), ..session() })]
    fn a_session_is_looked_at_if_it_was_seen_as_one(#[case] as_seen: Session) {
        let seen = VerifiedSessionCache::default();
        seen.remember(SessionSnapshot::from(&as_seen));
        let (done, asked) = outcome(stored(Some(session()), 1), &seen, true, |_| Ok(()));
        assert_eq!(done, Ok(()));
        assert_eq!(asked, [Admit(user_id(1)), Work(caller())]);
    }

    #[test]
    fn a_session_whose_use_was_recorded_was_seen_as_used() {
        let seen = VerifiedSessionCache::default();
        let used = Session {
            last_used_at: a_minute_ago(),
            ..session()
        };
        let mut mocks = stored(Some(used), 1);
        mocks
            .sessions
            .expect_record_use()
            .once()
            .returning(|_, _| Ok(()));
        let (done, _) = outcome(mocks, &seen, true, |_| Ok(()));
        assert_eq!(done, Ok(()));
        let session = seen.find(session_id(1)).unwrap();
        assert!(session.guard(now(), &POLICY).is_some());
    }

    #[test]
    fn a_personal_access_token_is_looked_at_each_time() {
        let mut mocks = Mocks::at_now();
        mocks.secrets.expect_digest().return_const(digest());
        mocks
            .personal_access_tokens
            .expect_find()
            .once()
            .returning(|_| {
                let token = personal_access_token();
                let settings = todo_domain::UserSettings::default();
                Ok(Some(TokenWithSettings { token, settings }))
            });
        mocks
            .personal_access_tokens
            .expect_record_use()
            .returning(|_, _| Ok(()));
        let secret: Secret = secret(SecretKind::PersonalAccessToken);
        let credential = Credential::PersonalAccessToken(secret);
        let (done, asked) = outcome_for(mocks, &seen(), &credential, true, |_| Ok(()));
        assert_eq!(done, Ok(()));
        assert_eq!(asked, [Admit(user_id(1)), Work(caller())]);
    }

    #[rstest]
    #[case::own(None, Ok(()))]
    #[case::self_named(Some(user_id(1)), Ok(()))]
    #[case::somebody_else(Some(user_id(2)), Err(Why::SomebodyElse))]
    fn the_subject_is_the_caller(
        #[case] subject: Option<UserId>,
        #[case] expected: Result<(), Why>,
    ) {
        let permission = Permission {
            subject,
            ..PERMISSION
        };
        let credential = Credential::AccessToken(AccessToken::new("token".to_owned()));
        let looks = usize::from(expected.is_err());
        let app = stored(Some(session()), looks).app();
        let admit = |_| Ok(());
        let done = authorize_and_run(&app, &seen(), &credential, permission, admit, |_| Ok(()));
        assert_eq!(done, expected);
        let app = stored(Some(session()), 1).app();
        let caller = authorize::<Why>(&app, &seen(), &credential, permission, admit);
        assert_eq!(caller.map(|_| ()), expected);
    }

    #[test]
    fn a_session_that_has_ended_authorizes_nothing() {
        let credential = Credential::AccessToken(AccessToken::new("token".to_owned()));
        let app = stored(None, 1).app();
        let caller = authorize::<Why>(&app, &seen(), &credential, PERMISSION, |_| Ok(()));
        assert_eq!(caller.map(|_| ()), Err(Why::Ended));
    }

    fn a_minute_ago() -> Timestamp {
        now().saturating_sub(Duration::from_mins(1))
    }
}
