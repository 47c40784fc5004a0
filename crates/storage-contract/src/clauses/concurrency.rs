//! Clauses about concurrent changes by several instances.

use std::thread;

use todo_domain::{
    Atomicity, Change, PasswordHash, Quotas,
    SecurityEventKind::{LoggedIn, Registered},
    Title, TodoChange, TodoId, TodoOperation,
    ports::InsertUserError,
};

use crate::Storage;
use crate::fixture::{TestStorage, at, description, hash, new_user, session_of, start_of};

const WRITERS: usize = 8;

/// Runs `work` on several instances at the same time, and returns the result of each.
pub(crate) fn at_once<T: Send>(
    storage: &TestStorage,
    work: impl Fn(&dyn Storage) -> T + Sync,
) -> Vec<T> {
    at_once_with(storage, Quotas::default(), work)
}

/// As [`at_once`], with these quotas.
pub(crate) fn at_once_with<T: Send>(
    storage: &TestStorage,
    quotas: Quotas,
    work: impl Fn(&dyn Storage) -> T + Sync,
) -> Vec<T> {
    let instances: Vec<_> = (0..WRITERS).map(|_| storage.connect_with(quotas)).collect();
    thread::scope(|scope| {
        let running: Vec<_> = instances
            .iter()
            .map(|instance| scope.spawn(|| work(&**instance)))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

pub fn concurrent_insertions_of_one_address_insert_one_user(storage: &TestStorage) {
    let results = at_once(storage, |instance| {
        let user = new_user("ada@example.com");
        let start = start_of(&session_of(user.id), Registered);
        instance.users().insert(&user, &hash(), &start)
    });
    let (inserted, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(inserted.len(), 1);
    for result in refused {
        assert!(
            matches!(result, Err(InsertUserError::EmailTaken)),
            "{result:?}"
        );
    }
}

pub fn concurrent_replacements_of_one_hash_replace_it_once(storage: &TestStorage) {
    let user = storage.user("ada@example.com");
    let results = at_once(storage, |instance| {
        let new = PasswordHash::new(format!("$argon2id${:?}", thread::current().id()));
        let replaced = instance.replace_password_hash(user.id, &hash(), &new);
        replaced.unwrap().then_some(new)
    });
    let kept: Vec<_> = results.into_iter().flatten().collect();
    assert_eq!(kept.len(), 1);
    let found = storage.users().find_credentials(&user.email).unwrap();
    assert_eq!(found.unwrap().password_hash, kept.into_iter().next());
}

pub fn concurrent_toggles_are_all_made(storage: &TestStorage) {
    const TOGGLES_EACH: usize = 5;
    let owner = storage.user("ada@example.com").id;
    let id = storage.todo(owner, "Buy milk", 0).id;
    at_once(storage, |instance| {
        for _ in 0..TOGGLES_EACH {
            let toggled =
                instance
                    .todos()
                    .update(owner.into(), id, None, &TodoChange::toggle(), at(1));
            assert!(toggled.unwrap().is_some());
        }
    });
    let odd_so_far = (WRITERS * TOGGLES_EACH) % 2 == 1;
    let todo = storage.todos().find(owner.into(), id).unwrap().unwrap();
    assert_eq!(todo.is_completed(), odd_so_far);
    let once_more = storage
        .todos()
        .update(owner.into(), id, None, &TodoChange::toggle(), at(2))
        .unwrap()
        .unwrap();
    assert_eq!(once_more.is_completed(), !odd_so_far);
    assert_eq!(once_more.version, (WRITERS * TOGGLES_EACH) as u64 + 2);
}

pub fn concurrent_changes_of_different_fields_are_all_made(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    for round in 0..10 {
        let id = storage.todo(owner, "before", round).id;
        let changes = [
            TodoChange {
                title: Change::To(Title::new("after").unwrap()),
                ..TodoChange::default()
            },
            TodoChange {
                description: Change::To(Some(description("more"))),
                ..TodoChange::default()
            },
            TodoChange::toggle(),
        ];
        thread::scope(|scope| {
            for change in &changes {
                let todos = storage.todos();
                scope.spawn(move || {
                    todos
                        .update(owner.into(), id, None, change, at(round))
                        .unwrap()
                });
            }
        });
        let todo = storage.todos().find(owner.into(), id).unwrap().unwrap();
        assert_eq!(todo.title.as_str(), "after");
        assert_eq!(todo.description, Some(description("more")));
        assert!(todo.is_completed());
    }
}

pub fn concurrent_deletions_of_one_todo_succeed_once(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    let id = storage.todo(owner, "Buy milk", 0).id;
    let results = at_once(storage, |instance| {
        instance.todos().delete(owner.into(), id, None).unwrap()
    });
    assert_eq!(results.iter().filter(|deleted| **deleted).count(), 1);
}

pub fn concurrent_changes_of_one_version_succeed_once(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    let id = storage.todo(owner, "Buy milk", 0).id;
    let results = at_once(storage, |instance| {
        let change = TodoChange::toggle();
        instance
            .todos()
            .update(owner.into(), id, Some(1), &change, at(1))
            .unwrap()
    });
    assert_eq!(results.iter().filter(|todo| todo.is_some()).count(), 1);
    let todo = storage.todos().find(owner.into(), id).unwrap().unwrap();
    assert!(todo.is_completed());
    assert_eq!(todo.version, 2);
}

pub fn concurrent_rotations_of_one_generation_succeed_once(storage: &TestStorage) {
    let session = session_of(storage.user("ada@example.com").id);
    storage.begin(&session);
    let rotated = at_once(storage, |instance| {
        instance.sessions().rotate(session.id, 0, at(1)).unwrap()
    });
    assert_eq!(rotated.iter().filter(|rotated| **rotated).count(), 1);
    assert_eq!(storage.session(session.id).unwrap().generation, 1);
    // It is no event, so that refreshes fill no table.
    assert_eq!(storage.events(session.user_id), [LoggedIn, Registered]);
}

pub fn concurrent_batches_in_any_order_all_succeed(storage: &TestStorage) {
    const BATCHES_EACH: usize = 20;
    let owner = storage.user("ada@example.com").id;
    let ids: Vec<_> = (0..20)
        .map(|number| storage.todo(owner, "Buy milk", number).id)
        .collect();
    let change = TodoChange {
        title: Change::To(Title::new("Buy bread").unwrap()),
        ..TodoChange::default()
    };
    let batch = |ids: &mut dyn Iterator<Item = &TodoId>| -> Vec<_> {
        ids.map(|id| TodoOperation::Update {
            id: *id,
            change: change.clone(),
        })
        .collect()
    };
    let orders = [batch(&mut ids.iter()), batch(&mut ids.iter().rev())];
    let results = at_once(storage, |instance| {
        (0..BATCHES_EACH)
            .map(|number| {
                let operations = &orders[number % 2];
                instance.apply(owner, operations, Atomicity::AllOrNothing, at(9), None)
            })
            .collect::<Result<Vec<_>, _>>()
    });
    for result in results {
        result.unwrap();
    }
    let versions: Vec<_> = ids
        .iter()
        .map(|id| {
            let todo = storage.todos().find(owner.into(), *id).unwrap();
            todo.unwrap().version
        })
        .collect();
    assert_eq!(versions, [(WRITERS * BATCHES_EACH + 1) as u64; 20]);
}
