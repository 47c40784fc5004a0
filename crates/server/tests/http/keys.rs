//! The keys that sign tokens: rotated while the server runs, and shown to whoever verifies tokens elsewhere.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation, crypto, decode};
use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;
use todo_testkit::{
    Kind::{self, Postgres, Sqlite},
    TestDatabase,
};

use crate::harness::{Client, PASSWORD, Server, eventually};

/// A database, and a ring of keys for every instance on it.
struct Place {
    folder: TempDir,
    database: Arc<TestDatabase>,
}

impl Place {
    fn new(kind: Kind) -> Option<Self> {
        Some(Self {
            database: Arc::new(TestDatabase::reusable(kind)?),
            folder: TempDir::new().unwrap(),
        })
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

    /// Runs `todo-server keys rotate`.
    fn rotate(&self, options: &[&str]) {
        let output = keys(self.folder.path(), &[&["rotate"], options].concat())
            .env("DATABASE_URL", self.database.url())
            .env("JWT_KEYS_FILE", self.ring())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
}

/// `todo-server keys …`, with nothing configured.
fn keys(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_todo-server"));
    command
        .arg("keys")
        .args(arguments)
        .env_clear()
        .current_dir(folder);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn log_in(server: &Server) -> Client {
    let mut client = server.client();
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    client.sign_in(&client.post("/api/auth/login", &body));
    client
}

fn header(client: &Client) -> Value {
    let token = client.token.as_ref().unwrap();
    let part = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap());
    serde_json::from_slice(&part.unwrap()).unwrap()
}

fn kid(client: &Client) -> String {
    header(client)["kid"].as_str().unwrap().to_owned()
}

fn counts(client: &Client) -> bool {
    client.get("/api/tasks").status == 200
}

#[rstest]
fn keys_are_rotated_while_the_server_runs_and_nobody_is_logged_out(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(place) = Place::new(kind) else {
        return;
    };
    place.rotate(&[]);
    let server = place.serve();
    let before = server.user("ada@example.com");
    assert!(counts(&before));

    place.rotate(&[]);
    // Another instance has the new key from its start; this one has yet to read it.
    let other = place.serve();
    let mut there = log_in(&other);
    assert_ne!(kid(&there), kid(&before));
    assert!(counts(&there));
    let mut here = server.client();
    here.token.clone_from(&there.token);
    assert!(
        counts(&here),
        "what another instance signed is accepted at once"
    );
    assert_eq!(kid(&log_in(&server)), kid(&there), "and the key is used");

    assert!(counts(&before));
    there.token.clone_from(&before.token);
    assert!(counts(&there));
}

#[test]
fn a_rotation_is_noticed_by_itself() {
    let place = Place::new(Sqlite).unwrap();
    place.rotate(&[]);
    let server = place.serve();
    let before = server.user("ada@example.com");
    place.rotate(&["--algorithm", "EdDSA"]);
    eventually("the new key signs", || {
        header(&log_in(&server))["alg"] == "EdDSA"
    });
    let after = log_in(&server);
    assert_ne!(kid(&after), kid(&before));
    assert!(counts(&after));
    assert!(counts(&before));
}

#[test]
fn with_an_sqlite_file_there_is_nothing_to_configure() {
    let place = Place::new(Sqlite).unwrap();
    // What an earlier version kept.
    let url = place.database.url();
    let ring = format!("{}.jwt-key", url.strip_prefix("sqlite://").unwrap());
    fs::write(&ring, [7; 64]).unwrap();
    let server = Server::on(&place.database, &[("JWT_SECRET", "")]);
    let before = server.user("ada@example.com");
    let run = |argument| -> Output {
        let mut command = keys(place.folder.path(), &[argument]);
        command.env("DATABASE_URL", &url).output().unwrap()
    };
    let listed = text(&run("list").stdout);
    assert!(listed.starts_with(&kid(&before)), "{listed}");
    assert!(listed.ends_with("  signs\n"), "{listed}");

    assert!(run("rotate").status.success());
    let listed = text(&run("list").stdout);
    let lines: Vec<_> = listed.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].ends_with("  signs"), "{listed}");
    assert!(lines[1].starts_with(&kid(&before)), "{listed}");
    assert!(lines[1].contains("  verifies until "), "{listed}");
    eventually("the new key signs", || {
        lines[0].starts_with(&kid(&log_in(&server)))
    });
    assert!(counts(&before));
}

