//! POST /api/auth/register

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{PASSWORD, Server};

#[rstest]
fn an_account_is_made_and_its_token_counts(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let mut client = server.client();
    let body =
        json!({"email": " Ada@Example.COM ", "password": PASSWORD, "name": " Ada Lovelace "});
    let answer = client.post("/api/auth/register", &body);
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.header("location").is_some());
    let user = &answer.json()["user"];
    assert_eq!(user["email"], "ada@example.com");
    assert_eq!(user["name"], "Ada Lovelace");
    client.sign_in(&answer);
    assert_eq!(client.get("/api/tasks").status, 200);
}

#[rstest]
fn an_address_that_is_taken_is_refused_in_any_case(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    server.user("ada@example.com");
    let body = json!({"email": "ADA@example.com", "password": "another password", "name": "Eve"});
    let answer = server.client().post("/api/auth/register", &body);
    assert_eq!(answer.status, 409);
    assert_eq!(answer.code(), "email_taken");
    assert_eq!(answer.detail(), "Email already registered");
    let login = json!({"email": "ada@example.com", "password": PASSWORD});
    assert_eq!(server.client().post("/api/auth/login", &login).status, 200);
}

#[rstest]
fn a_password_may_be_longer_than_72_bytes(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let password = "🦀".repeat(128);
    let body = json!({"email": "ada@example.com", "password": password, "name": "Ada"});
    assert_eq!(
        server.client().post("/api/auth/register", &body).status,
        201
    );
    let login = |password: &str| {
        let body = json!({"email": "ada@example.com", "password": password});
        server.client().post("/api/auth/login", &body).status
    };
    assert_eq!(login(&password), 200);
    assert_eq!(login(&"🦀".repeat(127)), 401);
}
