//! Writes of the old backend to migrated tables.

use todo_domain::{Change, Title, TodoChange};

use super::old_backend::{OldBackend, OldSchema};
use crate::storage::at;

fn migrated() -> Option<OldBackend> {
    let old = OldBackend::new(OldSchema::WithPasswords)?;
    old.storage.database.migrate().unwrap();
    Some(old)
}

#[test]
fn rows_inserted_by_the_old_backend_are_complete() {
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
fn changes_by_the_old_backend_increment_the_version() {
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
fn an_unchanged_row_keeps_its_version() {
    let Some(old) = migrated() else {
        return;
    };
    let id = old.insert("Buy milk", "Two", true);
    old.update(id, "Buy bread", "Two", true);
    old.update(id, "Buy bread", "Two", true);
    assert_eq!(old.details(id), "buy bread | two | 2024-02-02 | 2");
}

#[test]
fn a_version_that_is_set_by_a_change_is_kept() {
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
fn both_backends_change_one_task() {
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
