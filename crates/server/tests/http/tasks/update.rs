//! PUT and PATCH /api/tasks/{id}

use rstest::rstest;
use serde_json::{Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::Server;

#[rstest]
#[case::title(json!({"title": " Buy oats "}), "title", json!("Buy oats"))]
#[case::description(json!({"description": "one"}), "description", json!("one"))]
#[case::clear(json!({"description": null}), "description", Value::Null)]
#[case::priority(json!({"priority": "high"}), "priority", json!("high"))]
#[case::due_date(json!({"due_date": "2026-12-05"}), "due_date", json!("2026-12-05"))]
#[case::due_at(
    json!({"due_date": "2026-12-01T09:30:00+02:00"}), "due_date", json!("2026-12-01T09:30:00+02:00")
)]
#[case::never_due(json!({"due_date": null}), "due_date", Value::Null)]
#[case::tags(json!({"tags": ["Work", " home ", "work"]}), "tags", json!(["work", "home"]))]
#[case::no_tags(json!({"tags": null}), "tags", json!([]))]
fn what_is_named_changes_and_nothing_else(
    #[values(Sqlite, Postgres)] kind: Kind,
    #[values("PUT", "PATCH")] method: &str,
    #[case] body: Value,
    #[case] member: &str,
    #[case] value: Value,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let created = json!({
        "title": "Buy milk", "description": "two", "due_date": "2026-01-01", "tags": ["errand"],
    });
    let mut expected = client.post("/api/tasks", &created).json();
    let path = format!("/api/tasks/{}", expected["id"].as_str().unwrap());
    let answer = client.send_json(method, &path, &body);
    assert_eq!(answer.status, 200);
    let updated = answer.json();
    assert!(updated["updated_at"].as_str() > expected["updated_at"].as_str());
    expected[member] = value;
    expected["updated_at"] = updated["updated_at"].clone();
    expected["version"] = json!(2);
    assert_eq!(updated, expected);
    assert_eq!(client.get(&path).json(), expected);
}

#[rstest]
#[case::completed(json!({"completed": true}), json!({"completed": false}))]
#[case::status(json!({"status": "completed"}), json!({"status": "pending"}))]
#[case::both(
    json!({"status": "completed", "completed": true}),
    json!({"status": "pending", "completed": false})
)]
fn a_task_is_done_and_undone(
    #[values(Sqlite, Postgres)] kind: Kind,
    #[case] done: Value,
    #[case] undone: Value,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let path = client.task_path("Buy milk");
    let first = client.put(&path, &done).json();
    assert_eq!(first["completed"], true);
    assert_eq!(first["completed_at"], first["updated_at"]);
    let again = client.put(&path, &done).json();
    assert_eq!(again["completed_at"], first["completed_at"]);
    let last = client.patch(&path, &undone).json();
    assert_eq!(last["completed"], false);
    assert_eq!(last["completed_at"], Value::Null);
    assert_eq!(last["version"], 4);
}

#[rstest]
fn a_change_of_nothing_leaves_the_task_as_it_is(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let path = client.task_path("Buy milk");
    let task = client.get(&path).json();
    assert_eq!(client.put(&path, &json!({})).json(), task);
    assert_eq!(client.patch(&path, &json!({})).json(), task);
}

#[rstest]
fn a_patch_may_be_called_a_merge_patch(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let path = client.task_path("Buy milk");
    let headers = [("content-type", "application/merge-patch+json")];
    let body = br#"{"completed": true}"#;
    assert_eq!(client.send("PATCH", &path, &headers, body).status, 200);
    let answer = client.send("PUT", &path, &headers, body);
    assert_eq!(answer.status, 415);
    assert_eq!(answer.code(), "unsupported_media_type");
}

#[rstest]
fn a_search_finds_what_a_task_says_now(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let path = client.task_path("Buy milk");
    client.put(
        &path,
        &json!({"title": "Buy oats", "description": "From the mill"}),
    );
    let count = |q: &str| client.get(&format!("/api/tasks/search?q={q}")).json()["count"].clone();
    assert_eq!(count("milk"), 0);
    assert_eq!(count("OATS"), 1);
    assert_eq!(count("MILL"), 1);
}

#[rstest]
fn a_task_that_is_not_there_is_404(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let path = "/api/tasks/0192f0c1-2345-7abc-8def-0123456789ab";
    for body in [json!({}), json!({"title": "a"})] {
        let answer = client.put(path, &body);
        assert_eq!(answer.status, 404);
        assert_eq!(answer.code(), "task_not_found");
    }
}
