//! What [`todo_domain::ports::SessionRepository`] promises.

use rstest::rstest;
use todo_domain::{
    Change, Session, TimeZone, UserChange, UserSettings,
    ports::{IdGenerator, InsertSessionError, SessionRepository},
};
use todo_infra::RandomIds;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::storage::{Storage, at, connect, session_of};

#[rstest]
fn an_inserted_session_is_found_as_it_was(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let session = session_of(storage.user("ada@example.com").id);
    storage.sessions().insert(&session).unwrap();
    assert_eq!(storage.session(session.id), Some(session));
}

#[rstest]
fn a_session_of_nobody_is_refused(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let session = session_of(RandomIds.user());
    let error = storage.sessions().insert(&session).unwrap_err();
    assert!(matches!(error, InsertSessionError::UserMissing));
}

#[rstest]
fn a_deleted_session_is_gone_and_a_second_time_there_is_none(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    let (ended, other) = (session_of(user), session_of(user));
    storage.sessions().insert(&ended).unwrap();
    storage.sessions().insert(&other).unwrap();
    assert!(storage.sessions().delete(ended.id).unwrap());
    assert!(!storage.sessions().delete(ended.id).unwrap());
    assert_eq!(storage.sessions().find(ended.id).unwrap(), None);
    assert_eq!(storage.session(other.id), Some(other));
}

#[rstest]
fn a_deletion_by_one_instance_is_seen_by_another_at_once(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let session = session_of(storage.user("ada@example.com").id);
    storage.sessions().insert(&session).unwrap();
    let other = connect(&storage.behind);
    assert!(
        SessionRepository::find(&other, session.id)
            .unwrap()
            .is_some()
    );
    storage.sessions().delete(session.id).unwrap();
    assert_eq!(SessionRepository::find(&other, session.id).unwrap(), None);
}

#[rstest]
fn sessions_go_with_their_user(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let session = session_of(storage.user("ada@example.com").id);
    storage.sessions().insert(&session).unwrap();
    storage.delete_user("ada@example.com");
    assert_eq!(storage.sessions().find(session.id).unwrap(), None);
}

#[rstest]
fn what_has_expired_is_deleted_and_nothing_else(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    let expiring = |microseconds| Session {
        expires_at: at(microseconds),
        ..session_of(user)
    };
    let (before, exactly, after) = (expiring(9), expiring(10), expiring(11));
    for session in [&before, &exactly, &after] {
        storage.sessions().insert(session).unwrap();
    }
    assert_eq!(storage.sessions().delete_expired(at(10)).unwrap(), 2);
    assert_eq!(storage.sessions().find(before.id).unwrap(), None);
    assert_eq!(storage.sessions().find(exactly.id).unwrap(), None);
    assert_eq!(storage.session(after.id), Some(after));
}

#[rstest]
fn a_session_is_found_with_what_its_user_has_chosen(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    let session = session_of(user);
    storage.sessions().insert(&session).unwrap();
    let settings = || {
        let found = storage.sessions().find(session.id).unwrap();
        found.unwrap().settings
    };
    assert_eq!(settings(), UserSettings::default());
    let zone: TimeZone = "Europe/Berlin".parse().unwrap();
    let change = UserChange {
        time_zone: Change::To(Some(zone.clone())),
        ..UserChange::default()
    };
    storage.users().update(user, &change, at(1)).unwrap();
    assert_eq!(settings().time_zone, Some(zone));
}
