//! PATCH /api/tasks/{id}/complete

use rstest::rstest;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::Server;

#[rstest]
fn it_toggles(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let path = client.task_path("Buy milk");
    for completed in [true, false, true] {
        let answer = client.toggle(&format!("{path}/complete"));
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["completed"], completed);
        assert_eq!(client.get(&path).json(), answer.json());
    }
}

#[rstest]
fn a_task_that_is_not_there_is_404(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let answer = client.toggle("/api/tasks/0192f0c1-2345-7abc-8def-0123456789ab/complete");
    assert_eq!(answer.status, 404);
    assert_eq!(answer.code(), "task_not_found");
}
