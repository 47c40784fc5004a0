//! What [`todo_domain::ports::SessionRepository`] promises.

use std::time::Duration;

use rstest::rstest;
use todo_domain::{
    AccessProof, Change, Quotas, Revocation,
    SecurityEventKind::{LoggedIn, LoggedOut, Registered, SessionEvicted, SessionsEnded},
    Session, SessionPolicy, TimeZone, UserChange, UserSettings,
    ports::{IdGenerator, ProofError, SecurityEvents, SessionRepository},
};
use todo_infra::RandomIds;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::storage::{Storage, at, connect, event_of, session_of, start_of};

#[rstest]
fn an_inserted_session_is_found_as_it_was(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    let session = Session {
        generation: 7,
        rotated_at: at(1),
        last_used_at: at(2),
        ..session_of(user)
    };
    storage.begin(&session);
    assert_eq!(storage.session(session.id), Some(session));
    assert_eq!(storage.events(user), [LoggedIn, Registered]);
}

#[rstest]
fn a_session_of_nobody_is_refused(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let session = session_of(RandomIds.user());
    let proof = AccessProof::new(session.user_id);
    let inserted = storage
        .sessions()
        .insert(&start_of(&session, LoggedIn), &proof);
    assert!(matches!(inserted, Err(ProofError::UserMissing)));
}

