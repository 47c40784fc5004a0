//! Who may call what: every operation of the OpenAPI document, by everyone who may not, and by those who may.

use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::{Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Answer, Client, PASSWORD, Server};

/// The operations that anyone may call. Whoever adds one that no credential is asked of has to name it here.
const PUBLIC: [(&str, &str); 11] = [
    ("get", "/.well-known/jwks.json"),
    ("post", "/api/auth/login"),
    ("post", "/api/auth/logout"),
    ("post", "/api/auth/email/cancel"),
    ("post", "/api/auth/email/verify"),
    ("post", "/api/auth/password/reset"),
    ("post", "/api/auth/password/reset/confirm"),
    ("post", "/api/auth/refresh"),
    ("post", "/api/auth/register"),
    ("get", "/health/live"),
    ("get", "/health/ready"),
];

const UNKNOWN_TOKEN: &str = "todo_pat_0000000000000000000001LygHa16AHYF22r4wb";
const MISTYPED_TOKEN: &str = "todo_pat_0000000000000000000001LygHa16AHYF22r4wa";

/// An operation that takes a credential.
struct Operation {
    method: String,
    path: String,
    /// The scope that makes a personal access token good for it; without one, it takes a session.
    scope: Option<String>,
}

/// Every operation that takes a credential, after it was made sure that the others are those that may do without.
fn operations(client: &Client) -> Vec<Operation> {
    let document = client.get("/api/openapi.json").json();
    let (mut public, mut others) = (BTreeSet::new(), Vec::new());
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let security = operation.get("security").unwrap_or(&document["security"]);
            let security = security.as_array().unwrap();
            if security.contains(&json!({})) {
                public.insert((method.clone(), path.clone()));
                continue;
            }
            let scope = security.iter().find_map(|way| {
                let scope = &way.get("personal_access_token")?[0];
                Some(scope.as_str().unwrap().to_owned())
            });
            others.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                scope,
            });
        }
    }
    let expected = PUBLIC.map(|(method, path)| (method.to_owned(), path.to_owned()));
    assert_eq!(public, BTreeSet::from(expected));
    others
}

impl Operation {
    /// Calls it about what is `owner`'s, with a body that it would accept.
    fn call(&self, by: &Client, headers: &[(&str, &str)], owner: &Client, id: &str) -> Answer {
        let mut path = self
            .path
            .replace("{user_id}", &owner.id)
            .replace("{id}", id);
        if path.ends_with("/search") {
            path.push_str("?q=milk");
        }
        let last = self.path.rsplit('/').next().unwrap();
        let body = match (self.method.as_str(), last) {
            ("POST", "batch") => json!({"operations": [{"op": "create", "title": "a"}]}),
            ("POST", "tokens") => {
                json!({"name": "a", "scopes": ["tasks:read"], "expires_in_days": 1})
            }
            ("PATCH", "account") => json!({"name": "Ada"}),
            ("POST", "verification") => return by.send(&self.method, &path, headers, &[]),
            ("POST", "email") => json!({"email": "new@example.com", "password": PASSWORD}),
            ("POST", "delete") => json!({"password": "wrong horse"}),
            ("PUT", "password") => {
                json!({"current_password": PASSWORD, "new_password": PASSWORD})
            }
            ("POST" | "PUT", _) | ("PATCH", "{id}") => json!({"title": "a"}),
            _ => return by.send(&self.method, &path, headers, &[]),
        };
        let json = [("content-type", "application/json")];
        let headers = [headers, &json].concat();
        by.send(&self.method, &path, &headers, body.to_string().as_bytes())
    }

    /// The id of something of `owner` that was made for this.
    fn fresh_id(&self, server: &Server, owner: &Client) -> String {
        let made = if self.path.contains("/tasks") {
            owner.task("Buy milk")
        } else if self.path.contains("/tokens") {
            make_token(owner, "secret name", &["tasks:read"])
        } else {
            let body = json!({"email": "ada@example.com", "password": PASSWORD});
            assert_eq!(server.client().post("/api/auth/login", &body).status, 200);
            let sessions = owner.get("/api/auth/sessions").json();
            let sessions = sessions["sessions"].as_array().unwrap().clone();
            let other = sessions.into_iter().find(|one| one["current"] == false);
            other.unwrap()
        };
        made["id"].as_str().unwrap().to_owned()
    }

