//! Clauses of [`todo_domain::ports::SessionRepository`].

use std::time::Duration;

use todo_domain::{
    AccessProof, Change, Quotas, Revocation,
    SecurityEventKind::{LoggedIn, LoggedOut, Registered, SessionEvicted, SessionsEnded},
    Session, SessionPolicy, TimeZone, UserChange, UserSettings,
    ports::ProofError,
};

use crate::fixture::{TestStorage, at, event_of, session_id, session_of, start_of, user_id};

pub fn an_inserted_session_is_found(storage: &TestStorage) {
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

pub fn a_session_without_a_user_is_refused(storage: &TestStorage) {
    let session = session_of(user_id());
    let proof = AccessProof::new(session.user_id);
    let inserted = storage
        .sessions()
        .insert(&start_of(&session, LoggedIn), &proof);
    assert!(matches!(inserted, Err(ProofError::UserMissing)));
}

pub fn a_session_is_deleted_once(storage: &TestStorage) {
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

pub fn a_session_of_another_user_is_not_found(storage: &TestStorage) {
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

pub fn all_sessions_but_one_are_revoked(storage: &TestStorage) {
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

pub fn sessions_are_listed_newest_first(storage: &TestStorage) {
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

pub fn a_deletion_is_visible_to_other_instances_at_once(storage: &TestStorage) {
    let session = session_of(storage.user("ada@example.com").id);
    storage.begin(&session);
    let other = storage.connect();
    assert!(other.sessions().find(session.id).unwrap().is_some());
    let event = event_of(session.user_id, LoggedOut);
    let deleted = storage
        .sessions()
        .delete(session.user_id, session.id, &event);
    assert!(deleted.unwrap());
    assert_eq!(other.sessions().find(session.id).unwrap(), None);
}

pub fn deleting_a_user_deletes_sessions(storage: &TestStorage) {
    let session = session_of(storage.user("ada@example.com").id);
    storage.begin(&session);
    storage.delete_user("ada@example.com");
    assert_eq!(storage.session(session.id), None);
}

pub fn ended_sessions_are_deleted(storage: &TestStorage) {
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
    assert_eq!(storage.sessions().delete_ended(now, &policy).unwrap(), 4);
    for session in sessions {
        let live = session.is_live(now, &policy).then_some(session.clone());
        assert_eq!(storage.session(session.id), live);
    }
}

pub fn a_session_is_found_with_the_settings_of_its_user(storage: &TestStorage) {
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

pub fn the_latest_use_of_a_session_is_recorded(storage: &TestStorage) {
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
    let nobodys = session_id();
    assert!(storage.sessions().record_use(nobodys, at(7)).is_ok());
}

pub fn a_rotation_increments_the_presented_generation(storage: &TestStorage) {
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

pub fn the_least_recently_used_session_is_evicted(storage: &TestStorage) {
    let ada = storage.user("ada@example.com").id;
    let grace = storage.user("grace@example.com").id;
    // The session of the registration is the most recently used one.
    let quotas = Quotas {
        sessions: 4,
        ..Quotas::default()
    };
    let database = storage.connect_with(quotas);
    let begin = |user, used| {
        let session = Session {
            created_at: at(0),
            last_used_at: at(used),
            ..session_of(user)
        };
        let proof = AccessProof::new(user);
        database
            .sessions()
            .insert(&start_of(&session, LoggedIn), &proof)
            .unwrap();
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
    let events = storage.security_events().list(ada, 10).unwrap();
    let evicted: Vec<_> = events
        .iter()
        .filter(|event| event.kind == SessionEvicted)
        .map(|event| event.subject)
        .collect();
    assert_eq!(evicted, [Some(first.as_uuid())]);
    // Where the quota was lowered, several end at once.
    let database = storage.connect_with(Quotas {
        sessions: 1,
        ..quotas
    });
    let last = session_of(ada);
    let start = start_of(&last, LoggedIn);
    database
        .sessions()
        .insert(&start, &AccessProof::new(ada))
        .unwrap();
    let left = database.sessions().list(ada).unwrap();
    assert_eq!(left, [last]);
}
