//! POST /api/auth/login

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{PASSWORD, Server};

#[rstest]
fn the_right_password_gives_a_token_that_counts(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let registered = server.user("ada@example.com");
    let mut client = server.client();
    let body = json!({"email": "Ada@example.com", "password": PASSWORD});
    let answer = client.post("/api/auth/login", &body);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    client.sign_in(&answer);
    assert_eq!(client.id, registered.id);
    assert_ne!(client.token, registered.token);
    assert_eq!(client.get("/api/tasks").status, 200);
}

#[rstest]
fn a_wrong_password_and_an_unknown_address_get_the_same_answer(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    server.user("ada@example.com");
    let without_id = |email: &str| {
        let body = json!({"email": email, "password": "wrong password"});
        let answer = server.client().post("/api/auth/login", &body);
        assert_eq!(answer.status, 401);
        assert_eq!(answer.code(), "invalid_credentials");
        assert_eq!(answer.detail(), "Invalid email or password");
        assert!(
            answer
                .header("www-authenticate")
                .unwrap()
                .starts_with("Bearer")
        );
        let mut problem = answer.json();
        problem.as_object_mut().unwrap().remove("request_id");
        problem
    };
    assert_eq!(
        without_id("ada@example.com"),
        without_id("grace@example.com")
    );
}

#[rstest]
fn a_password_too_short_to_be_one_is_simply_wrong(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    server.user("ada@example.com");
    let body = json!({"email": "ada@example.com", "password": "x"});
    assert_eq!(server.client().post("/api/auth/login", &body).status, 401);
}

#[rstest]
fn an_account_without_a_hash_cannot_be_logged_in_to(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    server.user("ada@example.com");
    let database = server.database.as_ref().unwrap();
    database.execute("UPDATE users SET hashed_password = NULL");
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let answer = server.client().post("/api/auth/login", &body);
    assert_eq!(answer.status, 401);
    assert_eq!(answer.code(), "invalid_credentials");
}
