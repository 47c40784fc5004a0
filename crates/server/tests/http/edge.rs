//! What every request and every answer passes.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Server, send_raw};

const ORIGIN: &str = "http://localhost:3000";

#[rstest]
fn a_request_id_is_taken_over_or_given(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.client();
    let with = |id: &str| {
        let answer = client.send("GET", "/api/tasks", &[("x-request-id", id)], &[]);
        answer.code();
        answer.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(with("from-the-client_1.2"), "from-the-client_1.2");
    let longest = "x".repeat(128);
    assert_eq!(with(&longest), longest);
    for unfit in ["", "with space", "with\ttab", "a{b}", &"x".repeat(129)] {
        assert_eq!(with(unfit).len(), 36, "{unfit}");
    }
    let given = client.get("/health/live");
    assert_eq!(given.header("x-request-id").unwrap().len(), 36);
}

#[rstest]
fn every_answer_has_security_headers(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.client();
    for path in ["/health/live", "/api/tasks", "/nowhere", "/api/docs/"] {
        let answer = client.get(path);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
    }
}

#[rstest]
fn a_page_of_a_listed_origin_may_read_every_answer(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &[("CORS_ORIGINS", ORIGIN)]) else {
        return;
    };
    let client = server.user("ada@example.com");
    let headers = [("origin", ORIGIN), ("content-type", "application/json")];
    let answers = [
        client.send("GET", "/api/tasks", &headers, &[]),
        client.send("POST", "/api/tasks", &headers, b"{"),
        client.send("GET", "/nowhere", &headers, &[]),
        client.send("PUT", "/api/tasks", &headers, b"{}"),
    ];
    let statuses = answers.each_ref().map(|answer| answer.status);
    assert_eq!(statuses, [200, 400, 404, 405]);
    for answer in answers {
        assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN));
        let exposed = answer.header("access-control-expose-headers").unwrap();
        for name in [
            "x-request-id",
            "location",
            "retry-after",
            "www-authenticate",
            "link",
            "etag",
            "ratelimit-policy",
        ] {
            assert!(exposed.contains(name), "{exposed}");
        }
    }
}

#[rstest]
fn a_page_of_a_listed_origin_may_read_a_5xx_too(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &[("CORS_ORIGINS", ORIGIN)]) else {
        return;
    };
    let client = server.user("ada@example.com");
    server
        .database
        .as_ref()
        .unwrap()
        .execute("DROP TABLE tasks");
    let answer = client.send("GET", "/api/tasks", &[("origin", ORIGIN)], &[]);
    assert_eq!(answer.status, 500);
    assert_eq!(answer.code(), "internal_error");
    assert_eq!(answer.detail(), "Internal server error");
    assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN));
    let body = String::from_utf8(answer.body).unwrap();
    assert!(!body.contains("tasks"), "{body}");
    crate::harness::eventually("the cause is in the log", || server.log().contains("tasks"));
}

#[rstest]
fn a_page_of_another_origin_may_not(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &[("CORS_ORIGINS", ORIGIN)]) else {
        return;
    };
    let client = server.user("ada@example.com");
    let answer = client.send(
        "GET",
        "/api/tasks",
        &[("origin", "http://evil.example")],
        &[],
    );
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[rstest]
fn a_preflight_is_answered(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &[("CORS_ORIGINS", ORIGIN)]) else {
        return;
    };
    let client = server.client();
    let preflight = |origin| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "PATCH"),
            (
                "access-control-request-headers",
                "authorization,content-type,x-internal-service",
            ),
        ];
        client.send("OPTIONS", "/api/tasks/1", &headers, &[])
    };
    let answer = preflight(ORIGIN);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN));
    assert!(
        answer
            .header("access-control-allow-methods")
            .unwrap()
            .contains("PATCH")
    );
    let allowed = answer.header("access-control-allow-headers").unwrap();
    for name in ["authorization", "content-type", "x-internal-service"] {
        assert!(allowed.contains(name), "{allowed}");
    }
    let refused = preflight("http://evil.example");
    assert_eq!(refused.status, 400);
    assert!(refused.detail().contains("Origin is not allowed"));
    assert_eq!(refused.header("access-control-allow-origin"), None);
}

#[rstest]
fn any_origin_may_be_allowed_without_credentials(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &[("CORS_ORIGINS", "*")]) else {
        return;
    };
    let headers = [("origin", "http://anywhere.example")];
    let answer = server.client().send("GET", "/health/live", &headers, &[]);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
}

#[rstest]
fn a_method_that_a_route_does_not_know_is_405_with_allow(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.client();
    for (method, path, allow) in [
        ("PUT", "/api/tasks", "GET, HEAD, POST"),
        ("POST", "/api/tasks/1", "DELETE, GET, HEAD, PATCH, PUT"),
        ("GET", "/api/tasks/1/complete", "PATCH"),
        ("GET", "/api/auth/login", "POST"),
        ("DELETE", "/api/1/tasks", "GET, HEAD, POST"),
        ("POST", "/health/live", "GET, HEAD"),
    ] {
        let answer = client.send(method, path, &[], &[]);
        assert_eq!(answer.status, 405, "{method} {path}");
        assert_eq!(answer.code(), "method_not_allowed");
        let mut methods: Vec<_> = answer.header("allow").unwrap().split(", ").collect();
        methods.sort_unstable();
        assert_eq!(methods.join(", "), allow, "{path}");
    }
}

