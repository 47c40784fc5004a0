//! The rows of the guess ledger.

use std::time::Duration;

use rstest::rstest;
use todo_domain::{
    AttemptCounter, AttemptLimit, Email, ThrottleKey, ThrottledAction::Login, ports::AttemptStore,
};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::storage::{Storage, at};

#[rstest]
fn subjects_are_stored_as_digests(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let counter = AttemptCounter {
        subject: ThrottleKey::account(Login, &Email::new("ada@example.com").unwrap()),
        limit: AttemptLimit {
            without_delay: 5,
            forgets_one_in: Duration::from_mins(15),
            fixed_delay: None,
        },
    };
    AttemptStore::count(&storage.database, &[counter], at(0)).unwrap();
    // Made by: printf 'login:account\nada@example.com' | sha256sum
    let hex = match kind {
        Sqlite => "SELECT lower(hex(subject)) AS value FROM guesses",
        Postgres => "SELECT encode(subject, 'hex') AS value FROM guesses",
    };
    let expected = "7c5df9f7e35d89d1abf030cd3bdb8ca12e0062465aabe4a274282bca2ff5e1cc";
    assert_eq!(storage.behind.values(hex), [Some(expected.to_owned())]);
}
