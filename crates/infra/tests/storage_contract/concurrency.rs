//! What the ports promise about things that happen at the same time, seen by several instances on one database.

use std::thread;

use rstest::rstest;
use todo_domain::{
    Atomicity, Change, PasswordHash,
    SecurityEventKind::{LoggedIn, Registered},
    Title, TodoChange, TodoId, TodoOperation,
    ports::{InsertUserError, SessionRepository, TodoRepository, UserRepository},
};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::storage::{Storage, at, connect, description, hash, new_user, session_of, start_of};

const WRITERS: usize = 8;

/// Runs `work` on as many instances at once, and gives what each came to.
pub(crate) fn at_once<T: Send>(
    storage: &Storage,
    work: impl Fn(&todo_infra::Database) -> T + Sync,
) -> Vec<T> {
    let instances: Vec<_> = (0..WRITERS).map(|_| connect(&storage.behind)).collect();
    thread::scope(|scope| {
        let running: Vec<_> = instances
            .iter()
            .map(|instance| scope.spawn(|| work(instance)))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

#[rstest]
fn of_users_with_one_address_exactly_one_is_inserted(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let results = at_once(&storage, |instance| {
        let user = new_user("ada@example.com");
        let start = start_of(&session_of(user.id), Registered);
        UserRepository::insert(instance, &user, &hash(), &start)
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

#[rstest]
fn of_replacements_of_one_hash_exactly_one_happens(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let user = storage.user("ada@example.com");
    let results = at_once(&storage, |instance| {
        let new = PasswordHash::new(format!("$argon2id${:?}", thread::current().id()));
        let replaced = instance.replace_password_hash(user.id, &hash(), &new);
        replaced.unwrap().then_some(new)
    });
    let kept: Vec<_> = results.into_iter().flatten().collect();
    assert_eq!(kept.len(), 1);
    let found = storage.users().find_credentials(&user.email).unwrap();
    assert_eq!(found.unwrap().password_hash, kept.into_iter().next());
}

#[rstest]
fn n_toggles_leave_what_n_toggles_in_a_row_leave(#[values(Sqlite, Postgres)] kind: Kind) {
    const TOGGLES_EACH: usize = 5;
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let owner = storage.user("ada@example.com").id;
    let id = storage.todo(owner, "Buy milk", 0).id;
    at_once(&storage, |instance| {
        for _ in 0..TOGGLES_EACH {
            let toggled = TodoRepository::update(
                instance,
                owner.into(),
                id,
                None,
                &TodoChange::toggle(),
                at(1),
            );
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

#[rstest]
fn toggles_all_happen_whatever_the_default_isolation_is(
    #[values("repeatable read", "serializable")] isolation: &str,
) {
    const TOGGLES_EACH: usize = 100;
    let Some(storage) = Storage::new(Postgres) else {
        return;
    };
    storage.behind.execute(&format!(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = %L', \
         current_database(), '{isolation}'); END $$"
    ));
    let owner = storage.user("ada@example.com").id;
    let id = storage.todo(owner, "Buy milk", 0).id;
    let change = TodoChange::toggle();
    let versions = at_once(&storage, |instance| {
        let toggle = || TodoRepository::update(instance, owner.into(), id, None, &change, at(1));
        (0..TOGGLES_EACH)
            .map(|_| toggle().unwrap().unwrap().version)
            .collect::<Vec<_>>()
    });
    let mut versions: Vec<_> = versions.into_iter().flatten().collect();
    versions.sort_unstable();
    let expected: Vec<_> = (2..).take(WRITERS * TOGGLES_EACH).collect();
    assert_eq!(versions, expected);
}

#[rstest]
fn changes_of_different_properties_all_hold(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
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

#[rstest]
fn of_deletions_of_one_todo_exactly_one_succeeds(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let owner = storage.user("ada@example.com").id;
    let id = storage.todo(owner, "Buy milk", 0).id;
    let results = at_once(&storage, |instance| {
        TodoRepository::delete(instance, owner.into(), id, None).unwrap()
    });
    assert_eq!(results.iter().filter(|deleted| **deleted).count(), 1);
}

#[rstest]
fn of_changes_to_one_version_exactly_one_is_made(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let owner = storage.user("ada@example.com").id;
    let id = storage.todo(owner, "Buy milk", 0).id;
    let results = at_once(&storage, |instance| {
        let change = TodoChange::toggle();
        TodoRepository::update(instance, owner.into(), id, Some(1), &change, at(1)).unwrap()
    });
    assert_eq!(results.iter().filter(|todo| todo.is_some()).count(), 1);
    let todo = storage.todos().find(owner.into(), id).unwrap().unwrap();
    assert!(todo.is_completed());
    assert_eq!(todo.version, 2);
}

#[rstest]
fn of_rotations_of_one_generation_exactly_one_happens(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let session = session_of(storage.user("ada@example.com").id);
    storage.begin(&session);
    let rotated = at_once(&storage, |instance| {
        SessionRepository::rotate(instance, session.id, 0, at(1)).unwrap()
    });
    assert_eq!(rotated.iter().filter(|rotated| **rotated).count(), 1);
    assert_eq!(storage.session(session.id).unwrap().generation, 1);
    // It is no event, so that refreshes fill no table.
    assert_eq!(storage.events(session.user_id), [LoggedIn, Registered]);
}

#[rstest]
fn batches_in_any_order_wait_for_one_another(#[values(Sqlite, Postgres)] kind: Kind) {
    const BATCHES_EACH: usize = 20;
    let Some(storage) = Storage::new(kind) else {
        return;
    };
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
    let results = at_once(&storage, |instance| {
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
            let todo = TodoRepository::find(&storage.database, owner.into(), *id).unwrap();
            todo.unwrap().version
        })
        .collect();
    assert_eq!(versions, [(WRITERS * BATCHES_EACH + 1) as u64; 20]);
}