#[rstest]
fn a_route_that_is_not_there_is_404(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let answer = server.client().post("/api/nowhere", &json!({}));
    assert_eq!(answer.status, 404);
    assert_eq!(answer.code(), "route_not_found");
}

#[rstest]
fn head_is_get_without_the_body(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let path = client.task_path("Buy milk");
    for path in ["/api/tasks", &path, "/health/ready", "/api/openapi.json"] {
        let get = client.get(path);
        let head = client.send("HEAD", path, &[], &[]);
        assert_eq!(head.status, get.status);
        assert!(head.body.is_empty());
        assert_eq!(head.header("content-length"), get.header("content-length"));
    }
}

#[rstest]
fn a_body_is_read_before_an_answer_that_needs_it_not(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.client();
    let megabyte = vec![b' '; 1 << 20];
    let headers = [("content-type", "application/json")];
    // The client writes all of its body before it reads, and would see a broken connection in place of the answer.
    for _ in 0..5 {
        let answer = client.send("POST", "/api/tasks", &headers, &megabyte);
        assert_eq!(answer.status, 401);
        assert_eq!(
            client.send("POST", "/nowhere", &headers, &megabyte).status,
            404
        );
        assert_eq!(
            client.send("PUT", "/api/tasks", &headers, &megabyte).status,
            405
        );
    }
}

#[rstest]
fn a_body_that_does_not_come_is_not_waited_for(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &[("SLOW_CLIENT_DEADLINE_SECONDS", "1")]) else {
        return;
    };
    let head = "POST /api/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 100\r\n\r\n{";
    let answer = send_raw(server.address(), head.as_bytes(), Duration::from_secs(20));
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains(r#""code":"body_too_slow""#), "{answer}");
}

#[rstest]
fn no_secret_is_in_the_log(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &[("LOG", "trace"), ("LOG_FORMAT", "json")]) else {
        return;
    };
    let mut client = server.user("ada@example.com");
    client.task("a private matter");
    client.get("/api/tasks/search?q=private");
    let wrong = json!({"email": "ada@example.com", "password": "a mistyped one"});
    client.post("/api/auth/login", &wrong);
    client.token = Some("eyJ.not.one".to_owned());
    client.get("/api/tasks");
    let token = client.token.clone().unwrap();
    crate::harness::eventually("the last request is logged", || {
        server.log().matches("\"answered\"").count() >= 5
    });
    let log = server.log();
    for secret in [
        crate::harness::PASSWORD,
        "a mistyped one",
        token.as_str(),
        "Bearer ey",
        "a secret of no less than 32 bytes",
        "$argon2id$",
        "a private matter",
    ] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    for line in log.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn other_origins_may_embed_nothing_and_use_no_method_that_no_route_has() {
    let server = Server::with(Sqlite, &[("CORS_ORIGINS", ORIGIN)]).unwrap();
    let client = server.user("ada@example.com");
    for path in ["/api/tasks", "/api/docs/", "/health/live", "/no/such/route"] {
        let answer = client.get(path);
        let policy = answer.header("cross-origin-resource-policy");
        assert_eq!(policy, Some("same-origin"), "{path}");
    }
    let preflight = |method| {
        let headers = [
            ("origin", ORIGIN),
            ("access-control-request-method", method),
        ];
        client.send("OPTIONS", "/api/tasks/1", &headers, &[])
    };
    let allowed = preflight("DELETE");
    let methods = allowed.header("access-control-allow-methods").unwrap();
    let mut methods: Vec<_> = methods.split(", ").collect();
    methods.sort_unstable();
    assert_eq!(methods, ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]);
    for method in ["TRACE", "CONNECT"] {
        assert_eq!(preflight(method).status, 400, "{method}");
    }
}

#[test]
fn no_other_origin_may_call_where_there_is_to_be_none() {
    let server = Server::with(Sqlite, &[("CORS_ORIGINS", "none")]).unwrap();
    let client = server.user("ada@example.com");
    for origin in ["http://localhost:3000", ORIGIN] {
        let answer = client.send("GET", "/api/tasks", &[("origin", origin)], &[]);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

#[test]
fn requests_that_are_no_http_are_counted_and_no_errors_of_the_server() {
    let server = Server::with(Sqlite, &[("METRICS_LISTEN", "127.0.0.1:0")]).unwrap();
    for _ in 0..10 {
        let patience = std::time::Duration::from_secs(5);
        let answer = crate::harness::send_raw(server.address(), b"NOT HTTP\r\n\r\n", patience);
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    let line = "todo_http_malformed_requests_total 10";
    crate::harness::eventually("all are counted", || {
        let shown = server.scraper().get("/metrics").body;
        String::from_utf8(shown)
            .unwrap()
            .lines()
            .any(|shown| shown == line)
    });
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}
