//! What there is behind pgbouncer, which gives each transaction another connection.

use std::thread;

use serde_json::json;
use todo_testkit::Pooler;

use crate::harness::Server;

#[test]
fn behind_a_pooler_that_knows_no_prepared_statements_everything_is_served() {
    let Some(pooler) = Pooler::new() else {
        return;
    };
    let server = Server::at(
        &pooler.url(),
        &[
            ("DATABASE_STATEMENT_CACHE", "off"),
            ("DATABASE_MIGRATION_URL", &pooler.behind().url()),
        ],
    );
    thread::scope(|scope| {
        for number in 0..8 {
            let server = &server;
            scope.spawn(move || {
                let client = server.user(&format!("ada{number}@example.com"));
                for round in 0..10 {
                    let path = client.task_path(&format!("Buy milk {round}"));
                    let key = [
                        ("content-type", "application/json"),
                        ("idempotency-key", "once"),
                    ];
                    let body = json!({"title": "Buy bread"}).to_string();
                    let once = client.send("POST", "/api/tasks", &key, body.as_bytes());
                    assert_eq!(once.status, 201, "{once:?}");
                    assert_eq!(client.toggle(&format!("{path}/complete")).status, 200);
                    assert_eq!(client.get(&path).json()["completed"], true);
                    assert_eq!(client.get("/api/tasks/search?q=milk").status, 200);
                    assert_eq!(client.get("/api/auth/session").status, 200);
                }
                let list = client.get("/api/tasks?total=true").json();
                assert_eq!(list["total"], 11, "{list}");
                let logout = client.post("/api/auth/logout", &json!({}));
                assert_eq!(logout.status, 200, "{logout:?}");
            });
        }
    });
}
