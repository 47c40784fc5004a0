//! Clauses about listing and counting todos.

use todo_domain::{
    Atomicity, Days, Direction, DuePeriod, Page, PageLimit, PageStart, Priority, SearchText,
    SortKey, SortValue, TimeZone, Timestamp, Todo, TodoFilter, TodoId, TodoOperation, TodoOrder,
    UserId, date,
};

use crate::fixture::{TestStorage, at, description, new_todo, tags};

fn page(limit: u32, offset: u32) -> Page {
    Page {
        limit: PageLimit::new(limit).unwrap(),
        start: PageStart::Offset(offset),
        ..Page::default()
    }
}

fn titles(todos: &[Todo]) -> Vec<&str> {
    todos.iter().map(|todo| todo.title.as_str()).collect()
}

pub fn todos_are_listed_newest_first_then_by_descending_id(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    // Their ids ascend in the order in which they are made.
    storage.todo(owner, "second, made first", 10);
    storage.todo(owner, "second, made last", 10);
    storage.todo(owner, "first", 20);
    storage.todo(owner, "last", 0);
    let list = storage
        .todos()
        .list(owner.into(), &TodoFilter::default(), &Page::default())
        .unwrap();
    assert_eq!(
        titles(&list),
        ["first", "second, made last", "second, made first", "last"]
    );
}

pub fn a_page_has_one_more_than_its_limit_if_there_are_more(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    for number in 0..5 {
        storage.todo(owner, &number.to_string(), number);
    }
    let list = |limit, offset| {
        let all = TodoFilter::default();
        let list = storage
            .todos()
            .list(owner.into(), &all, &page(limit, offset));
        titles(&list.unwrap()).join(" ")
    };
    assert_eq!(list(2, 0), "4 3 2");
    assert_eq!(list(2, 2), "2 1 0");
    assert_eq!(list(2, 3), "1 0");
    assert_eq!(list(5, 0), "4 3 2 1 0");
    assert_eq!(list(2, 5), "");
    assert_eq!(list(1_000, u32::MAX), "");
}

pub fn list_and_count_equal_the_filter(storage: &TestStorage) {
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
            completed_at: (number % 2 == 0).then_some(at(number)),
            ..new_todo(owner, title, number)
        };
        storage.todos().insert(&todo, None).unwrap();
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
                ..TodoFilter::default()
            };
            let expected: Vec<&Todo> = stored.iter().filter(|todo| filter.matches(todo)).collect();
            let list = storage
                .todos()
                .list(owner.into(), &filter, &Page::default());
            let list = list.unwrap();
            assert_eq!(list.iter().collect::<Vec<_>>(), expected, "{filter:?}");
            let count = storage.todos().count(owner.into(), &filter).unwrap();
            assert_eq!(count, expected.len() as u64, "{filter:?}");
        }
    }
}

/// A pattern that is compared with a text anew at each position takes the product of their lengths: with these, minutes.
pub fn search_time_is_linear_for_adversarial_texts(storage: &TestStorage) {
    const TODOS: i64 = 1_500;
    let owner = storage.user("ada@example.com").id;
    let (poo, a) = ("💩".repeat(1_990), "a".repeat(1_990));
    let operations: Vec<_> = (0..TODOS)
        .map(|number| {
            let text = if number % 2 == 0 { &poo } else { &a };
            TodoOperation::Insert(Todo {
                description: Some(description(text)),
                ..new_todo(owner, "crafted", number)
            })
        })
        .collect();
    for operations in operations.chunks(100) {
        let all = Atomicity::AllOrNothing;
        storage
            .todos()
            .apply(owner, operations, all, at(0), None)
            .unwrap();
    }
    for (repeated, found) in [("💩", TODOS / 2), ("a", TODOS / 2), ("b", 0)] {
        let half = repeated.repeat(127);
        let searches = [
            (half.repeat(2), found),
            (format!("{half}{half}x"), 0),
            (format!("x{half}{half}"), 0),
            (format!("{half}x{half}"), 0),
        ];
        for (text, found) in searches {
            let filter = TodoFilter {
                text: Some(SearchText::new(&text).unwrap()),
                ..TodoFilter::default()
            };
            // So often that the product of the lengths would be felt.
            for _ in 0..4 {
                let count = storage.todos().count(owner.into(), &filter).unwrap();
                assert_eq!(count, found.unsigned_abs(), "{text}");
            }
        }
    }
}

