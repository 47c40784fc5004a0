//! What throttles logins, and by what they are counted.

use super::*;

#[rstest]
#[case::from_anywhere(false)]
#[case::from_a_known_device(true)]
fn a_known_device_is_counted_by_itself_and_anyone_else_by_account_and_address(#[case] known: bool) {
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
fn logins_that_succeed_are_limited_for_the_account_and_for_each_known_device(#[case] known: bool) {
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
