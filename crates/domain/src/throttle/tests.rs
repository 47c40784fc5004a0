//! Tests of throttling.

use proptest::prelude::*;
use rstest::rstest;
use uuid::Uuid;

use super::{
    ThrottledAction::{Confirmation, Login, Mail, Registration},
    *,
};
use crate::SecretKind;

const LIMIT: AttemptLimit = AttemptLimit {
    without_delay: 5,
    forgets_one_in: Duration::from_mins(15),
    fixed_delay: None,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_microseconds(seconds * 1_000_000).unwrap()
}

fn failed(failures: u32, seconds: i64) -> Attempts {
    Attempts {
        level: failures * Attempts::ONE_FAILURE,
        failed_at: Some(at(seconds)),
        succeeded_at: None,
    }
}

#[test]
fn every_subject_has_a_text_of_its_own() {
    let email = Email::new("ada@example.com").unwrap();
    let device = Secret::from_random(SecretKind::Device, [1, 2, 3]);
    let address = IpAddr::from([192, 0, 2, 1]);
    let session = SessionId::from_uuid(Uuid::from_u128(1));
    let mut texts: Vec<_> = [Login, Confirmation, Registration, Mail]
        .into_iter()
        .flat_map(|purpose| {
            [
                ThrottleKey::account(purpose, &email),
                ThrottleKey::address(purpose, address),
                ThrottleKey::place(purpose, &email, address),
                ThrottleKey::device(purpose, &email, &device),
                ThrottleKey::session(purpose, session),
            ]
        })
        .chain([ThrottleKey::issued_device(&device)])
        .chain(
            [
                NoticeKind::PasswordChanged,
                NoticeKind::TokenCreated,
                NoticeKind::NewLogin,
            ]
            .into_iter()
            .flat_map(|kind| [None, Some(address)].map(|about| (kind, about)))
            .map(|(kind, about)| ThrottleKey::notice(kind, &email, about)),
        )
        .map(|subject| subject.expose().to_owned())
        .collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 27);
}

#[rstest]
#[case::one_network("2001:db8::1", "2001:db8::ffff:1", true)]
#[case::another_network("2001:db8::1", "2001:db8:0:1::1", false)]
#[case::the_fourth_version("192.0.2.1", "192.0.2.2", false)]
#[case::the_fourth_in_the_sixth("192.0.2.1", "::ffff:192.0.2.1", true)]
fn of_ipv6_a_network_is_one_address(
    #[case] one: &str,
    #[case] other: &str,
    #[case] expected: bool,
) {
    let [one, other] = [one, other]
        .map(|text| ThrottleKey::address(ThrottledAction::Login, text.parse().unwrap()));
    assert_eq!(one == other, expected);
}

#[test]
fn nothing_prints_a_subject() {
    let email = Email::new("ada@example.com").unwrap();
    let subject = ThrottleKey::account(ThrottledAction::Login, &email);
    assert_eq!(format!("{subject:?}"), "ThrottleKey(…)");
}

#[rstest]
#[case::few(failed(5, 0), 0, 0)]
#[case::too_many(failed(8, 0), 1, 3)]
#[case::waited(failed(8, 0), 4, 0)]
#[case::the_clock_is_behind(failed(8, 100), 0, 4)]
#[case::nearly_forgotten(failed(1_000, 0), 899, 1)]
fn a_delay_counts_from_the_last_failure(
    #[case] guesses: Attempts,
    #[case] now: i64,
    #[case] seconds: u64,
) {
    assert_eq!(guesses.delay(LIMIT, at(now)), Duration::from_secs(seconds));
}

#[test]
fn failures_are_forgotten_after_a_day_without_one() {
    let day = 24 * 60 * 60;
    assert_eq!(failed(100, 0).after_guess(LIMIT, at(day - 1)).level, 5_002);
    assert_eq!(failed(100, 0).after_guess(LIMIT, at(day)).level, 1_000);
}

