//! What [`todo_domain::ports::SecurityEvents`] promises.

use rstest::rstest;
use todo_domain::{
    SecurityEvent,
    SecurityEventKind::{self, LoggedIn, LoginFailed, Registered},
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
fn what_happens_to_nobody_is_recorded_all_the_same(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let nobody = SecurityEvent {
        user_id: None,
        ..event_of(RandomIds.user(), LoginFailed)
    };
    let gone = event_of(RandomIds.user(), LoginFailed);
    for event in [nobody, gone] {
        storage.database.record(&event).unwrap();
    }
    let sql = "SELECT kind AS value FROM security_events WHERE user_id IS NULL";
    let kind = || Some("login_failed".to_owned());
    assert_eq!(storage.behind.values(sql), [kind(), kind()]);
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
