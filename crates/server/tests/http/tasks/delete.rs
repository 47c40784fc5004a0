//! DELETE /api/tasks/{id}

use rstest::rstest;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::Server;

#[rstest]
fn a_deleted_task_is_gone(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let path = client.task_path("Buy milk");
    let other = client.task_path("Buy oats");
    let answer = client.delete(&path);
    assert_eq!(answer.status, 204);
    assert!(answer.body.is_empty());
    assert_eq!(client.get(&path).status, 404);
    assert_eq!(client.delete(&path).status, 404);
    assert_eq!(client.get(&other).status, 200);
}
