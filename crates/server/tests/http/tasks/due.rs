//! The filters of GET /api/tasks that are about when tasks are due, how much they matter and how they are tagged.

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::Server;

#[rstest]
#[case("due_date=2026-12-01", "day evening")]
#[case("due_date=2026-12-02", "next")]
#[case("due_date=2026-12-02&time_zone=Europe/Berlin", "evening next")]
#[case("due_date_start=2026-12-02", "far next")]
#[case("due_date_end=2026-12-01", "day evening past")]
#[case(
    "due_date_start=2026-12-01&due_date_end=2026-12-02",
    "day evening next"
)]
#[case("due=none", "never")]
#[case("due=overdue", "past")]
#[case("priority=high", "day far")]
#[case("priority=medium", "evening never next past")]
#[case("tag=home", "day evening")]
#[case("tag=Home&tag=work", "evening")]
#[case("tag=hom", "")]
#[case("q=EVEN", "evening")]
#[case("completed=false&priority=high", "day far")]
#[case("completed=true", "")]
#[case(
    "tag=home&priority=high&due_date=2026-12-01&q=day&status=pending",
    "day"
)]
fn tasks_are_found_by_what_they_are(
    #[values(Sqlite, Postgres)] kind: Kind,
    #[case] query: &str,
    #[case] expected: &str,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    for (title, due, priority, tags) in [
        ("day", json!("2026-12-01"), "high", json!(["home"])),
        (
            "evening",
            json!("2026-12-01T23:30:00Z"),
            "medium",
            json!(["work", "home"]),
        ),
        ("next", json!("2026-12-02"), "medium", json!(["homework"])),
        ("far", json!("9999-12-31"), "high", json!([])),
        ("past", json!("2020-01-01"), "medium", json!([])),
        ("never", json!(null), "medium", json!([])),
    ] {
        let body = json!({"title": title, "due_date": due, "priority": priority, "tags": tags});
        assert_eq!(client.post("/api/tasks", &body).status, 201);
    }
    let list = client.get(&format!("/api/tasks?sort=title&{query}")).json();
    let tasks = list["tasks"].as_array().unwrap();
    let titles: Vec<_> = tasks
        .iter()
        .map(|task| task["title"].as_str().unwrap())
        .collect();
    assert_eq!(titles.join(" "), expected);
}

#[rstest]
fn what_is_done_is_not_overdue(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let body = json!({"title": "past", "due_date": "2020-01-01T12:00:00Z"});
    let task = client.post("/api/tasks", &body).json();
    let overdue = || client.get("/api/tasks?due=overdue").json()["count"].clone();
    assert_eq!(overdue(), 1);
    let path = format!("/api/tasks/{}/complete", task["id"].as_str().unwrap());
    client.toggle(&path);
    assert_eq!(overdue(), 0);
}
