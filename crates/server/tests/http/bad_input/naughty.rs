//! Texts that programs have stumbled over, in every field of every body, in every parameter and in every header.
//!
//! No answer is a 5xx or has a status that the document does not know, and what was accepted is given back as it was
//! sent, but trimmed.

use std::{fmt::Write, time::Duration};

use rstest::rstest;
use serde_json::{Map, Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Answer, Client, PASSWORD, Server, send_raw};

/// Nothing is limited: there are thousands of requests from one address.
const UNLIMITED: [(&str, &str); 6] = [
    ("LOGIN_FAILURES_PER_ACCOUNT", "1000000"),
    ("LOGIN_FAILURES_PER_KNOWN_DEVICE", "1000000"),
    ("LOGIN_FAILURES_PER_ADDRESS", "1000000"),
    ("PASSWORD_FAILURES_PER_SESSION", "1000000"),
    ("REGISTRATIONS_PER_ADDRESS", "1000000"),
    ("MAILS_PER_ADDRESS", "1000000"),
];

/// Every field that is written back, and the largest number of characters that it may have.
const GIVEN_BACK: [(&str, &str, usize); 8] = [
    ("/api/auth/account", "name", 255),
    ("/api/auth/tokens", "name", 100),
    ("/api/tasks", "title", 255),
    ("/api/tasks", "description", 2_000),
    ("/api/tasks", "tags", 50),
    ("/api/tasks/{id}", "title", 255),
    ("/api/tasks/{id}", "description", 2_000),
    ("/api/tasks/{id}", "tags", 50),
];

/// Every header that the server looks at, besides those of the connection and the credential.
const HEADERS: [&str; 11] = [
    "accept",
    "content-type",
    "cookie",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "origin",
    "traceparent",
    "user-agent",
    "x-forwarded-for",
    "x-request-id",
];

/// What is given to a database, and so is tried on PostgreSQL, too: the rest is refused or used before one is asked.
const OF_DATABASE: [&str; 9] = [
    "description",
    "email",
    "idempotency-key",
    "name",
    "q",
    "tag",
    "tags",
    "title",
    "user-agent",
];

fn is_tried(kind: Kind, name: &str) -> bool {
    kind == Sqlite || OF_DATABASE.contains(&name)
}

/// A fourth of the texts: another one for each number, so that what has four places or more meets all of them.
fn a_fourth(strings: &[String], number: usize) -> impl Iterator<Item = &String> {
    strings.iter().skip(number % 4).step_by(4)
}

fn naughty_strings() -> Vec<String> {
    serde_json::from_str(include_str!("naughty_strings/blns.json")).unwrap()
}

/// Every body that there is, in the spelling of its path that the document has. None of them has an effect that ends
/// the test: the only password that is the right one is that for a new token.
fn bodies() -> [(&'static str, &'static str, Value); 18] {
    let password = "not the one of anybody";
    let task = json!({"title": "Buy milk", "description": "two", "priority": "high", "due_date": "2026-12-05",
        "tags": ["home"]});
    let mut change = task.clone();
    change["status"] = json!("completed");
    let mut operation = task.clone();
    operation["op"] = json!("create");
    [
        (
            "PATCH",
            "/api/auth/account",
            json!({"name": "Ada", "time_zone": "Europe/Berlin"}),
        ),
        (
            "POST",
            "/api/auth/account/delete",
            json!({"password": password}),
        ),
        (
            "POST",
            "/api/auth/email",
            json!({"email": "countess@example.com", "password": password}),
        ),
        (
            "POST",
            "/api/auth/email/verify",
            json!({"token": "todo_evt_"}),
        ),
        (
            "POST",
            "/api/auth/email/cancel",
            json!({"token": "todo_ecc_"}),
        ),
        (
            "POST",
            "/api/auth/login",
            json!({"email": "ada@example.com", "password": PASSWORD}),
        ),
        ("POST", "/api/auth/logout", json!({"sessions": "this"})),
        (
            "PUT",
            "/api/auth/password",
            json!({"current_password": password, "new_password": password}),
        ),
        (
            "POST",
            "/api/auth/password/reset",
            json!({"email": "ada@example.com"}),
        ),
        (
            "POST",
            "/api/auth/password/reset/confirm",
            json!({"token": "todo_pwr_", "password": password}),
        ),
        (
            "POST",
            "/api/auth/refresh",
            json!({"refresh_token": "a.b.c"}),
        ),
        (
            "POST",
            "/api/auth/register",
            json!({"email": "ada@example.com", "password": PASSWORD, "name": "Ada"}),
        ),
        (
            "POST",
            "/api/auth/tokens",
            json!({
                "name": "backup",
                "scopes": ["tasks:read"],
                "expires_in_days": 1,
                "password": PASSWORD,
            }),
        ),
        ("POST", "/api/tasks", task),
        (
            "POST",
            "/api/tasks/batch",
            json!({"operations": [operation]}),
        ),
        ("PUT", "/api/tasks/{id}", change.clone()),
        ("PATCH", "/api/tasks/{id}", change),
        ("PATCH", "/api/tasks/{id}/complete", json!({})),
    ]
}

