//! POST /api/tasks/batch

use rstest::rstest;
use serde_json::{Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Answer, Client, Server};

const NOBODYS: &str = "0192f0c1-2345-7abc-8def-0123456789ab";

fn batch(client: &Client, body: &Value) -> Answer {
    client.post("/api/tasks/batch", body)
}

fn statuses(answer: &Answer) -> Vec<u64> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let results = answer.json();
    let results = results["results"].as_array().unwrap();
    results
        .iter()
        .map(|result| result["status"].as_u64().unwrap())
        .collect()
}

#[rstest]
fn every_kind_of_change_is_made_in_order(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let ids = ["a", "b", "c"].map(|title| client.task(title)["id"].clone());
    let answer = batch(
        &client,
        &json!({"operations": [
            {"op": "create", "title": "d", "tags": ["new"], "due_date": "2026-12-05"},
            {"op": "create", "title": "e"},
            {"op": "update", "id": ids[0], "title": "A", "priority": "high"},
            {"op": "complete", "id": ids[1]},
            {"op": "complete", "id": ids[1]},
            {"op": "delete", "id": ids[2]},
            {"op": "update", "id": ids[0]},
        ]}),
    );
    assert_eq!(statuses(&answer), [201, 201, 200, 200, 200, 204, 200]);
    let results = answer.json()["results"].clone();
    assert_eq!(results[2]["task"]["title"], "A");
    assert_eq!(results[3]["task"]["completed"], true);
    assert_eq!(
        results[4]["task"]["completed_at"],
        results[3]["task"]["completed_at"]
    );
    assert_eq!(results[6]["task"]["version"], 2);
    let list = client.get("/api/tasks?sort=title").json();
    let expected = json!([
        results[6]["task"],
        results[4]["task"],
        results[0]["task"],
        results[1]["task"]
    ]);
    assert_eq!(list["tasks"], expected);
}

#[rstest]
fn a_hundred_fit_and_one_more_does_not(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let description = "ä".repeat(2_000);
    let creates = |count| {
        let one = json!({"op": "create", "title": "a", "description": description});
        json!({"operations": vec![one; count]})
    };
    assert_eq!(
        batch(&client, &creates(101)).invalid_fields(),
        ["operations"]
    );
    assert_eq!(batch(&client, &creates(0)).invalid_fields(), ["operations"]);
    assert_eq!(statuses(&batch(&client, &creates(100))), vec![201; 100]);
    assert_eq!(client.get("/api/tasks").json()["count"], 100);
}

#[rstest]
fn all_or_nothing_is_nothing_when_one_is_refused(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let task = client.task("a");
    let before = client.get("/api/tasks").json();
    let change = json!({"op": "update", "id": task["id"], "title": "changed"});

    let missing = json!({"op": "delete", "id": NOBODYS});
    let create = json!({"op": "create", "title": "b"});
    let answer = batch(&client, &json!({"operations": [create, change, missing]}));
    assert_eq!(answer.status, 404);
    assert_eq!(answer.code(), "task_not_found");
    assert_eq!(answer.json()["errors"][0]["field"], "operations[2].id");
    assert_eq!(client.get("/api/tasks").json(), before);

    let answer = batch(
        &client,
        &json!({"operations": [
            change,
            {"op": "create", "title": "", "color": "red"},
            {"op": "explode"},
            {"op": "update", "id": "42"},
            "delete",
            {"id": task["id"]},
        ]}),
    );
    let expected = [
        "operations[1].title",
        "operations[1].color",
        "operations[2].op",
        "operations[3].id",
        "operations[4].op",
        "operations[5].op",
    ];
    let mut named = answer.invalid_fields();
    named.retain(|field| field != "operations[5].id");
    assert_eq!(named, expected);
    assert_eq!(client.get("/api/tasks").json(), before);
}

#[rstest]
fn each_for_itself_is_made_whatever_comes_of_the_others(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let other = server.user("grace@example.com");
    let foreign = other.task("not yours");
    let answer = batch(
        &client,
        &json!({"atomic": false, "operations": [
            {"op": "delete", "id": NOBODYS},
            {"op": "create", "title": ""},
            {"op": "create", "title": "a"},
            {"op": "complete", "id": foreign["id"]},
            {"op": "create", "title": "b"},
        ]}),
    );
    assert_eq!(statuses(&answer), [404, 422, 201, 404, 201]);
    let results = answer.json()["results"].clone();
    assert_eq!(results[0]["code"], "task_not_found");
    assert_eq!(results[1]["code"], "validation_failed");
    assert_eq!(results[1]["errors"][0]["field"], "title");
    assert_eq!(client.get("/api/tasks").json()["count"], 2);
    assert_eq!(other.get("/api/tasks").json()["tasks"], json!([foreign]));
}
