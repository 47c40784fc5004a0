//! POST /api/auth/logout

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Answer, Client, PASSWORD, Server};

#[rstest]
fn the_token_counts_no_more_from_the_next_request_on(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let answer = client.post("/api/auth/logout", &json!({}));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json(), json!({"message": "Successfully signed out"}));
    for path in ["/api/tasks", "/api/auth/session"] {
        let answer = client.get(path);
        assert_eq!(answer.status, 401);
        assert_eq!(answer.code(), "invalid_token");
        assert_eq!(answer.detail(), "Invalid or expired token");
    }
}

#[rstest]
fn a_token_that_was_used_a_moment_ago_has_no_effect_and_is_told_nothing(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let ada = server.user("ada@example.com");
    let path = ada.task_path("Buy milk");
    let stored = ada.get(&path).json();
    let login = json!({"email": "ada@example.com", "password": PASSWORD});
    let title = json!({"title": "Buy bread"});
    let wrong = json!({"title": ""});
    let toggle = format!("{path}/complete");
    let theirs = "/api/0192f0c1-2345-7abc-8def-0123456789ab/tasks";
    let calls: &[&dyn Fn(&Client) -> Answer] = &[
        &|client| client.get("/api/tasks"),
        &|client| client.get("/api/tasks?completed=true&total=true"),
        &|client| client.get("/api/tasks?due=today"),
        &|client| client.get("/api/tasks?nonsense=1"),
        &|client| client.get("/api/tasks/search?q=milk"),
        &|client| client.get(theirs),
        &|client| client.get(&path),
        &|client| client.get("/api/tasks/0192f0c1-2345-7abc-8def-0123456789ab"),
        &|client| client.post("/api/tasks", &title),
        &|client| client.post("/api/tasks", &wrong),
        &|client| client.put(&path, &title),
        &|client| client.toggle(&toggle),
        &|client| client.delete(&path),
    ];
    for (number, call) in calls.iter().enumerate() {
        let mut client = server.client();
        client.sign_in(&client.post("/api/auth/login", &login));
        assert_eq!(client.get(&path).status, 200);
        client.post("/api/auth/logout", &json!({}));
        let answer = call(&client);
        assert_eq!(answer.status, 401, "{number}: {answer:?}");
        assert_eq!(answer.code(), "invalid_token");
    }
    assert_eq!(ada.get(&path).json(), stored);
    assert_eq!(ada.get("/api/tasks").json()["count"], 1);
}

#[rstest]
fn it_counts_on_every_instance(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let other = Server::on(server.database.as_ref().unwrap(), &[]);
    let here = server.user("ada@example.com");
    let mut there = other.client();
    there.token.clone_from(&here.token);
    for _ in 0..5 {
        assert_eq!(there.get("/api/tasks").status, 200);
    }
    here.post("/api/auth/logout", &json!({}));
    assert_eq!(there.get("/api/tasks").status, 401);
}

#[rstest]
fn other_sessions_go_on(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let mut phone = server.client();
    let login = json!({"email": "ada@example.com", "password": PASSWORD});
    phone.sign_in(&phone.post("/api/auth/login", &login));
    client.post("/api/auth/logout", &json!({}));
    assert_eq!(phone.get("/api/tasks").status, 200);
}

#[rstest]
fn it_is_200_when_there_is_nothing_to_end(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let mut client = server.user("ada@example.com");
    for _ in 0..2 {
        assert_eq!(
            client.send("POST", "/api/auth/logout", &[], &[]).status,
            200
        );
    }
    for token in [None, Some("not a token".to_owned())] {
        client.token = token;
        assert_eq!(
            client.send("POST", "/api/auth/logout", &[], &[]).status,
            200
        );
    }
}
