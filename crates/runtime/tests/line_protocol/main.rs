//! An inbound adapter that is not REST gets the same authorization, limits, errors and traces.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, their helpers too"
)]

mod adapter;
mod server;

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    sync::Arc,
    thread,
};

use serde_json::Value;

use server::Server;

/// A client of the adapter.
struct Client {
    socket: UnixStream,
    responses: BufReader<UnixStream>,
}

impl Client {
    fn of(server: &Server) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let runtime = Arc::clone(&server.runtime);
        thread::spawn(move || adapter::serve(theirs, &runtime).unwrap());
        Self {
            responses: BufReader::new(ours.try_clone().unwrap()),
            socket: ours,
        }
    }

    fn send(&mut self, line: &str) -> String {
        self.socket
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
        let mut response = String::new();
        self.responses.read_line(&mut response).unwrap();
        response.trim_end().to_owned()
    }

    fn ok(&mut self, line: &str) -> Value {
        let response = self.send(line);
        let json = response
            .strip_prefix("OK ")
            .unwrap_or_else(|| panic!("{response}"));
        serde_json::from_str(json).unwrap()
    }

    fn error(&mut self, line: &str) -> String {
        let response = self.send(line);
        let words: Vec<&str> = response.splitn(4, ' ').collect();
        assert_eq!(words[0], "ERROR", "{response}");
        format!(
            "{} {}",
            words[1],
            response.split(' ').find(|word| word.contains('_')).unwrap()
        )
    }
}

#[test]
fn tasks_are_created_and_listed() {
    let server = Server::new(None);
    let token = server.token("ada@example.com");
    let mut client = Client::of(&server);
    let created = client.ok(&format!(r#"{token} create {{"title": "Buy milk"}}"#));
    assert_eq!(created["title"], "Buy milk");
    let list = client.ok(&format!("{token} list status=pending"));
    assert_eq!(list["tasks"][0], created);
    let other = server.token("grace@example.com");
    assert_eq!(client.ok(&format!("{other} list "))["count"], 0);
}

#[test]
fn errors_are_those_of_rest() {
    let server = Server::new(None);
    let token = server.token("ada@example.com");
    let mut client = Client::of(&server);
    let invalid = format!(r#"{token} create {{"title": ""}}"#);
    assert_eq!(client.error(&invalid), "422 validation_failed");
    let unknown = format!("{token} list colour=red");
    assert_eq!(client.error(&unknown), "422 validation_failed");
    // The credential is reported before the input.
    for line in ["x list colour=red", "x list "] {
        assert_eq!(client.error(line), "401 invalid_token");
    }
    assert_eq!(client.error("x delete "), "404 route_not_found");
    server.end_sessions();
    assert_eq!(client.error(&invalid), "401 invalid_token");
}

#[test]
fn requests_of_a_user_are_limited() {
    let server = Server::new(Some(3));
    let (ada, grace) = (
        server.token("ada@example.com"),
        server.token("grace@example.com"),
    );
    let mut client = Client::of(&server);
    for _ in 0..3 {
        client.ok(&format!("{ada} list "));
    }
    assert_eq!(client.error(&format!("{ada} list ")), "429 rate_limited");
    client.ok(&format!("{grace} list "));
}

#[test]
fn every_request_is_traced() {
    let server = Server::new(None);
    let token = server.token("ada@example.com");
    let mut client = Client::of(&server);
    client.ok(&format!("{token} list "));
    client.error("x list ");
    assert_eq!(server.traces(), 2);
}
