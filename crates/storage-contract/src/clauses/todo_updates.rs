//! Clauses about updating todos.

use todo_domain::{Change, CompletionChange, Priority, SearchText, Title, TodoChange, TodoFilter};

use crate::fixture::{TestStorage, at, description, tags};

pub fn an_update_equals_applying_the_change(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    let mut expected = storage.todo(owner, "before", 0);
    let mut now = 0;
    let changes = changes();
    // A stride that is coprime to the number of changes, so that every property changes often.
    for step in 0..128 {
        let change = &changes[step * 557 % changes.len()];
        now += 1;
        expected.apply(change, at(now));
        let updated = storage
            .todos()
            .update(owner.into(), expected.id, None, change, at(now))
            .unwrap();
        assert_eq!(updated.as_ref(), Some(&expected), "{change:?}");
        let found = storage.todos().find(owner.into(), expected.id).unwrap();
        assert_eq!(found.as_ref(), Some(&expected), "{change:?}");
        if let Ok(text) = SearchText::new(expected.title.as_str()) {
            let filter = TodoFilter {
                text: Some(text),
                completed: Some(expected.is_completed()),
                priority: Some(expected.priority),
                tags: expected.tags.iter().cloned().collect(),
                ..TodoFilter::default()
            };
            assert_eq!(storage.todos().count(owner.into(), &filter).unwrap(), 1);
        }
    }
}

/// Every combination of changes of the properties of a todo.
fn changes() -> Vec<TodoChange> {
    let title = |text| Change::To(Title::new(text).unwrap());
    let titles = [Change::Keep, title("before"), title("äÖß%_")];
    let text = |text| Change::To(Some(description(text)));
    let descriptions = [
        Change::Keep,
        Change::To(None),
        text(
            "a
B",
        ),
    ];
    let completions = [
        CompletionChange::Keep,
        CompletionChange::To(true),
        CompletionChange::To(false),
        CompletionChange::Toggle,
    ];
    let priorities = [
        Change::Keep,
        Change::To(Priority::Low),
        Change::To(Priority::High),
    ];
    let due = |text: &str| Change::To(Some(text.parse().unwrap()));
    let dues = [
        Change::Keep,
        Change::To(None),
        due("2026-12-05"),
        due("2026-12-01T09:30:00+02:00"),
    ];
    let tag_lists = [
        Change::Keep,
        Change::To(tags(&[])),
        Change::To(tags(&["home", "work"])),
    ];
    let mut changes = Vec::new();
    for title in &titles {
        for description in &descriptions {
            for completion in completions {
                for priority in &priorities {
                    for due in &dues {
                        for tags in &tag_lists {
                            changes.push(TodoChange {
                                title: title.clone(),
                                description: description.clone(),
                                completion,
                                priority: *priority,
                                due: *due,
                                tags: tags.clone(),
                            });
                        }
                    }
                }
            }
        }
    }
    changes
}

pub fn a_todo_of_another_version_is_not_changed(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    let todo = storage.todo(owner, "a", 0);
    let todos = storage.todos();
    for change in [TodoChange::toggle(), TodoChange::default()] {
        let updated = todos.update(owner.into(), todo.id, Some(2), &change, at(9));
        assert_eq!(updated.unwrap(), None);
    }
    assert_eq!(
        todos.find(owner.into(), todo.id).unwrap(),
        Some(todo.clone())
    );
    let updated = todos.update(owner.into(), todo.id, Some(1), &TodoChange::toggle(), at(9));
    assert_eq!(updated.unwrap().unwrap().version, 2);
}

pub fn an_update_changes_no_other_todo(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    let (changed, other) = (storage.todo(owner, "a", 0), storage.todo(owner, "b", 1));
    let todos = storage.todos();
    todos
        .update(owner.into(), changed.id, None, &TodoChange::toggle(), at(9))
        .unwrap();
    assert_eq!(todos.find(owner.into(), other.id).unwrap(), Some(other));
}