#[rstest]
fn what_an_earlier_version_wrote_was_last_used_when_it_began(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
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
fn a_deleted_session_is_gone_and_a_second_time_there_is_none(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    let (ended, other) = (session_of(user), session_of(user));
    storage.begin(&ended);
    storage.begin(&other);
    let delete = || {
        let event = event_of(user, LoggedOut);
        storage.sessions().delete(user, ended.id, &event).unwrap()
    };
    assert!(delete());
    assert!(!delete());
    assert_eq!(storage.session(ended.id), None);
    assert_eq!(storage.session(other.id), Some(other));
    assert_eq!(
        storage.events(user),
        [LoggedOut, LoggedIn, LoggedIn, Registered]
    );
}

#[rstest]
fn another_users_session_is_as_good_as_none(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let ada = storage.user("ada@example.com").id;
    let grace = storage.user("grace@example.com").id;
    let session = session_of(ada);
    storage.begin(&session);
    let event = event_of(grace, LoggedOut);
    let deleted = storage.sessions().delete(grace, session.id, &event);
    assert!(!deleted.unwrap());
    let event = event_of(grace, SessionsEnded);
    // The one that began with the account.
    let everything = Revocation::default();
    let proof = AccessProof::new(grace);
    let revoked = storage.sessions().revoke_all(&proof, everything, &event);
    assert_eq!(revoked.unwrap(), 1);
    assert_eq!(storage.session(session.id), Some(session));
    assert_eq!(storage.sessions().list(grace).unwrap(), []);
    assert_eq!(storage.events(grace), [SessionsEnded, Registered]);
}

#[rstest]
fn all_are_deleted_but_one(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    let (kept, ended) = (session_of(user), session_of(user));
    storage.begin(&kept);
    storage.begin(&ended);
    let delete = || {
        let event = event_of(user, SessionsEnded);
        let others = Revocation {
            except: Some(kept.id),
            tokens: false,
        };
        let proof = AccessProof::new(user).with_session(kept.id);
        let revoked = storage.sessions().revoke_all(&proof, others, &event);
        revoked.unwrap()
    };
    assert_eq!(delete(), 2);
    assert_eq!(delete(), 0);
    assert_eq!(storage.sessions().list(user).unwrap(), [kept]);
    let events = storage.events(user);
    let ended = events.iter().filter(|kind| **kind == SessionsEnded);
    assert_eq!(ended.count(), 1);
}

#[rstest]
fn sessions_are_listed_from_the_last_to_the_first(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    let begun = |microseconds| Session {
        created_at: at(microseconds),
        ..session_of(user)
    };
    let sessions = [begun(3), begun(1), begun(2)];
    for session in &sessions {
        storage.begin(session);
    }
    let listed = storage.sessions().list(user).unwrap();
    let [third, first, second] = sessions;
    // The first is the one that began with the account, now.
    assert_eq!(listed[1..], [third, second, first]);
}

#[rstest]
fn a_deletion_by_one_instance_is_seen_by_another_at_once(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let session = session_of(storage.user("ada@example.com").id);
    storage.begin(&session);
    let other = connect(&storage.behind);
    assert!(
        SessionRepository::find(&other, session.id)
            .unwrap()
            .is_some()
    );
    let event = event_of(session.user_id, LoggedOut);
    let deleted = storage
        .sessions()
        .delete(session.user_id, session.id, &event);
    assert!(deleted.unwrap());
    assert_eq!(SessionRepository::find(&other, session.id).unwrap(), None);
}

#[rstest]
fn sessions_go_with_their_user(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let session = session_of(storage.user("ada@example.com").id);
    storage.begin(&session);
    storage.delete_user("ada@example.com");
    assert_eq!(storage.session(session.id), None);
}

#[rstest]
fn what_has_ended_is_deleted_and_nothing_else(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    let policy = SessionPolicy {
        idle: Duration::from_micros(100),
        ..SessionPolicy::default()
    };
    let session = |expires_at, last_used_at| {
        let session = Session {
            expires_at: at(expires_at),
            last_used_at: at(last_used_at),
            created_at: at(0),
            ..session_of(user)
        };
        storage.begin(&session);
        session
    };
    let now = at(150);
    let sessions = [
        session(149, 149),
        session(150, 149),
        session(151, 149),
        session(999, 49),
        session(999, 50),
        session(999, 51),
    ];
    let forgotten = session(999, 149);
    let id = forgotten.id.as_uuid().simple();
    storage.behind.execute(&match kind {
        Sqlite => format!("UPDATE sessions SET last_used_at = NULL WHERE id = x'{id}'"),
        Postgres => format!("UPDATE sessions SET last_used_at = NULL WHERE id = '{id}'"),
    });
    assert_eq!(storage.sessions().delete_ended(now, &policy).unwrap(), 5);
    assert_eq!(storage.session(forgotten.id), None);
    for session in sessions {
        let live = session.is_live(now, &policy).then_some(session.clone());
        assert_eq!(storage.session(session.id), live);
    }
}

#[rstest]
fn a_session_is_found_with_what_its_user_has_chosen(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com").id;
    let session = session_of(user);
    storage.begin(&session);
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

#[rstest]
fn the_latest_use_is_what_is_recorded(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let session = Session {
        last_used_at: at(5),
        ..session_of(storage.user("ada@example.com").id)
    };
    storage.begin(&session);
    for (used, recorded) in [(4, 5), (6, 6), (5, 6)] {
        let sessions = storage.sessions();
        sessions.record_use(session.id, at(used)).unwrap();
        let found = storage.session(session.id).unwrap();
        assert_eq!(found.last_used_at, at(recorded));
    }
    let nobodys = RandomIds.session();
    assert!(storage.sessions().record_use(nobodys, at(7)).is_ok());
}

#[rstest]
fn a_rotation_counts_up_what_it_was_shown(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let session = session_of(storage.user("ada@example.com").id);
    storage.begin(&session);
    let rotate = |from, now| storage.sessions().rotate(session.id, from, now).unwrap();
    assert!(rotate(0, at(1)));
    assert!(!rotate(0, at(2)));
    assert!(!rotate(2, at(2)));
    let expected = Session {
        generation: 1,
        rotated_at: at(1),
        last_used_at: at(1),
        ..session.clone()
    };
    assert_eq!(storage.session(session.id), Some(expected));
    assert!(rotate(1, at(3)));
    let event = event_of(session.user_id, LoggedOut);
    let deleted = storage
        .sessions()
        .delete(session.user_id, session.id, &event);
    assert!(deleted.unwrap());
    assert!(!rotate(2, at(4)));
}

#[rstest]
fn the_least_recently_used_session_ends_when_there_are_too_many(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let ada = storage.user("ada@example.com").id;
    let grace = storage.user("grace@example.com").id;
    storage.behind.execute("DELETE FROM sessions");
    let quotas = Quotas {
        sessions: 3,
        ..Quotas::default()
    };
    let database = connect(&storage.behind).with_quotas(quotas);
    let begin = |user, used| {
        let session = Session {
            created_at: at(0),
            last_used_at: at(used),
            ..session_of(user)
        };
        let proof = AccessProof::new(user);
        SessionRepository::insert(&database, &start_of(&session, LoggedIn), &proof).unwrap();
        session.id
    };
    let others = begin(grace, 0);
    let [second, first, third] = [2, 1, 3].map(|used| begin(ada, used));
    assert_eq!(
        storage.events(ada),
        [LoggedIn, LoggedIn, LoggedIn, Registered]
    );
    let fourth = begin(ada, 4);
    let is_there = |id| storage.session(id).is_some();
    assert!(!is_there(first));
    assert!([second, third, fourth, others].into_iter().all(is_there));
    let events = SecurityEvents::list(&storage.database, ada, 10).unwrap();
    let evicted: Vec<_> = events
        .iter()
        .filter(|event| event.kind == SessionEvicted)
        .map(|event| event.subject)
        .collect();
    assert_eq!(evicted, [Some(first.as_uuid())]);
    // Where the quota was lowered, several end at once.
    let database = connect(&storage.behind).with_quotas(Quotas {
        sessions: 1,
        ..quotas
    });
    let last = session_of(ada);
    let start = start_of(&last, LoggedIn);
    SessionRepository::insert(&database, &start, &AccessProof::new(ada)).unwrap();
    let left = SessionRepository::list(&database, ada).unwrap();
    assert_eq!(left, [last]);
}
