//! The commands for emergencies, while servers run.

use std::{
    path::PathBuf,
    process::{Command, Output},
    sync::Arc,
};

use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;
use todo_testkit::{
    Kind::{self, Postgres, Sqlite},
    TestDatabase,
};

use crate::harness::{Answer, Client, PASSWORD, Server, eventually};

const EMAIL: &str = "ada@example.com";

/// A database and a key ring, which all instances share.
struct Place {
    folder: TempDir,
    database: Arc<TestDatabase>,
}

impl Place {
    fn new(kind: Kind) -> Option<Self> {
        let place = Self {
            folder: TempDir::new().unwrap(),
            database: Arc::new(TestDatabase::reusable(kind)?),
        };
        place.run(&["keys", "rotate"]);
        Some(place)
    }

    fn ring(&self) -> PathBuf {
        self.folder.path().join("keys.json")
    }

    fn serve(&self) -> Server {
        let ring = self.ring();
        let variables = [
            ("JWT_SECRET", ""),
            ("JWT_KEYS_FILE", ring.to_str().unwrap()),
        ];
        Server::on(&self.database, &variables)
    }

    fn output(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_todo-server"))
            .args(arguments)
            .env_clear()
            .current_dir(&self.folder)
            .env("DATABASE_URL", self.database.url())
            .env("JWT_KEYS_FILE", self.ring())
            .envs(variables.iter().copied())
            .output()
            .unwrap()
    }

    /// Runs a command that succeeds, and gives what it prints.
    fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments, &[]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }

    /// The number of security events of this kind.
    fn events(&self, kind: &str) -> usize {
        let sql = format!("SELECT kind AS value FROM security_events WHERE kind = '{kind}'");
        self.database.values(&sql).len()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn credentials(password: &str) -> Value {
    json!({"email": EMAIL, "password": password})
}

fn log_in(server: &Server) -> Client {
    let mut client = server.client();
    client.sign_in(&client.post("/api/auth/login", &credentials(PASSWORD)));
    client
}

/// What a login gave: an access token and a refresh token.
fn refresh_token(server: &Server) -> String {
    let answer = server
        .client()
        .post("/api/auth/login", &credentials(PASSWORD));
    answer.json()["refresh_token"].as_str().unwrap().to_owned()
}

fn refresh(server: &Server, token: &str) -> Answer {
    let body = json!({"refresh_token": token});
    server.client().post("/api/auth/refresh", &body)
}

fn is_accepted(client: &Client) -> bool {
    client.get("/api/tasks").status == 200
}

/// A personal access token of the client's user.
fn token_of(client: &Client) -> Client {
    let body = json!({
        "name": "backup", "scopes": ["tasks:read"], "expires_in_days": 1, "password": PASSWORD,
    });
    let answer = client.post("/api/auth/tokens", &body);
    assert_eq!(answer.status, 201, "{answer:?}");
    client.with_token(answer.json()["token"].as_str().unwrap())
}

#[test]
fn keys_that_are_revoked_are_refused_by_running_servers() {
    let place = Place::new(Sqlite).unwrap();
    let server = place.serve();
    let client = server.user(EMAIL);
    let token = token_of(&client);
    assert!(is_accepted(&client));
    let printed = place.run(&["keys", "rotate", "--revoke-others"]);
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len(), 2, "{printed}");
    assert!(lines[0].ends_with("  signs"), "{printed}");
    assert!(lines[1].ends_with("  revoked"), "{printed}");
    assert_eq!(place.run(&["keys", "list"]).lines().count(), 1);

    eventually("the revoked key is refused", || {
        client.get("/api/tasks").status == 401
    });
    assert!(is_accepted(&log_in(&server)));
    assert!(is_accepted(&token), "no key signed it");
    assert_eq!(place.events("keys_revoked"), 1);
}

#[rstest]
#[case::a_server("postgres://todo@127.0.0.1:1/todo")]
#[case::a_file("sqlite://missing.db")]
fn keys_are_revoked_although_the_database_is_away(#[case] url: &str) {
    let place = Place::new(Sqlite).unwrap();
    let away = [("DATABASE_URL", url)];
    let output = place.output(&["keys", "rotate", "--revoke-others"], &away);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(message.contains("the other keys are revoked"), "{message}");
    assert_eq!(place.run(&["keys", "list"]).lines().count(), 1);
    assert!(!place.folder.path().join("missing.db").exists());
}

