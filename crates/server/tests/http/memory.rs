//! The memory that clients can take, which is bounded whatever they send and however little they read

use std::{
    fs,
    io::Write,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use todo_testkit::Kind::Sqlite;

use crate::{
    harness::{Client, Server, eventually},
    metrics::{LISTEN, Shown},
};

/// As many connections as one address may have by default, and some for tests to look on.
const PER_ADDRESS: (&str, &str) = ("CONNECTIONS_PER_ADDRESS", "256");
const CONNECTIONS: usize = 200;
/// How long a test waits for all responses.
const PATIENCE: Duration = Duration::from_mins(5);
/// The largest growth of the process in KiB.
const MAX_GROWTH: u64 = 64 * 1_024;

/// The resident memory of a server in KiB.
fn resident(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.process_id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

fn answered(server: &Server) -> i64 {
    let shown = Shown::by(server);
    let requests = shown
        .series()
        .filter(|series| series.starts_with("todo_http_requests_total{"));
    requests.map(|series| shown.count(series)).sum()
}

/// By how many KiB a server grows while so many clients send `request` and read nothing.
fn growth(server: &Server, request: &[u8]) -> u64 {
    let before = resident(server);
    let answered_before = answered(server);
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut connection = TcpStream::connect(server.address()).unwrap();
        connection
            .set_write_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        // One that the server does not read has been sent all the same, as far as the client knows.
        drop(connection.write_all(request));
        connections.push(connection);
    }
    let all = i64::try_from(CONNECTIONS).unwrap();
    // A debug build takes its time for large bodies.
    let began = Instant::now();
    while answered(server) - answered_before < all {
        assert!(began.elapsed() < PATIENCE, "not all were answered");
        thread::sleep(Duration::from_millis(50));
    }
    let growth = resident(server).saturating_sub(before);
    // Others are served.
    assert_eq!(server.client().get("/health/ready").status, 200);
    drop(connections);
    eventually("what was buffered is given back", || {
        Shown::by(server).count("todo_http_buffered_bytes") == 0
    });
    growth
}

fn server() -> Server {
    Server::with(Sqlite, &[LISTEN, PER_ADDRESS]).unwrap()
}

fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[test]
fn unread_errors_do_not_fill_it() {
    let server = server();
    let body = format!("{{{}\"a\":1}}", "\"a\":1,".repeat(87_000));
    let grown = growth(&server, &post("/api/auth/refresh", &body));
    assert!(grown <= MAX_GROWTH, "{grown} KiB");
    let body = format!(
        "{{{}\"a\":1}}",
        "\"aaaaaaaaaaaaaaaaaaaaaaaa\":1,".repeat(17_000)
    );
    let grown = growth(&server, &post("/api/auth/login", &body));
    assert!(grown <= MAX_GROWTH, "{grown} KiB");
}

#[test]
fn unread_files_do_not_fill_it() {
    let server = server();
    let request = b"GET /api/docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: x\r\n\r\n";
    let grown = growth(&server, &request.repeat(10));
    assert!(grown <= MAX_GROWTH, "{grown} KiB");
}

/// Makes 1,000 tasks with the longest descriptions.
fn fill(client: &Client) {
    let description = "x".repeat(2_000);
    let operations: Vec<Value> = (0..100)
        .map(|number| json!({"op": "create", "title": format!("{number}"), "description": description}))
        .collect();
    for _ in 0..10 {
        let answer = client.post("/api/tasks/batch", &json!({"operations": operations}));
        assert_eq!(answer.status, 200);
    }
}

#[test]
fn unread_lists_do_not_fill_it_and_those_without_room_are_refused() {
    let server = server();
    let client = server.user("ada@example.com");
    fill(&client);
    assert_eq!(client.get("/api/tasks?limit=1000").status, 200);
    let token = client.token.as_deref().unwrap();
    let request =
        format!("GET /api/tasks HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    let grown = growth(&server, &request.repeat(3).into_bytes());
    assert!(grown <= MAX_GROWTH, "{grown} KiB");
    let refused = r#"todo_http_buffered_refused_total{body="response"}"#;
    assert!(Shown::by(&server).count(refused) > 0);
    assert_eq!(client.get("/api/tasks?limit=1000").status, 200);
}

#[test]
fn requests_without_room_are_refused_and_small_ones_are_served() {
    let limit = ("BUFFERED_BYTES_LIMIT", "1048576");
    let slow = ("SLOW_CLIENT_DEADLINE_SECONDS", "60");
    let server = Server::with(Sqlite, &[LISTEN, PER_ADDRESS, limit, slow]).unwrap();
    let client = server.user("ada@example.com");
    let body = format!(
        "{{\"title\":\"a\",\"description\":\"{}\"}}",
        "x".repeat(400_000)
    );
    let request = post("/api/tasks", &body);
    // All but the end of a large request.
    let mut held = TcpStream::connect(server.address()).unwrap();
    held.write_all(&request[..request.len() - 1]).unwrap();
    eventually("it is buffered", || {
        Shown::by(&server).count("todo_http_buffered_bytes") > 400_000
    });
    let headers = [("content-type", "application/json")];
    let answer = client.send("POST", "/api/tasks", &headers, body.as_bytes());
    assert_eq!(answer.status, 503);
    assert_eq!(answer.code(), "overloaded");
    assert_eq!(answer.header("retry-after"), Some("1"));
    client.task("Buy milk");
    assert_eq!(client.get("/api/tasks").status, 200);
    let refused = r#"todo_http_buffered_refused_total{body="request"}"#;
    assert_eq!(Shown::by(&server).count(refused), 1);
    drop(held);
    eventually("there is room again", || {
        let answer = client.send("POST", "/api/tasks", &headers, body.as_bytes());
        answer.status == 422
    });
}
