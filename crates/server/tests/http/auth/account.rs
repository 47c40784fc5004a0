//! /api/auth/account, and what it has below it.

use rstest::rstest;
use serde_json::{Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{PASSWORD, Server, eventually};

const PATH: &str = "/api/auth/account";

#[rstest]
fn it_tells_what_is_kept_of_the_account(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let answer = client.get(PATH);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let account = answer.json();
    assert_eq!(account["id"], client.id.as_str());
    assert_eq!(account["email"], "ada@example.com");
    assert_eq!(account["email_verified"], false);
    assert_eq!(account["name"], "Ada");
    assert_eq!(account["time_zone"], Value::Null);
    assert_eq!(account["created_at"], account["updated_at"]);
}

#[rstest]
fn what_is_absent_stays_and_null_forgets(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    for (change, name, time_zone) in [
        (
            json!({"time_zone": "Europe/Berlin"}),
            "Ada",
            json!("Europe/Berlin"),
        ),
        (
            json!({"name": " Ada King "}),
            "Ada King",
            json!("Europe/Berlin"),
        ),
        (json!({}), "Ada King", json!("Europe/Berlin")),
        (json!({"time_zone": null}), "Ada King", json!(null)),
    ] {
        let answer = client.patch(PATH, &change);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["name"], name, "{change}");
        assert_eq!(answer.json()["time_zone"], time_zone, "{change}");
        assert_eq!(client.get(PATH).json(), answer.json());
    }
    let session = client.get("/api/auth/session").json();
    assert_eq!(session["user"]["name"], "Ada King");
}

#[rstest]
fn what_cannot_be_is_refused_by_name(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let before = client.get(PATH).json();
    for (change, field) in [
        (json!({"time_zone": "Europe/Atlantis"}), "time_zone"),
        (json!({"time_zone": 1}), "time_zone"),
        (json!({"name": null}), "name"),
        (json!({"name": " "}), "name"),
        (json!({"email": "grace@example.com"}), "email"),
    ] {
        let answer = client.patch(PATH, &change);
        assert_eq!(answer.invalid_fields(), [field], "{change}");
    }
    assert_eq!(client.get(PATH).json(), before);
}

#[rstest]
fn a_day_of_a_list_begins_where_the_user_is(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let body = json!({"title": "late", "due_date": "2026-12-01T23:30:00Z"});
    assert_eq!(client.post("/api/tasks", &body).status, 201);
    let found = |query: &str| client.get(&format!("/api/tasks?{query}")).json()["count"].clone();
    assert_eq!(found("due_date=2026-12-01"), 1);
    client.patch(PATH, &json!({"time_zone": "Europe/Berlin"}));
    assert_eq!(found("due_date=2026-12-01"), 0);
    assert_eq!(found("due_date=2026-12-02"), 1);
    assert_eq!(found("due_date=2026-12-01&time_zone=UTC"), 1);
}

#[rstest]
fn a_deleted_account_is_gone_with_all_it_had(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let other = server.user("grace@example.com");
    client.task("Buy milk");
    let delete = |password: &str| {
        let body = json!({"password": password});
        client.post("/api/auth/account/delete", &body)
    };
    assert_eq!(delete("wrong horse").invalid_fields(), ["password"]);
    assert_eq!(client.get("/api/tasks").json()["count"], 1);
    assert_eq!(delete(PASSWORD).status, 204);
    assert_eq!(client.get("/api/tasks").code(), "invalid_token");
    assert_eq!(delete(PASSWORD).status, 401);
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let answer = server.client().post("/api/auth/login", &body);
    assert_eq!(answer.code(), "invalid_credentials");
    assert_eq!(other.get(PATH).status, 200);
    let again = server.user("ada@example.com");
    assert_eq!(again.get("/api/tasks").json()["count"], 0);
}

