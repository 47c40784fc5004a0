//! POST /api/auth/refresh

use std::thread;

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Answer, Client, PASSWORD, Server};

/// Someone who has logged in, and the refresh token.
fn log_in(server: &Server) -> (Client, String) {
    server.user("ada@example.com");
    let mut client = server.client();
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let answer = client.post("/api/auth/login", &body);
    client.sign_in(&answer);
    let token = refresh_token(&answer);
    (client, token)
}

fn refresh_token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.json();
    body["refresh_token"].as_str().unwrap().to_owned()
}

fn refresh(server: &Server, token: &str) -> Answer {
    let body = json!({"refresh_token": token});
    server.client().post("/api/auth/refresh", &body)
}

#[rstest]
fn both_tokens_are_renewed_and_the_session_is_the_same(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let (client, first) = log_in(&server);
    let answer = refresh(&server, &first);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let second = refresh_token(&answer);
    assert_ne!(second, first);
    let body = answer.json();
    assert_eq!(body["user"]["email"], "ada@example.com");
    assert!(body["expires_at"].is_i64());
    let mut renewed = server.client();
    renewed.sign_in(&answer);
    assert_eq!(renewed.get("/api/tasks").status, 200);
    // What was given before counts for as long as it would have.
    assert_eq!(client.get("/api/tasks").status, 200);
    let sessions = renewed.get("/api/auth/sessions").json();
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 2);
    assert_eq!(client.post("/api/auth/logout", &json!({})).status, 200);
    assert_eq!(refresh(&server, &second).code(), "invalid_refresh_token");
}

#[rstest]
fn registering_gives_one_as_well(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "name": "Ada"});
    let answer = server.client().post("/api/auth/register", &body);
    let token = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(refresh(&server, &token).status, 200);
}

#[rstest]
fn fifty_at_once_are_one_step_on_two_instances(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let other = Server::on(server.database.as_ref().unwrap(), &[]);
    let (_, first) = log_in(&server);
    let successors: Vec<String> = thread::scope(|scope| {
        let running: Vec<_> = (0..50)
            .map(|n| {
                let instance = if n % 2 == 0 { &server } else { &other };
                let first = &first;
                scope.spawn(move || refresh_token(&refresh(instance, first)))
            })
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(successors.iter().all(|token| *token == successors[0]));
    assert_eq!(refresh(&server, &successors[0]).status, 200);
    let database = server.database.as_ref().unwrap();
    // A refresh is no event, and fills no table.
    let sql = "SELECT kind AS value FROM security_events ORDER BY kind";
    let kinds: Vec<_> = database.values(sql).into_iter().flatten().collect();
    assert_eq!(kinds, ["logged_in", "registered"]);
}

#[rstest]
fn one_session_is_renewed_so_many_times_a_minute(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &[("REFRESHES_PER_MINUTE_PER_SESSION", "2")]) else {
        return;
    };
    let (client, first) = log_in(&server);
    let second = refresh_token(&refresh(&server, &first));
    let third = refresh_token(&refresh(&server, &second));
    let refused = refresh(&server, &third);
    assert_eq!(refused.status, 429, "{refused:?}");
    assert_eq!(refused.code(), "rate_limited");
    assert_eq!(
        refused.header("ratelimit-policy"),
        Some("\"session\";q=2;w=60")
    );
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&seconds), "{seconds}");
    // The token that was replaced last still gives its successor, and the session goes on.
    assert_eq!(refresh_token(&refresh(&server, &second)), third);
    assert_eq!(client.get("/api/tasks").status, 200);
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let other = refresh_token(&server.client().post("/api/auth/login", &body));
    assert_eq!(refresh(&server, &other).status, 200);
}

#[rstest]
fn an_older_one_ends_the_session_and_that_is_recorded(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let (client, first) = log_in(&server);
    let second = refresh_token(&refresh(&server, &first));
    let third = refresh_token(&refresh(&server, &second));
    let reused = refresh(&server, &first);
    assert_eq!(reused.status, 401);
    assert_eq!(reused.code(), "invalid_refresh_token");
    assert_eq!(refresh(&server, &third).status, 401);
    assert_eq!(client.get("/api/tasks").code(), "invalid_token");
    let database = server.database.as_ref().unwrap();
    let sql = "SELECT kind AS value FROM security_events WHERE kind = 'refresh_token_reused'";
    assert_eq!(database.values(sql).len(), 1);
}

#[rstest]
fn one_that_was_replaced_ends_the_session_after_the_grace(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &[("REFRESH_GRACE_SECONDS", "0")]) else {
        return;
    };
    let (client, first) = log_in(&server);
    refresh_token(&refresh(&server, &first));
    assert_eq!(refresh(&server, &first).status, 401);
    assert_eq!(client.get("/api/tasks").status, 401);
}

#[rstest]
fn what_is_no_refresh_token_is_refused(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let (client, _) = log_in(&server);
    let access_token = client.token.clone().unwrap();
    for token in ["", "nonsense", "a.b.c", &access_token] {
        assert_eq!(refresh(&server, token).code(), "invalid_refresh_token");
    }
    for body in [json!({}), json!({"refresh_token": 1})] {
        let answer = client.post("/api/auth/refresh", &body);
        assert_eq!(answer.invalid_fields(), ["refresh_token"]);
    }
}

#[rstest]
fn nothing_at_rest_can_be_shown(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let (client, token) = log_in(&server);
    let database = server.database.as_ref().unwrap();
    let ids = database.values(match kind {
        Sqlite => "SELECT hex(id) AS value FROM sessions",
        Postgres => "SELECT id::text AS value FROM sessions",
    });
    for stored in ids.into_iter().flatten() {
        assert_eq!(refresh(&server, &stored).status, 401);
        let headers = [("authorization", format!("Bearer {stored}"))];
        let headers = headers
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let answer = server.client().send("GET", "/api/tasks", &headers, &[]);
        assert_eq!(answer.status, 401);
    }
    assert_eq!(client.get("/api/tasks").status, 200);
    assert_eq!(refresh(&server, &token).status, 200);
}
