//! Quotas of tasks, their bytes, and sessions

use rstest::rstest;
use serde_json::{Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Answer, Client, PASSWORD, Server};

const QUOTAS: [(&str, &str); 3] = [
    ("TASKS_PER_USER", "3"),
    ("BYTES_PER_USER", "100"),
    ("SESSIONS_PER_USER", "2"),
];

/// Someone with an account on a server with small quotas.
fn ada(kind: Kind) -> Option<(Server, Client)> {
    let server = Server::with(kind, &QUOTAS)?;
    let ada = server.user("ada@example.com");
    Some((server, ada))
}

fn title(bytes: usize) -> Value {
    json!({"title": "x".repeat(bytes)})
}

/// The id of a task that was created.
fn created(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

#[track_caller]
fn assert_exceeded(answer: &Answer, limit: &str) {
    assert_eq!(answer.status, 409, "{answer:?}");
    assert_eq!(answer.code(), "quota_exceeded");
    let body = answer.json();
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.contains(limit), "{detail}");
}

#[rstest]
fn a_task_above_the_quota_is_refused_until_one_is_deleted(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some((server, ada)) = ada(kind) else {
        return;
    };
    let ids: Vec<_> = (0..3)
        .map(|_| created(&ada.post("/api/tasks", &title(1))))
        .collect();
    assert_exceeded(&ada.post("/api/tasks", &title(1)), "3 tasks");
    let grace = server.user("grace@example.com");
    created(&grace.post("/api/tasks", &title(1)));
    let batch = json!({"operations": [{"op": "create", "title": "x"}]});
    assert_exceeded(&ada.post("/api/tasks/batch", &batch), "3 tasks");
    assert_eq!(ada.delete(&format!("/api/tasks/{}", ids[0])).status, 204);
    created(&ada.post("/api/tasks", &title(1)));
}

#[rstest]
fn texts_above_the_quota_are_refused_and_shorter_ones_are_not(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some((_server, ada)) = ada(kind) else {
        return;
    };
    let path = format!(
        "/api/tasks/{}",
        created(&ada.post("/api/tasks", &title(60)))
    );
    assert_exceeded(&ada.post("/api/tasks", &title(41)), "100 bytes");
    created(&ada.post("/api/tasks", &title(40)));
    assert_exceeded(&ada.patch(&path, &title(61)), "100 bytes");
    assert_exceeded(&ada.put(&path, &title(61)), "100 bytes");
    let body = ada.get(&path).json();
    assert_eq!(body["title"], "x".repeat(60));
    assert_eq!(ada.patch(&path, &json!({"completed": true})).status, 200);
    assert_eq!(ada.patch(&path, &title(1)).status, 200);
    assert_eq!(ada.patch(&path, &title(60)).status, 200);
}

#[rstest]
fn a_key_is_free_again_after_a_refusal(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some((_server, ada)) = ada(kind) else {
        return;
    };
    let full = created(&ada.post("/api/tasks", &title(100)));
    let head = [
        ("content-type", "application/json"),
        ("idempotency-key", "\"one\""),
    ];
    let create = || ada.send("POST", "/api/tasks", &head, title(1).to_string().as_bytes());
    assert_exceeded(&create(), "100 bytes");
    assert_eq!(ada.delete(&format!("/api/tasks/{full}")).status, 204);
    let first = created(&create());
    assert_eq!(created(&create()), first);
}

#[rstest]
fn a_session_above_the_quota_ends_the_least_recently_used_one(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some((server, first)) = ada(kind) else {
        return;
    };
    let log_in = || {
        let mut client = server.client();
        let body = json!({"email": "ada@example.com", "password": PASSWORD});
        let answer = client.post("/api/auth/login", &body);
        client.sign_in(&answer);
        client
    };
    let second = log_in();
    assert_eq!(first.get("/api/tasks").status, 200);
    let third = log_in();
    assert_eq!(first.get("/api/tasks").code(), "invalid_token");
    assert_eq!(second.get("/api/tasks").status, 200);
    let sessions = third.get("/api/auth/sessions").json();
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 2);
    let events = third.get("/api/auth/events").json();
    let kinds = events["events"].as_array().unwrap().iter();
    let evicted = kinds.filter(|event| event["kind"] == "session_evicted");
    assert_eq!(evicted.count(), 1, "{events}");
}
