//! POST and GET /api/auth/tokens, DELETE /api/auth/tokens/{id}, and what such tokens are good for.

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::Server;

const PATH: &str = "/api/auth/tokens";

#[rstest]
fn it_is_shown_once_and_counts_until_it_is_revoked(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let other_instance = Server::on(server.database.as_ref().unwrap(), &[]);
    let ada = server.user("ada@example.com");
    let body = json!({"name": " backup ", "scopes": ["tasks:read"], "expires_in_days": 30});
    let answer = ada.post(PATH, &body);
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let made = answer.json();
    let secret = made["token"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("todo_pat_"), "{made}");
    assert_eq!(made["name"], "backup");
    assert_eq!(made["scopes"], json!(["tasks:read"]));
    assert!(made["created_at"].as_str() < made["expires_at"].as_str());
    assert!(made["last_used_at"].is_null());

    let program = other_instance.client().with_token(&secret);
    assert_eq!(program.get("/api/tasks").status, 200);
    let list = ada.get(PATH);
    assert_eq!(list.header("cache-control"), Some("no-store"));
    assert!(!String::from_utf8_lossy(&list.body).contains(&secret));
    let list = list.json();
    assert_eq!(list["tokens"][0]["id"], made["id"]);
    assert!(list["tokens"][0]["last_used_at"].is_string(), "{list}");

    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
    assert_eq!(ada.delete(&path).status, 204);
    assert_eq!(program.get("/api/tasks").code(), "invalid_token");
    assert_eq!(ada.delete(&path).code(), "token_not_found");
    assert_eq!(ada.get(PATH).json(), json!({"tokens": []}));
    assert!(!server.log().contains(&secret));
}

#[rstest]
fn every_fault_of_one_is_named(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let ada = server.user("ada@example.com");
    let all = ["name", "scopes", "expires_in_days"];
    assert_eq!(ada.post(PATH, &json!({})).invalid_fields(), all);
    for (name, scopes, days) in [
        (json!(" "), json!([]), json!(0)),
        (
            json!("a\nb"),
            json!(["tasks:read", "tasks:read"]),
            json!(367),
        ),
        (json!("a".repeat(101)), json!(["tasks:*"]), json!(1.5)),
        (json!(1), json!("tasks:read"), json!("30")),
    ] {
        let body = json!({"name": name, "scopes": scopes, "expires_in_days": days});
        assert_eq!(ada.post(PATH, &body).invalid_fields(), all, "{body}");
    }
}

#[rstest]
fn a_user_has_50_at_most(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let ada = server.user("ada@example.com");
    let body = json!({"name": "backup", "scopes": ["tasks:read"], "expires_in_days": 1});
    for _ in 0..50 {
        assert_eq!(ada.post(PATH, &body).status, 201);
    }
    let answer = ada.post(PATH, &body);
    assert_eq!(answer.status, 409);
    assert_eq!(answer.code(), "too_many_tokens");
}

#[rstest]
fn it_has_no_session_to_log_out_of(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let ada = server.user("ada@example.com");
    let body = json!({"name": "backup", "scopes": ["tasks:read"], "expires_in_days": 1});
    let made = ada.post(PATH, &body).json();
    let program = server.client().with_token(made["token"].as_str().unwrap());
    let log_out = |which: &str| program.post("/api/auth/logout", &json!({"sessions": which}));
    assert_eq!(log_out("this").status, 200);
    for which in ["others", "all"] {
        let answer = log_out(which);
        assert_eq!(answer.status, 403);
        assert_eq!(answer.code(), "insufficient_scope");
    }
    assert_eq!(program.get("/api/tasks").status, 200);
    assert_eq!(ada.get("/api/tasks").status, 200);
}