/// A server with a user who has a task.
struct Target {
    server: Server,
    client: Client,
    document: Value,
    task: String,
}

impl Target {
    fn new(kind: Kind) -> Option<Self> {
        let server = Server::with(kind, &UNLIMITED)?;
        let client = server.user("ada@example.com");
        let document = client.get("/api/openapi.json").json();
        let task = client.task("Buy milk")["id"].as_str().unwrap().to_owned();
        Some(Self {
            server,
            client,
            document,
            task,
        })
    }

    fn path(&self, template: &str) -> String {
        template
            .replace("{user_id}", &self.client.id)
            .replace("{id}", &self.task)
    }

    /// Makes sure that an answer is one that the document knows.
    fn assert_documented(&self, method: &str, template: &str, what: &str, answer: &Answer) {
        let operation = &self.document["paths"][template][method.to_lowercase()];
        let documented = operation["responses"].as_object().unwrap();
        let is_known = documented.contains_key(&answer.status.to_string());
        assert!(
            answer.status < 500 && is_known,
            "{method} {template} {what}: {answer:?}"
        );
    }

    fn assert_unharmed(&self) {
        assert_eq!(self.client.get("/api/auth/session").status, 200);
        let log = self.server.log();
        assert!(!log.contains("panicked"), "{log}");
    }
}

/// The same text with every byte of it encoded.
fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        write!(encoded, "%{byte:02X}").unwrap();
        encoded
    })
}

/// What is kept of a text in this field, and `None` where it is to be refused.
fn kept(field: &str, text: &str, limit: usize) -> Option<String> {
    let text = text.trim();
    let has_paragraphs = field == "description";
    let is_allowed =
        |c: char| !c.is_control() || (has_paragraphs && matches!(c, '\n' | '\r' | '\t'));
    let text = match field {
        "tags" => text.to_lowercase(),
        _ => text.to_owned(),
    };
    let is_long_enough = has_paragraphs || !text.is_empty();
    (is_long_enough && text.chars().count() <= limit && text.chars().all(is_allowed))
        .then_some(text)
}

/// The body with another text in a field; `None` where the field is no text, nor texts.
fn with_text(body: &Value, field: &str, text: &str) -> Option<Value> {
    let mut body = body.clone();
    match &mut body[field] {
        Value::String(value) => text.clone_into(value),
        Value::Array(items) if items.iter().all(Value::is_string) => *items = vec![json!(text)],
        _ => return None,
    }
    Some(body)
}

#[test]
fn every_operation_with_a_body_is_tried() {
    let document: Value =
        serde_json::from_str(include_str!("../../../../api/openapi.json")).unwrap();
    let tried: Vec<_> = bodies()
        .into_iter()
        .map(|(method, path, body)| (method.to_lowercase(), path.to_owned(), body))
        .collect();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(content) = operation["requestBody"]["content"].as_object() else {
                continue;
            };
            let reference = content["application/json"]["schema"]["$ref"].as_str();
            let schema = reference.unwrap().strip_prefix('#').unwrap();
            let fields = document.pointer(&format!("{schema}/properties")).unwrap();
            // The other spelling has the same bodies.
            let path = path.replace("/{user_id}", "");
            let (.., body) = tried
                .iter()
                .find(|(of, at, _)| (of, at) == (method, &path))
                .unwrap_or_else(|| panic!("{method} {path} is not tried"));
            for (name, field) in fields.as_object().unwrap() {
                let is_text = !["boolean", "integer"]
                    .iter()
                    .any(|kind| field["type"].to_string().contains(kind));
                assert!(!is_text || !body[name].is_null(), "{method} {path} {name}");
            }
        }
    }
}

