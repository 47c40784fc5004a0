//! GET /api/auth/session, and what makes a token count.

use std::{
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rstest::rstest;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::Server;

#[expect(clippy::disallowed_methods, reason = "a client has a clock of its own")]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

#[rstest]
fn it_tells_who_calls_and_for_how_long(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let answer = client.get("/api/auth/session");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let session = answer.json();
    assert_eq!(session["user"]["id"], client.id.as_str());
    assert_eq!(session["user"]["email"], "ada@example.com");
    assert_eq!(session["user"]["name"], "Ada");
    let left = session["expires_at"].as_u64().unwrap() - now();
    assert!((86_000..=86_400).contains(&left), "{left}");
}

#[rstest]
fn without_a_token_it_is_401_with_a_challenge(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.client();
    for headers in [
        &[][..],
        &[("authorization", "")],
        &[("authorization", "Bearer")],
        &[("authorization", "Bearer ")],
        &[("authorization", "Basic YTpi")],
    ] {
        let answer = client.send("GET", "/api/auth/session", headers, &[]);
        assert_eq!(answer.status, 401);
        assert_eq!(answer.code(), "not_authenticated");
        assert_eq!(
            answer.header("www-authenticate"),
            Some(r#"Bearer realm="todo""#)
        );
    }
}

#[rstest]
fn with_a_token_that_is_none_it_is_401_and_says_so(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let mut client = server.client();
    client.token = Some("not.a.token".to_owned());
    let answer = client.get("/api/auth/session");
    assert_eq!(answer.status, 401);
    assert_eq!(answer.code(), "invalid_token");
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(
        challenge.contains(r#"error="invalid_token""#),
        "{challenge}"
    );
}

#[rstest]
fn the_scheme_may_be_in_any_case(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let mut client = server.user("ada@example.com");
    let token = client.token.take().unwrap();
    let headers = [("authorization", format!("bEaReR {token}"))];
    let headers = headers
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    assert_eq!(
        client
            .send("GET", "/api/auth/session", &headers, &[])
            .status,
        200
    );
}

#[rstest]
fn a_deleted_users_token_counts_no_more(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    server
        .database
        .as_ref()
        .unwrap()
        .execute("DELETE FROM users");
    assert_eq!(client.get("/api/auth/session").status, 401);
    assert_eq!(client.get("/api/tasks").status, 401);
    let created = client.post("/api/tasks", &serde_json::json!({"title": "a"}));
    assert_eq!(created.status, 401);
}

#[rstest]
fn a_session_that_expired_in_the_database_counts_no_more(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let sql = match kind {
        Sqlite => "UPDATE sessions SET expires_at = 1",
        Postgres => "UPDATE sessions SET expires_at = timestamp '2000-01-01'",
    };
    server.database.as_ref().unwrap().execute(sql);
    assert_eq!(client.get("/api/tasks").status, 401);
}

#[rstest]
fn a_token_signed_with_a_key_that_was_rotated_out_counts_until_it_is_dropped(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    const OLD: &str = "the old secret of at least 32 bytes";
    const NEW: &str = "the new secret of at least 32 bytes";
    let Some(server) = Server::with(kind, &[("JWT_SECRET", OLD)]) else {
        return;
    };
    let database = server.database.as_ref().unwrap();
    let client = server.user("ada@example.com");
    let rotated = [("JWT_SECRET", NEW), ("JWT_PREVIOUS_SECRETS", OLD)];
    let dropped = [("JWT_SECRET", NEW)];
    for (variables, status) in [(&rotated[..], 200), (&dropped[..], 401)] {
        let instance = Server::on(database, variables);
        let mut elsewhere = instance.client();
        elsewhere.token.clone_from(&client.token);
        assert_eq!(elsewhere.get("/api/tasks").status, status);
    }
}

#[rstest]
fn an_expired_token_counts_no_more(#[values(Sqlite, Postgres)] kind: Kind) {
    // The shortest lifetime that can be configured is a minute, so this session is made to end sooner.
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let soon = now() + 2;
    let sql = match kind {
        Sqlite => format!("UPDATE sessions SET expires_at = {soon} * 1000000"),
        Postgres => {
            format!("UPDATE sessions SET expires_at = to_timestamp({soon}) AT TIME ZONE 'UTC'")
        }
    };
    server.database.as_ref().unwrap().execute(&sql);
    while now() < soon {
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(client.get("/api/tasks").status, 401);
}
