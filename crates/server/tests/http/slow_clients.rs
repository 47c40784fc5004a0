//! Clients that send or read slowly, or not at all, and what they cannot keep from others

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use rstest::rstest;
use todo_testkit::Kind::Sqlite;

use crate::{
    harness::{Server, eventually, send_raw},
    metrics::{LISTEN, Shown},
};

const SLOW: (&str, &str) = ("SLOW_CLIENT_DEADLINE_SECONDS", "1");
/// How long a test waits for what happens within seconds.
const PATIENCE: Duration = Duration::from_secs(30);

const REQUEST: &[u8] = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n";
const HALF_A_HEAD: &[u8] = b"GET /health/live HTTP/1.1\r\nhost: x\r\nx-slow: ";

fn connect(server: &Server) -> TcpStream {
    let connection = TcpStream::connect(server.address()).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    connection
}

/// Sends a request and reads its response, which has a body of known size.
fn ask(connection: &mut TcpStream, request: &[u8]) -> String {
    connection.write_all(request).unwrap();
    let mut response = Vec::new();
    let mut byte = [0];
    while !response.ends_with(b"\r\n\r\n") {
        connection.read_exact(&mut byte).unwrap();
        response.push(byte[0]);
    }
    let head = String::from_utf8(response).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.unwrap().parse().unwrap()];
    connection.read_exact(&mut body).unwrap();
    head
}

/// Sends `bytes` again and again, at this interval, until the server closes the connection; what was received by then.
fn trickle(mut connection: &TcpStream, bytes: &[u8], interval: Duration) -> String {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                thread::sleep(interval);
                if (&mut &*connection).write_all(bytes).is_err() {
                    break;
                }
            }
        });
        let mut received = Vec::new();
        let mut chunk = [0; 4_096];
        let end = loop {
            match connection.read(&mut chunk) {
                Ok(0) => break Ok(()),
                Ok(length) => received.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        is_over.store(true, Ordering::Relaxed);
        drop(connection.shutdown(Shutdown::Both));
        assert!(end.is_ok(), "it was not closed: {end:?}");
        String::from_utf8(received).unwrap()
    })
}

#[rstest]
#[case::a_first_head(&[], HALF_A_HEAD)]
#[case::a_second_head(&[REQUEST], HALF_A_HEAD)]
#[case::a_third_head(&[REQUEST, REQUEST], HALF_A_HEAD)]
#[case::blank_lines(&[REQUEST], b"\r\n")]
fn a_head_that_does_not_end_is_not_waited_for(#[case] before: &[&[u8]], #[case] begin: &[u8]) {
    let server = Server::with(Sqlite, &[SLOW, LISTEN]).unwrap();
    let mut connection = connect(&server);
    for request in before {
        assert!(ask(&mut connection, request).starts_with("HTTP/1.1 200 "));
    }
    connection.write_all(begin).unwrap();
    let byte = if begin == HALF_A_HEAD { b"x" } else { b"\n" };
    let received = trickle(&connection, byte, Duration::from_millis(200));
    let is_first = before.is_empty();
    assert_eq!(
        received.starts_with("HTTP/1.1 408 "),
        is_first,
        "{received}"
    );
    let closed = r#"todo_http_connections_closed_total{deadline="head"}"#;
    eventually("it is counted", || Shown::by(&server).count(closed) == 1);
    eventually("it is closed", || {
        Shown::by(&server).count("todo_http_connections_open") == 0
    });
}

#[rstest]
#[case::of_a_handler("/api/auth/login", "408")]
#[case::of_no_route("/nowhere", "404")]
fn a_chunked_body_that_does_not_end_is_not_waited_for(#[case] path: &str, #[case] status: &str) {
    let server = Server::with(Sqlite, &[SLOW, LISTEN]).unwrap();
    let mut connection = connect(&server);
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).unwrap();
    let received = trickle(&connection, b"1\r\nx\r\n", Duration::from_millis(200));
    let start = format!("HTTP/1.1 {status} ");
    assert!(received.starts_with(&start), "{received}");
    assert!(received.contains("connection: close\r\n"), "{received}");
    assert!(received.ends_with('}'), "{received}");
    let closed = r#"todo_http_connections_closed_total{deadline="body"}"#;
    eventually("it is counted", || Shown::by(&server).count(closed) == 1);
}

#[test]
fn a_body_that_arrives_is_read_though_nobody_needs_it_and_the_connection_is_kept() {
    let server = Server::with(Sqlite, &[SLOW]).unwrap();
    let mut connection = connect(&server);
    let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    let head = "POST /nowhere HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    let request = format!("{head}{}0\r\n\r\n", chunk.repeat(20));
    for _ in 0..3 {
        let response = ask(&mut connection, request.as_bytes());
        assert!(response.starts_with("HTTP/1.1 404 "), "{response}");
        assert!(!response.contains("connection: close"), "{response}");
    }
}