#[rstest]
fn in_every_field_of_every_body(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(target) = Target::new(kind) else {
        return;
    };
    let strings = naughty_strings();
    assert_eq!(strings.len(), 515);
    let mut number = 0;
    for (method, template, right) in bodies() {
        let path = target.path(template);
        let (fields, operation) = match right["operations"].get(0) {
            Some(operation) => (operation.clone(), true),
            None => (right.clone(), false),
        };
        let names: Map<_, _> = fields.as_object().unwrap().clone();
        for name in names.keys().filter(|name| is_tried(kind, name)) {
            let is_given_back = GIVEN_BACK
                .iter()
                .any(|(at, of, _)| (*at, *of) == (template, name.as_str()));
            number += 1;
            for (index, text) in strings.iter().enumerate() {
                if !is_given_back && index % 4 != number % 4 {
                    continue;
                }
                let Some(mut body) = with_text(&fields, name, text) else {
                    continue;
                };
                if template == "/api/auth/register" && name != "email" {
                    body["email"] = json!(format!("{name}{index}@example.com"));
                }
                if operation {
                    body = json!({"operations": [body]});
                }
                let answer = target.client.send_json(method, &path, &body);
                let what = format!("{name} {text:?}");
                target.assert_documented(method, template, &what, &answer);
                let of_field = GIVEN_BACK
                    .iter()
                    .find(|(at, of, _)| (*at, *of) == (template, name.as_str()));
                let Some((_, _, limit)) = of_field else {
                    continue;
                };
                let Some(kept) = kept(name, text, *limit) else {
                    assert_eq!(answer.invalid_fields(), [name.as_str()], "{what}");
                    continue;
                };
                assert!((200..300).contains(&answer.status), "{what}: {answer:?}");
                let written = answer.json();
                match name.as_str() {
                    "tags" => assert_eq!(written["tags"], json!([kept]), "{what}"),
                    // An empty description is as good as none.
                    "description" if kept.is_empty() => {
                        assert!(written[name].is_null() || written[name] == "", "{what}");
                    }
                    _ => assert_eq!(written[name], kept, "{what}"),
                }
                let id = written["id"].as_str().unwrap();
                if template == "/api/auth/tokens" {
                    // There may be 50 of them.
                    let revoked = target.client.delete(&format!("{path}/{id}"));
                    assert_eq!(revoked.status, 204);
                } else if template.starts_with("/api/tasks") {
                    let read = target.client.get(&format!("/api/tasks/{id}"));
                    assert_eq!(read.json(), written, "{what}");
                }
            }
        }
    }
    target.assert_unharmed();
}

#[rstest]
fn in_every_parameter(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(target) = Target::new(kind) else {
        return;
    };
    let strings = naughty_strings();
    let mut number = 0;
    for (template, item) in target.document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method = method.to_uppercase();
            let parameters = operation["parameters"].as_array();
            for parameter in parameters.into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap();
                if !is_tried(kind, name) {
                    continue;
                }
                number += 1;
                for text in a_fourth(&strings, number) {
                    let encoded = percent_encoded(text);
                    let path = match parameter["in"].as_str().unwrap() {
                        // The other spelling has the same queries.
                        "query" if !template.contains("{user_id}") => {
                            format!("{}?q=a&{name}={encoded}", target.path(template))
                                .replace("q=a&q=", "q=")
                        }
                        "path" if name == "user_id" || !template.contains("{user_id}") => {
                            target.path(&template.replace(&format!("{{{name}}}"), &encoded))
                        }
                        _ => continue,
                    };
                    let answer = target.client.send(&method, &path, &[], &[]);
                    let what = format!("{name} {text:?}");
                    // An empty segment makes another path.
                    if text.is_empty() || parameter["in"] == "path" {
                        assert!(answer.status < 500, "{method} {path} {what}: {answer:?}");
                        assert!(answer.status >= 400 || text.is_empty(), "{method} {path}");
                    } else {
                        target.assert_documented(&method, template, &what, &answer);
                    }
                }
            }
        }
    }
    target.assert_unharmed();
}

#[rstest]
fn in_every_header(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(target) = Target::new(kind) else {
        return;
    };
    let body = br#"{"title": "Buy milk"}"#;
    let strings = naughty_strings();
    let names = HEADERS.into_iter().filter(|name| is_tried(kind, name));
    for (number, name) in names.enumerate() {
        // Those with control characters are no headers at all.
        for text in a_fourth(&strings, number).filter(|text| !text.contains(char::is_control)) {
            let what = format!("{name} {text:?}");
            let path = target.path("/api/tasks/{id}");
            let answer = target.client.send("GET", &path, &[(name, text)], &[]);
            target.assert_documented("GET", "/api/tasks/{id}", &what, &answer);
            let mut headers = vec![(name, text.as_str())];
            if name != "content-type" {
                headers.push(("content-type", "application/json"));
            }
            let answer = target.client.send("PATCH", &path, &headers, body);
            target.assert_documented("PATCH", "/api/tasks/{id}", &what, &answer);
            let answer = target.client.send("POST", "/api/tasks", &headers, body);
            target.assert_documented("POST", "/api/tasks", &what, &answer);
        }
    }
    target.assert_unharmed();
}

#[test]
fn in_the_credential() {
    let target = Target::new(Sqlite).unwrap();
    let path = target.path("/api/tasks/{id}");
    for text in naughty_strings() {
        let text = text.replace(char::is_control, "");
        for credential in [text.clone(), format!("Bearer {text}")] {
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: {credential}\r\n\r\n"
            );
            let patience = Duration::from_secs(30);
            let answer = send_raw(target.server.address(), request.as_bytes(), patience);
            assert!(
                answer.starts_with("HTTP/1.1 401 "),
                "{credential:?}: {answer}"
            );
        }
    }
    target.assert_unharmed();
}
