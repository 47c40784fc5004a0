//! What [`todo_domain::ports::TodoRepository`] promises.

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use rstest::rstest;
use todo_domain::{
    Change, CompletionChange, Page, PageLimit, SearchText, Title, Todo, TodoChange, TodoFilter,
    ports::{IdGenerator, InsertTodoError},
};
use todo_infra::RandomIds;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::storage::{Storage, at, description, new_todo};

fn page(limit: u32, offset: u32) -> Page {
    Page {
        limit: PageLimit::new(limit).unwrap(),
        offset,
    }
}

fn titles(todos: &[Todo]) -> Vec<&str> {
    todos.iter().map(|todo| todo.title.as_str()).collect()
}

#[rstest]
fn an_inserted_todo_is_found_as_it_was(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let owner = storage.user("ada@example.com").id;
    let plain = storage.todo(owner, "Buy milk", 123_456);
    assert_eq!(storage.todos().find(owner, plain.id).unwrap(), Some(plain));

    let full = Todo {
        title: Title::new("Ünïcödé 👩‍👩‍👧 e\u{301} %_\\").unwrap(),
        description: Some(description("first\r\n\tsecond 🦀")),
        completed: true,
        updated_at: at(1_000_001),
        ..new_todo(owner, "x", 999_999)
    };
    storage.todos().insert(&full).unwrap();
    assert_eq!(storage.todos().find(owner, full.id).unwrap(), Some(full));
}

#[rstest]
fn a_todo_of_nobody_is_refused(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let todo = new_todo(RandomIds.user(), "Buy milk", 0);
    let error = storage.todos().insert(&todo).unwrap_err();
    assert!(matches!(error, InsertTodoError::OwnerMissing));
}

#[rstest]
fn another_users_todo_is_as_good_as_none(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let owner = storage.user("ada@example.com").id;
    let other = storage.user("grace@example.com").id;
    let todo = storage.todo(owner, "Buy milk", 0);
    let all = TodoFilter::default();
    let todos = storage.todos();
    assert_eq!(todos.find(other, todo.id).unwrap(), None);
    assert_eq!(todos.list(other, &all, Page::default()).unwrap(), []);
    assert_eq!(todos.count(other, &all).unwrap(), 0);
    let toggled = todos.update(other, todo.id, &TodoChange::toggle(), at(1));
    assert_eq!(toggled.unwrap(), None);
    let untouched = todos.update(other, todo.id, &TodoChange::default(), at(1));
    assert_eq!(untouched.unwrap(), None);
    assert!(!todos.delete(other, todo.id).unwrap());
    assert_eq!(todos.find(owner, todo.id).unwrap(), Some(todo));
}

#[rstest]
fn a_list_is_newest_first_and_then_by_descending_id(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let owner = storage.user("ada@example.com").id;
    // Their ids ascend in the order in which they are made.
    storage.todo(owner, "second, made first", 10);
    storage.todo(owner, "second, made last", 10);
    storage.todo(owner, "first", 20);
    storage.todo(owner, "last", 0);
    let list = storage
        .todos()
        .list(owner, &TodoFilter::default(), Page::default())
        .unwrap();
    assert_eq!(
        titles(&list),
        ["first", "second, made last", "second, made first", "last"]
    );
}

#[rstest]
fn a_page_has_one_more_than_its_limit_when_the_list_goes_on(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let owner = storage.user("ada@example.com").id;
    for number in 0..5 {
        storage.todo(owner, &number.to_string(), number);
    }
    let list = |limit, offset| {
        let all = TodoFilter::default();
        let list = storage.todos().list(owner, &all, page(limit, offset));
        titles(&list.unwrap()).join(" ")
    };
    assert_eq!(list(2, 0), "4 3 2");
    assert_eq!(list(2, 2), "2 1 0");
    assert_eq!(list(2, 3), "1 0");
    assert_eq!(list(5, 0), "4 3 2 1 0");
    assert_eq!(list(2, 5), "");
    assert_eq!(list(1_000, u32::MAX), "");
}

#[rstest]
fn list_and_count_give_what_the_filter_matches(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let owner = storage.user("ada@example.com").id;
    let texts = [
        ("Buy MILK", None),
        ("Straße fegen", Some("mit Besen")),
        ("100% sure", Some("under_score")),
        ("back\\slash", None),
        ("ΟΔΟΣ", Some("İstanbul")),
        ("milk again", Some("not a drop of MILK")),
        ("plain", Some("")),
    ];
    let mut stored = Vec::new();
    for (number, (title, text)) in (0..).zip(texts) {
        let todo = Todo {
            description: text.map(description),
            completed: number % 2 == 0,
            ..new_todo(owner, title, number)
        };
        storage.todos().insert(&todo).unwrap();
        stored.insert(0, todo);
    }
    let searches = [
        "milk",
        "STRASSE",
        "straße",
        "%",
        "_",
        "\\",
        "οδος",
        "ΟΔΌΣ",
        "i̇stanbul",
        "drop of",
        "nothing like it",
        "'",
        "milk%",
    ];
    let texts = std::iter::once(None).chain(searches.map(Some));
    for text in texts {
        for completed in [None, Some(true), Some(false)] {
            let filter = TodoFilter {
                completed,
                text: text.map(|text| SearchText::new(text).unwrap()),
            };
            let expected: Vec<&Todo> = stored.iter().filter(|todo| filter.matches(todo)).collect();
            let list = storage.todos().list(owner, &filter, Page::default());
            let list = list.unwrap();
            assert_eq!(list.iter().collect::<Vec<_>>(), expected, "{filter:?}");
            let count = storage.todos().count(owner, &filter).unwrap();
            assert_eq!(count, expected.len() as u64, "{filter:?}");
        }
    }
}

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
            .update(owner, expected.id, &change, at(now))
            .unwrap();
        assert_eq!(updated.as_ref(), Some(&expected), "{change:?}");
        let found = storage.todos().find(owner, expected.id).unwrap();
        assert_eq!(found.as_ref(), Some(&expected), "{change:?}");
        if let Ok(text) = SearchText::new(expected.title.as_str()) {
            let filter = TodoFilter {
                text: Some(text),
                completed: Some(expected.completed),
            };
            assert_eq!(storage.todos().count(owner, &filter).unwrap(), 1);
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
    (title, text, completion).prop_map(|(title, description, completion)| TodoChange {
        title,
        description,
        completion,
    })
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
        .update(owner, changed.id, &TodoChange::toggle(), at(9))
        .unwrap();
    assert_eq!(todos.find(owner, other.id).unwrap(), Some(other));
}

#[rstest]
fn a_deleted_todo_is_gone_and_a_second_time_there_is_none(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let owner = storage.user("ada@example.com").id;
    let (deleted, other) = (storage.todo(owner, "a", 0), storage.todo(owner, "b", 1));
    let todos = storage.todos();
    assert!(todos.delete(owner, deleted.id).unwrap());
    assert!(!todos.delete(owner, deleted.id).unwrap());
    assert_eq!(todos.find(owner, deleted.id).unwrap(), None);
    assert_eq!(todos.find(owner, other.id).unwrap(), Some(other));
}

#[rstest]
fn todos_go_with_their_owner(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(storage) = Storage::new(kind) else {
        return;
    };
    let owner = storage.user("ada@example.com").id;
    let todo = storage.todo(owner, "a", 0);
    storage.delete_user("ada@example.com");
    assert_eq!(storage.todos().find(owner, todo.id).unwrap(), None);
}
