//! What two servers do on one SQLite file.

use std::{collections::BTreeSet, sync::Arc, thread};

use serde_json::json;
use todo_testkit::{Kind::Sqlite, TestDatabase};

use crate::harness::{Client, Server};

/// Creates so many tasks, and gives the ids of those that were acknowledged.
fn create(client: &Client, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| client.task(&number.to_string())["id"].to_string())
        .collect()
}

fn ids(client: &Client) -> BTreeSet<String> {
    let list = client.get("/api/tasks?limit=100").json();
    let tasks = list["tasks"].as_array().unwrap();
    tasks.iter().map(|task| task["id"].to_string()).collect()
}

#[test]
fn two_servers_on_one_file_do_no_harm() {
    let database = Arc::new(TestDatabase::new(Sqlite).unwrap());
    // They make the tables and the keys together.
    let start = || Server::on(&database, &[("JWT_SECRET", "")]);
    let (mut one, other) = thread::scope(|scope| {
        let one = scope.spawn(start);
        (one.join().unwrap(), start())
    });
    let mut client = one.user("ada@example.com");
    let mut elsewhere = other.client();
    elsewhere.token.clone_from(&client.token);

    let acknowledged = thread::scope(|scope| {
        let there = scope.spawn(|| create(&elsewhere, 25));
        let here = scope.spawn(|| create(&client, 25));
        [there.join().unwrap(), here.join().unwrap()].concat()
    });
    let acknowledged: BTreeSet<_> = acknowledged.into_iter().collect();
    assert_eq!(acknowledged.len(), 50);
    assert_eq!(ids(&client), acknowledged);
    assert_eq!(ids(&elsewhere), acknowledged);

    // One is killed while the other writes, which goes on.
    thread::scope(|scope| {
        let there = scope.spawn(|| create(&elsewhere, 25));
        one.kill();
        there.join().unwrap();
    });
    assert_eq!(ids(&elsewhere).len(), 75);
    let checked = database.values("SELECT integrity_check AS value FROM pragma_integrity_check");
    assert_eq!(checked, [Some("ok".to_owned())]);

    // A logout on one counts on the other from the next request on.
    one = start();
    client = one.client();
    client.token.clone_from(&elsewhere.token);
    assert_eq!(client.get("/api/auth/session").status, 200);
    assert_eq!(elsewhere.post("/api/auth/logout", &json!({})).status, 200);
    assert_eq!(client.get("/api/auth/session").status, 401);
}
