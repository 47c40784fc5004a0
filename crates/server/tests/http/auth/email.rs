//! POST /api/auth/email, /api/auth/email/verification and /api/auth/email/verify

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Answer, Client, PASSWORD, Server, eventually};

const TOKEN: &str = "todo_evt_";

impl Server {
    fn verify(&self, token: &str) -> Answer {
        let body = json!({"token": token});
        self.client().post("/api/auth/email/verify", &body)
    }

    fn is_verified(&self, email: &str) -> bool {
        let database = self.database.as_ref().unwrap();
        let verified = database.values(&format!(
            "SELECT CAST(count(*) AS TEXT) AS value FROM users WHERE email_verified AND email = '{email}'"
        ));
        verified == [Some("1".to_owned())]
    }

    fn login_with(&self, email: &str) -> u16 {
        let body = json!({"email": email, "password": PASSWORD});
        self.client().post("/api/auth/login", &body).status
    }
}

impl Client {
    fn change_email(&self, email: &str, password: &str) -> Answer {
        let body = json!({"email": email, "password": password});
        self.post("/api/auth/email", &body)
    }
}

#[rstest]
fn a_new_account_is_mailed_what_confirms_its_address(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &[("PUBLIC_URL", "https://todo.example.com")]) else {
        return;
    };
    let ada = server.user("ada@example.com");
    let token = server.mailed_token("ada@example.com", TOKEN);
    let link = format!("https://todo.example.com/verify-email?token={token}");
    assert!(server.mails("ada@example.com")[0].contains(&link));
    assert!(!server.is_verified("ada@example.com"));
    let answer = server.verify(&token);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(server.is_verified("ada@example.com"));
    assert_eq!(server.verify(&token).invalid_fields(), ["token"]);
    assert_eq!(server.verify("").invalid_fields(), ["token"]);
    assert_eq!(ada.get("/api/tasks").status, 200);
}

#[rstest]
fn another_mail_can_be_asked_for_until_the_address_is_confirmed(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let ada = server.user("ada@example.com");
    let first = server.mailed_token("ada@example.com", TOKEN);
    let database = server.database.as_ref().unwrap();
    database.execute("DELETE FROM mailed_secrets");
    let request = || {
        ada.send("POST", "/api/auth/email/verification", &[], &[])
            .status
    };
    assert_eq!(request(), 202);
    let tokens = || server.mailed_tokens("ada@example.com", TOKEN);
    eventually("a second mail", || tokens().len() == 2);
    assert_eq!(server.verify(&first).invalid_fields(), ["token"]);
    assert_eq!(server.verify(&tokens()[1]).status, 200);
    assert_eq!(request(), 202);
    // A mail that was asked for later is there.
    server.user("grace@example.com");
    server.mailed_token("grace@example.com", TOKEN);
    assert_eq!(tokens().len(), 2);
}

#[rstest]
fn an_account_is_moved_when_the_new_address_is_confirmed(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let ada = server.user("ada@example.com");
    let answer = ada.change_email(" Countess@Example.COM", PASSWORD);
    assert_eq!(answer.status, 202, "{answer:?}");
    let token = server.mailed_token("countess@example.com", TOKEN);
    assert_eq!(server.login_with("ada@example.com"), 200);
    assert_eq!(server.login_with("countess@example.com"), 401);

    assert_eq!(server.verify(&token).status, 200);
    assert_eq!(server.login_with("ada@example.com"), 401);
    assert_eq!(server.login_with("countess@example.com"), 200);
    assert!(server.is_verified("countess@example.com"));
    eventually("a notice", || {
        let mails = server.mails("ada@example.com");
        mails
            .iter()
            .any(|mail| mail.contains("Your e-mail address was changed"))
    });
    assert_eq!(server.verify(&token).invalid_fields(), ["token"]);
}

#[rstest]
fn whether_someone_has_the_new_address_is_told_to_whoever_reads_its_mail(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let ada = server.user("ada@example.com");
    server.user("grace@example.com");
    server.mailed_token("grace@example.com", TOKEN);
    let taken = ada.change_email("grace@example.com", PASSWORD);
    assert_eq!(taken.status, 202);
    let tokens = || server.mailed_tokens("grace@example.com", TOKEN);
    eventually("a second mail", || tokens().len() == 2);
    let answer = server.verify(&tokens()[1]);
    assert_eq!(answer.status, 409);
    assert_eq!(answer.code(), "email_taken");
    assert_eq!(server.login_with("ada@example.com"), 200);
}

#[rstest]
fn it_takes_a_session_and_the_password(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let ada = server.user("ada@example.com");
    let nobody = server.client();
    let change = nobody.change_email("countess@example.com", PASSWORD);
    assert_eq!(change.status, 401);
    let verification = nobody.send("POST", "/api/auth/email/verification", &[], &[]);
    assert_eq!(verification.status, 401);
    let wrong = ada.change_email("countess@example.com", "another password");
    assert_eq!(wrong.invalid_fields(), ["password"]);
    let same = ada.change_email("ada@example.com", PASSWORD);
    assert_eq!(same.invalid_fields(), ["email"]);
    let bad = ada.post("/api/auth/email", &json!({"email": "ada", "name": "Ada"}));
    assert_eq!(bad.invalid_fields(), ["email", "password", "name"]);
    assert!(server.mails("countess@example.com").is_empty());
}
