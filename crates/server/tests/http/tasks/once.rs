//! Idempotency-Key on POST /api/tasks

use std::thread;

use rstest::rstest;
use serde_json::{Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Answer, Client, Server};

fn create(client: &Client, key: &str, body: &Value) -> Answer {
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", key),
    ];
    client.send("POST", "/api/tasks", &headers, body.to_string().as_bytes())
}

fn count(client: &Client) -> Value {
    client.get("/api/tasks").json()["count"].clone()
}

#[rstest]
fn a_request_that_is_repeated_gets_the_same_answer(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let body = json!({"title": "Buy milk", "tags": ["home"]});
    let first = create(&client, "key", &body);
    assert_eq!(first.status, 201);
    let task = first.header("location").unwrap();
    client.put(task, &json!({"title": "Buy oats"}));
    for _ in 0..2 {
        let again = create(&client, "key", &body);
        assert_eq!(again.status, 201);
        assert_eq!(again.body, first.body);
        for header in ["location", "etag", "content-type"] {
            assert_eq!(again.header(header), first.header(header));
        }
    }
    assert_eq!(count(&client), 1);
    assert_eq!(create(&client, "another key", &body).status, 201);
    assert_eq!(count(&client), 2);
}

#[rstest]
fn another_request_by_the_same_key_is_422(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    create(&client, "key", &json!({"title": "Buy milk"}));
    let answer = create(&client, "key", &json!({"title": "Buy oats"}));
    assert_eq!(answer.status, 422);
    assert_eq!(answer.code(), "idempotency_key_reused");
    assert_eq!(count(&client), 1);
}

#[rstest]
fn a_key_of_a_request_that_was_refused_is_free(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    assert_eq!(create(&client, "key", &json!({"title": ""})).status, 422);
    assert_eq!(create(&client, "key", &json!({"title": "a"})).status, 201);
}

#[rstest]
fn a_key_that_is_none_is_422(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    for key in ["", "\"\"", &"k".repeat(256)] {
        let answer = create(&client, key, &json!({"title": "a"}));
        assert_eq!(answer.invalid_fields(), ["Idempotency-Key"]);
    }
    assert_eq!(count(&client), 0);
}

#[rstest]
fn of_the_same_request_at_once_one_has_its_effect(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let body = json!({"title": "Buy milk"});
    let answers: Vec<Answer> = thread::scope(|scope| {
        let running: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| create(&client, "key", &body)))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let mut bodies = Vec::new();
    for answer in answers {
        match answer.status {
            201 => bodies.push(answer.body),
            409 => assert_eq!(answer.code(), "request_under_way"),
            status => panic!("{status}"),
        }
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    assert_eq!(count(&client), 1);
}
