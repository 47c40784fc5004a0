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

#[rstest]
#[case::common("Password1", "a common password")]
#[case::address("Ada@example.com", "the e-mail address")]
#[case::name("ada lovelace", "the name of the user")]
#[case::service("Todo-Server", "the name of this service")]
fn a_password_that_is_easily_guessed_is_refused(
    #[values(Sqlite, Postgres)] kind: Kind,
    #[case] password: &str,
    #[case] reason: &str,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let register = |password: &str| {
        let body =
            json!({"email": "ada@example.com", "password": password, "name": "Ada Lovelace"});
        server.client().post("/api/auth/register", &body)
    };
    let answer = register(password);
    assert_eq!(answer.status, 422);
    assert_eq!(answer.code(), "validation_failed");
    let errors = answer.json()["errors"].clone();
    assert_eq!(errors.as_array().unwrap().len(), 1);
    assert_eq!(errors[0]["field"], "password");
    let message = errors[0]["message"].as_str().unwrap();
    assert!(message.contains(reason), "{message}");
    assert!(message.ends_with("use several unrelated words"));
    // Nothing was made of it, and the address is free.
    assert_eq!(register(PASSWORD).status, 201);
}

#[rstest]
fn a_password_can_be_typed_in_every_spelling(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let [composed, decomposed] = ["caf\u{e9} au lait", "cafe\u{301} au lait"];
    let body = json!({"email": "ada@example.com", "password": decomposed, "name": "Ada"});
    let answer = server.client().post("/api/auth/register", &body);
    assert_eq!(answer.status, 201);
    for (password, status) in [(composed, 200), (decomposed, 200), ("cafe au lait", 401)] {
        let login = json!({"email": "ada@example.com", "password": password});
        let answer = server.client().post("/api/auth/login", &login);
        assert_eq!(answer.status, status);
    }
}

#[rstest]
fn an_address_that_no_mail_can_be_sent_to_is_refused_and_accounts_that_have_one_go_on(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let ada = server.user("ada@example.com");
    for email in ["ada..l@example.com", "a,b@example.com", "ada@-example.com"] {
        let body = json!({"email": email, "password": PASSWORD, "name": "Ada"});
        let answer = server.client().post("/api/auth/register", &body);
        assert_eq!(answer.invalid_fields(), ["email"], "{email}");
        let body = json!({"email": email, "password": PASSWORD});
        let answer = ada.post("/api/auth/email", &body);
        assert_eq!(answer.invalid_fields(), ["email"], "{email}");
    }
    let database = server.database.as_ref().unwrap();
    database.execute("UPDATE users SET email = 'ada..l@example.com'");
    let body = json!({"email": "ada..l@example.com", "password": PASSWORD});
    let answer = server.client().post("/api/auth/login", &body);
    assert_eq!(answer.status, 200, "{answer:?}");
}