#[test]
fn secrets_that_still_verify_are_named_when_keys_are_revoked() {
    let place = Place::new(Sqlite).unwrap();
    let previous = [(
        "JWT_PREVIOUS_SECRETS",
        "a secret of before of no less than 32 bytes",
    )];
    let output = place.output(&["keys", "rotate", "--revoke-others"], &previous);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(
        message.contains("JWT_PREVIOUS_SECRETS still verify"),
        "{message}"
    );

    let configured = [
        ("JWT_KEYS_FILE", ""),
        ("JWT_SECRET", "a secret of no less than 32 bytes"),
    ];
    let output = place.output(&["keys", "rotate", "--revoke-others"], &configured);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("remove JWT_PREVIOUS_SECRETS, and restart"));
    assert!(text(&output.stderr).contains("the key is in JWT_SECRET,"));
}

#[rstest]
fn sessions_are_ended_for_one_user_or_for_all(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(place) = Place::new(kind) else {
        return;
    };
    let (server, other) = (place.serve(), place.serve());
    let ada = server.user(EMAIL);
    let token = token_of(&ada);
    let grace = other.user("grace@example.com");
    let refresh_token = refresh_token(&server);
    let printed = place.run(&["sessions", "end", "--user", "Ada@Example.com"]);
    assert_eq!(printed, "Ended 2 sessions of 1 users\n");
    assert_eq!(ada.get("/api/tasks").status, 401);
    assert_eq!(refresh(&other, &refresh_token).status, 401);
    assert!(is_accepted(&token));
    assert!(is_accepted(&grace));
    assert_eq!(place.events("sessions_ended_by_operator"), 1);

    let again = log_in(&other);
    let printed = place.run(&["sessions", "end", "--all", "--tokens"]);
    assert_eq!(printed, "Ended 2 sessions of 2 users\n");
    for client in [&again, &grace, &token] {
        assert_eq!(client.get("/api/tasks").status, 401);
    }
    assert_eq!(place.events("sessions_ended_by_operator"), 3);
    assert!(is_accepted(&log_in(&server)));
}

#[rstest]
fn a_disabled_account_grants_nothing_until_it_is_enabled(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(place) = Place::new(kind) else {
        return;
    };
    let server = place.serve();
    let ada = server.user(EMAIL);
    ada.task("Buy milk");
    let token = token_of(&ada);
    let refresh_token = refresh_token(&server);
    let anyone = server.client();
    let ask = || anyone.post("/api/auth/password/reset", &json!({"email": EMAIL}));
    assert_eq!(ask().status, 202);
    let reset = server.mailed_token(EMAIL, "todo_pwr_");

    assert_eq!(
        place.run(&["users", "disable", EMAIL]),
        format!("Disabled {EMAIL}\n")
    );
    for client in [&ada, &token] {
        assert_eq!(client.get("/api/tasks").status, 401);
    }
    assert_eq!(refresh(&server, &refresh_token).status, 401);
    let body = json!({"token": reset, "password": "another horse battery"});
    let answer = anyone.post("/api/auth/password/reset/confirm", &body);
    assert_eq!(answer.invalid_fields(), ["token"]);
    // Who knows the password learns why; who does not, learns nothing.
    let answer = anyone.post("/api/auth/login", &credentials(PASSWORD));
    assert_eq!(answer.status, 403, "{answer:?}");
    assert_eq!(answer.code(), "account_disabled");
    let answer = anyone.post("/api/auth/login", &credentials("wrong"));
    assert_eq!(answer.status, 401);
    assert_eq!(answer.code(), "invalid_credentials");
    assert_eq!(ask().status, 202);
    // It is disabled already.
    place.run(&["users", "disable", EMAIL]);
    assert_eq!(place.events("account_disabled"), 1);

    assert_eq!(
        place.run(&["users", "enable", EMAIL]),
        format!("Enabled {EMAIL}\n")
    );
    assert_eq!(place.events("account_enabled"), 1);
    let ada = log_in(&server);
    assert_eq!(
        ada.get("/api/tasks").json()["tasks"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(token.get("/api/tasks").status, 401, "it was revoked");
    assert_eq!(server.mailed_tokens(EMAIL, "todo_pwr_").len(), 1);
}

#[test]
fn an_address_without_an_account_is_named() {
    let place = Place::new(Sqlite).unwrap();
    drop(place.serve());
    for arguments in [
        &["users", "disable", EMAIL][..],
        &["users", "enable", EMAIL],
        &["sessions", "end", "--user", EMAIL],
    ] {
        let output = place.output(arguments, &[]);
        assert_eq!(output.status.code(), Some(1));
        let expected = format!("no user has the e-mail address {EMAIL}; nothing was changed");
        let message = text(&output.stderr);
        assert!(message.contains(&expected), "{message}");
    }
    let output = place.output(&["users", "disable", "nowhere"], &[]);
    assert!(text(&output.stderr).contains("the address \"nowhere\" "));
    // Neither a user nor all of them.
    let output = place.output(&["sessions", "end"], &[]);
    assert_eq!(output.status.code(), Some(2));
}
