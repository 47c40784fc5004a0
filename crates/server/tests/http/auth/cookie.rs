//! Sessions of browsers, which are kept in a cookie.

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Answer, Client, PASSWORD, Server};

/// Logs in as a browser does, and gives the answer and the cookie.
fn log_in(server: &Server) -> (Answer, String) {
    server.user("ada@example.com");
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "cookie": true});
    let answer = server.client().post("/api/auth/login", &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    let cookie = answer.header("set-cookie").unwrap().to_owned();
    let (pair, _) = cookie.split_once(';').unwrap();
    (answer, pair.to_owned())
}

fn create(client: &Client, headers: &[(&str, &str)]) -> Answer {
    let json = [("content-type", "application/json")];
    client.send(
        "POST",
        "/api/tasks",
        &[headers, &json].concat(),
        br#"{"title": "Buy milk"}"#,
    )
}

#[rstest]
fn the_token_is_in_the_cookie_and_nowhere_else(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let (answer, pair) = log_in(&server);
    let body = answer.json();
    assert_eq!(body["user"]["email"], "ada@example.com");
    assert!(body.get("token").is_none(), "{body}");
    assert!(body.get("refresh_token").is_none(), "{body}");
    let cookie = answer.header("set-cookie").unwrap();
    assert!(pair.starts_with("__Host-todo-session="), "{cookie}");
    for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age="] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[rstest]
fn what_changes_something_must_come_from_a_page_of_this_origin(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let (_, cookie) = log_in(&server);
    let client = server.client();
    let cookie = ("cookie", cookie.as_str());
    let this_origin = format!("http://{}", server.address());
    for (headers, status) in [
        (&[("sec-fetch-site", "same-origin")][..], 201),
        (&[("origin", &this_origin)], 201),
        (&[("sec-fetch-site", "cross-site")], 403),
        (&[("sec-fetch-site", "same-site")], 403),
        (&[("origin", "https://evil.example")], 403),
        (
            &[("sec-fetch-site", "cross-site"), ("origin", &this_origin)],
            403,
        ),
        (&[], 403),
    ] {
        let answer = create(&client, &[headers, &[cookie]].concat());
        assert_eq!(answer.status, status, "{headers:?}");
        if status == 403 {
            assert_eq!(answer.code(), "cross_site");
        }
    }
    let list = client.send("GET", "/api/tasks", &[cookie], &[]);
    assert_eq!(list.json()["count"], 2);
}

#[rstest]
fn a_body_that_a_form_could_send_is_refused(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let (_, cookie) = log_in(&server);
    for content_type in ["text/plain", "application/x-www-form-urlencoded"] {
        let headers = [
            ("cookie", cookie.as_str()),
            ("sec-fetch-site", "same-origin"),
            ("content-type", content_type),
        ];
        let answer =
            server
                .client()
                .send("POST", "/api/tasks", &headers, br#"{"title": "Buy milk"}"#);
        assert_eq!(answer.status, 415);
    }
}

#[rstest]
fn a_header_never_falls_back_to_the_cookie(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let (_, cookie) = log_in(&server);
    let client = server.client();
    for authorization in ["Bearer nonsense", "Bearer ", "Basic YTpi", ""] {
        let headers = [
            ("cookie", cookie.as_str()),
            ("authorization", authorization),
        ];
        let answer = client.send("GET", "/api/tasks", &headers, &[]);
        assert_eq!(answer.status, 401, "{authorization}");
    }
}

#[rstest]
fn logging_out_ends_the_session_and_clears_the_cookie(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let (_, cookie) = log_in(&server);
    let client = server.client();
    let cookie = ("cookie", cookie.as_str());
    let elsewhere = client.send("POST", "/api/auth/logout", &[cookie], &[]);
    assert_eq!(elsewhere.code(), "cross_site");
    assert_eq!(client.send("GET", "/api/tasks", &[cookie], &[]).status, 200);
    let headers = [cookie, ("sec-fetch-site", "same-origin")];
    let answer = client.send("POST", "/api/auth/logout", &headers, &[]);
    assert_eq!(answer.status, 200);
    let cleared = answer.header("set-cookie").unwrap();
    assert!(cleared.starts_with("__Host-todo-session=;"), "{cleared}");
    assert!(cleared.contains("Max-Age=0"), "{cleared}");
    assert_eq!(client.send("GET", "/api/tasks", &[cookie], &[]).status, 401);
}

#[test]
fn a_page_of_another_site_cannot_have_the_cookie_cleared() {
    let trusted = "https://app.example";
    let server = Server::with(Sqlite, &[("CORS_ORIGINS", trusted)]).unwrap();
    let client = server.user("ada@example.com");
    let logout = |client: &Client, headers: &[(&str, &str)]| {
        client.send("POST", "/api/auth/logout", headers, &[])
    };
    let anyone = server.client();
    // The browser sends no cookie with the form of another site, but would obey the response.
    for site in ["cross-site", "same-site", "none"] {
        let forced = logout(
            &anyone,
            &[("sec-fetch-site", site), ("origin", "https://evil.example")],
        );
        assert_eq!(forced.status, 403, "{site}");
        assert_eq!(forced.code(), "cross_site");
        assert_eq!(forced.header("set-cookie"), None);
    }
    let elsewhere = [("sec-fetch-site", "cross-site"), ("origin", trusted)];
    for (client, headers) in [
        (&anyone, &elsewhere[..]),
        (&anyone, &[]),
        (&client, &elsewhere),
    ] {
        let answer = logout(client, headers);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("set-cookie"), None);
    }
    assert_eq!(client.get("/api/tasks").status, 401);
    let here = logout(&anyone, &[("sec-fetch-site", "same-origin")]);
    assert_eq!(here.status, 200);
    assert!(here.header("set-cookie").unwrap().contains("Max-Age=0"));
}
