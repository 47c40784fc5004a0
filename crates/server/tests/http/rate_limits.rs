//! How many requests one address and one user may make. The limits are so low here that nothing of them comes back
//! while a test runs: of three a minute, one in 20 seconds.

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Answer, Client, PASSWORD, Server, eventually};

const PER_ADDRESS: (&str, &str) = ("REQUESTS_PER_MINUTE_PER_ADDRESS", "3");
const PER_USER: (&str, &str) = ("REQUESTS_PER_MINUTE_PER_USER", "3");
const BEHIND_PROXY: (&str, &str) = ("TRUSTED_PROXIES", "127.0.0.1");
const ORIGIN: &str = "http://localhost:3000";

/// A request that is refused as one too many of what `policy` counts.
fn assert_limited(answer: &Answer, policy: &str) {
    assert_eq!(answer.status, 429, "{answer:?}");
    assert_eq!(answer.code(), "rate_limited");
    assert!(!answer.detail().is_empty());
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&seconds), "{seconds}");
    let expected = format!("\"{policy}\";q=3;w=60");
    assert_eq!(answer.header("ratelimit-policy"), Some(expected.as_str()));
    let expected = format!("\"{policy}\";r=0;t={seconds}");
    assert_eq!(answer.header("ratelimit"), Some(expected.as_str()));
}

/// Uses up what an address may do, with requests that show no credential.
fn use_up(client: &Client, headers: &[(&str, &str)]) {
    for _ in 0..3 {
        let answer = client.send("GET", "/api/tasks", headers, &[]);
        assert_eq!(answer.code(), "not_authenticated");
    }
}

#[test]
fn an_address_that_makes_too_many_requests_is_told_when_to_come_again() {
    let server = Server::with(Sqlite, &[PER_ADDRESS]).unwrap();
    let client = server.client();
    use_up(&client, &[]);
    for path in ["/api/tasks", "/api/openapi.json", "/api/docs/", "/nowhere"] {
        assert_limited(&client.get(path), "address");
    }
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "name": "Ada"});
    assert_limited(&client.post("/api/auth/register", &body), "address");
    let users = server.database.as_ref().unwrap().texts("users", "email");
    assert_eq!(users, [""; 0]);
}

#[test]
fn what_operators_other_services_and_preflights_ask_is_not_counted() {
    let server = Server::with(Sqlite, &[PER_ADDRESS]).unwrap();
    let client = server.client();
    let not_counted = || {
        for path in ["/health/live", "/health/ready", "/.well-known/jwks.json"] {
            for _ in 0..4 {
                assert_eq!(client.get(path).status, 200, "{path}");
            }
        }
        let preflight = [
            ("origin", ORIGIN),
            ("access-control-request-method", "PATCH"),
        ];
        for _ in 0..4 {
            let answer = client.send("OPTIONS", "/api/tasks/1", &preflight, &[]);
            assert_eq!(answer.status, 200);
        }
    };
    not_counted();
    use_up(&client, &[]);
    assert_limited(&client.get("/api/tasks"), "address");
    not_counted();
}

#[test]
fn a_page_of_a_listed_origin_may_read_that_there_were_too_many() {
    let server = Server::with(Sqlite, &[PER_ADDRESS]).unwrap();
    let client = server.client();
    use_up(&client, &[]);
    let answer = client.send("GET", "/api/tasks", &[("origin", ORIGIN)], &[]);
    assert_limited(&answer, "address");
    assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN));
    let exposed = answer.header("access-control-expose-headers").unwrap();
    let exposed: Vec<_> = exposed.split(',').map(str::trim).collect();
    for name in ["retry-after", "ratelimit", "ratelimit-policy"] {
        assert!(exposed.contains(&name), "{exposed:?}");
    }
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn an_address_that_a_client_makes_up_gives_it_no_more() {
    let server = Server::with(Sqlite, &[PER_ADDRESS]).unwrap();
    let client = server.client();
    use_up(&client, &[]);
    for address in ["203.0.113.7", "198.51.100.1", "2001:db8::1", "127.0.0.2"] {
        let headers = [("x-forwarded-for", address)];
        let answer = client.send("GET", "/api/tasks", &headers, &[]);
        assert_limited(&answer, "address");
    }
}

#[test]
fn behind_a_trusted_proxy_each_client_is_counted_for_itself() {
    let server = Server::with(Sqlite, &[PER_ADDRESS, BEHIND_PROXY]).unwrap();
    let client = server.client();
    let from = |address: &str| {
        let headers = [("x-forwarded-for", address)];
        client.send("GET", "/api/tasks", &headers, &[])
    };
    use_up(&client, &[("x-forwarded-for", "203.0.113.7")]);
    use_up(&client, &[("x-forwarded-for", "2001:db8:0:1::1")]);
    for address in [
        "203.0.113.7",
        "1.2.3.4, 203.0.113.7",
        "::ffff:203.0.113.7",
        "2001:db8:0:1::2",
        "2001:db8:0:1:ffff::",
    ] {
        assert_limited(&from(address), "address");
    }
    for address in ["203.0.113.8", "2001:db8:0:2::1"] {
        assert_eq!(from(address).status, 401, "{address}");
    }
}

