//! Clauses of [`todo_domain::ports::Archive`].

use std::ops::ControlFlow;

use todo_domain::{
    ArchiveCounts, ArchiveRecord, ArchiveScope, Credentials, Email, ExportedUser, Title, Todo,
    User, UserId, UserSettings,
    ports::{Aborted, Archive, InsertArchiveError, RejectReason},
};

use crate::fixture::{TestStorage, at, description, hash, new_todo, new_user, tags};

fn archived(user: User) -> ExportedUser {
    ExportedUser {
        credentials: Credentials {
            user,
            password_hash: Some(hash()),
        },
        image: Some("https://example.com/ada.png".to_owned()),
        disabled_at: Some(at(1)),
    }
}

fn user(email: &str) -> (UserId, ArchiveRecord) {
    let user = User {
        email_verified: true,
        settings: UserSettings {
            time_zone: Some("Europe/Berlin".parse().unwrap()),
        },
        ..new_user(email)
    };
    (user.id, ArchiveRecord::User(archived(user)))
}

fn todo(owner: UserId, title: &str, microseconds: i64) -> ArchiveRecord {
    ArchiveRecord::Todo(new_todo(owner, title, microseconds))
}

fn read(storage: &TestStorage, scope: &ArchiveScope) -> Vec<ArchiveRecord> {
    let mut records = Vec::new();
    let sink = &mut |record| {
        records.push(record);
        ControlFlow::Continue(())
    };
    Archive::read(storage.instance(), scope, sink).unwrap();
    records
}

fn insert(
    storage: &TestStorage,
    records: &[ArchiveRecord],
) -> Result<ArchiveCounts, InsertArchiveError> {
    let mut records = records.iter().cloned().map(Ok);
    Archive::insert(storage.instance(), &mut records)
}

/// Why the record of this number was refused.
fn refusal(storage: &TestStorage, records: &[ArchiveRecord], number: usize) -> RejectReason {
    let error = insert(storage, records).unwrap_err();
    let InsertArchiveError::Refused { record, reason } = error else {
        assert_eq!(format!("{error:?}"), "a refusal");
        return RejectReason::Unstorable(error.into());
    };
    assert_eq!(record, number as u64, "{reason}");
    reason
}

/// Users by their ids, each with todos by their creation: more of them than are read or inserted at a time.
fn much() -> Vec<ArchiveRecord> {
    let mut users: Vec<_> = (0..3)
        .map(|n| user(&format!("ada{n}@example.com")))
        .collect();
    users.sort_by_key(|(id, _)| *id);
    let mut records = Vec::new();
    for ((owner, user), count) in users.into_iter().zip([2_503, 0, 1_001]) {
        records.push(user);
        records.extend((0..count).map(|n| todo(owner, &format!("todo {n}"), n)));
    }
    records
}

pub fn inserted_records_are_read_in_order(storage: &TestStorage) {
    let records = much();
    let counts = insert(storage, &records).unwrap();
    assert_eq!((counts.users, counts.todos), (3, 3_504));
    assert!(read(storage, &ArchiveScope::Everyone) == records);
}

pub fn records_are_stored_completely(storage: &TestStorage) {
    let mut bare = archived(new_user("old@example.com"));
    bare.credentials.user.name = None;
    bare.credentials.user.email = Email::from_stored("Old@Example".to_owned());
    bare.credentials.password_hash = None;
    bare.image = None;
    let owner = bare.credentials.user.id;
    let mut records = vec![ArchiveRecord::User(bare)];
    let dues = ["2026-12-05", "2026-12-01T09:30:00.123456-11:30"].map(|due| due.parse().unwrap());
    for (n, due) in [None].into_iter().chain(dues.map(Some)).enumerate() {
        records.push(ArchiveRecord::Todo(Todo {
            title: Title::from_stored(" \u{7}Ünïcödé 👩‍👩‍👧 ".to_owned()),
            description: Some(description("first\r\n\tsecond 🦀")),
            completed_at: (n == 1).then(|| at(9)),
            due,
            tags: tags(&["home", "100%_\\", "ünï \u{1f980}"]),
            updated_at: at(10),
            version: 7,
            ..new_todo(owner, "x", n.try_into().unwrap())
        }));
    }
    insert(storage, &records).unwrap();
    assert_eq!(read(storage, &ArchiveScope::Everyone), records);
}

