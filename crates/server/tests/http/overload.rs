//! What there is when there is too much to do, and when the server is told to end.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    thread,
    time::Duration,
};

use serde_json::json;
use todo_testkit::Kind::{Postgres, Sqlite};

use crate::{
    harness::{Client, PASSWORD, Server, eventually, without_colours},
    metrics::{LISTEN, Shown},
};

/// One thread that takes long for each hash, and a queue that is full with one.
const NARROW: [(&str, &str); 4] = [
    ("HASHING_THREADS", "1"),
    ("HASHING_QUEUE_LENGTH", "1"),
    ("ARGON2_MEMORY_KIB", "19456"),
    ("ARGON2_ITERATIONS", "60"),
];

fn log_in(client: &Client) -> crate::harness::Answer {
    let body = json!({"email": "ada@example.com", "password": "wrong password"});
    client.post("/api/auth/login", &body)
}

#[test]
fn what_finds_the_queue_full_is_told_so_at_once_and_other_work_goes_on() {
    let server = Server::with(Sqlite, &NARROW).unwrap();
    let client = server.user("ada@example.com");
    thread::scope(|scope| {
        let logins: Vec<_> = (0..8).map(|_| scope.spawn(|| log_in(&client))).collect();
        while logins.iter().any(|login| !login.is_finished()) {
            assert_eq!(client.get("/api/tasks").status, 200);
            assert_eq!(client.get("/health/live").status, 200);
        }
        let answers: Vec<_> = logins
            .into_iter()
            .map(|login| login.join().unwrap())
            .collect();
        let refused: Vec<_> = answers
            .iter()
            .filter(|answer| answer.status == 503)
            .collect();
        assert!(!refused.is_empty());
        for answer in &refused {
            assert_eq!(answer.code(), "overloaded");
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
        let verified = answers.iter().filter(|answer| answer.status == 401).count();
        assert_eq!(verified + refused.len(), 8);
        assert!(verified >= 1);
    });
}

#[test]
fn invalid_input_is_reported_though_the_queue_is_full() {
    let variables = [
        LISTEN,
        ("DATABASE_MAX_CONNECTIONS", "1"),
        ("QUEUE_LENGTH", "1"),
    ];
    let Some(server) = Server::with(Postgres, &variables) else {
        return;
    };
    let client = server.user("ada@example.com");
    let of = |name: &str| Shown::by(&server).count(&format!(r#"{name}{{pool="database"}}"#));
    let database = server.database.as_ref().unwrap();
    let lock = database.open_transaction("LOCK TABLE tasks, sessions");
    let list = || client.get("/api/tasks").status;
    thread::scope(|scope| {
        let first = scope.spawn(list);
        eventually("one runs", || of("todo_worker_pool_busy") == 1);
        let second = scope.spawn(list);
        eventually("one waits", || of("todo_worker_pool_queue_depth") == 1);
        let invalid = client.post("/api/tasks", &json!({"title": ""}));
        assert_eq!(invalid.status, 422);
        assert_eq!(invalid.invalid_fields(), ["title"]);
        let valid = client.post("/api/tasks", &json!({"title": "Buy milk"}));
        assert_eq!((valid.status, valid.code().as_str()), (503, "overloaded"));
        // Nobody waits for a thread to learn that a credential is missing.
        let anonymous = server.client().post("/api/tasks", &json!({"title": ""}));
        assert_eq!(anonymous.status, 401);
        drop(lock);
        for list in [first, second] {
            assert_eq!(list.join().unwrap(), 200);
        }
    });
    // Otherwise a credential that is not valid is reported before the input.
    let mut forger = server.client();
    forger.token = Some("no token".to_owned());
    assert_eq!(forger.post("/api/tasks", &json!({"title": ""})).status, 401);
}

#[test]
fn what_takes_too_long_is_answered_in_time() {
    let server = Server::with(Sqlite, &[("REQUEST_DEADLINE_SECONDS", "1")]).unwrap();
    server.user("ada@example.com");
    // Of the highest cost that is computed: it takes a few times the deadline.
    let hash = "$2b$16$8pL2q9HtpPGDHH.w5YIABO1WwK7X1PPI7S7p9AhLj5BxsWsdUKhXm";
    let database = server.database.as_ref().unwrap();
    database.execute(&format!("UPDATE users SET hashed_password = '{hash}'"));
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let answer = server.client().post("/api/auth/login", &body);
    assert_eq!(answer.status, 503);
    assert_eq!(answer.code(), "outcome_unknown");
    // The login went on and renewed the hash, so that the next one is in time.
    eventually("the hash is renewed", || {
        let hashes = database.texts("users", "hashed_password");
        hashes.iter().all(|hash| hash.starts_with("$argon2id$"))
    });
    assert_eq!(server.client().post("/api/auth/login", &body).status, 200);
}

/// Asks so often, on one connection, whether the server lives, and counts how often it says so.
fn ask_often(address: &str, times: usize) -> usize {
    let mut connection = TcpStream::connect(address).unwrap();
    connection
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut sender = connection.try_clone().unwrap();
    let sending = thread::spawn(move || {
        for number in 1..=times {
            let close = if number == times {
                "Connection: close\r\n"
            } else {
                ""
            };
            let request = format!("GET /health/live HTTP/1.1\r\nHost: localhost\r\n{close}\r\n");
            sender.write_all(request.as_bytes()).unwrap();
        }
    });
    let mut answers = String::new();
    connection.read_to_string(&mut answers).unwrap();
    sending.join().unwrap();
    answers.matches("HTTP/1.1 200 OK").count()
}

#[test]
fn a_log_that_nobody_reads_keeps_nobody_waiting() {
    let mut server = Server::with_unread_log(Sqlite, &[LISTEN]).unwrap();
    let lost = || Shown::by(&server).count("todo_log_lines_lost_total");
    assert_eq!(ask_often(server.address(), 100), 100);
    assert_eq!(lost(), 0);
    // More than the pipe and the queue before it hold.
    assert_eq!(ask_often(server.address(), 20_000), 20_000);
    assert!(lost() > 0);
    tell_to_end(&server);
    assert!(server.wait().success());
}

#[test]
fn what_was_logged_is_written_before_the_server_ends_however_slowly_it_is_read() {
    const REQUESTS: usize = 5_000;
    let mut server = Server::with_unread_log(Sqlite, &[LISTEN]).unwrap();
    assert_eq!(ask_often(server.address(), REQUESTS), REQUESTS);
    assert_eq!(Shown::by(&server).count("todo_log_lines_lost_total"), 0);
    let mut log = server.take_log();
    tell_to_end(&server);
    let reading = thread::spawn(move || {
        let (mut text, mut chunk) = (Vec::new(), [0; 4096]);
        while let Ok(length @ 1..) = log.read(&mut chunk) {
            text.extend_from_slice(&chunk[..length]);
            thread::sleep(Duration::from_millis(10));
        }
        String::from_utf8(text).unwrap()
    });
    assert!(server.wait().success());
    let text = reading.join().unwrap();
    let lines = text.lines().filter(|line| line.contains("/health/live"));
    assert_eq!(lines.count(), REQUESTS);
    assert!(text.trim_end().ends_with("ended"), "{text}");
}

#[test]
fn a_server_whose_log_nobody_reads_ends_also_with_an_error() {
    let patience = [
        ("SLOW_CLIENT_DEADLINE_SECONDS", "20"),
        ("SHUTDOWN_DEADLINE_SECONDS", "20"),
    ];
    let mut server = Server::with_unread_log(Sqlite, &patience).unwrap();
    // More than the pipe holds.
    assert_eq!(ask_often(server.address(), 2_000), 2_000);
    let _request = hang(&server);
    let address = server.address().to_owned();
    tell_to_end(&server);
    eventually("the port is free", || TcpStream::connect(&address).is_err());
    tell_to_end(&server);
    assert_eq!(server.wait().code(), Some(1));
}

/// Has a request be under way for as long as its body does not come.
fn hang(server: &Server) -> TcpStream {
    let mut request = TcpStream::connect(server.address()).unwrap();
    let head = "POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n";
    request.write_all(head.as_bytes()).unwrap();
    // It has been accepted once a later one is answered on each of the threads that serve.
    for _ in 0..16 {
        assert_eq!(server.client().get("/health/live").status, 200);
    }
    request
}

fn tell_to_end(server: &Server) {
    let process = server.process_id().to_string();
    let killed = Command::new("kill").args(["-TERM", &process]).status();
    assert!(killed.unwrap().success());
}

#[test]
fn what_is_under_way_is_answered_before_the_server_ends() {
    let mut server = Server::with(Sqlite, &NARROW).unwrap();
    let client = server.client();
    let login = thread::spawn(move || log_in(&client));
    // The request is under way once its user is looked up; there is no telling from outside, so it is given a while.
    thread::sleep(Duration::from_millis(150));
    tell_to_end(&server);
    assert_eq!(login.join().unwrap().status, 401);
    assert!(server.wait().success());
    let address = server.address().to_owned();
    eventually("the port is free", || TcpStream::connect(&address).is_err());
}

#[test]
fn whoever_tells_the_server_twice_to_end_is_not_kept_waiting() {
    let patience = [
        ("SLOW_CLIENT_DEADLINE_SECONDS", "20"),
        ("SHUTDOWN_DEADLINE_SECONDS", "20"),
    ];
    let mut server = Server::with(Sqlite, &patience).unwrap();
    let _request = hang(&server);
    let address = server.address().to_owned();
    tell_to_end(&server);
    eventually("the port is free", || TcpStream::connect(&address).is_err());
    tell_to_end(&server);
    // Had it waited, it would have ended well.
    assert_eq!(server.wait().code(), Some(1));
    let log = without_colours(&server.log());
    let last = log.trim_end().lines().last().unwrap_or_default();
    assert!(last.contains("told twice to end"), "{log}");
}

#[test]
fn while_the_server_ends_every_answer_is_the_last_on_its_connection() {
    let mut server = Server::with(Sqlite, &[]).unwrap();
    let mut connection = TcpStream::connect(server.address()).unwrap();
    let mut ask = || {
        let request = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
        connection.write_all(request).unwrap();
        let mut answer = [0; 4096];
        let length = connection.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..length]).to_lowercase()
    };
    assert!(!ask().contains("connection: close"));
    tell_to_end(&server);
    // It may take a moment until the signal arrives; a connection that says that it ends is not used again.
    while !ask().contains("connection: close") {}
    assert!(server.wait().success());
}
