//! Clauses of [`todo_domain::ports::UserRepository`].

use todo_domain::{
    AccessProof, ArchiveRecord, Change, Credentials, DisplayName, Email, ExportedUser,
    PasswordHash, Revocation,
    SecurityEventKind::{AccountDeleted, PasswordChanged, Registered},
    User, UserChange,
    ports::{InsertUserError, ProofError},
};

use crate::fixture::{TestStorage, at, event_of, hash, new_user, session_of, start_of, user_id};

pub fn an_inserted_user_is_found(storage: &TestStorage) {
    let user = storage.user("ada@example.com");
    assert_eq!(storage.users().find(user.id).unwrap(), Some(user));
}

pub fn credentials_are_found_by_address(storage: &TestStorage) {
    let user = storage.user("ada@example.com");
    let found = storage.users().find_credentials(&user.email).unwrap();
    let found = found.unwrap();
    assert_eq!(found.user, user);
    assert_eq!(found.password_hash, Some(hash()));
}

pub fn an_unknown_user_is_not_found(storage: &TestStorage) {
    storage.user("ada@example.com");
    let email = Email::new("grace@example.com").unwrap();
    assert_eq!(storage.users().find(user_id()).unwrap(), None);
    assert_eq!(storage.users().find_credentials(&email).unwrap(), None);
}

pub fn the_first_session_is_inserted_with_the_user(storage: &TestStorage) {
    let user = new_user("ada@example.com");
    let session = session_of(user.id);
    storage
        .users()
        .insert(&user, &hash(), &start_of(&session, Registered))
        .unwrap();
    assert_eq!(storage.session(session.id), Some(session));
    assert_eq!(storage.events(user.id), [Registered]);
}

pub fn a_taken_address_is_refused(storage: &TestStorage) {
    let first = storage.user("ada@example.com");
    let second = new_user("ada@example.com");
    let session = session_of(second.id);
    let error = storage
        .users()
        .insert(&second, &hash(), &start_of(&session, Registered))
        .unwrap_err();
    assert!(matches!(error, InsertUserError::EmailTaken));
    assert_eq!(storage.users().find(second.id).unwrap(), None);
    assert_eq!(storage.sessions().find(session.id).unwrap(), None);
    let found = storage.users().find_credentials(&first.email).unwrap();
    assert_eq!(found.unwrap().user, first);
}

pub fn a_refused_insertion_leaves_the_storage_usable(storage: &TestStorage) {
    storage.user("ada@example.com");
    for _ in 0..20 {
        let second = new_user("ada@example.com");
        let session = session_of(second.id);
        assert!(
            storage
                .users()
                .insert(&second, &hash(), &start_of(&session, Registered))
                .is_err()
        );
    }
    storage.user("grace@example.com");
}

pub fn a_user_without_a_hash_or_a_name_is_found(storage: &TestStorage) {
    let user = insert_without_hash(storage, "ada@example.com");
    let found = storage.users().find_credentials(&user.email).unwrap();
    let found = found.unwrap();
    assert_eq!(found.password_hash, None);
    assert_eq!(found.user.name, None);
}

pub fn a_change_keeps_the_other_fields(storage: &TestStorage) {
    let user = storage.user("ada@example.com");
    let other = storage.user("grace@example.com");
    let changed = |change: UserChange, microseconds| {
        let changed = storage.users().update(user.id, &change, at(microseconds));
        let changed = changed.unwrap().unwrap();
        assert_eq!(storage.users().find(user.id).unwrap().unwrap(), changed);
        changed
    };
    let name = DisplayName::new("Ada King").unwrap();
    let renamed = changed(
        UserChange {
            name: Change::To(name.clone()),
            ..UserChange::default()
        },
        1,
    );
    let mut expected = User {
        name: Some(name),
        updated_at: at(1),
        ..user.clone()
    };
    assert_eq!(renamed, expected);
    for (microseconds, zone) in [(2, Some("Europe/Berlin".parse().unwrap())), (3, None)] {
        let moved = changed(
            UserChange {
                time_zone: Change::To(zone.clone()),
                ..UserChange::default()
            },
            microseconds,
        );
        expected.settings.time_zone = zone;
        expected.updated_at = at(microseconds);
        assert_eq!(moved, expected);
    }
    assert_eq!(changed(UserChange::default(), 4), expected);
    assert_eq!(storage.users().find(other.id).unwrap(), Some(other));
}

pub fn an_unknown_user_is_not_changed(storage: &TestStorage) {
    let change = UserChange {
        time_zone: Change::To(None),
        ..UserChange::default()
    };
    for change in [change, UserChange::default()] {
        let changed = storage.users().update(user_id(), &change, at(1));
        assert_eq!(changed.unwrap(), None);
    }
}

/// Inserts a user without a password hash or a name, as an import does.
fn insert_without_hash(storage: &TestStorage, email: &str) -> User {
    let user = User {
        name: None,
        ..new_user(email)
    };
    let record = ArchiveRecord::User(ExportedUser {
        credentials: Credentials {
            user: user.clone(),
            password_hash: None,
        },
        image: None,
        disabled_at: None,
    });
    let records = &mut std::iter::once(Ok(record));
    storage.archive().insert(records).unwrap();
    user
}

