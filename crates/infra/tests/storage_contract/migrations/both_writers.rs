//! What the old backend writes while this program writes too.

use todo_domain::{Change, Title, TodoChange};

use super::old_backend::{OldBackend, Shape};
use crate::storage::at;

fn migrated() -> Option<OldBackend> {
    let old = OldBackend::new(Shape::WithPasswords)?;
    old.storage.database.migrate().unwrap();
    Some(old)
}

#[test]
fn what_the_old_backend_inserts_is_whole() {
    let Some(old) = migrated() else {
        return;
    };
    let open = old.insert("Größe MESSEN", "İstanbul", false);
    assert_eq!(old.details(open), "grösse messen | i̇stanbul | open | 1");
    let done = old.insert("Done", "", true);
    assert_eq!(old.details(done), "done |  | 2024-02-02 | 1");
    let found = old
        .storage
        .todos()
        .find(old.user.into(), done)
        .unwrap()
        .unwrap();
    assert!(found.is_completed());
}

#[test]
fn what_the_old_backend_changes_raises_the_version_and_is_whole() {
    let Some(old) = migrated() else {
        return;
    };
    let id = old.insert("Buy milk", "Two", false);
    old.update(id, "Buy MILK", "Three LITRES", true);
    assert_eq!(old.details(id), "buy milk | three litres | 2024-03-03 | 2");
    old.update(id, "Buy bread", "Three LITRES", true);
    assert_eq!(old.details(id), "buy bread | three litres | 2024-03-03 | 3");
    old.toggle(id, "2024-04-04");
    assert_eq!(old.details(id), "buy bread | three litres | open | 4");
    old.toggle(id, "2024-05-05");
    assert_eq!(old.details(id), "buy bread | three litres | 2024-05-05 | 5");
}

#[test]
fn what_is_written_as_it_was_keeps_its_version() {
    let Some(old) = migrated() else {
        return;
    };
    let id = old.insert("Buy milk", "Two", true);
    old.update(id, "Buy bread", "Two", true);
    old.update(id, "Buy bread", "Two", true);
    assert_eq!(old.details(id), "buy bread | two | 2024-02-02 | 2");
}

#[test]
fn a_change_that_raises_the_version_itself_is_left_as_it_is() {
    let Some(old) = migrated() else {
        return;
    };
    let id = old.insert("Buy milk", "Two", false);
    old.storage.behind.execute(
        "UPDATE tasks SET title = 'X', title_folded = 'ours', completed = true, \
         completed_at = '2025-01-01', version = version + 1",
    );
    assert_eq!(old.details(id), "ours | two | 2025-01-01 | 2");
}

#[test]
fn both_write_to_one_task_in_turn() {
    let Some(old) = migrated() else {
        return;
    };
    let todos = old.storage.todos();
    let theirs = old.insert("Buy milk", "Two", false);
    let toggled = todos.update(old.user.into(), theirs, None, &TodoChange::toggle(), at(0));
    assert!(toggled.unwrap().unwrap().is_completed());
    old.toggle(theirs, "2024-04-04");
    let title = TodoChange {
        title: Change::To(Title::new("Buy BREAD").unwrap()),
        ..TodoChange::default()
    };
    let changed = todos
        .update(old.user.into(), theirs, None, &title, at(1))
        .unwrap();
    assert!(!changed.unwrap().is_completed());
    assert_eq!(old.details(theirs), "buy bread | two | open | 4");

    let ours = old.storage.todo(old.user, "Call Ada", 0).id;
    old.update(ours, "Call GRACE", "", true);
    let found = todos.find(old.user.into(), ours).unwrap().unwrap();
    assert_eq!(found.title.as_str(), "Call GRACE");
    assert_eq!(old.details(ours), "call grace |  | 2024-03-03 | 2");
}
