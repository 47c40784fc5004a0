//! GET and PATCH /api/auth/account

use rstest::rstest;
use serde_json::{Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::Server;

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
