//! Changing.

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use rstest::rstest;
use todo_domain::{Change, CompletionChange, Priority, SearchText, Title, TodoChange, TodoFilter};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::storage::{Storage, at, description, tags};

#[rstest]
fn an_update_is_what_applying_the_change_is(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let owner = storage.user("ada@example.com").id;
    let mut expected = storage.todo(owner, "before", 0);
    let mut now = 0;
    let mut runner = TestRunner::new(ProptestConfig::with_cases(64));
    let strategy = change();
    for _ in 0..64 {
        let change = strategy.new_tree(&mut runner).unwrap().current();
        now += 1;
        expected.apply(&change, at(now));
        let updated = storage
            .todos()
            .update(owner.into(), expected.id, None, &change, at(now))
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

fn change() -> impl Strategy<Value = TodoChange> {
    let title = prop_oneof![
        Just(Change::Keep),
        "[a-zA-ZäÖß%_]{1,20}".prop_map(|text| Change::To(Title::new(&text).unwrap())),
    ];
    let text = prop_oneof![
        Just(Change::Keep),
        Just(Change::To(None)),
        "[a-zA-Z \n]{0,20}".prop_map(|text| Change::To(Some(description(&text)))),
    ];
    let completion = prop_oneof![
        Just(CompletionChange::Keep),
        any::<bool>().prop_map(CompletionChange::To),
        Just(CompletionChange::Toggle),
    ];
    let priority = prop_oneof![
        Just(Change::Keep),
        Just(Change::To(Priority::Low)),
        Just(Change::To(Priority::High)),
    ];
    let due = prop_oneof![
        Just(Change::Keep),
        Just(Change::To(None)),
        Just(Change::To(Some("2026-12-05".parse().unwrap()))),
        Just(Change::To(Some(
            "2026-12-01T09:30:00+02:00".parse().unwrap()
        ))),
    ];
    let some_tags = prop_oneof![
        Just(Change::Keep),
        Just(Change::To(tags(&[]))),
        Just(Change::To(tags(&["home", "work"]))),
    ];
    (title, text, completion, priority, due, some_tags).prop_map(
        |(title, description, completion, priority, due, tags)| TodoChange {
            title,
            description,
            completion,
            priority,
            due,
            tags,
        },
    )
}

#[rstest]
fn a_todo_of_another_version_is_not_changed(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
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

#[rstest]
fn an_update_touches_no_other_todo(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let owner = storage.user("ada@example.com").id;
    let (changed, other) = (storage.todo(owner, "a", 0), storage.todo(owner, "b", 1));
    let todos = storage.todos();
    todos
        .update(owner.into(), changed.id, None, &TodoChange::toggle(), at(9))
        .unwrap();
    assert_eq!(todos.find(owner.into(), other.id).unwrap(), Some(other));
}
