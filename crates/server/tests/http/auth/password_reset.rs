//! POST /api/auth/password/reset and /api/auth/password/reset/confirm

use std::thread;

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Answer, PASSWORD, Server, eventually};

const REQUEST: &str = "/api/auth/password/reset";
const CONFIRM: &str = "/api/auth/password/reset/confirm";
const TOKEN: &str = "todo_pwr_";
const NEW_PASSWORD: &str = "battery staple";

impl Server {
    fn request(&self, email: &str) -> Answer {
        self.client().post(REQUEST, &json!({"email": email}))
    }

    fn confirm(&self, token: &str, password: &str) -> Answer {
        let body = json!({"token": token, "password": password});
        self.client().post(CONFIRM, &body)
    }

    fn login(&self, password: &str) -> u16 {
        let body = json!({"email": "ada@example.com", "password": password});
        self.client().post("/api/auth/login", &body).status
    }
}

#[rstest]
fn whoever_has_the_mail_chooses_a_new_password_and_every_session_ends(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::with(kind, &[("PUBLIC_URL", "https://todo.example.com/")]) else {
        return;
    };
    let ada = server.user("ada@example.com");
    let grace = server.user("grace@example.com");
    assert_eq!(server.request(" Ada@Example.COM ").status, 202);
    let token = server.mailed_token("ada@example.com", TOKEN);
    let link = format!("https://todo.example.com/reset-password?token={token}");
    let is_linked = |mail: &String| mail.contains(&link);
    assert!(server.mails("ada@example.com").iter().any(is_linked));
    assert_eq!(ada.get("/api/tasks").status, 200);

    let answer = server.confirm(&token, NEW_PASSWORD);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.json()["message"].is_string());
    assert_eq!(ada.get("/api/tasks").status, 401);
    assert_eq!(grace.get("/api/tasks").status, 200);
    assert_eq!(server.login(PASSWORD), 401);
    assert_eq!(server.login(NEW_PASSWORD), 200);
    eventually("a notice", || {
        let mails = server.mails("ada@example.com");
        mails
            .iter()
            .any(|mail| mail.contains("Your password was changed"))
    });
    let verified = server.database.as_ref().unwrap().values(
        "SELECT CAST(count(*) AS TEXT) AS value FROM users WHERE email_verified AND email = 'ada@example.com'",
    );
    assert_eq!(verified, [Some("1".to_owned())]);
}

#[rstest]
fn an_address_without_an_account_gets_the_same_answer_and_no_mail(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    server.user("ada@example.com");
    let [unknown, known] = ["nobody@example.com", "ada@example.com"].map(|email| {
        let mut answer = server.request(email);
        // What differs between any two answers: the last has its list in another order in each worker.
        for name in ["x-request-id", "date", "access-control-expose-headers"] {
            answer.headers.remove(name);
        }
        (answer.status, answer.headers, answer.body)
    });
    assert_eq!(unknown, known);
    assert_eq!(known.0, 202);
    assert_eq!(known.1["cache-control"], "no-store");
    server.mailed_token("ada@example.com", TOKEN);
    assert!(server.mails("nobody@example.com").is_empty());
}

#[rstest]
fn a_token_counts_once_also_when_it_is_used_twice_at_once(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    server.user("ada@example.com");
    assert_eq!(server.request("ada@example.com").status, 202);
    let token = server.mailed_token("ada@example.com", TOKEN);
    let mut statuses = thread::scope(|scope| {
        let running = [(); 4].map(|()| scope.spawn(|| server.confirm(&token, NEW_PASSWORD).status));
        running.map(|thread| thread.join().unwrap())
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422, 422, 422]);
}

#[rstest]
fn a_token_that_does_not_count_is_refused_in_one_way(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    server.user("ada@example.com");
    assert_eq!(server.request("ada@example.com").status, 202);
    let used = server.mailed_token("ada@example.com", TOKEN);
    let for_the_address = server.mailed_token("ada@example.com", "todo_evt_");
    assert_eq!(server.confirm(&used, NEW_PASSWORD).status, 200);
    let mistyped = format!("{used}0");
    // Well formed, and never made.
    let unknown = "todo_pwr_0000000000000000000001LygHa16AHYF2Ys7tC";
    let answers = [used.as_str(), &for_the_address, &mistyped, unknown, ""].map(|token| {
        let answer = server.confirm(token, "another password");
        assert_eq!(answer.invalid_fields(), ["token"]);
        answer.json()["errors"].clone()
    });
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
    assert_eq!(server.login(NEW_PASSWORD), 200);
}

