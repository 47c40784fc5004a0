//! GET /health/live and GET /health/ready

use std::thread;

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::Server;

#[rstest]
fn a_server_that_serves_is_live_and_ready(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.client();
    assert_eq!(client.get("/health/live").json(), json!({"status": "live"}));
    assert_eq!(
        client.get("/health/ready").json(),
        json!({"status": "ready"})
    );
}

#[test]
fn a_server_whose_database_is_away_is_live_and_not_ready() {
    let Some(server) = Server::start(Postgres) else {
        return;
    };
    let client = server.user("ada@example.com");
    let database = server.database.as_ref().unwrap();
    database.take_away();
    let ready = client.get("/health/ready");
    assert_eq!(ready.status, 503);
    assert_eq!(ready.code(), "storage_unavailable");
    assert_eq!(ready.header("retry-after"), Some("1"));
    assert_eq!(client.get("/health/live").status, 200);
    let list = client.get("/api/tasks");
    assert_eq!(list.status, 503);
    assert_eq!(list.code(), "storage_unavailable");
    let login = json!({"email": "ada@example.com", "password": crate::harness::PASSWORD});
    assert_eq!(client.post("/api/auth/login", &login).status, 503);
    database.bring_back();
    assert_eq!(client.get("/health/ready").status, 200);
    assert_eq!(client.get("/api/tasks").status, 200);
}

#[test]
fn connections_that_died_in_the_pool_cost_a_client_nothing() {
    let Some(server) = Server::start(Postgres) else {
        return;
    };
    let client = server.user("ada@example.com");
    let path = client.task_path("Buy milk");
    for _ in 0..5 {
        // Several connections, all of which are lost.
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(client.get("/api/tasks").status, 200));
            }
        });
        server.database.as_ref().unwrap().terminate_connections();
        assert_eq!(client.get("/api/tasks").status, 200);
        server.database.as_ref().unwrap().terminate_connections();
        assert_eq!(client.toggle(&format!("{path}/complete")).status, 200);
    }
    assert_eq!(client.get(&path).json()["completed"], true);
}
