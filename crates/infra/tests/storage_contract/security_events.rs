//! Security events that belong to no account.

use rstest::rstest;
use todo_domain::{
    AccessProof, Client, SecurityEvent,
    SecurityEventKind::{AccountDeleted, LoginFailed, PasswordResetRequested},
    ports::{SecurityEvents, UserRepository},
};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::storage::{Storage, at, event_of, user_id};

#[rstest]
fn events_without_an_account_are_counted_by_kind_network_and_hour(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let event_at = |microseconds, kind, address: &str| SecurityEvent {
        user_id: None,
        created_at: at(microseconds),
        client: Client {
            address: Some(address.parse().unwrap()),
            user_agent: None,
        },
        ..event_of(user_id(), kind)
    };
    let gone = SecurityEvent {
        user_id: Some(user_id()),
        ..event_at(0, LoginFailed, "192.0.2.1")
    };
    let hour = 3_600_000_000;
    let events = [
        event_at(0, LoginFailed, "192.0.2.1"),
        event_at(1, LoginFailed, "192.0.2.1"),
        gone,
        event_at(0, PasswordResetRequested, "192.0.2.1"),
        event_at(0, LoginFailed, "192.0.2.2"),
        event_at(0, LoginFailed, "2001:db8::1"),
        event_at(0, LoginFailed, "2001:db8::2"),
        event_at(0, LoginFailed, "2001:db8:0:1::1"),
        event_at(hour, LoginFailed, "192.0.2.1"),
    ];
    for event in events {
        storage.database.record(&event).unwrap();
    }
    let sql = "SELECT kind || ' ' || address || ' ' || occurrences AS value FROM security_events \
               WHERE user_id IS NULL ORDER BY created_at, value";
    let found: Vec<_> = storage.behind.values(sql).into_iter().flatten().collect();
    let expected = [
        "login_failed 192.0.2.1 3",
        "login_failed 192.0.2.2 1",
        "login_failed 2001:db8:0:1::1 1",
        "login_failed 2001:db8::1 2",
        "password_reset_requested 192.0.2.1 1",
        "login_failed 192.0.2.1 1",
    ];
    assert_eq!(found, expected);
}

#[rstest]
fn a_deleted_account_leaves_one_event(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    let event = event_of(user, AccountDeleted).of_former_user(user);
    let delete = || UserRepository::delete(&storage.database, &AccessProof::new(user), &event);
    delete().unwrap();
    assert!(delete().is_err());
    let events = storage.behind.values(
        "SELECT CAST(count(*) AS TEXT) AS value FROM security_events \
         WHERE kind = 'account_deleted' AND user_id IS NULL AND subject IS NOT NULL",
    );
    assert_eq!(events, [Some("1".to_owned())]);
}
