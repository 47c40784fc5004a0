//! What is tried, and what is answered to it.

use serde_json::{Map, Value, json};

use crate::harness::{Answer, Client, PASSWORD};

/// What a case is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The request is granted.
    Granted,
    /// 422, and the field is named.
    Invalid,
    /// 401: the login fails.
    WrongPassword,
}
pub(super) use Outcome::{Granted, Invalid, WrongPassword};

/// A field of a body, and what is answered to what is wrong about it.
pub(super) struct Field {
    pub(super) name: &'static str,
    /// A value that is right.
    pub(super) right: Value,
    pub(super) absent: Outcome,
    null: Outcome,
    /// `None` where the field is no text.
    text: Option<Text>,
}

struct Text {
    empty: Outcome,
    blank: Outcome,
    /// The largest number of characters.
    limit: usize,
    at_limit: Outcome,
    nul: Outcome,
    unicode: Outcome,
    /// What a value of so many characters looks like.
    of_length: fn(usize) -> String,
}

/// A route with a body.
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) granted: u16,
    pub(super) fields: Vec<Field>,
}

fn plain(length: usize) -> String {
    "ä".repeat(length)
}

/// An address that mails can have: its local part has 64 bytes at most, and each label of its domain 63 (RFC 5321, 4.5.3.1).
fn address(length: usize) -> String {
    const LOCAL: usize = 64;
    const END: &str = ".example.com";
    let label = format!("{}.", "b".repeat(60));
    let labels = label.repeat(4);
    let domain = &labels[..length - LOCAL - 1 - END.len()];
    format!(
        "{}@{}{END}",
        "a".repeat(LOCAL),
        domain.trim_end_matches('.')
    )
}

fn email() -> Field {
    Field {
        name: "email",
        right: json!("grace@example.com"),
        absent: Invalid,
        null: Invalid,
        text: Some(Text {
            empty: Invalid,
            blank: Invalid,
            limit: 255,
            at_limit: Granted,
            nul: Invalid,
            // No address has a space in it.
            unicode: Invalid,
            of_length: address,
        }),
    }
}

fn field(
    name: &'static str,
    right: Value,
    absent: Outcome,
    null: Outcome,
    text: Option<Text>,
) -> Field {
    Field {
        name,
        right,
        absent,
        null,
        text,
    }
}

fn one_line() -> Text {
    Text {
        empty: Invalid,
        blank: Invalid,
        limit: 255,
        at_limit: Granted,
        nul: Invalid,
        unicode: Granted,
        of_length: plain,
    }
}

/// One of a few texts, and nothing else.
fn words() -> Text {
    Text {
        at_limit: Invalid,
        unicode: Invalid,
        ..one_line()
    }
}

fn paragraphs() -> Text {
    Text {
        empty: Granted,
        blank: Granted,
        limit: 2_000,
        ..one_line()
    }
}

fn chosen_password() -> Text {
    Text {
        // Three spaces are too short.
        blank: Invalid,
        limit: 128,
        nul: Granted,
        ..one_line()
    }
}

fn typed_password() -> Text {
    Text {
        blank: WrongPassword,
        at_limit: WrongPassword,
        nul: WrongPassword,
        unicode: WrongPassword,
        ..chosen_password()
    }
}

fn register() -> Vec<Field> {
    let password = Some(chosen_password());
    vec![
        email(),
        field("password", json!(PASSWORD), Invalid, Invalid, password),
        field("name", json!("Grace"), Invalid, Invalid, Some(one_line())),
    ]
}

fn login() -> Vec<Field> {
    let email = Field {
        text: email().text.map(|text| Text {
            at_limit: WrongPassword,
            ..text
        }),
        right: json!("ada@example.com"),
        ..email()
    };
    let password = Some(typed_password());
    vec![
        email,
        field("password", json!(PASSWORD), Invalid, Invalid, password),
    ]
}

fn create() -> Vec<Field> {
    let title = Some(one_line());
    vec![
        field("title", json!("Buy milk"), Invalid, Invalid, title),
        description(),
        field("priority", json!("high"), Granted, Granted, Some(words())),
        field(
            "due_date",
            json!("2026-12-05"),
            Granted,
            Granted,
            Some(words()),
        ),
        field("tags", json!(["home"]), Granted, Granted, None),
    ]
}

