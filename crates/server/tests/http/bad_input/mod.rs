//! What bad input gets: each field of each route with everything that may be wrong about it.
//!
//! The answer is never a 5xx, names the field where one is at fault, and leaves the data as they were.

mod cases;
mod naughty;

use rstest::rstest;
use serde_json::{Map, Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use self::cases::{Field, Granted, Invalid, Outcome, Route, WrongPassword, routes};
use crate::harness::{Answer, Client, PASSWORD, Server};

/// Everything that must stay as it is when a request is refused.
fn state(client: &Client) -> Value {
    client.get("/api/tasks").json()
}

/// A server with a user who has a task.
struct Target {
    server: Server,
    client: Client,
    routes: Vec<Route>,
}

impl Target {
    fn new(kind: Kind) -> Option<Self> {
        let server = Server::start(kind)?;
        let client = server.user("ada@example.com");
        let routes = routes(&client.task_path("Buy milk"));
        Some(Self {
            server,
            client,
            routes,
        })
    }

    /// Makes sure that a request was refused with this status and changed nothing.
    fn assert_refused(&self, what: &str, status: u16, before: &Value, answer: &Answer) {
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        answer.code();
        assert_eq!(state(&self.client), *before, "{what}");
    }

    /// A registration that was granted is undone, so that the next one finds the address free.
    fn forget_grace(&self) {
        let database = self.server.database.as_ref().unwrap();
        database.execute("DELETE FROM users WHERE email <> 'ada@example.com'");
    }

    fn try_field(&self, route: &Route, field: &Field, what: &str, body: &[u8], outcome: Outcome) {
        let what = format!("{} {} {} {what}", route.method, route.path, field.name);
        let before = state(&self.client);
        let answer = route.send(&self.client, body);
        match outcome {
            Granted => assert_eq!(answer.status, route.granted, "{what}: {answer:?}"),
            WrongPassword => self.assert_refused(&what, 401, &before, &answer),
            Invalid => {
                self.assert_refused(&what, 422, &before, &answer);
                assert_eq!(answer.invalid_fields(), [field.name], "{what}");
                assert!(answer.detail().starts_with(field.name), "{what}");
            }
        }
        self.forget_grace();
    }
}

#[rstest]
fn every_value_of_every_field(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(target) = Target::new(kind) else {
        return;
    };
    for route in &target.routes {
        for field in &route.fields {
            for (what, value, outcome) in field.values() {
                let mut body = route.right();
                body.insert(field.name.to_owned(), value);
                let body = serde_json::to_vec(&body).unwrap();
                target.try_field(route, field, what, &body, outcome);
            }
            let mut body = route.right();
            body.remove(field.name);
            let body = serde_json::to_vec(&body).unwrap();
            target.try_field(route, field, "absent", &body, field.absent);

            let mut twice = serde_json::to_string(&route.right()).unwrap();
            let again = format!(r#","{}":{}}}"#, field.name, field.right);
            twice.replace_range(twice.len() - 1.., &again);
            target.try_field(route, field, "twice", twice.as_bytes(), Invalid);
        }
    }
}

#[rstest]
fn every_field_that_is_not_known(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(target) = Target::new(kind) else {
        return;
    };
    for route in &target.routes {
        let before = state(&target.client);
        for name in ["unheard_of", "", "Title", "id", "__proto__", "user_id"] {
            let mut body = route.right();
            body.insert(name.to_owned(), json!("a"));
            let answer = route.send(&target.client, &serde_json::to_vec(&body).unwrap());
            target.assert_refused(name, 422, &before, &answer);
            assert_eq!(answer.invalid_fields(), [name]);
            for field in &route.fields {
                assert!(answer.detail().contains(field.name), "{}", answer.detail());
            }
        }
    }
}

#[rstest]
fn every_body_that_is_no_json_object(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(target) = Target::new(kind) else {
        return;
    };
    let deep = "[".repeat(10_000);
    let deep_member = format!(r#"{{"title": {deep}}}"#);
    let huge = format!(r#"{{"title": "{}"}}"#, "a".repeat(1 << 20));
    let mut not_utf8 = br#"{"title": "a"}"#.to_vec();
    not_utf8[11] = 0xff;
    let cases: [(&[u8], u16, &str); 13] = [
        (b"", 400, "empty_body"),
        (b" ", 400, "malformed_json"),
        (b"{", 400, "malformed_json"),
        (b"{\"title\": \"a\"} trailing", 400, "malformed_json"),
        (b"{\"title\": \"\\ud800\"}", 400, "malformed_json"),
        (b"{title: 'a'}", 400, "malformed_json"),
        (&not_utf8, 400, "malformed_json"),
        (deep_member.as_bytes(), 400, "malformed_json"),
        (deep.as_bytes(), 400, "malformed_json"),
        (huge.as_bytes(), 413, "body_too_large"),
        (b"[]", 422, "validation_failed"),
        (b"null", 422, "validation_failed"),
        (b"\"title\"", 422, "validation_failed"),
    ];
    for route in &target.routes {
        let before = state(&target.client);
        for (body, status, code) in cases {
            let what = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            let answer = route.send(&target.client, body);
            target.assert_refused(&what, status, &before, &answer);
            assert_eq!(answer.code(), code, "{what}");
        }
    }
}

#[rstest]
fn every_content_type_that_is_not_json(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(target) = Target::new(kind) else {
        return;
    };
    let body = |route: &Route| serde_json::to_vec(&route.right()).unwrap();
    for route in &target.routes {
        let before = state(&target.client);
        for content_type in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/json; charset=iso-8859-1",
            "nonsense",
            "application/",
        ] {
            let headers = [("content-type", content_type)];
            let answer = target
                .client
                .send(route.method, &route.path, &headers, &body(route));
            target.assert_refused(content_type, 415, &before, &answer);
            assert_eq!(answer.code(), "unsupported_media_type");
        }
        let answer = target
            .client
            .send(route.method, &route.path, &[], &body(route));
        target.assert_refused("no content type", 415, &before, &answer);
    }
}

#[rstest]
fn every_query_that_is_not_known(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(target) = Target::new(kind) else {
        return;
    };
    let task = target.routes.last().unwrap().path.clone();
    let complete = format!("{task}/complete");
    let other_routes = [
        ("GET", "/api/tasks"),
        ("GET", "/api/auth/session"),
        ("POST", "/api/auth/logout"),
        ("GET", task.as_str()),
        ("PATCH", complete.as_str()),
        ("DELETE", task.as_str()),
    ];
    let with_body = target
        .routes
        .iter()
        .map(|route| (route.method, route.path.as_str(), route.right()));
    let all = other_routes
        .into_iter()
        .map(|(method, path)| (method, path, Map::new()))
        .chain(with_body);
    let before = state(&target.client);
    for (method, path, body) in all {
        for query in ["unheard_of=1", "unheard_of", "unheard_of=%00"] {
            let path = format!("{path}?{query}");
            let answer = if body.is_empty() {
                target.client.send(method, &path, &[], &[])
            } else {
                let body = Value::Object(body.clone());
                target.client.send_json(method, &path, &body)
            };
            target.assert_refused(&path, 422, &before, &answer);
            assert_eq!(answer.invalid_fields(), ["unheard_of"], "{method} {path}");
        }
    }
}

#[rstest]
fn every_idempotency_key_that_is_not_kept(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(target) = Target::new(kind) else {
        return;
    };
    let task = target.routes.last().unwrap().path.clone();
    let complete = format!("{task}/complete");
    let of_user = task.replace("/api/", &format!("/api/{}/", target.client.id));
    let body = |path: &str, method: &str| {
        let mut routes = target.routes.iter();
        routes
            .find(|route| route.path == path && route.method == method)
            .map(|route| serde_json::to_vec(&route.right()).unwrap())
    };
    let before = state(&target.client);
    for (method, path) in [
        ("POST", "/api/auth/register"),
        ("POST", "/api/auth/login"),
        ("POST", "/api/auth/logout"),
        ("PUT", task.as_str()),
        ("PATCH", task.as_str()),
        ("PATCH", complete.as_str()),
        ("DELETE", task.as_str()),
        ("DELETE", of_user.as_str()),
        ("GET", task.as_str()),
        ("GET", "/api/tasks"),
    ] {
        let headers = [
            ("content-type", "application/json"),
            ("idempotency-key", "key"),
        ];
        let body = body(path, method).unwrap_or_default();
        let answer = target.client.send(method, path, &headers, &body);
        let what = format!("{method} {path}");
        target.assert_refused(&what, 422, &before, &answer);
        assert_eq!(answer.invalid_fields(), ["Idempotency-Key"], "{what}");
    }
    // Nobody was registered, and nobody logged out.
    let grace = target.client.post(
        "/api/auth/login",
        &json!({"email": "grace@example.com", "password": PASSWORD}),
    );
    assert_eq!(grace.status, 401);
    assert_eq!(target.client.get("/api/auth/session").status, 200);
}

#[rstest]
fn every_value_of_every_parameter(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(target) = Target::new(kind) else {
        return;
    };
    let long = "a".repeat(256);
    let page: [(&str, &[&str]); 7] = [
        (
            "status",
            &["", "done", "Pending", "pending%20", "%00", "%ff"],
        ),
        (
            "limit",
            &[
                "",
                "0",
                "1001",
                "-1",
                "1.5",
                "ten",
                "99999999999999999999",
                "%31%00",
            ],
        ),
        ("offset", &["", "-1", "1.5", "ten", "4294967296"]),
        ("total", &["", "yes", "1", "TRUE"]),
        ("sort", &["", "due", "CREATED_AT", "id"]),
        ("order", &["", "up", "DESC"]),
        ("cursor", &["", "AAAA", "not%20base64", "%00"]),
    ];
    let list: [(&str, &[&str]); 8] = [
        ("completed", &["", "yes", "1"]),
        ("priority", &["", "urgent", "HIGH"]),
        ("tag", &["", "%20", "a%00b", &long]),
        (
            "due_date",
            &[
                "",
                "2026-02-29",
                "2026-13-01",
                "tomorrow",
                "2026-12-01T00:00:00Z",
            ],
        ),
        ("due_date_start", &["", "2026-02-29"]),
        ("due_date_end", &["", "2026-02-29"]),
        ("due", &["", "yesterday", "Today"]),
        (
            "time_zone",
            &["", "Europe/Atlantis", "+02:00", "..%2Fetc%2Fpasswd"],
        ),
    ];
    let search: [(&str, &[&str]); 1] = [("q", &["", "%20%20", "a%00b", "%ff", &long])];
    let all = page.into_iter().chain(list).chain(search);
    for (name, values) in all {
        for value in values {
            let path = format!("/api/tasks?{name}={value}");
            let answer = target.client.get(&path);
            assert_eq!(answer.invalid_fields(), [name], "{path}");
            if page.iter().any(|(of_page, _)| *of_page == name) {
                let path = format!("/api/tasks/search?q=a&{name}={value}");
                assert_eq!(target.client.get(&path).invalid_fields(), [name], "{path}");
            }
        }
        if name != "tag" {
            let path = format!("/api/tasks?{name}=1&{name}=1");
            assert_eq!(target.client.get(&path).invalid_fields(), [name], "{path}");
        }
    }
    for (query, name) in [
        ("status=pending&completed=true", "completed"),
        (
            "due_date_start=2026-12-02&due_date_end=2026-12-01",
            "due_date_end",
        ),
    ] {
        let answer = target.client.get(&format!("/api/tasks?{query}"));
        assert_eq!(answer.invalid_fields(), [name], "{query}");
    }
    let missing = target.client.get("/api/tasks/search");
    assert_eq!(missing.invalid_fields(), ["q"]);
    let longest = format!("/api/tasks/search?q={}", "%C3%A4".repeat(255));
    assert_eq!(target.client.get(&longest).status, 200);
}

#[rstest]
fn every_contradiction(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(target) = Target::new(kind) else {
        return;
    };
    let task = &target.routes.last().unwrap().path;
    let before = state(&target.client);
    for method in ["PUT", "PATCH"] {
        for body in [
            json!({"completed": true, "status": "pending"}),
            json!({"status": "completed", "completed": false}),
        ] {
            let answer = target.client.send_json(method, task, &body);
            target.assert_refused(method, 422, &before, &answer);
            assert_eq!(answer.invalid_fields(), ["status"]);
        }
    }
}

#[rstest]
fn a_body_where_there_should_be_none(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(target) = Target::new(kind) else {
        return;
    };
    let task = target.routes.last().unwrap().path.clone();
    let complete = format!("{task}/complete");
    let before = state(&target.client);
    let headers = [("content-type", "application/json")];
    for (method, path) in [
        ("POST", "/api/auth/logout"),
        ("PATCH", complete.as_str()),
        ("DELETE", task.as_str()),
    ] {
        let send = |body: &[u8]| target.client.send(method, path, &headers, body);
        let answer = send(br#"{"completed": true}"#);
        target.assert_refused(path, 422, &before, &answer);
        assert_eq!(answer.invalid_fields(), ["completed"]);
        target.assert_refused(path, 400, &before, &send(b"{"));
        target.assert_refused(path, 413, &before, &send(&vec![b' '; 1 << 20]));
    }
    let toggled = target.client.patch(&complete, &json!({}));
    assert_eq!(toggled.status, 200);
    assert_eq!(
        target.client.post("/api/auth/logout", &json!({})).status,
        200
    );
}
