//! How many connections there may be.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use todo_testkit::Kind::Sqlite;

use crate::harness::Server;

const REQUEST: &[u8] = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n";

fn connect(server: &Server) -> TcpStream {
    let mut connection = TcpStream::connect(server.address()).unwrap();
    connection.write_all(REQUEST).unwrap();
    connection
}

/// Whether an answer comes within `patience`.
fn is_answered(connection: &mut TcpStream, patience: Duration) -> bool {
    connection.set_read_timeout(Some(patience)).unwrap();
    let mut start = [0; 12];
    match connection.read_exact(&mut start) {
        Ok(()) => {
            assert_eq!(&start, b"HTTP/1.1 200");
            true
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn those_beyond_the_limit_wait_until_others_end() {
    let limit = [("HTTP_MAX_CONNECTIONS", "2"), ("HTTP_WORKERS", "1")];
    let server = Server::with(Sqlite, &limit).unwrap();
    let long = Duration::from_secs(30);
    // Used and kept, as a browser keeps it.
    let [mut first, mut second] = [(); 2].map(|()| connect(&server));
    assert!(is_answered(&mut first, long));
    assert!(is_answered(&mut second, long));
    let mut third = connect(&server);
    assert!(!is_answered(&mut third, Duration::from_millis(300)));
    drop(first);
    assert!(is_answered(&mut third, long));
}
