//! GET /api/tasks/{id}

use rstest::rstest;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::Server;

#[rstest]
fn a_task_is_read(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let task = client.task("Buy milk");
    let answer = client.get(&format!("/api/tasks/{}", task["id"].as_str().unwrap()));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.json(), task);
}

#[rstest]
fn a_task_that_is_not_there_is_404(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let answer = client.get("/api/tasks/0192f0c1-2345-7abc-8def-0123456789ab");
    assert_eq!(answer.status, 404);
    assert_eq!(answer.code(), "task_not_found");
    assert_eq!(answer.detail(), "Task not found");
}

#[rstest]
fn an_id_that_is_none_is_422(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    for id in ["42", "%00", "%ff", "0192f0c123457abc8def0123456789ab"] {
        let answer = client.get(&format!("/api/tasks/{id}"));
        assert_eq!(answer.invalid_fields(), ["id"]);
    }
}
