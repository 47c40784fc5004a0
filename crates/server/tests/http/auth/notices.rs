//! Notices: mails that tell a user what happened to the account.

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Answer, PASSWORD, Server, eventually};

const ADA: &str = "ada@example.com";
const BEHIND_PROXY: [(&str, &str); 2] = [
    ("TRUSTED_PROXIES", "127.0.0.1"),
    ("METRICS_LISTEN", "127.0.0.1:0"),
];
const NEW_LOGIN: &str = "New login to your account";

fn log_in(server: &Server, address: &str, cookie: Option<&str>) -> Answer {
    let mut headers = vec![
        ("x-forwarded-for", address),
        ("content-type", "application/json"),
    ];
    headers.extend(cookie.map(|cookie| ("cookie", cookie)));
    let body = json!({"email": ADA, "password": PASSWORD}).to_string();
    let answer = server
        .client()
        .send("POST", "/api/auth/login", &headers, body.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// Waits until so many pieces of work were done after responses, and the log has their mails.
fn after_responses(server: &Server, runs: usize) {
    let line = format!("todo_worker_pool_run_seconds_count{{pool=\"mail\"}} {runs}");
    eventually("work after responses", || {
        let shown = server.scraper().get("/metrics").body;
        String::from_utf8(shown)
            .unwrap()
            .lines()
            .any(|shown| shown == line)
    });
    server.complete_log();
}

fn notices(server: &Server, subject: &str) -> Vec<String> {
    let mails = server.mails(ADA);
    mails
        .into_iter()
        .filter(|mail| mail.contains(subject))
        .collect()
}

#[rstest]
fn a_login_from_a_new_device_and_network_is_told_once(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &BEHIND_PROXY) else {
        return;
    };
    server.user(ADA);
    after_responses(&server, 1);
    let first = log_in(&server, "198.51.100.1", None);
    after_responses(&server, 2);
    let mails = notices(&server, NEW_LOGIN);
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("198.51.100.1"), "{}", mails[0]);

    // The network is known now, and so is the device elsewhere.
    log_in(&server, "198.51.100.1", None);
    let (cookie, _) = first.header("set-cookie").unwrap().split_once(';').unwrap();
    log_in(&server, "198.51.100.2", Some(cookie));
    // Both are forgotten; another notice of the network is due in 24 hours.
    let database = server.database.as_ref().unwrap();
    database.execute("UPDATE guesses SET succeeded_at = NULL");
    log_in(&server, "198.51.100.1", None);
    after_responses(&server, 3);
    assert_eq!(notices(&server, NEW_LOGIN).len(), 1);
    // Another network is another matter.
    log_in(&server, "198.51.100.3", None);
    after_responses(&server, 4);
    assert_eq!(notices(&server, NEW_LOGIN).len(), 2);
}

#[rstest]
fn a_new_password_and_a_new_token_are_told_and_a_flood_of_them_is_not(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::with(kind, &BEHIND_PROXY) else {
        return;
    };
    let ada = server.user(ADA);
    after_responses(&server, 1);
    let token = json!({"name": "backup", "scopes": ["tasks:read"], "expires_in_days": 1});
    for _ in 0..12 {
        assert_eq!(ada.post("/api/auth/tokens", &token).status, 201);
    }
    after_responses(&server, 13);
    let created = notices(&server, "A personal access token was created");
    assert_eq!(created.len(), 10);
    let body = json!({"current_password": PASSWORD, "new_password": "battery staple"});
    assert_eq!(ada.put("/api/auth/password", &body).status, 200);
    after_responses(&server, 14);
    let changed = notices(&server, "Your password was changed");
    assert_eq!(changed.len(), 1);
    assert!(changed[0].contains("127.0.0.1"), "{}", changed[0]);
}
