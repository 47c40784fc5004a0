//! Idempotency-Key on POST /api/tasks and on POST /api/tasks/batch

use std::thread;

use rstest::rstest;
use serde_json::{Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Answer, Client, Server};

fn post(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", key),
    ];
    client.send("POST", path, &headers, body.to_string().as_bytes())
}

fn create(client: &Client, key: &str, body: &Value) -> Answer {
    post(client, "/api/tasks", key, body)
}

fn batch(client: &Client, key: &str, body: &Value) -> Answer {
    post(client, "/api/tasks/batch", key, body)
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
    let operations = json!({"operations": [{"op": "create", "title": "a"}]});
    for key in ["", "\"\"", &"k".repeat(256)] {
        let answer = create(&client, key, &json!({"title": "a"}));
        assert_eq!(answer.invalid_fields(), ["Idempotency-Key"]);
        let answer = batch(&client, key, &operations);
        assert_eq!(answer.invalid_fields(), ["Idempotency-Key"]);
    }
    assert_eq!(count(&client), 0);
}

#[rstest]
#[case::create("/api/tasks", 201, json!({"title": "Buy milk"}), 1)]
#[case::batch("/api/tasks/batch", 200, json!({"operations": [
    {"op": "create", "title": "a"},
    {"op": "create", "title": "b"},
    {"op": "create", "title": "c"},
]}), 3)]
fn of_the_same_request_at_once_one_has_its_effect(
    #[values(Sqlite, Postgres)] kind: Kind,
    #[case] path: &str,
    #[case] granted: u16,
    #[case] body: Value,
    #[case] created: u64,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let answers: Vec<Answer> = thread::scope(|scope| {
        let running: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| post(&client, path, "key", &body)))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let mut bodies = vec![post(&client, path, "key", &body).body];
    for answer in answers {
        if answer.status == granted {
            bodies.push(answer.body);
        } else {
            assert_eq!(answer.status, 409, "{answer:?}");
            assert_eq!(answer.code(), "request_under_way");
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
    }
    assert!(bodies.len() > 1);
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    assert_eq!(count(&client), created);
}

#[rstest]
fn a_batch_that_is_repeated_gets_the_same_answer(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let [done, deleted] = ["a", "b"].map(|title| client.task(title)["id"].clone());
    let body = json!({"atomic": false, "operations": [
        {"op": "create", "title": "\u{1f980} \"c\""},
        {"op": "complete", "id": done},
        {"op": "delete", "id": deleted},
        {"op": "delete", "id": deleted},
        {"op": "create", "title": ""},
    ]});
    let first = batch(&client, "key", &body);
    assert_eq!(first.status, 200);
    let statuses: Vec<_> = (0..5)
        .map(|index| first.json()["results"][index]["status"].clone())
        .collect();
    assert_eq!(statuses, [201, 200, 204, 404, 422]);
    let path = format!("/api/tasks/{}", done.as_str().unwrap());
    let changed = client.put(&path, &json!({"title": "A"})).json();
    for _ in 0..2 {
        let again = batch(&client, "key", &body);
        assert_eq!(again.status, 200);
        assert_eq!(again.body, first.body);
        for header in ["content-type", "cache-control"] {
            assert_eq!(again.header(header), first.header(header));
        }
    }
    assert_eq!(client.get(&path).json(), changed);
    assert_eq!(count(&client), 2);
    assert_eq!(batch(&client, "another key", &body).status, 200);
    assert_eq!(count(&client), 3);
}

#[rstest]
fn a_batch_is_made_once_at_the_path_that_names_the_owner(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let path = format!("/api/{}/tasks/batch", client.id);
    let body = json!({"operations": [{"op": "create", "title": "a"}]});
    let first = post(&client, &path, "key", &body);
    assert_eq!(first.status, 200);
    assert_eq!(post(&client, &path, "key", &body).body, first.body);
    assert_eq!(count(&client), 1);
}

#[rstest]
fn a_key_is_of_one_request_alone(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let body = json!({"operations": [{"op": "create", "title": "a"}]});
    batch(&client, "key", &body);
    let other = json!({"operations": [{"op": "create", "title": "b"}]});
    for answer in [
        batch(&client, "key", &other),
        create(&client, "key", &json!({"title": "a"})),
    ] {
        assert_eq!(answer.status, 422);
        assert_eq!(answer.code(), "idempotency_key_reused");
    }
    assert_eq!(count(&client), 1);
}

#[rstest]
fn a_key_of_a_batch_that_was_refused_is_free(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let create = json!({"op": "create", "title": "a"});
    let missing = json!({"op": "delete", "id": "0192f0c1-2345-7abc-8def-0123456789ab"});
    let unknown = json!({"op": "explode"});
    for (operations, status) in [
        (json!([create, unknown]), 422),
        (json!([create, missing]), 404),
        (json!([]), 422),
        (json!([create]), 200),
    ] {
        let answer = batch(&client, "key", &json!({"operations": operations}));
        assert_eq!(answer.status, status, "{answer:?}");
    }
    assert_eq!(count(&client), 1);
}
