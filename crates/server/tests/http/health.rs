//! GET /health/live and GET /health/ready

use std::thread;

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Answer, Server};

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
    assert_eq!(failed_check(&ready), "database");
    assert_eq!(
        ready.detail(),
        "The database is unavailable or does not respond"
    );
    let body = String::from_utf8_lossy(&ready.body).into_owned();
    assert!(!body.contains(&database.url()), "{body}");
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

/// The one check that says that a server is not ready.
fn failed_check(answer: &Answer) -> String {
    let problem = answer.json();
    let errors = problem["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{problem}");
    assert_eq!(errors[0]["message"], problem["detail"]);
    errors[0]["field"].as_str().unwrap().to_owned()
}

#[rstest]
fn a_server_whose_tables_are_gone_is_not_ready_and_says_so(
    #[values(Sqlite, Postgres)] kind: Kind,
    #[values(
        "DROP TABLE __diesel_schema_migrations",
        "DELETE FROM __diesel_schema_migrations WHERE version > '20261121000000'"
    )]
    change: &str,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    server.database.as_ref().unwrap().execute(change);
    let ready = server.client().get("/health/ready");
    assert_eq!(ready.status, 503);
    assert_eq!(ready.code(), "not_migrated");
    assert_eq!(failed_check(&ready), "migrations");
    assert_eq!(server.client().get("/health/live").status, 200);
}

#[rstest]
fn a_server_is_ready_on_a_database_that_a_newer_one_has_migrated(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')";
    server.database.as_ref().unwrap().execute(newer);
    assert_eq!(server.client().get("/health/ready").status, 200);
}

#[test]
fn a_server_whose_database_does_not_answer_is_not_ready_and_says_so() {
    let Some(server) = Server::with(Postgres, &[("REQUEST_DEADLINE_SECONDS", "1")]) else {
        return;
    };
    let database = server.database.as_ref().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            database.execute(
                "BEGIN; LOCK TABLE __diesel_schema_migrations IN ACCESS EXCLUSIVE MODE; \
                 SELECT pg_sleep(4); COMMIT",
            );
        });
        // It is not known when the lock is there, but that it will be.
        let not_ready = || {
            let ready = server.client().get("/health/ready");
            (ready.status == 503).then_some(ready)
        };
        let ready = loop {
            if let Some(ready) = not_ready() {
                break ready;
            }
        };
        assert_eq!(ready.code(), "storage_unavailable");
        assert_eq!(failed_check(&ready), "database");
        assert!(ready.detail().ends_with("does not respond"), "{ready:?}");
    });
    assert_eq!(server.client().get("/health/ready").status, 200);
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
