//! Tests of logins.

mod throttling;

use std::{
    slice,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use rstest::rstest;
use todo_domain::{
    AttemptCounter, Attempts, RefreshClaims, RefreshToken, ReplacedSession, SecretKind,
    SecurityEvent,
    SecurityEventKind::{LoggedIn, LoggedOut, LoginFailed},
    SessionStart, ThrottleKey, ThrottledAction, Timestamp,
    ports::{CountGuessError, HashError, TokenError},
};

use super::*;
use crate::account::LoginLimit;
use crate::testing::{
    Mocks, access_claims, cause, client, device, email, event, event_id, now, password_hash,
    session, session_id, unavailable, user,
};

fn input() -> Login {
    Login {
        email: email(),
        password: PasswordAttempt::new("correct horse").unwrap(),
        keeper: TokenDelivery::Body,
        device: None,
        replaced_cookie: None,
    }
}

/// Whether it is the session that begins now, of whoever has this hash.
fn is_start(start: &SessionStart, proof: &AccessProof, hash: PasswordHash) -> bool {
    start.session == session()
        && start.event == event(LoggedIn).of_session(session().id)
        && start.replaces.is_none()
        && *proof == AccessProof::new(user().id).with_password_hash(hash)
}

fn credentials() -> Credentials {
    Credentials {
        user: user(),
        password_hash: Some(password_hash()),
    }
}

/// Mocks where the account is found and its password right, its hash outdated, and the session stored.
fn outdated() -> Mocks {
    let mut mocks = verified(Verification::RightButOutdated);
    mocks
        .sessions
        .expect_insert()
        .withf(|start, proof| is_start(start, proof, password_hash()))
        .once()
        .returning(|_, _| Ok(()));
    mocks
}

/// Mocks where the account is found and verifying its password comes to this.
fn verified(verification: Verification) -> Mocks {
    let mut mocks = Mocks::at_now();
    mocks
        .users
        .expect_find_credentials()
        .withf(|address| *address == email())
        .returning(|_| Ok(Some(credentials())));
    mocks
        .hasher
        .expect_verify()
        .withf(|attempt, hash| attempt.expose() == "correct horse" && *hash == password_hash())
        .returning(move |_, _| Ok(verification));
    with_tokens(mocks)
}

/// The same where a session and its tokens can be made.
fn with_tokens(mut mocks: Mocks) -> Mocks {
    mocks.ids.expect_session().return_const(session_id(1));
    mocks
        .tokens
        .expect_issue()
        .returning(|_| Ok(AccessToken::new("token".to_owned())));
    mocks
        .refresh_tokens
        .expect_issue()
        .withf(|claims| *claims == RefreshClaims::new(&session()))
        .returning(|_| Ok(RefreshToken::new("refresh".to_owned())));
    mocks
}

/// Mocks where it is recorded that the login to this account failed.
fn failing(user_id: Option<UserId>) -> Mocks {
    let mut mocks = Mocks::at_now();
    let expected = SecurityEvent {
        user_id,
        ..event(LoginFailed)
    };
    mocks
        .security_events
        .expect_record()
        .withf(move |recorded| *recorded == expected)
        .once()
        .returning(|_| Ok(()));
    mocks
}

#[test]
fn the_right_password_begins_a_session() {
    let mut mocks = verified(Verification::Right);
    mocks
        .sessions
        .expect_insert()
        .withf(|start, proof| is_start(start, proof, password_hash()))
        .once()
        .returning(|_, _| Ok(()));
    let logged_in = login(&mocks.unguarded().app(), &client(), &input()).unwrap();
    assert!(logged_in.hash_not_renewed.is_none());
    let signed_in = logged_in.signed_in;
    assert_eq!(signed_in.user, user());
    assert_eq!(signed_in.session, session());
    assert_eq!(signed_in.token.expose(), "token");
}

#[test]
fn an_outdated_hash_is_renewed() {
    let mut mocks = outdated();
    mocks
        .hasher
        .expect_renew()
        .withf(|attempt, hash| attempt.expose() == "correct horse" && *hash == password_hash())
        .once()
        .returning(|_, _| Ok(password_hash()));
    mocks
        .users
        .expect_replace_password_hash()
        .withf(|id, from, _| *id == user().id && *from == password_hash())
        .once()
        .returning(|_, _, _| Ok(true));
    let logged_in = login(&mocks.unguarded().app(), &client(), &input()).unwrap();
    assert_eq!(logged_in.signed_in.session, session());
    assert!(logged_in.hash_not_renewed.is_none());
}

#[test]
fn a_login_succeeds_though_its_hash_cannot_be_renewed() {
    let mut mocks = outdated();
    mocks
        .hasher
        .expect_renew()
        .once()
        .returning(|_, _| Err(HashError(cause())));
    let logged_in = login(&mocks.unguarded().app(), &client(), &input()).unwrap();
    assert_eq!(logged_in.signed_in.session, session());
    let failure = logged_in.hash_not_renewed;
    assert!(matches!(failure, Some(ServiceError::Internal(_))));
}

#[test]
fn a_wrong_password_begins_none() {
    let mut mocks = failing(Some(user().id));
    mocks
        .users
        .expect_find_credentials()
        .returning(|_| Ok(Some(credentials())));
    mocks
        .hasher
        .expect_verify()
        .returning(|_, _| Ok(Verification::Wrong));
    let error = login(&mocks.unguarded().app(), &client(), &input()).unwrap_err();
    assert!(matches!(error, LoginError::InvalidCredentials { .. }));
}

#[rstest]
#[case::no_account(None)]
#[case::an_account_without_a_hash(Some(Credentials { password_hash: None, ..credentials() }))]
fn without_a_hash_the_time_of_one_is_spent(#[case] found: Option<Credentials>) {
    let mut mocks = failing(found.as_ref().map(|found| found.user.id));
    mocks
        .users
        .expect_find_credentials()
        .return_once(|_| Ok(found));
    mocks
        .hasher
        .expect_verify_nothing()
        .withf(|attempt| attempt.expose() == "correct horse")
        .once()
        .returning(|_| Ok(()));
    let error = login(&mocks.unguarded().app(), &client(), &input()).unwrap_err();
    assert!(matches!(error, LoginError::InvalidCredentials { .. }));
}

/// The time that a failed login takes, with what is left to wait.
fn failed_login_takes(found: Option<Credentials>, verification_takes: Duration) -> Duration {
    let clock = Arc::new(AtomicI64::new(now().as_microseconds()));
    let mut mocks = Mocks::default();
    mocks.ids.expect_event().return_const(event_id());
    let read = Arc::clone(&clock);
    mocks
        .clock
        .expect_now()
        .returning(move || Timestamp::from_microseconds(read.load(Ordering::Relaxed)).unwrap());
    mocks
        .users
        .expect_find_credentials()
        .return_once(|_| Ok(found));
    let take = move || {
        let micros = i64::try_from(verification_takes.as_micros()).unwrap();
        clock.fetch_add(micros, Ordering::Relaxed);
    };
    let take_as_well = take.clone();
    mocks.hasher.expect_verify().returning(move |_, _| {
        take();
        Ok(Verification::Wrong)
    });
    mocks.hasher.expect_verify_nothing().returning(move |_| {
        take_as_well();
        Ok(())
    });
    mocks.security_events.expect_record().returning(|_| Ok(()));
    match login(&mocks.unguarded().app(), &client(), &input()).unwrap_err() {
        LoginError::InvalidCredentials { rest } => verification_takes + rest,
        error => panic!("{error}"),
    }
}

#[test]
fn a_failed_login_takes_as_long_whichever_hash_the_account_has() {
    let with_hash = |hash: &str| {
        Some(Credentials {
            password_hash: Some(PasswordHash::new(hash.to_owned())),
            ..credentials()
        })
    };
    let (fast, slow) = (Duration::from_millis(20), Duration::from_millis(600));
    let times = [
        failed_login_takes(with_hash("$2b$12$a-hash"), slow),
        failed_login_takes(with_hash("$argon2id$a-hash"), fast),
        failed_login_takes(None, fast),
    ];
    assert_eq!(times, [times[0]; 3]);
    assert!(times[0] > slow);
}

#[test]
fn a_disabled_account_is_named_only_to_someone_who_knows_the_password() {
    let mut mocks = failing(Some(user().id));
    mocks
        .users
        .expect_find_credentials()
        .returning(|_| Ok(Some(credentials())));
    mocks
        .hasher
        .expect_verify()
        .returning(|_, _| Ok(Verification::Right));
    mocks
        .sessions
        .expect_insert()
        .once()
        .returning(|_, _| Err(ProofError::UserDisabled));
    let mocks = with_tokens(mocks);
    let error = login(&mocks.unguarded().app(), &client(), &input()).unwrap_err();
    assert!(matches!(error, LoginError::AccountDisabled));
}

#[test]
fn a_hash_that_was_renewed_meanwhile_is_verified_once_more() {
    let renewed = || PasswordHash::new("a renewed hash".to_owned());
    let mut mocks = Mocks::at_now();
    let mut sequence = mockall::Sequence::new();
    for hash in [password_hash(), renewed()] {
        let found = Credentials {
            password_hash: Some(hash.clone()),
            ..credentials()
        };
        mocks
            .users
            .expect_find_credentials()
            .once()
            .in_sequence(&mut sequence)
            .return_once(|_| Ok(Some(found)));
        let is_renewed = hash == renewed();
        mocks
            .sessions
            .expect_insert()
            .withf(move |start, proof| is_start(start, proof, hash.clone()))
            .once()
            .in_sequence(&mut sequence)
            .returning(move |_, _| {
                if is_renewed {
                    Ok(())
                } else {
                    Err(ProofError::PasswordChanged)
                }
            });
    }
    mocks
        .hasher
        .expect_verify()
        .times(2)
        .returning(|_, _| Ok(Verification::Right));
    let mocks = with_tokens(mocks);
    let logged_in = login(&mocks.unguarded().app(), &client(), &input()).unwrap();
    assert_eq!(logged_in.signed_in.session, session());
}

#[test]
fn a_password_that_keeps_changing_is_wrong_and_resets_no_throttle() {
    let mut mocks = verified(Verification::Right);
    mocks
        .sessions
        .expect_insert()
        .times(VERIFICATIONS)
        .returning(|_, _| Err(ProofError::PasswordChanged));
    mocks
        .security_events
        .expect_record()
        .withf(|recorded| *recorded == event(LoginFailed))
        .once()
        .returning(|_| Ok(()));
    mocks
        .guesses
        .expect_find()
        .returning(|subjects| Ok(vec![Attempts::default(); subjects.len()]));
    mocks.guesses.expect_count().returning(|_, _| Ok(()));
    mocks.guesses.expect_succeed().never();
    let error = login(&mocks.app(), &client(), &input()).unwrap_err();
    assert!(matches!(error, LoginError::InvalidCredentials { .. }));
}

#[rstest]
#[case::valid(true)]
#[case::not_valid_any_more(false)]
fn the_session_of_the_cookie_that_is_overwritten_ends(#[case] is_valid: bool) {
    let mut mocks = verified(Verification::Right);
    mocks.tokens.expect_verify().returning(move |_| {
        if is_valid {
            Ok(access_claims())
        } else {
            Err(TokenError::Rejected(cause()))
        }
    });
    let expected = is_valid.then(|| ReplacedSession {
        id: session_id(1),
        user_id: user().id,
        event: event(LoggedOut).of_session(session_id(1)),
    });
    mocks
        .sessions
        .expect_insert()
        .withf(move |start, _| start.replaces == expected)
        .once()
        .returning(|_, _| Ok(()));
    let input = Login {
        replaced_cookie: Some(AccessToken::new("the cookie".to_owned())),
        ..input()
    };
    assert!(login(&mocks.unguarded().app(), &client(), &input).is_ok());
}

#[test]
fn an_account_deleted_meanwhile_is_none() {
    let mut mocks = verified(Verification::Right);
    mocks
        .sessions
        .expect_insert()
        .returning(|_, _| Err(ProofError::UserMissing));
    mocks
        .security_events
        .expect_record()
        .once()
        .returning(|_| Ok(()));
    let error = login(&mocks.unguarded().app(), &client(), &input()).unwrap_err();
    assert!(matches!(error, LoginError::InvalidCredentials { .. }));
}

#[test]
fn a_storage_that_is_away_is_a_failure_and_not_a_wrong_password() {
    let mut mocks = Mocks::at_now();
    mocks
        .users
        .expect_find_credentials()
        .returning(|_| Err(unavailable()));
    let error = login(&mocks.unguarded().app(), &client(), &input()).unwrap_err();
    assert!(matches!(
        error,
        LoginError::Service(ServiceError::Unavailable(_))
    ));

    let mut mocks = verified(Verification::Right);
    mocks
        .sessions
        .expect_insert()
        .returning(|_, _| Err(unavailable().into()));
    let error = login(&mocks.unguarded().app(), &client(), &input()).unwrap_err();
    assert!(matches!(
        error,
        LoginError::Service(ServiceError::Unavailable(_))
    ));
}

#[test]
fn a_hasher_that_fails_is_a_failure() {
    let mut mocks = Mocks::at_now();
    mocks
        .users
        .expect_find_credentials()
        .returning(|_| Ok(None));
    mocks
        .hasher
        .expect_verify_nothing()
        .returning(|_| Err(HashError(cause())));
    let error = login(&mocks.unguarded().app(), &client(), &input()).unwrap_err();
    assert!(matches!(
        error,
        LoginError::Service(ServiceError::Internal(_))
    ));

    let mut mocks = Mocks::at_now();
    mocks
        .users
        .expect_find_credentials()
        .returning(|_| Ok(Some(credentials())));
    mocks
        .hasher
        .expect_verify()
        .returning(|_, _| Err(HashError(cause())));
    let error = login(&mocks.unguarded().app(), &client(), &input()).unwrap_err();
    assert!(matches!(
        error,
        LoginError::Service(ServiceError::Internal(_))
    ));
}
