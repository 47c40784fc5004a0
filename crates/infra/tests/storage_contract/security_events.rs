//! What [`todo_domain::ports::SecurityEvents`] promises.

use rstest::rstest;
use todo_domain::{
    Client, SecurityEvent,
    SecurityEventKind::{self, LoggedIn, LoginFailed, PasswordResetRequested, Registered},
    ports::{IdGenerator, SecurityEvents},
};
use todo_infra::RandomIds;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::storage::{Storage, at, event_of};

#[rstest]
fn an_event_is_found_as_it_was(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    for kind in SecurityEventKind::ALL {
        let event = event_of(user, *kind).of_session(RandomIds.session());
        storage.database.record(&event).unwrap();
        let found = SecurityEvents::list(&storage.database, user, 1).unwrap();
        assert_eq!(found, [event]);
    }
}

#[rstest]
fn the_latest_are_listed_and_those_of_others_are_not(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let ada = storage.user("ada@example.com").id;
    let grace = storage.user("grace@example.com").id;
    for kind in [LoggedIn, LoginFailed] {
        storage.database.record(&event_of(ada, kind)).unwrap();
    }
    assert_eq!(storage.events(ada), [LoginFailed, LoggedIn, Registered]);
    assert_eq!(storage.events(grace), [Registered]);
    let latest = SecurityEvents::list(&storage.database, ada, 2).unwrap();
    assert_eq!(latest.len(), 2);
}

#[rstest]
fn events_of_no_account_are_counted_by_kind_network_and_hour(
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
        ..event_of(RandomIds.user(), kind)
    };
    let gone = SecurityEvent {
        user_id: Some(RandomIds.user()),
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
fn what_is_old_is_deleted_and_nothing_else(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    for microseconds in [9, 10, 11] {
        let event = SecurityEvent {
            created_at: at(microseconds),
            ..event_of(user, LoggedIn)
        };
        storage.database.record(&event).unwrap();
    }
    let deleted = SecurityEvents::delete_before(&storage.database, at(10));
    assert_eq!(deleted.unwrap(), 1);
    assert_eq!(storage.events(user), [Registered, LoggedIn, LoggedIn]);
}

#[rstest]
fn events_go_with_their_user(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    assert_eq!(storage.events(user), [Registered]);
    storage.delete_user("ada@example.com");
    assert_eq!(storage.events(user), []);
}