fn update() -> Vec<Field> {
    let title = Some(one_line());
    vec![
        field("title", json!("Buy oats"), Granted, Invalid, title),
        description(),
        field("completed", json!(true), Granted, Invalid, None),
        field(
            "status",
            json!("completed"),
            Granted,
            Invalid,
            Some(words()),
        ),
        field("priority", json!("high"), Granted, Invalid, Some(words())),
        field(
            "due_date",
            json!("2026-12-05"),
            Granted,
            Granted,
            Some(words()),
        ),
        field("tags", json!(["home"]), Granted, Granted, None),
    ]
}

fn description() -> Field {
    let text = Some(paragraphs());
    field("description", json!("two"), Granted, Granted, text)
}

/// Every route with a body; `task` is the path of a task.
pub(super) fn routes(task: &str) -> Vec<Route> {
    [
        ("POST", "/api/auth/register", 201, register()),
        ("POST", "/api/auth/login", 200, login()),
        ("POST", "/api/tasks", 201, create()),
        ("PUT", task, 200, update()),
        ("PATCH", task, 200, update()),
    ]
    .into_iter()
    .map(|(method, path, granted, fields)| Route {
        method,
        path: path.to_owned(),
        granted,
        fields,
    })
    .collect()
}

impl Route {
    /// A body that is right.
    pub(super) fn right(&self) -> Map<String, Value> {
        self.fields
            .iter()
            .map(|field| (field.name.to_owned(), field.right.clone()))
            .collect()
    }

    pub(super) fn send(&self, client: &Client, body: &[u8]) -> Answer {
        let headers = [("content-type", "application/json")];
        client.send(self.method, &self.path, &headers, body)
    }
}

impl Field {
    /// Every value that is tried, with its name and what is answered.
    pub(super) fn values(&self) -> Vec<(&'static str, Value, Outcome)> {
        let mut values = vec![
            ("null", Value::Null, self.null),
            ("number", json!(42), Invalid),
            ("array of arrays", json!([["a"]]), Invalid),
            ("object", json!({"a": "b"}), Invalid),
            ("deeply nested", nested(100), Invalid),
        ];
        if self.name == "tags" {
            values.extend(tags());
        }
        let Some(text) = &self.text else {
            values.push(("text", json!("true"), Invalid));
            return values;
        };
        let of_length = |length| json!((text.of_length)(length));
        values.extend([
            ("boolean", json!(true), Invalid),
            ("empty", json!(""), text.empty),
            ("blank", json!(" \u{2003} "), text.blank),
            ("at the limit", of_length(text.limit), text.at_limit),
            ("one over the limit", of_length(text.limit + 1), Invalid),
            ("NUL", json!("with\0nul character"), text.nul),
            (
                "emoji and combining",
                json!("👩‍👩‍👧 e\u{301}\u{323} ﷽ 🦀🦀🦀"),
                text.unicode,
            ),
        ]);
        values
    }
}

/// What may be wrong about tags.
fn tags() -> Vec<(&'static str, Value, Outcome)> {
    let numbered = |count: usize| json!((0..count).map(|n| n.to_string()).collect::<Vec<_>>());
    vec![
        ("empty array", json!([]), Granted),
        ("twenty", numbered(20), Granted),
        ("twenty-one", numbered(21), Invalid),
        ("the same one often", json!(vec!["a"; 100]), Granted),
        ("at the limit", json!(["ä".repeat(50)]), Granted),
        ("one over the limit", json!(["ä".repeat(51)]), Invalid),
        ("blank", json!(["home", " "]), Invalid),
        ("NUL", json!(["a\0b"]), Invalid),
        ("emoji and combining", json!(["👩‍👩‍👧 e\u{301}"]), Granted),
        ("null inside", json!([null]), Invalid),
        ("number inside", json!(["home", 1]), Invalid),
    ]
}

/// An array in an array in an array …
fn nested(depth: usize) -> Value {
    (0..depth).fold(json!([]), |inner, _| json!([inner]))
}
