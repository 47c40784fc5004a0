//! Whose tasks they are: what the path, the token and the owner of a task have to do with one another.

use rstest::rstest;
use serde_json::{Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Answer, Client, Server};

/// Every call on one task, and those on all, below `base`.
fn calls(client: &Client, base: &str, id: &str) -> Vec<Answer> {
    let body = json!({"title": "changed"});
    vec![
        client.get(base),
        client.post(base, &body),
        client.get(&format!("{base}/search?q=milk")),
        client.get(&format!("{base}/{id}")),
        client.put(&format!("{base}/{id}"), &body),
        client.patch(&format!("{base}/{id}"), &body),
        client.toggle(&format!("{base}/{id}/complete")),
        client.delete(&format!("{base}/{id}")),
    ]
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
}

#[rstest]
fn both_spellings_do_the_same(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    for base in ["/api/tasks".to_owned(), format!("/api/{}/tasks", client.id)] {
        let task = client.task("Buy milk");
        let answers = calls(&client, &base, task["id"].as_str().unwrap());
        assert_eq!(
            statuses(&answers),
            [200, 201, 200, 200, 200, 200, 200, 204],
            "{base}"
        );
    }
}

#[rstest]
fn another_users_spelling_is_403(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let other = server.user("grace@example.com");
    let task = other.task("Buy milk");
    let base = format!("/api/{}/tasks", other.id);
    for answer in calls(&client, &base, task["id"].as_str().unwrap()) {
        assert_eq!(answer.status, 403);
        assert_eq!(answer.code(), "user_id_mismatch");
        assert_eq!(answer.detail(), "Access forbidden: user ID mismatch");
    }
    assert_eq!(other.get("/api/tasks").json()["tasks"], json!([task]));
}

#[rstest]
fn a_user_id_that_is_none_is_422(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let task = client.task("Buy milk");
    for answer in calls(&client, "/api/42/tasks", task["id"].as_str().unwrap()) {
        assert_eq!(answer.invalid_fields(), ["user_id"]);
    }
}

#[rstest]
fn without_a_token_everything_is_401_whatever_else_is_wrong(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.client();
    for base in ["/api/tasks", "/api/42/tasks"] {
        for answer in calls(&client, base, "42") {
            assert_eq!(answer.status, 401);
            assert_eq!(answer.code(), "not_authenticated");
        }
    }
}

#[rstest]
fn another_users_task_is_as_one_that_does_not_exist(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let other = server.user("grace@example.com");
    let task = other.task("Buy milk");
    let without_ids = |id: &str| -> Vec<(u16, Value)> {
        calls(&client, "/api/tasks", id)
            .into_iter()
            .skip(3)
            .map(|answer| {
                let mut problem = answer.json();
                problem.as_object_mut().unwrap().remove("request_id");
                (answer.status, problem)
            })
            .collect()
    };
    let foreign = without_ids(task["id"].as_str().unwrap());
    let missing = without_ids("0192f0c1-2345-7abc-8def-0123456789ab");
    assert_eq!(foreign, missing);
    assert!(foreign.iter().all(|(status, _)| *status == 404));
    assert_eq!(other.get("/api/tasks").json()["tasks"], json!([task]));
}