pub fn a_filter_may_have_twenty_tags(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    let names: Vec<String> = (0..21).map(|n| format!("{}{n}", "a".repeat(40))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let todo = Todo {
        tags: tags(&names[..20]),
        ..new_todo(owner, "tagged", 0)
    };
    storage.todos().insert(&todo, None).unwrap();
    let count = |sought: &[&str]| {
        let filter = TodoFilter {
            tags: tags(sought).iter().cloned().collect(),
            ..TodoFilter::default()
        };
        assert_eq!(
            filter.matches(&todo),
            sought.iter().all(|tag| names[..20].contains(tag))
        );
        storage.todos().count(owner.into(), &filter).unwrap()
    };
    assert_eq!(count(&names[..20]), 1);
    assert_eq!(count(&names[1..]), 0);
    assert_eq!(count(&["aa"]), 0);
}

/// Todos that differ in everything that can be filtered and ordered by, and that are alike in some of it.
fn various(storage: &TestStorage, owner: UserId) -> Vec<Todo> {
    let dues = [
        None,
        Some("2026-11-20"),
        Some("2026-11-21"),
        Some("2026-11-21T00:30:00+01:00"),
        Some("2026-11-20T23:30:00Z"),
        Some("2026-11-21T12:00:00Z"),
        Some("2026-11-22"),
    ];
    let priorities = [Priority::Low, Priority::Medium, Priority::High];
    let all_tags: [&[&str]; 4] = [&[], &["home"], &["home", "work"], &["homework", "100%"]];
    let titles = ["banana", "Apple", "apple", "Éclair", "zebra", "Zoo"];
    let mut todos = Vec::new();
    for number in 0..42_usize {
        let instant = i64::try_from(number / 2).unwrap();
        let todo = Todo {
            due: dues[number % dues.len()].map(|due| due.parse().unwrap()),
            priority: priorities[number % priorities.len()],
            tags: tags(all_tags[number % all_tags.len()]),
            completed_at: (number % 5 == 0).then_some(at(instant)),
            updated_at: at(100 - instant),
            ..new_todo(owner, titles[number % titles.len()], instant)
        };
        storage.todos().insert(&todo, None).unwrap();
        todos.push(todo);
    }
    todos
}

fn orders() -> Vec<TodoOrder> {
    let keys = [
        SortKey::CreatedAt,
        SortKey::UpdatedAt,
        SortKey::Due,
        SortKey::Priority,
        SortKey::Title,
    ];
    let directions = [Direction::Ascending, Direction::Descending];
    keys.into_iter()
        .flat_map(|key| directions.map(|direction| TodoOrder { key, direction }))
        .collect()
}

/// The todos as an order has them, by what the domain says of it.
fn sorted(mut todos: Vec<Todo>, order: TodoOrder) -> Vec<TodoId> {
    let key = |todo: &Todo| {
        let position = order.position(todo);
        let value = match position.value {
            SortValue::Instant(instant) => (instant.as_microseconds(), String::new()),
            SortValue::Priority(priority) => (priority.into(), String::new()),
            SortValue::Text(text) => (0, text),
        };
        (value, position.id)
    };
    todos.sort_by_key(key);
    if order.direction == Direction::Descending {
        todos.reverse();
    }
    todos.iter().map(|todo| todo.id).collect()
}

pub fn every_order_equals_the_order_of_positions(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    let todos = various(storage, owner);
    for order in orders() {
        let page = Page {
            order,
            ..Page::default()
        };
        let list = storage
            .todos()
            .list(owner.into(), &TodoFilter::default(), &page);
        let ids: Vec<TodoId> = list.unwrap().iter().map(|todo| todo.id).collect();
        assert_eq!(ids, sorted(todos.clone(), order), "{order:?}");
    }
}

pub fn consecutive_pages_make_the_whole_list_despite_changes(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    let todos = various(storage, owner);
    let all = TodoFilter::default();
    for order in orders() {
        let mut page = Page {
            order,
            limit: PageLimit::new(5).unwrap(),
            ..Page::default()
        };
        let mut seen = Vec::new();
        loop {
            let mut items = storage.todos().list(owner.into(), &all, &page).unwrap();
            let goes_on = items.len() > 5;
            items.truncate(5);
            seen.extend(items.iter().map(|todo| todo.id));
            let last = items.last().unwrap();
            page.start = PageStart::After(order.position(last));
            // The last one of a page goes, and the next page starts where it stood.
            storage.todos().delete(owner.into(), last.id, None).unwrap();
            storage.todos().insert(last, None).unwrap();
            if !goes_on {
                break;
            }
        }
        assert_eq!(seen, sorted(todos.clone(), order), "{order:?}");
    }
}

pub fn every_filter_equals_the_filter_of_the_domain(storage: &TestStorage) {
    let owner = storage.user("ada@example.com").id;
    let todos = various(storage, owner);
    let now = Timestamp::try_from("2026-11-21T10:00:00Z".to_owned()).unwrap();
    let zones = [
        "UTC",
        "Europe/Berlin",
        "Pacific/Auckland",
        "America/Los_Angeles",
    ];
    let periods = [
        "overdue",
        "today",
        "tomorrow",
        "this_week",
        "next_week",
        "none",
    ];
    let days = [
        (Some("2026-11-21"), Some("2026-11-21")),
        (Some("2026-11-21"), None),
        (None, Some("2026-11-20")),
    ];
    let mut filters = vec![TodoFilter::default()];
    for zone in zones.map(|zone| zone.parse::<TimeZone>().unwrap()) {
        let periods = periods.map(|period| period.parse::<DuePeriod>().unwrap());
        let days = days.map(|(first, last)| {
            let day = |text: Option<&str>| text.map(|text| date(text).unwrap());
            Days::new(day(first), day(last)).unwrap()
        });
        let conditions = periods
            .map(|period| period.condition(now, &zone))
            .into_iter()
            .chain(days.map(|days| days.condition(&zone)));
        filters.extend(conditions.map(|due| TodoFilter {
            due: vec![due],
            ..TodoFilter::default()
        }));
    }
    for sought in [
        &["home"][..],
        &["work"],
        &["home", "work"],
        &["100%"],
        &["ome"],
        &["_"],
    ] {
        filters.push(TodoFilter {
            tags: tags(sought).iter().cloned().collect(),
            ..TodoFilter::default()
        });
    }
    filters.push(TodoFilter {
        priority: Some(Priority::High),
        completed: Some(false),
        ..TodoFilter::default()
    });
    let mut some = 0;
    for filter in filters {
        let expected = todos.iter().filter(|todo| filter.matches(todo)).cloned();
        let expected = sorted(expected.collect(), TodoOrder::default());
        let list = storage
            .todos()
            .list(owner.into(), &filter, &Page::default());
        let ids: Vec<TodoId> = list.unwrap().iter().map(|todo| todo.id).collect();
        assert_eq!(ids, expected, "{filter:?}");
        let count = storage.todos().count(owner.into(), &filter).unwrap();
        assert_eq!(count, expected.len() as u64, "{filter:?}");
        some += usize::from(!ids.is_empty());
    }
    assert!(some > 20, "hardly any filter matches anything");
}
