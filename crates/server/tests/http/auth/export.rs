//! /api/auth/account/export: streamed, in constant memory, and broken off rather than cut short.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use rstest::rstest;
use serde_json::{Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Client, Server, eventually};

const PATH: &str = "/api/auth/account/export";

/// Room for batches of large tasks.
const LARGE_BODIES: (&str, &str) = ("BODY_LIMIT_BYTES", "4194304");

/// Creates hundreds of tasks.
fn fill(client: &Client, hundreds: usize, description: &str) {
    for hundred in 0..hundreds {
        let operations: Vec<_> = (0..100)
            .map(|n| {
                let title = format!("Task {}", 100 * hundred + n);
                json!({"op": "create", "title": title, "description": description})
            })
            .collect();
        let answer = client.post("/api/tasks/batch", &json!({"operations": operations}));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

/// About 24 MB, in tasks that are as large as can be: far more than the buffers of a connection hold.
fn fill_with_large_tasks(client: &Client) {
    fill(client, 30, &"💩".repeat(2_000));
}

/// All tasks in the order of their creation, as lists have them.
fn listed(client: &Client) -> Vec<Value> {
    let mut tasks = Vec::new();
    let mut path = "/api/tasks?sort=created_at&order=asc".to_owned();
    loop {
        let list = client.get(&path).json();
        tasks.extend_from_slice(list["tasks"].as_array().unwrap());
        match list["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/tasks?sort=created_at&order=asc&cursor={cursor}"),
            None => return tasks,
        }
    }
}

#[rstest]
fn an_export_of_many_tasks_is_the_whole_account(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    server.user("grace@example.com").task("Buy bread");
    fill(&client, 25, "with a \"quoted\" text");
    client.task("the last");
    let answer = client.get(PATH);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(
        answer.header("content-disposition"),
        Some(r#"attachment; filename="todo-account.json""#)
    );
    let export = answer.json();
    let members: Vec<&String> = export.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        ["account", "events", "sessions", "tasks", "tokens"]
    );
    assert_eq!(export["account"], client.get("/api/auth/account").json());
    assert_eq!(export["tasks"].as_array().unwrap(), &listed(&client));
    assert_eq!(export["tokens"], json!([]));
    let sessions = client.get("/api/auth/sessions").json();
    assert_eq!(export["sessions"], sessions["sessions"]);
    let events = client.get("/api/auth/events").json();
    assert_eq!(export["events"], events["events"]);
}

#[rstest]
fn many_sessions_and_events_are_exported_in_pages(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let database = server.database.as_ref().unwrap();
    // As many of each as make the last page full, each at the same instant.
    let (new_id, of_user) = match kind {
        Sqlite => ("randomblob(16)", "n.n >= 0"),
        Postgres => ("gen_random_uuid()", "n.n >= 0"),
    };
    database.execute(&format!(
        "INSERT INTO sessions (id, user_id, created_at, expires_at, last_used_at) \
         WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 199) \
         SELECT {new_id}, s.user_id, s.created_at, s.expires_at, s.last_used_at \
         FROM sessions s, n WHERE {of_user}"
    ));
    database.execute(&format!(
        "INSERT INTO security_events (id, user_id, kind, created_at) \
         WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 298) \
         SELECT {new_id}, e.user_id, e.kind, e.created_at FROM security_events e, n WHERE {of_user}"
    ));
    let export = client.get(PATH).json();
    let mut ids: Vec<&str> = export["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|session| session["id"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 200);
    assert_eq!(export["events"].as_array().unwrap().len(), 300);
    assert_eq!(export["events"][0]["kind"], "account_exported");
}

/// An export that is read as slowly as the test wants.
struct Download {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Download {
    /// Asks for an export, and waits for its first bytes.
    fn begin(server: &Server, client: &Client) -> Self {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let token = client.token.as_ref().unwrap();
        let head =
            format!("GET {PATH} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut download = Self {
            stream,
            received: Vec::new(),
        };
        assert!(download.read());
        assert!(download.received.starts_with(b"HTTP/1.1 200 OK"));
        download
    }

    /// Reads some more; `false` at the end.
    fn read(&mut self) -> bool {
        let mut chunk = vec![0; 65_536];
        match self.stream.read(&mut chunk) {
            Ok(0) | Err(_) => false,
            Ok(length) => {
                self.received.extend_from_slice(&chunk[..length]);
                true
            }
        }
    }

    /// Reads on until the document is whole, or the connection ends before it is.
    fn ends_whole(mut self) -> bool {
        let end = b"\r\n0\r\n\r\n";
        while !self.received.ends_with(end) {
            if !self.read() {
                return false;
            }
        }
        true
    }
}

#[test]
fn an_export_breaks_off_when_its_session_is_revoked() {
    let server = Server::with(Sqlite, &[LARGE_BODIES]).unwrap();
    let client = server.user("ada@example.com");
    fill_with_large_tasks(&client);
    assert!(Download::begin(&server, &client).ends_whole());
    let download = Download::begin(&server, &client);
    assert_eq!(client.post("/api/auth/logout", &json!({})).status, 200);
    assert!(!download.ends_whole());
    eventually("the log says so", || {
        server.log().contains("an export was broken off")
    });
}

#[test]
fn a_user_has_two_exports_and_searches_in_flight_at_most() {
    let server = Server::with(Sqlite, &[LARGE_BODIES]).unwrap();
    let client = server.user("ada@example.com");
    let other = server.user("grace@example.com");
    fill_with_large_tasks(&client);
    let downloads: Vec<_> = (0..2).map(|_| Download::begin(&server, &client)).collect();
    let search = "/api/tasks/search?q=milk".to_owned();
    let list = "/api/tasks?q=milk".to_owned();
    let of_user = format!("/api/{}/tasks/search?q=milk", client.id);
    for path in [PATH.to_owned(), search.clone(), list, of_user] {
        let answer = client.get(&path);
        assert_eq!(answer.status, 429, "{path}");
        assert_eq!(answer.code(), "rate_limited");
        assert!(answer.detail().contains("searches and exports"));
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    // Whatever else the user does, and others search for, goes on.
    assert_eq!(client.get("/api/tasks?limit=1").status, 200);
    assert_eq!(other.get(&search).status, 200);
    assert_eq!(other.get(PATH).status, 200);
    let mut downloads = downloads.into_iter();
    assert!(downloads.next().unwrap().ends_whole());
    assert_eq!(client.get(&search).status, 200);
    // A client that disconnects frees its slot as well.
    let held = downloads.next();
    let again = Download::begin(&server, &client);
    assert_eq!(client.get(&search).status, 429);
    drop((held, again));
    eventually("nothing is in flight", || client.get(&search).status == 200);
}

#[cfg(target_os = "linux")]
#[test]
fn an_export_takes_no_more_memory_for_more_tasks() {
    const MOST_KIB: u64 = 8 * 1024;
    let server = Server::with(Sqlite, &[LARGE_BODIES]).unwrap();
    let client = server.user("ada@example.com");
    fill_with_large_tasks(&client);
    let process = server.process_id();
    let kibibytes = |name: &str| -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    // The peak is counted from here on.
    std::fs::write(format!("/proc/{process}/clear_refs"), "5").unwrap();
    let before = kibibytes("VmRSS:");
    assert!(Download::begin(&server, &client).ends_whole());
    let peak = kibibytes("VmHWM:");
    assert!(peak < before + MOST_KIB, "{before} KiB, then {peak} KiB");
}