#[rstest]
fn an_expired_token_is_refused(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    server.user("ada@example.com");
    assert_eq!(server.request("ada@example.com").status, 202);
    let token = server.mailed_token("ada@example.com", TOKEN);
    let database = server.database.as_ref().unwrap();
    database.execute("UPDATE mailed_secrets SET expires_at = created_at");
    let answer = server.confirm(&token, NEW_PASSWORD);
    assert_eq!(answer.invalid_fields(), ["token"]);
    assert_eq!(server.login(PASSWORD), 200);
}

#[rstest]
fn a_password_that_is_easily_guessed_leaves_the_token(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    server.user("ada@example.com");
    assert_eq!(server.request("ada@example.com").status, 202);
    let token = server.mailed_token("ada@example.com", TOKEN);
    for password in ["password1", "ada@example.com", "short"] {
        let answer = server.confirm(&token, password);
        assert_eq!(answer.invalid_fields(), ["password"]);
    }
    assert_eq!(server.confirm(&token, NEW_PASSWORD).status, 200);
}

#[rstest]
fn a_second_mail_is_not_sent_within_a_minute(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    server.user("ada@example.com");
    server.user("grace@example.com");
    for _ in 0..5 {
        assert_eq!(server.request("ada@example.com").status, 202);
    }
    // A mail that was asked for later is there.
    assert_eq!(server.request("grace@example.com").status, 202);
    server.mailed_token("grace@example.com", TOKEN);
    let database = server.database.as_ref().unwrap();
    let instant = match kind {
        Sqlite => "created_at - 60000000",
        Postgres => "created_at - interval '1 minute'",
    };
    let first = server.mailed_token("ada@example.com", TOKEN);
    database.execute(&format!("UPDATE mailed_secrets SET created_at = {instant}"));
    assert_eq!(server.request("ada@example.com").status, 202);
    let tokens = || server.mailed_tokens("ada@example.com", TOKEN);
    eventually("a second mail", || tokens().len() == 2);
    // Whoever asked for the second has not made the first worthless.
    assert_eq!(server.confirm(&first, NEW_PASSWORD).status, 200);
    let answer = server.confirm(&tokens()[1], NEW_PASSWORD);
    assert_eq!(answer.invalid_fields(), ["token"]);
}

#[rstest]
fn while_three_tokens_are_valid_no_further_mail_is_sent(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    server.user("ada@example.com");
    server.user("grace@example.com");
    let database = server.database.as_ref().unwrap();
    let instant = match kind {
        Sqlite => "created_at - 60000000",
        Postgres => "created_at - interval '1 minute'",
    };
    for mails in 1..=3 {
        assert_eq!(server.request("ada@example.com").status, 202);
        eventually("a mail", || {
            server.mailed_tokens("ada@example.com", TOKEN).len() == mails
        });
        database.execute(&format!("UPDATE mailed_secrets SET created_at = {instant}"));
    }
    assert_eq!(server.request("ada@example.com").status, 202);
    // A mail that was asked for later is there, from either of the two threads.
    assert_eq!(server.request("grace@example.com").status, 202);
    server.mailed_token("grace@example.com", TOKEN);
    assert_eq!(server.request("grace@example.com").status, 202);
    let tokens = server.mailed_tokens("ada@example.com", TOKEN);
    assert_eq!(tokens.len(), 3);
    assert_eq!(server.confirm(&tokens[0], NEW_PASSWORD).status, 200);
}

#[rstest]
fn bad_input_is_named(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.client();
    for (body, fields) in [
        (json!({}), vec!["email"]),
        (json!({"email": "ada"}), vec!["email"]),
        (json!({"email": 7, "name": "Ada"}), vec!["email", "name"]),
    ] {
        assert_eq!(client.post(REQUEST, &body).invalid_fields(), fields);
    }
    let body = json!({"token": null, "secret": 1});
    let fields = ["token", "password", "secret"];
    assert_eq!(client.post(CONFIRM, &body).invalid_fields(), fields);
}
