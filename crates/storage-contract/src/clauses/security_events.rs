//! Clauses of [`todo_domain::ports::SecurityEvents`].

use todo_domain::{
    SecurityEvent,
    SecurityEventKind::{self, LoggedIn, LoginFailed, Registered},
};

use crate::fixture::{TestStorage, at, event_of, session_id};

pub fn a_recorded_event_is_found(storage: &TestStorage) {
    let user = storage.user("ada@example.com").id;
    for kind in SecurityEventKind::ALL {
        let event = event_of(user, *kind).of_session(session_id());
        storage.security_events().record(&event).unwrap();
        let found = storage.security_events().list(user, 1).unwrap();
        assert_eq!(found, [event]);
    }
}

pub fn events_of_the_user_are_listed_newest_first(storage: &TestStorage) {
    let ada = storage.user("ada@example.com").id;
    let grace = storage.user("grace@example.com").id;
    for kind in [LoggedIn, LoginFailed] {
        storage
            .security_events()
            .record(&event_of(ada, kind))
            .unwrap();
    }
    assert_eq!(storage.events(ada), [LoginFailed, LoggedIn, Registered]);
    assert_eq!(storage.events(grace), [Registered]);
    let latest = storage.security_events().list(ada, 2).unwrap();
    assert_eq!(latest.len(), 2);
}

pub fn events_before_an_instant_are_deleted(storage: &TestStorage) {
    let user = storage.user("ada@example.com").id;
    for microseconds in [9, 10, 11] {
        let event = SecurityEvent {
            created_at: at(microseconds),
            ..event_of(user, LoggedIn)
        };
        storage.security_events().record(&event).unwrap();
    }
    let deleted = storage.security_events().delete_before(at(10));
    assert_eq!(deleted.unwrap(), 1);
    assert_eq!(storage.events(user), [Registered, LoggedIn, LoggedIn]);
}

pub fn deleting_a_user_deletes_events(storage: &TestStorage) {
    let user = storage.user("ada@example.com").id;
    assert_eq!(storage.events(user), [Registered]);
    storage.delete_user("ada@example.com");
    assert_eq!(storage.events(user), []);
}
