//! POST /api/auth/login

use std::{
    thread,
    time::{Duration, Instant},
};

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{PASSWORD, Server, eventually};

/// What bcrypt made of [`PASSWORD`].
const BCRYPT: &str = "$2b$04$jcVRARCa9Q3CVlFrNfOB9umqTRI9y09Rf1MpShYvsA/ebmDkUDC6e";
/// What it made of 116 bytes.
const BCRYPT_OF_LONG: &str = "$2b$04$VfwRGwXMh7N4jOLRpXTEFu3abJzvPUqACbvD5CYh8QAv4Ox2cmX0u";

impl Server {
    /// Someone who has no session, whose password has this hash.
    fn user_with_hash(&self, hash: &str) {
        self.user("ada@example.com");
        let database = self.database.as_ref().unwrap();
        database.execute(&format!("UPDATE users SET hashed_password = '{hash}'"));
    }

    /// The status that a login with this password is answered with.
    fn log_in(&self, password: &str) -> u16 {
        let body = json!({"email": "ada@example.com", "password": password});
        self.client().post("/api/auth/login", &body).status
    }

    /// The hash of the only user.
    fn stored_hash(&self) -> String {
        let database = self.database.as_ref().unwrap();
        let hashes = database.texts("users", "hashed_password");
        let [hash] = <[String; 1]>::try_from(hashes).unwrap();
        hash
    }
}

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

#[rstest]
#[case::of_2a("$2a$04$Eo3lgPIVd7t.utwivahqeue0MbJe9uuIzou.HyukEXlto1XzokehC")]
#[case::of_2b(BCRYPT)]
#[case::of_2y("$2y$04$KbvVCKB7g.h.qWkJh4Au3OftXp6aln3ZM7rACESR2ybRC7i87uFcC")]
#[case::of_the_usual_cost("$2b$12$AdV9qE51WawdykFzjE/NceAMce5yjrdW14JTKhS6X9ymTZi/QSoym")]
fn a_hash_of_the_old_service_becomes_one_of_today_at_the_first_login_that_succeeds(
    #[values(Sqlite, Postgres)] kind: Kind,
    #[case] hash: &str,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    server.user_with_hash(hash);
    assert_eq!(server.log_in("wrong password"), 401);
    assert_eq!(server.stored_hash(), hash);

    assert_eq!(server.log_in(PASSWORD), 200);
    let renewed = server.stored_hash();
    assert!(renewed.starts_with("$argon2id$"), "{renewed}");

    assert_eq!(server.log_in(PASSWORD), 200);
    assert_eq!(server.log_in("wrong password"), 401);
    assert_eq!(server.stored_hash(), renewed);
}

#[rstest]
fn whoever_was_let_in_by_72_bytes_of_a_password_still_is(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    server.user_with_hash(BCRYPT_OF_LONG);
    let chosen = "correct horse battery staple ".repeat(4);
    let slip = chosen.trim_end();
    assert_eq!(server.log_in(slip), 200);
    let renewed = server.stored_hash();
    assert!(renewed.starts_with("$argon2id-72$"), "{renewed}");
    for password in [&chosen, slip, &chosen[..72]] {
        assert_eq!(server.log_in(password), 200);
    }
    assert_eq!(server.log_in(&chosen[..71]), 401);
}

#[rstest]
fn a_hash_is_renewed_when_hashes_are_to_cost_more(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(before) = Server::start(kind) else {
        return;
    };
    before.user("ada@example.com");
    let hash = before.stored_hash();
    assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");

    let database = before.database.as_ref().unwrap();
    let after = Server::on(database, &[("ARGON2_ITERATIONS", "3")]);
    assert_eq!(after.log_in(PASSWORD), 200);
    let renewed = after.stored_hash();
    assert!(renewed.starts_with("$argon2id$v=19$m=8,t=3,p=1$"));

    // An instance that asks for less leaves it as it is.
    assert_eq!(before.log_in(PASSWORD), 200);
    assert_eq!(before.stored_hash(), renewed);
}

#[rstest]
fn first_logins_at_once_all_succeed(#[values(Sqlite, Postgres)] kind: Kind) {
    let variables = [("HASHING_THREADS", "4")];
    let Some(server) = Server::with(kind, &variables) else {
        return;
    };
    let other = Server::on(server.database.as_ref().unwrap(), &variables);
    server.user_with_hash(BCRYPT);
    thread::scope(|scope| {
        let logins: Vec<_> = [&server, &other]
            // As many as each instance takes at a time.
            .repeat(2)
            .into_iter()
            .map(|instance| scope.spawn(|| instance.log_in(PASSWORD)))
            .collect();
        for login in logins {
            assert_eq!(login.join().unwrap(), 200);
        }
    });
    assert!(server.stored_hash().starts_with("$argon2id$"));
    assert_eq!(server.log_in(PASSWORD), 200);
    assert_eq!(server.log_in("wrong password"), 401);
}

#[rstest]
fn a_login_succeeds_though_its_hash_cannot_be_renewed(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    server.user_with_hash(BCRYPT);
    server.database.as_ref().unwrap().execute(match kind {
        Sqlite => {
            "CREATE TRIGGER frozen BEFORE UPDATE ON users \
             BEGIN SELECT RAISE(ABORT, 'users are frozen'); END"
        }
        Postgres => {
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql \
             AS $$ BEGIN RAISE EXCEPTION 'users are frozen'; END $$; \
             CREATE TRIGGER frozen BEFORE UPDATE ON users EXECUTE FUNCTION refuse()"
        }
    });
    assert_eq!(server.log_in(PASSWORD), 200);
    assert_eq!(server.log_in("wrong password"), 401);
    assert_eq!(server.stored_hash(), BCRYPT);
    eventually("it is logged", || {
        let log = server.log();
        log.contains("an outdated password hash is kept") && log.contains("users are frozen")
    });
    assert!(!server.log().contains("$2b$"), "{}", server.log());
}

#[rstest]
#[case::of_bcrypt("$2b$31$jcVRARCa9Q3CVlFrNfOB9umqTRI9y09Rf1MpShYvsA/ebmDkUDC6e")]
#[case::of_argon2("$argon2id$v=19$m=4294967295,t=4294967295,p=1$c29tZXNhbHQxMjM$aGFzaGhhc2hoYXNo")]
#[case::of_72_bytes("$argon2id-72$v=19$m=8,t=4294967295,p=1$c29tZXNhbHQxMjM$aGFzaGhhc2hoYXNo")]
fn a_bomb_is_not_set_off(#[values(Sqlite, Postgres)] kind: Kind, #[case] bomb: &str) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    server.user_with_hash(bomb);
    let began = Instant::now();
    assert_eq!(server.log_in(PASSWORD), 401);
    assert!(began.elapsed() < Duration::from_secs(5));
}
