//! Logging in.

use std::time::Duration;

use todo_domain::{
    AccessProof, AccessToken, Client, Credentials, Email, PasswordAttempt, PasswordHash, Secret,
    SecurityEventKind, TooManyAttempts, User, UserId,
    ports::{ProofError, Verification},
};

use super::{
    SignedIn, TokenDelivery,
    login_limits::TooManyLogins,
    notices::Notice,
    renew_hash::renew_hash,
    signed_in::begin_session,
    throttle::{GuardError, guard_login},
};
use crate::{App, ServiceError, security_event::event};

/// What a login needs.
#[derive(Debug, Clone)]
pub struct Login {
    /// The address of the account.
    pub email: Email,
    /// What was typed as its password.
    pub password: PasswordAttempt,
    /// Who is to keep the token.
    pub keeper: TokenDelivery,
    /// What the device shows to be known again.
    pub device: Option<Secret>,
    /// The session cookie that the browser showed and that the new one overwrites.
    pub replaced_cookie: Option<AccessToken>,
}

/// A login that succeeded.
#[derive(Debug)]
pub struct LoggedIn {
    /// Who logged in, and the session that began.
    pub signed_in: SignedIn,
    /// What the device is to show to be known again.
    pub device: Secret,
    /// The notice for the user, if neither the device nor the network was known to the account.
    pub notice: Option<Notice>,
    /// Why an outdated hash of the password is kept, for the log. Whoever logs in need not care: it still counts, and
    /// the next login tries to renew it again.
    pub hash_not_renewed: Option<ServiceError>,
    /// Why the throttle still counts this login as a failed one, for the log.
    pub throttle_not_reset: Option<ServiceError>,
}

