//! What there is when the disk under an SQLite file is full.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    thread,
};

use serde_json::json;

use crate::harness::{Answer, Client, Server};

/// Takes up all the room that is left.
fn fill(disk: &Path) {
    let mut ballast = File::create(disk.join("ballast")).unwrap();
    while ballast.write_all(&[0; 512]).is_ok() {}
}

fn create(client: &Client, title: &str, length: usize) -> Answer {
    let body = json!({"title": title, "description": "d".repeat(length)});
    client.post("/api/tasks", &body)
}

/// Creates tasks until there is no room for another, and gives how many there was room for.
fn create_until_full(client: &Client, length: usize) -> usize {
    for created in 0..10_000 {
        let answer = create(client, "Buy milk", length);
        if answer.status != 201 {
            assert_eq!(answer.status, 507, "{answer:?}");
            assert_eq!(answer.code(), "storage_full");
            return created;
        }
    }
    panic!("the disk is never full");
}

fn total(client: &Client) -> u64 {
    let list = client.get("/api/tasks?total=true");
    assert_eq!(list.status, 200, "{list:?}");
    list.json()["total"].as_u64().unwrap()
}

#[test]
fn reads_go_on_and_writes_do_once_there_is_room() {
    let Some(server) = Server::on_small_disk(3 * 1024) else {
        return;
    };
    let client = server.user("ada@example.com");
    let path = client.task_path("Buy bread");
    let new = json!({"name": "a reader", "scopes": ["tasks:read"], "expires_in_days": 1});
    let made = client.post("/api/auth/tokens", &new);
    let reader = client.with_token(made.json()["token"].as_str().unwrap());

    for _ in 0..2 {
        fill(server.disk());
        let before = total(&client);
        let created = create_until_full(&client, 2_000) + create_until_full(&client, 1);
        let refused = client.toggle(&format!("{path}/complete"));
        assert!([200, 507].contains(&refused.status), "{refused:?}");

        // On every connection, and on new ones.
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    assert_eq!(client.get(&path).status, 200);
                    assert_eq!(client.get("/api/auth/session").status, 200);
                    // It was not used before, which is to be recorded and cannot be.
                    assert_eq!(reader.get(&path).status, 200);
                });
            }
        });
        assert_eq!(client.get("/health/ready").status, 200);
        assert_eq!(total(&client), before + created as u64);

        fs::remove_file(server.disk().join("ballast")).unwrap();
        let room = create(&client, "Buy cheese", 2_000);
        assert_eq!(room.status, 201, "{room:?}");
        assert_eq!(total(&client), before + created as u64 + 1);
    }
    let log = server.log();
    assert!(
        log.contains("the time of the last use of a session or a token was not recorded"),
        "{log}"
    );
}