pub fn one_user_is_read_alone(storage: &TestStorage) {
    let ((ada, ada_record), (grace, grace_record)) =
        (user("ada@example.com"), user("grace@example.com"));
    let of_ada = [ada_record, todo(ada, "a", 0)];
    insert(storage, &of_ada).unwrap();
    insert(storage, &[grace_record, todo(grace, "b", 0)]).unwrap();
    let scope = |email: &str| ArchiveScope::User(Email::new(email).unwrap());
    assert_eq!(read(storage, &scope("ada@example.com")), of_ada);
    assert_eq!(read(storage, &scope("nobody@example.com")), []);
}

pub fn a_read_is_a_snapshot_and_blocks_no_writer(storage: &TestStorage) {
    let records = much();
    insert(storage, &records).unwrap();
    let mut seen = 0;
    let sink = &mut |record| {
        if let (0, ArchiveRecord::User(first)) = (seen, &record) {
            storage.todo(first.credentials.user.id, "in the meantime", 1_000_000);
        }
        seen += 1;
        ControlFlow::Continue(())
    };
    Archive::read(storage.instance(), &ArchiveScope::Everyone, sink).unwrap();
    assert_eq!(seen, records.len());
    let later = read(storage, &ArchiveScope::Everyone);
    assert_eq!(later.len(), records.len() + 1);
}

pub fn a_read_stops_after_a_break(storage: &TestStorage, enough: usize) {
    insert(storage, &much()).unwrap();
    let mut seen = 0;
    let sink = &mut |_| {
        seen += 1;
        if seen == enough {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    Archive::read(storage.instance(), &ArchiveScope::Everyone, sink).unwrap();
    assert_eq!(seen, enough);
}

pub fn an_abandoned_insertion_leaves_nothing(storage: &TestStorage) {
    let mut records = much().into_iter().map(Ok).chain([Err(Aborted)]);
    let error = Archive::insert(storage.instance(), &mut records).unwrap_err();
    assert!(matches!(error, InsertArchiveError::Aborted(_)));
    assert_eq!(read(storage, &ArchiveScope::Everyone), []);
    insert(storage, &much()).unwrap();
}

pub fn a_colliding_record_is_named_and_nothing_is_stored(storage: &TestStorage) {
    let (there, there_record) = user("ada@example.com");
    let there_todo = new_todo(there, "a", 0);
    let before = [there_record, ArchiveRecord::Todo(there_todo.clone())];
    insert(storage, &before).unwrap();

    let (owner, owner_record) = user("grace@example.com");
    let mut renamed = archived(new_user("alan@example.com"));
    renamed.credentials.user.id = there;
    let taken = ArchiveRecord::Todo(Todo {
        owner,
        ..there_todo.clone()
    });
    let new = todo(owner, "b", 0);
    let with = |last: ArchiveRecord| vec![owner_record.clone(), new.clone(), last];

    let refused = refusal(storage, &with(user("ada@example.com").1), 2);
    assert!(matches!(refused, RejectReason::EmailTaken), "{refused:?}");
    let refused = refusal(storage, &with(ArchiveRecord::User(renamed)), 2);
    assert!(matches!(refused, RejectReason::UserExists), "{refused:?}");
    let refused = refusal(storage, &with(taken), 2);
    assert!(matches!(refused, RejectReason::TodoExists), "{refused:?}");
    let refused = refusal(storage, &with(new.clone()), 2);
    assert!(matches!(refused, RejectReason::TodoExists), "{refused:?}");
    let refused = refusal(storage, &with(user("grace@example.com").1), 2);
    assert!(matches!(refused, RejectReason::EmailTaken), "{refused:?}");
    let stray = todo(new_user("x@example.com").id, "c", 0);
    let refused = refusal(storage, &with(stray), 2);
    assert!(matches!(refused, RejectReason::OwnerMissing), "{refused:?}");

    assert_eq!(read(storage, &ArchiveScope::Everyone), before);
}

pub fn a_late_collision_is_named(storage: &TestStorage) {
    let mut records = much();
    records[1_777] = records[3].clone();
    let refused = refusal(storage, &records, 1_777);
    assert!(matches!(refused, RejectReason::TodoExists), "{refused:?}");
    assert_eq!(read(storage, &ArchiveScope::Everyone), []);
}