fn another_hash() -> PasswordHash {
    PasswordHash::new("$argon2id$another-hash".to_owned())
}

pub fn replacing_a_hash_changes_nothing_else(storage: &TestStorage) {
    let users = storage.users();
    let ada = storage.user("ada@example.com");
    let grace = storage.user("grace@example.com");
    let replaced = users.replace_password_hash(ada.id, &hash(), &another_hash());
    assert!(replaced.unwrap());
    let found = users.find_credentials(&ada.email).unwrap().unwrap();
    assert_eq!(found.user, ada);
    assert_eq!(found.password_hash, Some(another_hash()));
    let found = users.find_credentials(&grace.email).unwrap().unwrap();
    assert_eq!(found.user, grace);
    assert_eq!(found.password_hash, Some(hash()));
}

pub fn a_stale_hash_is_not_replaced(storage: &TestStorage) {
    let users = storage.users();
    let user = storage.user("ada@example.com");
    let stale = PasswordHash::new("$2b$12$of-yesterday".to_owned());
    let replaced = users.replace_password_hash(user.id, &stale, &another_hash());
    assert!(!replaced.unwrap());
    let found = users.find_credentials(&user.email).unwrap().unwrap();
    assert_eq!(found.password_hash, Some(hash()));
}

pub fn a_missing_hash_is_not_replaced(storage: &TestStorage) {
    let users = storage.users();
    let user = insert_without_hash(storage, "ada@example.com");
    let replaced = users.replace_password_hash(user_id(), &hash(), &another_hash());
    assert!(!replaced.unwrap());
    let replaced = users.replace_password_hash(user.id, &hash(), &another_hash());
    assert!(!replaced.unwrap());
    let found = users.find_credentials(&user.email).unwrap().unwrap();
    assert_eq!(found.password_hash, None);
}

pub fn credentials_are_found_by_id(storage: &TestStorage) {
    let user = storage.user("ada@example.com");
    storage.user("grace@example.com");
    let found = storage.users().find_credentials_of(user.id).unwrap();
    let found = found.unwrap();
    assert_eq!(found.user, user);
    assert_eq!(found.password_hash, Some(hash()));
    let nobody = storage.users().find_credentials_of(user_id());
    assert_eq!(nobody.unwrap(), None);
}

pub fn replacing_a_password_ends_all_sessions_but_one(storage: &TestStorage) {
    let user = storage.user("ada@example.com").id;
    let (kept, ended) = (session_of(user), session_of(user));
    storage.begin(&kept);
    storage.begin(&ended);
    let proof = AccessProof::new(user)
        .with_session(kept.id)
        .with_password_hash(hash());
    let revocation = Revocation {
        except: Some(kept.id),
        tokens: true,
    };
    let replace = || {
        let event = event_of(user, PasswordChanged);
        storage
            .users()
            .replace_password(&proof, &another_hash(), revocation, &event)
    };
    replace().unwrap();
    assert_eq!(storage.sessions().list(user).unwrap(), [kept]);
    let found = storage.users().find_credentials_of(user).unwrap().unwrap();
    assert_eq!(found.password_hash, Some(another_hash()));
    // It is another by now.
    assert!(matches!(replace(), Err(ProofError::PasswordChanged)));
    let events = storage.events(user);
    let changed = events.iter().filter(|kind| **kind == PasswordChanged);
    assert_eq!(changed.count(), 1);
}

pub fn deleting_a_user_deletes_all_data_of_the_user(storage: &TestStorage) {
    let ada = storage.user("ada@example.com").id;
    let grace = storage.user("grace@example.com");
    let session = session_of(ada);
    storage.begin(&session);
    let todo = storage.todo(ada, "Buy milk", 1);
    let kept = storage.todo(grace.id, "Buy bread", 1);
    let left = event_of(ada, AccountDeleted).of_former_user(ada);
    let delete = || storage.users().delete(&AccessProof::new(ada), &left);
    delete().unwrap();
    assert!(matches!(delete(), Err(ProofError::UserMissing)));
    assert_eq!(storage.users().find(ada).unwrap(), None);
    assert_eq!(storage.session(session.id), None);
    assert_eq!(storage.events(ada), []);
    assert_eq!(storage.todos().find(ada.into(), todo.id).unwrap(), None);
    assert_eq!(
        storage.todos().find(grace.id.into(), kept.id).unwrap(),
        Some(kept)
    );
    assert_eq!(storage.users().find(grace.id).unwrap(), Some(grace));
}

pub fn bcrypt_hashes_are_found_until_the_last_is_replaced(storage: &TestStorage) {
    assert!(!storage.users().has_bcrypt_hash().unwrap());
    let ada = storage.user("ada@example.com");
    storage.user("grace@example.com");
    assert!(!storage.users().has_bcrypt_hash().unwrap());
    let bcrypt = PasswordHash::new("$2b$12$a-hash".to_owned());
    let renew = |from: &PasswordHash, to: &PasswordHash| {
        let renewed = storage.users().replace_password_hash(ada.id, from, to);
        assert!(renewed.unwrap());
    };
    renew(&hash(), &bcrypt);
    assert!(storage.users().has_bcrypt_hash().unwrap());
    renew(&bcrypt, &hash());
    assert!(!storage.users().has_bcrypt_hash().unwrap());
}
