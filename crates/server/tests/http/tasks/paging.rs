//! Orders and cursors of GET /api/tasks

use rstest::rstest;
use serde_json::{Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Client, Server};

fn titles(list: &Value) -> Vec<String> {
    let tasks = list["tasks"].as_array().unwrap();
    let titles = tasks.iter().map(|task| task["title"].as_str().unwrap());
    titles.map(str::to_owned).collect()
}

/// Tasks named by what they are ordered by.
fn tasks(client: &Client) {
    for (title, priority, due) in [
        ("b", "high", Some("2026-12-02")),
        ("A", "low", None),
        ("d", "medium", Some("2026-12-01T23:00:00-08:00")),
        ("C", "high", Some("2026-12-01")),
    ] {
        let body = json!({"title": title, "priority": priority, "due_date": due});
        assert_eq!(client.post("/api/tasks", &body).status, 201);
    }
}

#[rstest]
#[case("", "C d A b")]
#[case("sort=created_at&order=asc", "b A d C")]
#[case("sort=updated_at", "C d A b")]
#[case("sort=due_date", "C b d A")]
#[case("sort=due_date&order=desc", "A d b C")]
#[case("sort=priority", "C b d A")]
#[case("sort=priority&order=asc", "A d b C")]
#[case("sort=title", "A b C d")]
#[case("sort=title&order=desc", "d C b A")]
fn a_list_has_the_order_that_is_asked_for(
    #[values(Sqlite, Postgres)] kind: Kind,
    #[case] query: &str,
    #[case] expected: &str,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    tasks(&client);
    let list = client.get(&format!("/api/tasks?{query}")).json();
    assert_eq!(titles(&list).join(" "), expected);
}

#[rstest]
#[case("/api/tasks?limit=2")]
#[case("/api/tasks?limit=2&sort=title&order=desc")]
#[case("/api/tasks?limit=2&sort=due_date&priority=high")]
#[case("/api/tasks/search?limit=2&q=%C3%A4%20%26%20b")]
fn pages_follow_one_another_by_link_and_by_cursor(
    #[values(Sqlite, Postgres)] kind: Kind,
    #[case] first: &str,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    for number in 0..5 {
        let body = json!({"title": format!("{number} Ä & B"), "priority": "high"});
        client.post("/api/tasks", &body);
    }
    let whole = titles(&client.get(&first.replace("limit=2", "limit=100")).json());
    assert_eq!(whole.len(), 5);
    let mut path = first.to_owned();
    let mut seen = Vec::new();
    loop {
        let answer = client.get(&path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let list = answer.json();
        seen.extend(titles(&list));
        let Some(cursor) = list["next_cursor"].as_str() else {
            assert_eq!(answer.header("link"), None);
            break;
        };
        let link = answer.header("link").unwrap();
        let target = link.strip_prefix('<').unwrap();
        let target = target.strip_suffix(">; rel=\"next\"").unwrap();
        let by_cursor = client.get(&format!("{first}&cursor={cursor}"));
        assert_eq!(client.get(target).json(), by_cursor.json());
        // What comes and goes on pages before the cursor changes nothing after it.
        client.task("9 zzz \u{e4} & b");
        path = target.to_owned();
    }
    seen.retain(|title| whole.contains(title));
    assert_eq!(seen, whole);
}

#[rstest]
fn a_cursor_is_of_use_in_its_own_list_only(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    tasks(&client);
    let list = client.get("/api/tasks?limit=1&status=pending&tag=").json();
    assert_eq!(list["errors"][0]["field"], "tag");
    let list = client.get("/api/tasks?limit=1&status=pending").json();
    let cursor = list["next_cursor"].as_str().unwrap();
    for same in [
        "status=pending",
        "limit=3&status=pending",
        "status=pending&total=true",
    ] {
        let answer = client.get(&format!("/api/tasks?{same}&cursor={cursor}"));
        assert_eq!(answer.status, 200, "{same}");
    }
    for other in [
        "",
        "status=all",
        "status=pending&sort=title",
        "status=pending&order=asc",
    ] {
        let answer = client.get(&format!("/api/tasks?{other}&cursor={cursor}"));
        assert_eq!(answer.invalid_fields(), ["cursor"], "{other}");
        assert!(answer.detail().contains("other filters or another order"));
    }
    let both = client.get(&format!(
        "/api/tasks?status=pending&offset=1&cursor={cursor}"
    ));
    assert_eq!(both.invalid_fields(), ["cursor"]);
}
