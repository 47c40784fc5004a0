//! What existing clients send, and what they read in the answers.

use rstest::rstest;
use serde_json::{Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Answer, Client, Server};

/// A call of the chatbot's tools: with a header that means nothing, and the path that names the owner.
fn tool(client: &Client, method: &str, path: &str, body: &Value) -> Answer {
    let path = format!("/api/{}/tasks{path}", client.id);
    let headers = [
        ("content-type", "application/json"),
        ("x-internal-service", "mcp-server"),
    ];
    if body.is_null() {
        client.send(method, &path, &headers[1..], &[])
    } else {
        client.send(method, &path, &headers, body.to_string().as_bytes())
    }
}

fn titles(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let list = answer.json();
    let tasks = list["tasks"].as_array().unwrap();
    assert_eq!(list["count"], tasks.len());
    let titles = tasks.iter().map(|task| task["title"].as_str().unwrap());
    titles.map(str::to_owned).collect()
}

fn seeded(kind: Kind) -> Option<(Server, Client)> {
    let server = Server::start(kind)?;
    let client = server.user("ada@example.com");
    for (title, priority, due) in [
        ("Pay rent", "high", "2026-12-01"),
        ("Call mum", "low", "2026-12-05"),
        ("Buy milk", "medium", "2026-12-01T00:00:00Z"),
    ] {
        let body =
            json!({"title": title, "description": "", "priority": priority, "due_date": due});
        assert_eq!(tool(&client, "POST", "", &body).status, 201);
    }
    Some((server, client))
}

#[rstest]
#[case("?status=pending&limit=20", &["Buy milk", "Call mum", "Pay rent"])]
#[case("?status=completed&limit=50", &[])]
#[case("?status=all&limit=100", &["Buy milk", "Call mum", "Pay rent"])]
#[case("?priority=high", &["Pay rent"])]
#[case("?due_date=2026-12-01", &["Buy milk", "Pay rent"])]
#[case("?due_date_start=2026-12-02&due_date_end=2026-12-05", &["Call mum"])]
#[case("?status=pending&priority=low&limit=20&offset=0", &["Call mum"])]
#[case("?limit=2&offset=1", &["Call mum", "Pay rent"])]
#[case("/search?q=MILK&status=pending&limit=20", &["Buy milk"])]
fn the_chatbot_finds_what_it_asks_for(
    #[values(Sqlite, Postgres)] kind: Kind,
    #[case] path: &str,
    #[case] expected: &[&str],
) {
    let Some((_server, client)) = seeded(kind) else {
        return;
    };
    assert_eq!(titles(&tool(&client, "GET", path, &Value::Null)), expected);
}

#[rstest]
#[case(json!({"title": "Pay the rent"}), "title", json!("Pay the rent"))]
#[case(json!({"description": "to Grace"}), "description", json!("to Grace"))]
#[case(json!({"status": "completed"}), "completed", json!(true))]
#[case(json!({"priority": "low"}), "priority", json!("low"))]
#[case(json!({"due_date": "2026-12-24"}), "due_date", json!("2026-12-24"))]
#[case(
    json!({"due_date": "2026-12-01T00:00:00Z"}), "due_date", json!("2026-12-01T00:00:00Z")
)]
fn what_the_chatbot_says_it_changed_has_changed(
    #[values(Sqlite, Postgres)] kind: Kind,
    #[case] body: Value,
    #[case] member: &str,
    #[case] value: Value,
) {
    let Some((_server, client)) = seeded(kind) else {
        return;
    };
    let found = tool(&client, "GET", "/search?q=rent", &Value::Null).json();
    let path = format!("/{}", found["tasks"][0]["id"].as_str().unwrap());
    let updated = tool(&client, "PUT", &path, &body);
    assert_eq!(updated.status, 200);
    assert_eq!(updated.json()[member], value);
    assert_eq!(
        tool(&client, "GET", &path, &Value::Null).json()[member],
        value
    );
    assert_eq!(tool(&client, "DELETE", &path, &Value::Null).status, 204);
    assert_eq!(tool(&client, "GET", &path, &Value::Null).status, 404);
}

#[rstest]
fn the_front_end_reads_what_it_always_read(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some((_server, client)) = seeded(kind) else {
        return;
    };
    let list = tool(&client, "GET", "", &Value::Null).json();
    let task = &list["tasks"][0];
    for member in ["id", "user_id", "title", "created_at", "updated_at"] {
        assert!(task[member].is_string(), "{member}: {task}");
    }
    assert!(task["completed"].is_boolean());
    assert_eq!(task["description"], "");
    let path = format!("/{}/complete", task["id"].as_str().unwrap());
    let toggled = tool(&client, "PATCH", &path, &Value::Null);
    assert_eq!(toggled.json()["completed"], true);
}

#[rstest]
fn every_error_can_be_shown_to_a_person(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some((server, client)) = seeded(kind) else {
        return;
    };
    let mut nobody = server.client();
    nobody.id.clone_from(&client.id);
    let taken = json!({"email": "ada@example.com", "password": "correct horse", "name": "Ada"});
    for answer in [
        tool(&client, "POST", "", &json!({"title": ""})),
        tool(&client, "POST", "", &json!({"title": 1, "colour": "red"})),
        tool(&client, "GET", "?limit=0", &Value::Null),
        tool(&client, "GET", "/42", &Value::Null),
        tool(&nobody, "GET", "", &Value::Null),
        client.post("/api/auth/register", &taken),
    ] {
        assert!(answer.status >= 400);
        // `{ detail: string, errors?: { field: string, message: string }[] }`
        assert!(!answer.detail().is_empty());
        if answer.status == 422 {
            assert!(!answer.invalid_fields().is_empty());
        }
    }
}
