//! What [`todo_domain::ports::GuessLedger`] promises.

use std::{thread, time::Duration};

use rstest::rstest;
use todo_domain::{
    Email, GuessCounter, GuessLimit,
    GuessPurpose::Login,
    GuessSubject, Guesses, Timestamp, TooManyGuesses,
    ports::{CountGuessError, GuessLedger},
};
use todo_infra::Database;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::storage::{Storage, at, connect};

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

fn account(email: &str) -> GuessSubject {
    GuessSubject::account(Login, &Email::new(email).unwrap())
}

fn address(last: u8) -> GuessSubject {
    GuessSubject::address(Login, [192, 0, 2, last].into())
}

/// Counts a guess, and gives for how long it is to be waited where it came too early.
fn count(
    database: &Database,
    counters: &[(&GuessSubject, u32)],
    now: Timestamp,
) -> Result<(), TooManyGuesses> {
    let counters: Vec<_> = counters
        .iter()
        .map(|(subject, without_delay)| GuessCounter {
            subject: (*subject).clone(),
            limit: GuessLimit {
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

fn found(database: &Database, subject: &GuessSubject) -> Guesses {
    GuessLedger::find(database, std::slice::from_ref(subject)).unwrap()[0]
}

#[rstest]
fn what_was_never_guessed_at_has_no_failures(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let ada = account("ada@example.com");
    assert_eq!(found(&storage.database, &ada), Guesses::default());
    assert_eq!(GuessLedger::find(&storage.database, &[]).unwrap(), []);
}

#[rstest]
fn a_guess_counts_for_every_subject(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let (ada, grace, here) = (
        account("ada@example.com"),
        account("grace@example.com"),
        address(1),
    );
    let database = &storage.database;
    for (account, microseconds) in [(&ada, 0), (&grace, 1), (&ada, 2)] {
        count(database, &[(account, 5), (&here, 50)], at(microseconds)).unwrap();
    }
    let subjects = [here, grace, address(2), ada];
    let counted = GuessLedger::find(database, &subjects).unwrap();
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

#[rstest]
fn what_comes_too_early_counts_for_none(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let (ada, here) = (account("ada@example.com"), address(1));
    let database = &storage.database;
    count(database, &[(&ada, 0)], at(0)).unwrap();
    let refused = count(database, &[(&here, 50), (&ada, 0)], at(400_000)).unwrap_err();
    assert_eq!(refused.retry_after, Duration::from_millis(600));
    assert_eq!(refused.limit.without_delay, 0);
    assert_eq!(refused.purpose, Login);
    assert_eq!(found(database, &ada).level, 1_000);
    assert_eq!(found(database, &here), Guesses::default());
    let rows = storage.behind.values("SELECT '' AS value FROM guesses");
    assert_eq!(rows.len(), 1);

    count(database, &[(&here, 50), (&ada, 0)], at(1_000_000)).unwrap();
    let refused = count(database, &[(&ada, 0)], at(1_000_000)).unwrap_err();
    assert_eq!(refused.retry_after, Duration::from_secs(2));
}

#[rstest]
fn of_50_guesses_at_once_no_more_count_than_one_after_another(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let (ada, here) = (account("ada@example.com"), address(1));
    let instances = [connect(&storage.behind), connect(&storage.behind)];
    let counted = thread::scope(|scope| {
        let guesses: Vec<_> = (0..50)
            .map(|number| {
                let (ada, here, instance) = (&ada, &here, &instances[number % 2]);
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
    assert_eq!(found(&storage.database, &ada).level, 6_000);
    assert_eq!(found(&storage.database, &here).level, 6_000);
}

#[rstest]
fn a_success_clears_some_and_takes_back_one_failure_of_others(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let (ada, here, new) = (account("ada@example.com"), address(1), address(2));
    let database = &storage.database;
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

#[rstest]
fn what_no_longer_matters_is_deleted(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let database = &storage.database;
    let (failed, known) = (address(1), address(2));
    count(database, &[(&failed, 5)], at(0)).unwrap();
    database
        .succeed(std::slice::from_ref(&known), &[], at(0))
        .unwrap();
    assert_eq!(database.delete_forgotten(at(DAY - 1)).unwrap(), 0);
    assert_eq!(database.delete_forgotten(at(DAY)).unwrap(), 1);
    assert_eq!(found(database, &failed), Guesses::default());
    assert_eq!(found(database, &known).succeeded_at, Some(at(0)));
    assert_eq!(database.delete_forgotten(at(90 * DAY)).unwrap(), 1);
}

#[rstest]
fn a_storage_that_was_read_tells_no_subject(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    count(
        &storage.database,
        &[(&account("ada@example.com"), 5)],
        at(0),
    )
    .unwrap();
    // Made by: printf 'login:account\nada@example.com' | sha256sum
    let hex = match kind {
        Sqlite => "SELECT lower(hex(subject)) AS value FROM guesses",
        Postgres => "SELECT encode(subject, 'hex') AS value FROM guesses",
    };
    let expected = "7c5df9f7e35d89d1abf030cd3bdb8ca12e0062465aabe4a274282bca2ff5e1cc";
    assert_eq!(storage.behind.values(hex), [Some(expected.to_owned())]);
}