    /// What a caller is told who has an account, but not the one that it is about.
    fn code_for_others(&self) -> Option<&'static str> {
        match self.path.as_str() {
            path if path.contains("{user_id}") => Some("user_id_mismatch"),
            path if path.starts_with("/api/tasks/{id}") => Some("task_not_found"),
            "/api/auth/sessions/{id}" => Some("session_not_found"),
            "/api/auth/tokens/{id}" => Some("token_not_found"),
            // It is about the caller, whoever that is.
            _ => None,
        }
    }
}

fn make_token(owner: &Client, name: &str, scopes: &[&str]) -> Value {
    let body = json!({"name": name, "scopes": scopes, "expires_in_days": 30});
    let answer = owner.post("/api/auth/tokens", &body);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

/// The same user, by a personal access token.
fn by_token(owner: &Client, name: &str, scopes: &[&str]) -> Client {
    let token = make_token(owner, name, scopes)["token"].clone();
    owner.with_token(token.as_str().unwrap())
}

/// Those whose credential does not count.
fn refused(server: &Server, kind: Kind, ada: &Client) -> Vec<(&'static str, Client)> {
    let behind = server.database.as_ref().unwrap();
    let gone = server.user("gone@example.com");
    let gone_by_token = by_token(&gone, "a", &["tasks:read", "tasks:write"]);
    behind.execute("DELETE FROM users WHERE email = 'gone@example.com'");

    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let mut ended = server.client();
    ended.sign_in(&server.client().post("/api/auth/login", &body));
    assert_eq!(ended.post("/api/auth/logout", &json!({})).status, 200);

    let expired = by_token(ada, "expired", &["tasks:read", "tasks:write"]);
    let past = match kind {
        Sqlite => "0",
        Postgres => "'2020-01-01'",
    };
    behind.execute(&format!(
        "UPDATE personal_access_tokens SET expires_at = {past} WHERE name = 'expired'"
    ));

    let revoked = make_token(ada, "revoked", &["tasks:read", "tasks:write"]);
    let path = format!("/api/auth/tokens/{}", revoked["id"].as_str().unwrap());
    assert_eq!(ada.delete(&path).status, 204);
    vec![
        ("the session of a user who is gone", gone),
        ("the token of a user who is gone", gone_by_token),
        ("a session that has ended", ended),
        ("a token that has expired", expired),
        (
            "a token that was revoked",
            ada.with_token(revoked["token"].as_str().unwrap()),
        ),
        ("a token that was never made", ada.with_token(UNKNOWN_TOKEN)),
        ("a token that was mistyped", ada.with_token(MISTYPED_TOKEN)),
        ("nonsense", ada.with_token("nonsense")),
    ]
}

/// What a problem says, but for the request that it names.
fn said(answer: &Answer) -> String {
    let mut problem = answer.json();
    problem.as_object_mut().unwrap().remove("request_id");
    let text = problem.to_string();
    for secret in ["milk", "ada@example.com", "secret name"] {
        assert!(!text.contains(secret), "{text}");
    }
    text
}

fn challenge(answer: &Answer) -> &str {
    answer.header("www-authenticate").unwrap()
}

#[rstest]
fn whoever_may_not_call_is_refused_everywhere_alike(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let ada = server.user("ada@example.com");
    let refused = refused(&server, kind, &ada);
    let all = by_token(&ada, "all", &["tasks:read", "tasks:write"]);
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "cookie": true});
    let cookie = server.client().post("/api/auth/login", &body);
    let cookie = cookie.header("set-cookie").unwrap().split(';').next();
    let elsewhere = [
        ("cookie", cookie.unwrap()),
        ("sec-fetch-site", "cross-site"),
    ];
    let task = ada.task("Buy milk");
    let mut told = BTreeSet::new();
    for operation in operations(&ada) {
        let Operation {
            method,
            path,
            scope,
        } = &operation;
        let id = if path.contains("/tasks") {
            task["id"].as_str().unwrap().to_owned()
        } else {
            operation.fresh_id(&server, &ada)
        };
        let call = |by: &Client, headers: &[(&str, &str)]| operation.call(by, headers, &ada, &id);

        let answer = call(&server.client(), &[]);
        assert_eq!(answer.status, 401, "{method} {path}");
        assert_eq!(answer.code(), "not_authenticated");
        told.insert(said(&answer));
        for (who, client) in &refused {
            let answer = call(client, &[]);
            assert_eq!(answer.status, 401, "{method} {path} by {who}");
            assert_eq!(answer.code(), "invalid_token");
            assert!(challenge(&answer).contains(r#"error="invalid_token""#));
            told.insert(said(&answer));
        }

        let answer = match scope {
            Some(scope) => {
                let other = ["tasks:read", "tasks:write"]
                    .into_iter()
                    .find(|one| one != scope);
                call(&by_token_of_one_scope(&ada, other.unwrap()), &[])
            }
            None => call(&all, &[]),
        };
        assert_eq!(answer.status, 403, "{method} {path}");
        assert_eq!(answer.code(), "insufficient_scope");
        assert!(challenge(&answer).contains(r#"error="insufficient_scope""#));
        if let Some(scope) = scope {
            assert!(challenge(&answer).contains(&format!(r#"scope="{scope}""#)));
        }
        told.insert(said(&answer));

        if method != "GET" {
            let answer = call(&server.client(), &elsewhere);
            assert_eq!(answer.code(), "cross_site", "{method} {path}");
            told.insert(said(&answer));
        }
    }
    // Two of 401; of 403 one for each scope, one for sessions, and one for cookies.
    assert_eq!(told.len(), 6, "{told:#?}");
    assert_eq!(ada.get("/api/tasks").json()["tasks"], json!([task]));
}

/// The same user, by a token that has one scope, of which the one that was made last is kept.
fn by_token_of_one_scope(owner: &Client, scope: &str) -> Client {
    let made = make_token(owner, "one scope", &[scope]);
    let client = owner.with_token(made["token"].as_str().unwrap());
    let tokens = owner.get("/api/auth/tokens").json();
    for old in tokens["tokens"].as_array().unwrap() {
        if old["name"] == "one scope" && old["id"] != made["id"] {
            let path = format!("/api/auth/tokens/{}", old["id"].as_str().unwrap());
            assert_eq!(owner.delete(&path).status, 204);
        }
    }
    client
}

#[rstest]
fn what_is_another_users_is_kept_from_everyone_else(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let ada = server.user("ada@example.com");
    let grace = server.user("grace@example.com");
    let by_token = by_token(&grace, "all", &["tasks:read", "tasks:write"]);
    let mut cells = 0;
    for operation in operations(&ada) {
        let Some(code) = operation.code_for_others() else {
            continue;
        };
        let id = operation.fresh_id(&server, &ada);
        let mut callers = vec![&grace];
        if operation.scope.is_some() {
            callers.push(&by_token);
        }
        for caller in callers {
            let answer = operation.call(caller, &[], &ada, &id);
            let (method, path) = (&operation.method, &operation.path);
            assert_eq!(answer.code(), code, "{method} {path}");
            said(&answer);
            cells += 1;
        }
        // It is there, and its owner may call.
        let answer = operation.call(&ada, &[], &ada, &id);
        assert!((200..300).contains(&answer.status), "{answer:?}");
    }
    assert!(cells > 20, "{cells}");
}

#[rstest]
fn whoever_may_call_is_let_in(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let ada = server.user("ada@example.com");
    let reading = by_token(&ada, "reading", &["tasks:read"]);
    let writing = by_token(&ada, "writing", &["tasks:write"]);
    for operation in operations(&ada) {
        let mut callers = vec![&ada];
        match operation.scope.as_deref() {
            Some("tasks:read") => callers.push(&reading),
            Some("tasks:write") => callers.push(&writing),
            scope => assert_eq!(scope, None),
        }
        for caller in callers {
            let id = operation.fresh_id(&server, &ada);
            let answer = operation.call(caller, &[], &ada, &id);
            let (method, path) = (&operation.method, operation.path.as_str());
            if path == "/api/auth/account/delete" {
                // It is asked for with a wrong password, so that the account is there for the others.
                assert_eq!(answer.invalid_fields(), ["password"]);
                continue;
            }
            assert!(
                (200..300).contains(&answer.status),
                "{method} {path}: {answer:?}"
            );
        }
    }
}