#[test]
fn a_ring_that_breaks_logs_nobody_out_and_is_no_reason_to_make_another() {
    let place = Place::new(Sqlite).unwrap();
    place.rotate(&[]);
    let server = place.serve();
    let client = server.user("ada@example.com");
    fs::write(place.ring(), "{").unwrap();
    assert!(counts(&client));
    assert!(counts(&log_in(&server)));
    // Whether a token with a key that is not known is ours, cannot be told now.
    let mut stranger = Server::start(Sqlite).unwrap().user("ada@example.com");
    let elsewhere = server.client();
    let mut shown = elsewhere;
    shown.token = stranger.token.take();
    let answer = shown.get("/api/tasks");
    assert_eq!(answer.status, 503);
    assert!(answer.header("retry-after").is_some());
    eventually("it is logged", || {
        server.log().contains("it is no key ring from line 1")
    });

    let output = keys(place.folder.path(), &["rotate"])
        .env("JWT_KEYS_FILE", place.ring())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(
        said.contains("cannot be used, and is left as it is"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(place.ring()).unwrap(), "{");
}

#[test]
fn a_ring_that_is_named_must_be_there() {
    let place = Place::new(Sqlite).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_todo-server"))
        .env_clear()
        .current_dir(&place.folder)
        .env("JWT_KEYS_FILE", place.ring())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(
        said.contains("make one with: todo-server keys rotate"),
        "{said}"
    );
    assert!(!place.ring().exists());
}

#[rstest]
#[case::a_variable("JWT_SECRET", "a secret of no less than 32 bytes")]
#[case::a_file("JWT_SECRET_FILE", "secret")]
fn a_key_that_is_configured_is_not_rotated_and_what_to_do_is_said(
    #[case] variable: &str,
    #[case] value: &str,
) {
    const SECRET: &str = "a secret of no less than 32 bytes";
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("secret"), SECRET).unwrap();
    let mut command = keys(folder.path(), &["rotate"]);
    let output = command.env(variable, value).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(
        said.contains(&format!("the key is in {variable},")),
        "{said}"
    );
    let said = text(&output.stdout);
    for name in [variable, "JWT_PREVIOUS_SECRETS="] {
        assert!(said.contains(name), "{said}");
    }
    assert!(!said.contains(SECRET), "{said}");
    let is_secret = |word: &&str| word.len() == 64 && word.bytes().all(|c| c.is_ascii_hexdigit());
    let fresh = |said: &str| {
        let mut words = said.split(['=', ' ', '\n']);
        words.find(is_secret).unwrap().to_owned()
    };
    let again = text(&command.output().unwrap().stdout);
    assert_ne!(fresh(&said), fresh(&again));

    let mut command = keys(folder.path(), &["rotate", "--algorithm", "EdDSA"]);
    let output = command.env(variable, value).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("name a key ring in JWT_KEYS_FILE"), "{said}");
}

#[rstest]
fn others_can_verify_what_an_ed25519_key_signed(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(place) = Place::new(kind) else {
        return;
    };
    place.rotate(&[]);
    place.rotate(&["--algorithm", "EdDSA"]);
    let server = place.serve();
    let client = server.user("ada@example.com");
    let answer = server.client().get("/.well-known/jwks.json");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    let set = answer.json();
    let [jwk] = &set["keys"].as_array().unwrap()[..] else {
        panic!("the secret is not among them: {set}");
    };
    assert_eq!(jwk["kid"], kid(&client).as_str());
    let members: Vec<_> = jwk.as_object().unwrap().keys().collect();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x"]);

    let x = jwk["x"].as_str().unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&["todo-server"]);
    let key = DecodingKey::from_ed_components(x).unwrap();
    let token = client.token.clone().unwrap();
    let read = decode::<Value>(&token, &key, &validation).unwrap();
    assert_eq!(read.claims["sub"], client.id.as_str());
    assert_eq!(read.header.typ.as_deref(), Some("at+jwt"));

    // The public key is no secret that could sign.
    let (message, _) = token.rsplit_once('.').unwrap();
    let (_, claims) = message.split_once('.').unwrap();
    for alg in ["HS256", "EdDSA"] {
        let header = json!({"typ": "at+jwt", "alg": alg, "kid": kid(&client)});
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        let message = format!("{header}.{claims}");
        for secret in [x.as_bytes(), &URL_SAFE_NO_PAD.decode(x).unwrap()] {
            let secret = EncodingKey::from_secret(secret);
            let signature = crypto::sign(message.as_bytes(), &secret, Algorithm::HS256).unwrap();
            let mut forger = server.client();
            forger.token = Some(format!("{message}.{signature}"));
            assert_eq!(forger.get("/api/tasks").status, 401, "{alg}");
        }
    }
    assert!(counts(&client));
}

#[test]
fn where_there_is_no_public_key_there_is_an_empty_set() {
    let server = Server::start(Sqlite).unwrap();
    let answer = server.client().get("/.well-known/jwks.json");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json(), json!({"keys": []}));
    let query = server.client().get("/.well-known/jwks.json?kid=1");
    assert_eq!(query.invalid_fields(), ["kid"]);
}
