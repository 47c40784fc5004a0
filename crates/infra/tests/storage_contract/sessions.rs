//! Sessions of earlier versions of the program, which write null into columns that they do not know.

use std::time::Duration;

use rstest::rstest;
use todo_domain::{
    AccessProof,
    SecurityEventKind::{AccountDisabled, LoggedIn},
    Session, SessionCondition, SessionPolicy, SessionSnapshot,
    ports::{Owner, ProofError, SessionRepository, StorageError, UserRepository},
};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::storage::{Storage, at, event_of, hash, session_of, start_of};

#[rstest]
fn a_session_without_a_use_was_last_used_at_its_creation(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let session = session_of(storage.user("ada@example.com").id);
    storage.begin(&session);
    storage.behind.execute(
        "UPDATE sessions SET last_used_at = NULL, rotated_at = NULL, address = NULL, user_agent = NULL",
    );
    let found = storage.session(session.id).unwrap();
    assert_eq!(found.last_used_at, found.created_at);
    assert_eq!(found.rotated_at, found.created_at);
    storage.sessions().record_use(session.id, at(1)).unwrap();
    assert_eq!(storage.session(session.id).unwrap().last_used_at, at(1));
}

#[rstest]
fn an_ended_session_without_a_use_is_deleted(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let policy = SessionPolicy {
        idle: Duration::from_micros(100),
        ..SessionPolicy::default()
    };
    let session = Session {
        created_at: at(0),
        expires_at: at(999),
        last_used_at: at(149),
        ..session_of(storage.user("ada@example.com").id)
    };
    storage.begin(&session);
    storage
        .behind
        .execute("UPDATE sessions SET last_used_at = NULL WHERE generation = 0");
    assert_eq!(storage.sessions().delete_ended(at(99), &policy).unwrap(), 0);
    assert_eq!(
        storage.sessions().delete_ended(at(100), &policy).unwrap(),
        1
    );
    assert_eq!(storage.session(session.id), None);
}

#[rstest]
fn a_session_condition_without_a_use_begins_at_the_creation(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    let todo = storage.todo(user, "Buy milk", 0);
    let session = session_of(user);
    storage.begin(&session);
    storage
        .behind
        .execute("UPDATE sessions SET last_used_at = NULL, rotated_at = NULL");
    let now = session.created_at.saturating_add(Duration::from_secs(1));
    let condition = SessionSnapshot::from(&session).guard(now, &SessionPolicy::default());
    let condition = condition.unwrap();
    let find = |condition| storage.todos().find(Owner::OfSession(condition), todo.id);
    assert_eq!(find(condition).unwrap().as_ref(), Some(&todo));
    let later = SessionCondition {
        used_after: session.created_at,
        ..condition
    };
    let refused = find(later);
    assert!(
        matches!(refused, Err(StorageError::SessionNotProven)),
        "{refused:?}"
    );
}

/// An earlier version grants sessions to disabled accounts, since it does not know the column.
#[rstest]
fn a_session_of_a_disabled_account_is_not_found(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    let event = event_of(user, AccountDisabled);
    assert!(UserRepository::disable(&storage.database, user, &event).unwrap());
    let proof = AccessProof::new(user).with_password_hash(hash());
    let start = start_of(&session_of(user), LoggedIn);
    let insert = || SessionRepository::insert(&storage.database, &start, &proof);
    assert!(matches!(insert(), Err(ProofError::UserDisabled)));
    storage
        .behind
        .execute("UPDATE users SET disabled_at = NULL");
    insert().unwrap();
    assert!(storage.session(start.session.id).is_some());
    storage
        .behind
        .execute("UPDATE users SET disabled_at = created_at");
    assert_eq!(storage.session(start.session.id), None);
}