#[rstest]
fn everything_that_is_kept_can_be_had_as_a_file(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let task = client.task("Buy milk");
    server.user("grace@example.com").task("Buy bread");
    let token = json!({"name": "backup", "scopes": ["tasks:read"], "expires_in_days": 1});
    assert_eq!(client.post("/api/auth/tokens", &token).status, 201);
    // More events than are shown at once.
    for _ in 0..100 {
        assert_eq!(client.get("/api/auth/account/export").status, 200);
    }
    let answer = client.get("/api/auth/account/export");
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-disposition"),
        Some(r#"attachment; filename="todo-account.json""#)
    );
    let export = answer.json();
    assert_eq!(export["account"], client.get(PATH).json());
    assert_eq!(export["tasks"], json!([task]));
    assert_eq!(export["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(
        export["tokens"],
        client.get("/api/auth/tokens").json()["tokens"]
    );
    assert_eq!(export["tokens"][0]["name"], "backup");
    let events = export["events"].as_array().unwrap();
    assert_eq!(events.len(), 103);
    assert_eq!(events[0]["kind"], "account_exported");
    assert_eq!(events[102]["kind"], "registered");
    assert_eq!(events[102]["address"], "127.0.0.1");
    let text = String::from_utf8(answer.body).unwrap();
    assert!(!text.contains("argon2"), "{text}");
}

#[rstest]
fn an_export_has_every_task_of_many(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    for _ in 0..11 {
        let operations: Vec<_> = (0..100)
            .map(|n| json!({"op": "create", "title": format!("Task {n}")}))
            .collect();
        let answer = client.post("/api/tasks/batch", &json!({"operations": operations}));
        assert_eq!(answer.status, 200);
    }
    let export = client.get("/api/auth/account/export").json();
    assert_eq!(export["tasks"].as_array().unwrap().len(), 1_100);
}

#[rstest]
fn each_line_of_the_log_says_who_asked_and_a_deletion_is_recorded(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let variables = [("LOG_FORMAT", "json"), ("TRUSTED_PROXIES", "127.0.0.1")];
    let Some(server) = Server::with(kind, &variables) else {
        return;
    };
    let ada = server.user("ada@example.com");
    let send = |id: &str, method: &str, path: &str, body: &Value| {
        let headers = [
            ("x-request-id", id),
            ("x-forwarded-for", "198.51.100.1"),
            ("content-type", "application/json"),
        ];
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        ada.send(method, path, &headers, body.as_bytes()).status
    };
    let wrong = json!({"email": "ada@example.com", "password": "wrong password"});
    let right = json!({"email": "ada@example.com", "password": PASSWORD});
    assert_eq!(send("a", "GET", "/api/tasks", &Value::Null), 200);
    let other = "/api/0192f0c1-2345-7abc-8def-0123456789ab/tasks";
    assert_eq!(send("b", "GET", other, &Value::Null), 403);
    assert_eq!(send("c", "POST", "/api/auth/login", &wrong), 401);
    assert_eq!(send("d", "POST", "/api/auth/login", &right), 200);
    let password = json!({"password": PASSWORD});
    assert_eq!(
        send("e", "POST", "/api/auth/account/delete", &password),
        204
    );
    let line = |id: &str| {
        let lines = server.log();
        let line = lines.lines().find_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            (line["message"] == "answered" && line["span"]["id"] == id).then_some(line)
        });
        line.map(|line| {
            let text = |name: &str| line[name].as_str().map(str::to_owned);
            (text("address"), text("user"), text("code"))
        })
    };
    for (id, user, code) in [
        ("a", Some(&ada.id), None),
        ("b", Some(&ada.id), Some("user_id_mismatch")),
        ("c", None, Some("invalid_credentials")),
        ("d", Some(&ada.id), None),
        ("e", Some(&ada.id), None),
    ] {
        eventually("the line", || line(id).is_some());
        let expected = (
            Some("198.51.100.1".to_owned()),
            user.cloned(),
            code.map(str::to_owned),
        );
        assert_eq!(line(id), Some(expected), "{id}");
    }
    let left = server.database.as_ref().unwrap().values(
        "SELECT address AS value FROM security_events WHERE kind = 'account_deleted' AND user_id IS NULL",
    );
    assert_eq!(left, [Some("198.51.100.1".to_owned())]);
}