/// Why nobody was logged in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// There is no such account, or it has another password, or none; which of these is not said.
    #[error("the address or the password is wrong")]
    InvalidCredentials {
        /// The time to wait before it is said, so that the time does not tell it either.
        rest: Duration,
    },
    /// The password is right, but an operator disabled the account. Nobody learns that who does not know the password.
    #[error("the account is disabled")]
    AccountDisabled,
    /// There were too many attempts, whether or not there is such an account. Nothing was hashed.
    #[error(transparent)]
    TooManyAttempts(TooManyAttempts),
    /// Too many logins are in flight or succeeded, whether or not there is such an account. Nothing was hashed.
    #[error(transparent)]
    TooManyLogins(#[from] TooManyLogins),
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<GuardError> for LoginError {
    fn from(error: GuardError) -> Self {
        match error {
            GuardError::TooMany(too_many) => Self::TooManyAttempts(too_many),
            GuardError::Service(failure) => Self::Service(failure),
        }
    }
}

/// The number of times that a password is verified for one login: once more when the hash was replaced meanwhile, as
/// another login does that renews it.
const VERIFICATIONS: usize = 2;

/// Begins a session for whoever knows an account's password, and renews the hash of the password if it is outdated.
///
/// The session begins only if the account still has the hash that was verified: no login with the old password survives a
/// change of the password, however long it was under way.
///
/// It takes the same time whether or not the account exists, with what is [left to wait](LoginError::InvalidCredentials) by
/// the caller, unless its hash is by Argon2id and costs other than those of today.
///
/// An attempt that is refused for being too early is no event, lest whoever makes many fill the storage; those before
/// it are.
///
/// # Errors
/// [`LoginError`].
pub fn login(app: &App, client: &Client, input: &Login) -> Result<LoggedIn, LoginError> {
    let (guess, mut permit) = guard_login(app, &input.email, client, input.device.as_ref())?;
    for _ in 0..VERIFICATIONS {
        let verified = verify(app, client, input)?;
        let Some(signed_in) = begin(app, client, input, &verified)? else {
            continue;
        };
        permit.succeed();
        let device = guess.device(app)?;
        let notice = (!guess.is_known())
            .then(|| Notice::new_login(app, verified.user.email.clone(), client));
        // After the session, since a password that has changed meanwhile proves nothing.
        let throttle_not_reset = guess
            .making_known(&input.email, client, &device)
            .succeed(app)
            .err();
        let hash_not_renewed = if verified.is_outdated {
            renew_hash(app, verified.user.id, &input.password, &verified.hash).err()
        } else {
            None
        };
        return Ok(LoggedIn {
            signed_in,
            device,
            notice,
            hash_not_renewed,
            throttle_not_reset,
        });
    }
    let user = app.users.find_credentials(&input.email);
    let user_id = user.map_err(ServiceError::from)?.map(|found| found.user.id);
    Err(refused(app, user_id, client, Duration::ZERO))
}

/// A user whose password was verified.
struct Verified {
    user: User,
    /// The hash that it was verified against.
    hash: PasswordHash,
    is_outdated: bool,
}

/// Verifies the password against the hash that the account has now.
fn verify(app: &App, client: &Client, input: &Login) -> Result<Verified, LoginError> {
    let credentials = app
        .users
        .find_credentials(&input.email)
        .map_err(ServiceError::from)?;
    let user_id = credentials.as_ref().map(|found| found.user.id);
    let began = app.clock.now();
    let Some(Credentials {
        user,
        password_hash: Some(hash),
    }) = credentials
    else {
        app.hasher
            .verify_nothing(&input.password)
            .map_err(ServiceError::from)?;
        let took = began.until(app.clock.now());
        return Err(refused(app, user_id, client, took));
    };
    let verification = app
        .hasher
        .verify(&input.password, &hash)
        .map_err(ServiceError::from)?;
    let took = began.until(app.clock.now());
    if hash.is_bcrypt() {
        app.failed_login_floor.observe_bcrypt(took);
    }
    match verification {
        Verification::Wrong => Err(refused(app, user_id, client, took)),
        Verification::Right | Verification::RightButOutdated => Ok(Verified {
            user,
            hash,
            is_outdated: verification == Verification::RightButOutdated,
        }),
    }
}

/// Begins a session; `None` when the hash that was verified is not that of the account any more.
fn begin(
    app: &App,
    client: &Client,
    input: &Login,
    verified: &Verified,
) -> Result<Option<SignedIn>, LoginError> {
    let user = &verified.user;
    let kind = SecurityEventKind::LoggedIn;
    let start = begin_session(app, user.id, client, kind, input.replaced_cookie.as_ref())?;
    let (session, now) = (start.session.clone(), start.session.created_at);
    let signed_in = SignedIn::new(app, user.clone(), session, input.keeper, now)?;
    let proof = AccessProof::new(user.id).with_password_hash(verified.hash.clone());
    match app.sessions.insert(&start, &proof) {
        Ok(()) => Ok(Some(signed_in)),
        Err(ProofError::Storage(error)) => Err(LoginError::Service(error.into())),
        Err(ProofError::UserDisabled) => {
            record_failed(app, Some(user.id), client)?;
            Err(LoginError::AccountDisabled)
        }
        Err(_) => Ok(None),
    }
}

/// Records a failed login. The client is told no more about it. Verifying the password took `took`.
fn refused(app: &App, user_id: Option<UserId>, client: &Client, took: Duration) -> LoginError {
    match record_failed(app, user_id, client) {
        Ok(()) => LoginError::InvalidCredentials {
            rest: app.failed_login_floor.rest(took),
        },
        Err(failure) => LoginError::Service(failure),
    }
}

/// Records a failed login.
fn record_failed(app: &App, user_id: Option<UserId>, client: &Client) -> Result<(), ServiceError> {
    let kind = SecurityEventKind::LoginFailed;
    let event = event(app, kind, user_id, client, app.clock.now());
    Ok(app.security_events.record(&event)?)
}

#[cfg(test)]
mod tests {
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

    #[rstest]
    #[case::from_anywhere(false)]
    #[case::from_a_known_device(true)]
    fn a_known_device_is_counted_by_itself_and_anyone_else_by_account_and_address(
        #[case] known: bool,
    ) {
        let address = client().address.unwrap();
        let of_device = ThrottleKey::device(ThrottledAction::Login, &email(), &device());
        let of_place = ThrottleKey::place(ThrottledAction::Login, &email(), address);
        let of_account = ThrottleKey::account(ThrottledAction::Login, &email());
        let of_address = ThrottleKey::address(ThrottledAction::Login, address);
        // One that we gave to nobody gets another.
        let new_device = Secret::from_random(SecretKind::Device, [4, 5, 6]);
        let kept = if known { device() } else { new_device.clone() };
        let making_known = [
            ThrottleKey::device(ThrottledAction::Login, &email(), &kept),
            of_place.clone(),
            ThrottleKey::issued_device(&kept),
        ];
        let (counted, cleared, taken_back) = if known {
            let cleared = [slice::from_ref(&of_device), &making_known[..]].concat();
            (vec![of_device.clone()], cleared, Vec::new())
        } else {
            let cleared = [slice::from_ref(&of_account), &making_known[..]].concat();
            (
                vec![of_account, of_address.clone()],
                cleared,
                vec![of_address],
            )
        };
        let mut mocks = verified(Verification::Right);
        mocks.sessions.expect_insert().returning(|_, _| Ok(()));
        mocks
            .secrets
            .expect_generate()
            .times(usize::from(!known))
            .returning(move |_| Ok(new_device.clone()));
        let candidates = [of_device, of_place, ThrottleKey::issued_device(&device())];
        mocks
            .guesses
            .expect_find()
            .withf(move |subjects| *subjects == candidates)
            .returning(move |_| {
                let of_device = Attempts {
                    level: 3_000,
                    failed_at: Some(now()),
                    succeeded_at: known.then(now),
                };
                Ok(vec![of_device, Attempts::default(), Attempts::default()])
            });
        mocks
            .guesses
            .expect_count()
            .withf(move |counters, instant| {
                let subjects: Vec<_> = counters.iter().map(|one| one.subject.clone()).collect();
                subjects == counted && *instant == now()
            })
            .once()
            .returning(|_, _| Ok(()));
        mocks
            .guesses
            .expect_succeed()
            .withf(move |clear, back, _| *clear == cleared && *back == taken_back)
            .once()
            .returning(|_, _, _| Ok(()));
        let input = Login {
            device: Some(device()),
            ..input()
        };
        let logged_in = login(&mocks.app(), &client(), &input).unwrap();
        assert_eq!(logged_in.device.expose(), kept.expose());
        assert_eq!(logged_in.notice.is_some(), !known);
    }

    #[test]
    fn the_place_is_tried_where_the_device_is_delayed_which_gets_a_new_secret() {
        let of_device = ThrottleKey::device(ThrottledAction::Login, &email(), &device());
        let mut mocks = verified(Verification::Right);
        mocks.sessions.expect_insert().returning(|_, _| Ok(()));
        let new_device = Secret::from_random(SecretKind::Device, [4, 5, 6]);
        let generated = new_device.clone();
        mocks
            .secrets
            .expect_generate()
            .once()
            .returning(move |_| Ok(generated.clone()));
        mocks.guesses.expect_find().returning(|subjects| {
            let known = Attempts {
                succeeded_at: Some(now()),
                ..Attempts::default()
            };
            Ok(vec![known; subjects.len()])
        });
        mocks
            .guesses
            .expect_count()
            .times(2)
            .returning(move |counters, _| {
                let AttemptCounter { subject, limit } = &counters[0];
                if *subject != of_device {
                    return Ok(());
                }
                Err(CountGuessError::TooMany(TooManyAttempts {
                    purpose: ThrottledAction::Login,
                    retry_after: Duration::from_secs(4),
                    limit: *limit,
                }))
            });
        mocks
            .guesses
            .expect_succeed()
            .once()
            .returning(|_, _, _| Ok(()));
        let input = Login {
            device: Some(device()),
            ..input()
        };
        let logged_in = login(&mocks.app(), &client(), &input).unwrap();
        assert_eq!(logged_in.device.expose(), new_device.expose());
        assert!(logged_in.notice.is_none());
    }

    #[rstest]
    #[case::unknown_devices(false)]
    #[case::a_known_device(true)]
    fn logins_that_succeed_are_limited_for_the_account_and_for_each_known_device(
        #[case] known: bool,
    ) {
        let of_account = ThrottleKey::account(ThrottledAction::Login, &email());
        let of_device = ThrottleKey::device(ThrottledAction::Login, &email(), &device());
        let (limited, other) = if known {
            (of_device.clone(), of_account)
        } else {
            (of_account, of_device.clone())
        };
        let mut mocks = Mocks::at_now();
        // The place is not known, else it would be tried.
        mocks.guesses.expect_find().returning(move |subjects| {
            let guesses = subjects.iter().map(|subject| Attempts {
                succeeded_at: (known && *subject == of_device).then(now),
                ..Attempts::default()
            });
            Ok(guesses.collect())
        });
        // A call of any other port would fail: nothing is counted, looked up, or hashed.
        let app = mocks.app();
        let input = Login {
            device: Some(device()),
            ..input()
        };
        let in_flight: Vec<_> = (0..2)
            .map(|_| app.login_limits.begin(&limited, now()).unwrap())
            .collect();
        let error = login(&app, &client(), &input).unwrap_err();
        assert!(matches!(
            error,
            LoginError::TooManyLogins(TooManyLogins {
                limit: LoginLimit::InFlight,
                ..
            })
        ));
        drop(in_flight);
        while let Ok(mut permit) = app.login_limits.begin(&limited, now()) {
            permit.succeed();
        }
        let error = login(&app, &client(), &input).unwrap_err();
        assert!(matches!(
            error,
            LoginError::TooManyLogins(TooManyLogins {
                limit: LoginLimit::Rate { .. },
                ..
            })
        ));
        assert!(app.login_limits.begin(&other, now()).is_ok());
    }

    #[test]
    fn what_comes_too_early_is_neither_looked_up_nor_hashed() {
        let app = Mocks::at_now().guarded().app();
        let error = login(&app, &client(), &input()).unwrap_err();
        let LoginError::TooManyAttempts(too_many) = error else {
            panic!("{error}");
        };
        assert_eq!(too_many.purpose, ThrottledAction::Login);
        assert_eq!(too_many.retry_after, std::time::Duration::from_secs(4));
    }
}