#[test]
fn an_idle_connection_is_kept_for_longer_than_a_head_may_take() {
    let server = Server::with(Sqlite, &[SLOW]).unwrap();
    let mut connection = connect(&server);
    for _ in 0..2 {
        assert!(ask(&mut connection, REQUEST).starts_with("HTTP/1.1 200 "));
        thread::sleep(Duration::from_millis(2_500));
    }
    assert!(ask(&mut connection, REQUEST).starts_with("HTTP/1.1 200 "));
}

#[test]
fn slow_clients_on_every_connection_do_not_keep_others_out() {
    let limit = [SLOW, ("HTTP_MAX_CONNECTIONS", "40"), ("HTTP_WORKERS", "2")];
    let server = Server::with(Sqlite, &limit).unwrap();
    let mut slow: Vec<_> = (0..48).map(|_| connect(&server)).collect();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for connection in &mut slow {
            let stop = &stop;
            scope.spawn(move || {
                drop(connection.write_all(REQUEST));
                drop(connection.write_all(HALF_A_HEAD));
                while !stop.load(Ordering::Relaxed) && connection.write_all(b"x").is_ok() {
                    thread::sleep(Duration::from_millis(200));
                }
            });
        }
        for _ in 0..8 {
            let began = Instant::now();
            let response = send_raw(
                server.address(),
                b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
                PATIENCE,
            );
            if !response.starts_with("HTTP/1.1 200 ") || began.elapsed() >= PATIENCE {
                stop.store(true, Ordering::Relaxed);
                panic!("not served: {response:?}");
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_response_that_is_not_read_is_given_up() {
    let deadline = ("UNREAD_RESPONSE_DEADLINE_SECONDS", "1");
    let server = Server::with(Sqlite, &[deadline, LISTEN]).unwrap();
    let mut connection = connect(&server);
    let request = b"GET /api/docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: x\r\n\r\n";
    // More than the buffers of the operating system take.
    connection.write_all(&request.repeat(30)).unwrap();
    let closed = r#"todo_http_connections_closed_total{deadline="write"}"#;
    eventually("it is given up", || Shown::by(&server).count(closed) == 1);
    eventually("it is closed", || {
        Shown::by(&server).count("todo_http_connections_open") == 0
    });
}

#[test]
fn a_response_that_is_read_slowly_is_sent_to_its_end() {
    let deadline = ("UNREAD_RESPONSE_DEADLINE_SECONDS", "1");
    let server = Server::with(Sqlite, &[deadline, SLOW]).unwrap();
    let mut connection = connect(&server);
    let request = b"GET /api/docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: x\r\n\r\n";
    let last = b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let requests = [request.repeat(8), last.to_vec()].concat();
    connection.write_all(&requests).unwrap();
    let mut received = Vec::new();
    let mut chunk = vec![0; 512 * 1_024];
    loop {
        match connection.read(&mut chunk).unwrap() {
            0 => break,
            length => received.extend_from_slice(&chunk[..length]),
        }
        thread::sleep(Duration::from_millis(100));
    }
    let text = String::from_utf8_lossy(&received);
    assert_eq!(text.matches("HTTP/1.1 200 OK\r\n").count(), 9);
    assert!(text.ends_with('}'));
}

#[test]
fn one_address_has_no_more_connections_than_its_limit() {
    let limit = ("CONNECTIONS_PER_ADDRESS", "3");
    let server = Server::with(Sqlite, &[limit, LISTEN]).unwrap();
    let mut connections: Vec<_> = (0..3).map(|_| connect(&server)).collect();
    for connection in &mut connections {
        assert!(ask(connection, REQUEST).starts_with("HTTP/1.1 200 "));
    }
    let is_refused = || {
        let mut connection = connect(&server);
        drop(connection.write_all(REQUEST));
        !matches!(connection.read(&mut [0; 12]), Ok(12))
    };
    assert!(is_refused());
    let refused = Shown::by(&server).count("todo_http_connections_refused_total");
    assert_eq!(refused, 1);
    connections.pop();
    eventually("another one is accepted", || !is_refused());
}

#[test]
fn a_trusted_proxy_has_as_many_connections_as_it_wants() {
    let limit = [
        ("CONNECTIONS_PER_ADDRESS", "1"),
        ("TRUSTED_PROXIES", "127.0.0.0/8"),
    ];
    let server = Server::with(Sqlite, &limit).unwrap();
    let mut connections: Vec<_> = (0..5).map(|_| connect(&server)).collect();
    for connection in &mut connections {
        assert!(ask(connection, REQUEST).starts_with("HTTP/1.1 200 "));
    }
}
