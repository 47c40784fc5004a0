//! Clauses of [`todo_domain::ports::AttemptStore`].

use std::{thread, time::Duration};

use todo_domain::{
    AttemptCounter, AttemptLimit, Attempts, Email, ThrottleKey,
    ThrottledAction::Login,
    Timestamp, TooManyAttempts,
    ports::{AttemptStore, CountGuessError},
};

use crate::fixture::{TestStorage, at};

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

fn account(email: &str) -> ThrottleKey {
    ThrottleKey::account(Login, &Email::new(email).unwrap())
}

fn address(last: u8) -> ThrottleKey {
    ThrottleKey::address(Login, [192, 0, 2, last].into())
}

/// Counts a guess, and gives for how long it is to be waited where it came too early.
fn count(
    database: &dyn AttemptStore,
    counters: &[(&ThrottleKey, u32)],
    now: Timestamp,
) -> Result<(), TooManyAttempts> {
    let counters: Vec<_> = counters
        .iter()
        .map(|(subject, without_delay)| AttemptCounter {
            subject: (*subject).clone(),
            limit: AttemptLimit {
                without_delay: *without_delay,
                forgets_one_in: Duration::from_mins(15),
                fixed_delay: None,
            },
        })
        .collect();
    match database.count(&counters, now) {
        Ok(()) => Ok(()),
        Err(CountGuessError::TooMany(too_many)) => Err(too_many),
        Err(error) => panic!("{error}"),
    }
}

fn found(database: &dyn AttemptStore, subject: &ThrottleKey) -> Attempts {
    AttemptStore::find(database, std::slice::from_ref(subject)).unwrap()[0]
}

pub fn an_unknown_subject_has_no_failures(storage: &TestStorage) {
    let ada = account("ada@example.com");
    assert_eq!(found(storage.attempt_store(), &ada), Attempts::default());
    assert_eq!(
        AttemptStore::find(storage.attempt_store(), &[]).unwrap(),
        []
    );
}

pub fn an_attempt_counts_for_every_subject(storage: &TestStorage) {
    let (ada, grace, here) = (
        account("ada@example.com"),
        account("grace@example.com"),
        address(1),
    );
    let database = storage.attempt_store();
    for (account, microseconds) in [(&ada, 0), (&grace, 1), (&ada, 2)] {
        count(database, &[(account, 5), (&here, 50)], at(microseconds)).unwrap();
    }
    let subjects = [here, grace, address(2), ada];
    let counted = AttemptStore::find(database, &subjects).unwrap();
    let expected = [
        (3_000, Some(at(2))),
        (1_000, Some(at(1))),
        (0, None),
        (2_000, Some(at(2))),
    ];
    assert_eq!(
        counted
            .iter()
            .map(|guesses| (guesses.level, guesses.failed_at))
            .collect::<Vec<_>>(),
        expected
    );
}

pub fn an_attempt_that_is_too_early_counts_for_no_subject(storage: &TestStorage) {
    let (ada, here) = (account("ada@example.com"), address(1));
    let database = storage.attempt_store();
    count(database, &[(&ada, 0)], at(0)).unwrap();
    let refused = count(database, &[(&here, 50), (&ada, 0)], at(400_000)).unwrap_err();
    assert_eq!(refused.retry_after, Duration::from_millis(600));
    assert_eq!(refused.limit.without_delay, 0);
    assert_eq!(refused.purpose, Login);
    assert_eq!(found(database, &ada).level, 1_000);
    assert_eq!(found(database, &here), Attempts::default());
    count(database, &[(&here, 50), (&ada, 0)], at(1_000_000)).unwrap();
    let refused = count(database, &[(&ada, 0)], at(1_000_000)).unwrap_err();
    assert_eq!(refused.retry_after, Duration::from_secs(2));
}

pub fn a_refused_attempt_is_not_stored(storage: &TestStorage) {
    let (ada, here) = (account("ada@example.com"), address(1));
    let database = storage.attempt_store();
    count(database, &[(&ada, 0)], at(0)).unwrap();
    count(database, &[(&here, 50), (&ada, 0)], at(400_000)).unwrap_err();
    assert_eq!(database.delete_forgotten(at(90 * DAY)).unwrap(), 1);
}

pub fn concurrent_attempts_cannot_exceed_the_limit(storage: &TestStorage) {
    let (ada, here) = (account("ada@example.com"), address(1));
    let instances = [storage.connect(), storage.connect()];
    let counted = thread::scope(|scope| {
        let guesses: Vec<_> = (0..50)
            .map(|number| {
                let (ada, here) = (&ada, &here);
                let instance = instances[number % 2].attempt_store();
                // Whichever is named first.
                scope.spawn(move || match number % 3 {
                    0 => count(instance, &[(ada, 5), (here, 100)], at(0)),
                    _ => count(instance, &[(here, 100), (ada, 5)], at(0)),
                })
            })
            .collect();
        let outcomes = guesses.into_iter().map(|guess| guess.join().unwrap());
        outcomes.flatten().count()
    });
    assert_eq!(counted, 6);
    assert_eq!(found(storage.attempt_store(), &ada).level, 6_000);
    assert_eq!(found(storage.attempt_store(), &here).level, 6_000);
}

pub fn a_success_resets_some_subjects_and_refunds_one_failure_of_others(storage: &TestStorage) {
    let (ada, here, new) = (account("ada@example.com"), address(1), address(2));
    let database = storage.attempt_store();
    for _ in 0..3 {
        count(database, &[(&ada, 5), (&here, 50)], at(0)).unwrap();
    }
    let cleared = [ada.clone(), new.clone()];
    let nobody = address(3);
    let taken_back = [here.clone(), nobody.clone()];
    database.succeed(&cleared, &taken_back, at(1)).unwrap();
    for subject in [&ada, &new] {
        let guesses = found(database, subject);
        assert_eq!(guesses.level, 0);
        assert_eq!(guesses.succeeded_at, Some(at(1)));
    }
    assert_eq!(found(database, &here).level, 2_000);
    assert_eq!(found(database, &here).succeeded_at, None);
    assert_eq!(found(database, &nobody).level, 0);
}

pub fn expired_entries_are_deleted(storage: &TestStorage) {
    let database = storage.attempt_store();
    let (failed, known) = (address(1), address(2));
    count(database, &[(&failed, 5)], at(0)).unwrap();
    database
        .succeed(std::slice::from_ref(&known), &[], at(0))
        .unwrap();
    assert_eq!(database.delete_forgotten(at(DAY - 1)).unwrap(), 0);
    assert_eq!(database.delete_forgotten(at(DAY)).unwrap(), 1);
    assert_eq!(found(database, &failed), Attempts::default());
    assert_eq!(found(database, &known).succeeded_at, Some(at(0)));
    assert_eq!(database.delete_forgotten(at(90 * DAY)).unwrap(), 1);
}