#[rstest]
#[case::at_once(0, 8_000)]
#[case::after_a_third_of_the_time(300, 7_667)]
#[case::after_the_time(900, 7_000)]
#[case::after_seven_times_the_time(6_300, 1_000)]
#[case::much_later(80_000, 1_000)]
#[case::the_clock_is_behind(-900, 8_000)]
fn failures_are_forgotten_one_by_one(#[case] now: i64, #[case] level: u32) {
    assert_eq!(failed(7, 0).after_guess(LIMIT, at(now)).level, level);
}

#[test]
fn those_who_share_an_address_and_fail_now_and_then_are_not_delayed() {
    let limit = ThrottlePolicy::default().address;
    let mut guesses = Attempts::default();
    for hour in 0..1_000 {
        // 20 an hour, one every three minutes.
        for failure in 0..20 {
            let now = at(hour * 3_600 + failure * 180);
            assert_eq!(guesses.delay(limit, now), Duration::ZERO);
            guesses = guesses.after_guess(limit, now);
        }
    }
}

#[test]
fn whoever_guesses_as_often_as_may_be_has_about_a_hundred_a_day() {
    let limit = ThrottlePolicy::default().account;
    let (mut guesses, mut now, mut made) = (Attempts::default(), at(0), 0);
    while now < at(10 * 24 * 60 * 60) {
        guesses = guesses.after_guess(limit, now);
        made += 1;
        // Never waiting any longer is not the best that can be done, nor is waiting for one to be forgotten.
        let wait = guesses.delay(limit, now);
        now = now.saturating_add(wait.max(Duration::from_millis(1)));
    }
    assert!(made < 10 * 110, "{made}");
}

#[test]
fn a_fixed_delay_lets_through_so_many_and_then_none_until_it_is_over() {
    let day = Duration::from_hours(24);
    let limit = AttemptLimit {
        without_delay: 2,
        forgets_one_in: day,
        fixed_delay: Some(day),
    };
    let mut guesses = Attempts::default();
    let mut counted = Vec::new();
    for hour in 0..75 {
        let now = at(hour * 3_600);
        if guesses.delay(limit, now) == Duration::ZERO {
            guesses = guesses.after_guess(limit, now);
            counted.push(hour);
        }
    }
    assert_eq!(counted, [0, 1, 2, 26, 27, 28, 52, 53, 54]);
}

#[test]
fn what_succeeded_is_known_for_90_days() {
    let day = 24 * 60 * 60;
    let guesses = Attempts {
        succeeded_at: Some(at(0)),
        ..failed(100, 0)
    };
    assert!(guesses.is_known(at(90 * day - 1)));
    assert!(!guesses.is_known(at(90 * day)));
    assert!(!failed(0, 0).is_known(at(0)));
}

proptest! {
    #[test]
    fn a_delay_never_shrinks_and_has_an_end(without_delay in 0..1_000_u32, failures in 0..u32::MAX) {
        let limit = AttemptLimit { without_delay, ..LIMIT };
        let delay = limit.delay_after(failures);
        prop_assert!(delay <= limit.delay_after(failures + 1));
        prop_assert!(delay <= AttemptLimit::MAX_DELAY);
        prop_assert_eq!(delay.is_zero(), failures <= without_delay);
    }

    #[test]
    fn of_any_number_of_guesses_at_one_instant_those_without_delay_and_one_more_are_made(
        without_delay in 0..100_u32,
        attempts in 0..200_u32,
    ) {
        let limit = AttemptLimit { without_delay, ..LIMIT };
        let mut guesses = Attempts::default();
        for _ in 0..attempts {
            if guesses.delay(limit, at(0)).is_zero() {
                guesses = guesses.after_guess(limit, at(0));
            }
        }
        prop_assert_eq!(guesses.level, attempts.min(without_delay + 1) * Attempts::ONE_FAILURE);
    }
}