#[rstest]
fn a_user_is_counted_whichever_credential_is_shown(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &[PER_USER]) else {
        return;
    };
    let (ada, grace) = (
        server.user("ada@example.com"),
        server.user("grace@example.com"),
    );
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "cookie": true});
    let cookie = server.client().post("/api/auth/login", &body);
    let cookie = cookie.header("set-cookie").unwrap().split(';').next();
    let by_cookie = |path: &str| {
        let headers = [("cookie", cookie.unwrap())];
        server.client().send("GET", path, &headers, &[])
    };
    let body = json!({"name": "a", "scopes": ["tasks:read"], "expires_in_days": 1});
    let token = ada.post("/api/auth/tokens", &body).json();
    let by_token = ada.with_token(token["token"].as_str().unwrap());
    assert_eq!(by_token.get("/api/tasks").status, 200);
    assert_eq!(by_cookie("/api/auth/session").status, 200);

    let of_user = format!("/api/{}/tasks", ada.id);
    for path in ["/api/tasks", &of_user, "/api/tasks/search?q=milk"] {
        assert_limited(&ada.get(path), "user");
        assert_limited(&by_token.get(path), "user");
        assert_limited(&by_cookie(path), "user");
    }
    assert_limited(&ada.get("/api/auth/account"), "user");
    let task = json!({"title": "Buy milk"});
    assert_limited(&ada.post("/api/tasks", &task), "user");
    assert_eq!(
        server.database.as_ref().unwrap().texts("tasks", "title"),
        [""; 0]
    );
    // Neither others nor those who only say that they are Ada are.
    for _ in 0..3 {
        assert_eq!(grace.get("/api/tasks").status, 200);
    }
    assert_eq!(ada.with_token("nonsense").get("/api/tasks").status, 401);
}

#[rstest]
fn whoever_uses_up_what_the_user_may_cannot_keep_the_owner_from_ending_it(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::with(kind, &[PER_USER]) else {
        return;
    };
    let ada = server.user("ada@example.com");
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let mut thief = server.client();
    thief.sign_in(&server.client().post("/api/auth/login", &body));
    let body = json!({"name": "a", "scopes": ["tasks:read"], "expires_in_days": 1});
    assert_eq!(thief.post("/api/auth/tokens", &body).status, 201);
    while thief.get("/api/tasks").status == 200 {}
    assert_limited(&ada.get("/api/tasks"), "user");

    let tokens = ada.get("/api/auth/tokens").json();
    let path = format!(
        "/api/auth/tokens/{}",
        tokens["tokens"][0]["id"].as_str().unwrap()
    );
    assert_eq!(ada.delete(&path).status, 204);
    let sessions = ada.get("/api/auth/sessions").json();
    let sessions = sessions["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let other = sessions.iter().find(|session| session["current"] == false);
    let path = format!(
        "/api/auth/sessions/{}",
        other.unwrap()["id"].as_str().unwrap()
    );
    assert_eq!(ada.delete(&path).status, 204);
    assert_eq!(thief.get("/api/tasks").code(), "invalid_token");
    let body = json!({"sessions": "all"});
    assert_eq!(ada.post("/api/auth/logout", &body).status, 200);
}

#[rstest]
fn a_token_whose_session_was_ended_uses_up_nothing_that_the_user_may(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::with(kind, &[PER_USER]) else {
        return;
    };
    let ada = server.user("ada@example.com");
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let mut thief = server.client();
    thief.sign_in(&server.client().post("/api/auth/login", &body));
    assert_eq!(thief.get("/api/tasks").status, 200);
    assert_eq!(
        ada.post("/api/auth/logout", &json!({"sessions": "others"}))
            .status,
        200
    );
    // One request may have been counted before it was known.
    for _ in 0..20 {
        assert_eq!(thief.get("/api/tasks").code(), "invalid_token");
    }
    assert_eq!(ada.get("/api/tasks").status, 200);
}

#[test]
fn what_was_used_up_comes_back() {
    let server = Server::with(Sqlite, &[("REQUESTS_PER_MINUTE_PER_ADDRESS", "120")]).unwrap();
    let client = server.client();
    let mut granted = 0;
    while client.get("/api/openapi.json").status == 200 {
        granted += 1;
        assert!(granted < 10_000);
    }
    assert!(granted >= 120, "{granted}");
    eventually("it may call again", || {
        client.get("/api/openapi.json").status == 200
    });
}

#[test]
fn each_limit_can_be_switched_off() {
    let per_user = Server::with(
        Sqlite,
        &[("REQUESTS_PER_MINUTE_PER_ADDRESS", "0"), PER_USER],
    );
    let per_user = per_user.unwrap();
    for _ in 0..20 {
        assert_eq!(per_user.client().get("/api/tasks").status, 401);
    }
    let ada = per_user.user("ada@example.com");
    while ada.get("/api/tasks").status == 200 {}
    assert_limited(&ada.get("/api/tasks"), "user");

    let neither = [
        ("REQUESTS_PER_MINUTE_PER_ADDRESS", "0"),
        ("REQUESTS_PER_MINUTE_PER_USER", "0"),
    ];
    let neither = Server::with(Sqlite, &neither).unwrap();
    let ada = neither.user("ada@example.com");
    for _ in 0..20 {
        assert_eq!(ada.get("/api/tasks").status, 200);
    }
}
