//! POST /api/tasks

use rstest::rstest;
use serde_json::{Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::Server;

#[rstest]
fn a_task_is_created_and_is_where_location_says(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let body = json!({"title": "  Buy milk  ", "description": "two\nlitres"});
    let answer = client.post("/api/tasks", &body);
    assert_eq!(answer.status, 201);
    let task = answer.json();
    assert_eq!(task["title"], "Buy milk");
    assert_eq!(task["description"], "two\nlitres");
    assert_eq!(task["completed"], false);
    assert_eq!(task["completed_at"], Value::Null);
    assert_eq!(task["priority"], "medium");
    assert_eq!(task["due_date"], Value::Null);
    assert_eq!(task["tags"], json!([]));
    assert_eq!(task["version"], 1);
    assert_eq!(answer.header("etag"), Some("\"1\""));
    assert_eq!(task["user_id"], client.id.as_str());
    assert_eq!(task["created_at"], task["updated_at"]);
    let location = answer.header("location").unwrap();
    assert_eq!(
        location,
        format!("/api/tasks/{}", task["id"].as_str().unwrap())
    );
    assert_eq!(client.get(location).json(), task);
}

#[rstest]
fn times_are_in_utc_to_the_microsecond_with_a_z(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let task = server.user("ada@example.com").task("Buy milk");
    for member in ["created_at", "updated_at"] {
        let time = task[member].as_str().unwrap();
        let shape: String = time
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert_eq!(shape, "0000-00-00T00:00:00.000000Z");
    }
}

#[rstest]
fn a_description_may_be_absent_null_or_empty(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    for (body, description) in [
        (json!({"title": "a"}), Value::Null),
        (json!({"title": "a", "description": null}), Value::Null),
        (json!({"title": "a", "description": ""}), json!("")),
    ] {
        let answer = client.post("/api/tasks", &body);
        assert_eq!(answer.json()["description"], description);
    }
}

#[rstest]
fn an_unknown_header_means_nothing(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let headers = [
        ("content-type", "application/json; charset=utf-8"),
        ("x-internal-service", "chatbot"),
    ];
    let answer = client.send("POST", "/api/tasks", &headers, br#"{"title": "a"}"#);
    assert_eq!(answer.status, 201);
}

#[rstest]
fn everything_that_is_given_is_kept(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    for due in [
        "2026-12-05",
        "2026-12-01T00:00:00Z",
        "2026-12-01T09:30:00.5-11:30",
    ] {
        let body = json!({"title": "a", "priority": "low", "due_date": due, "tags": ["B", "a"]});
        let task = client.post("/api/tasks", &body).json();
        assert_eq!(task["priority"], "low");
        assert_eq!(task["due_date"], due);
        assert_eq!(task["tags"], json!(["b", "a"]));
        let path = format!("/api/tasks/{}", task["id"].as_str().unwrap());
        assert_eq!(client.get(&path).json(), task);
    }
}
