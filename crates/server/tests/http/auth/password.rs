//! PUT /api/auth/password

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Client, PASSWORD, Server};

const PATH: &str = "/api/auth/password";
const NEW: &str = "battery staple";

fn log_in(server: &Server, password: &str) -> Client {
    let mut client = server.client();
    let body = json!({"email": "ada@example.com", "password": password});
    let answer = client.post("/api/auth/login", &body);
    if answer.status == 200 {
        client.sign_in(&answer);
    }
    client
}

#[rstest]
fn the_new_one_counts_and_other_sessions_end(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let here = server.user("ada@example.com");
    let there = log_in(&server, PASSWORD);
    let body = json!({"current_password": PASSWORD, "new_password": NEW});
    let answer = here.put(PATH, &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(here.get("/api/tasks").status, 200);
    assert_eq!(there.get("/api/tasks").status, 401);
    assert!(log_in(&server, PASSWORD).token.is_none());
    assert!(log_in(&server, NEW).token.is_some());
    let events = here.get("/api/auth/events").json();
    let kinds: Vec<_> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "logged_in",
            "login_failed",
            "password_changed",
            "logged_in",
            "registered"
        ]
    );
}

#[rstest]
fn what_cannot_be_is_refused_by_name_and_changes_nothing(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let other = log_in(&server, PASSWORD);
    for (body, field) in [
        (
            json!({"current_password": "wrong horse", "new_password": NEW}),
            "current_password",
        ),
        (
            json!({"current_password": PASSWORD, "new_password": "short"}),
            "new_password",
        ),
        (
            json!({"current_password": PASSWORD, "new_password": "Ada@Example.com"}),
            "new_password",
        ),
        (
            json!({"current_password": PASSWORD, "new_password": "password123"}),
            "new_password",
        ),
        (json!({"new_password": NEW}), "current_password"),
    ] {
        let answer = client.put(PATH, &body);
        assert_eq!(answer.invalid_fields(), [field], "{body}");
    }
    assert_eq!(other.get("/api/tasks").status, 200);
    assert!(log_in(&server, PASSWORD).token.is_some());
}

#[rstest]
fn of_two_changes_at_once_one_succeeds(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let first = server.user("ada@example.com");
    let second = log_in(&server, PASSWORD);
    let change = |client: &Client, new: &str| {
        let body = json!({"current_password": PASSWORD, "new_password": new});
        client.put(PATH, &body).status
    };
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| change(&first, "battery staple one"));
        let other = scope.spawn(|| change(&second, "battery staple two"));
        (one.join().unwrap(), other.join().unwrap())
    });
    let mut answers = [one, other];
    answers.sort_unstable();
    // The other finds that the password is another, or that its session has ended.
    assert_eq!(answers[0], 200);
    assert!([401, 422].contains(&answers[1]), "{answers:?}");
    let counts = ["battery staple one", "battery staple two"]
        .iter()
        .filter(|password| log_in(&server, password).token.is_some())
        .count();
    assert_eq!(counts, 1);
}
