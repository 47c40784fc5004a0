//! GET /api/tasks/search

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::Server;

#[rstest]
#[case::in_the_title("q=MILK", &["Milk the cow", "Buy milk"])]
#[case::in_the_description("q=litres", &["Buy milk"])]
#[case::in_all_of_unicode("q=STRASSE", &["Straße fegen"])]
#[case::a_percent_sign_is_one("q=%25", &["100% sure"])]
#[case::with_a_status("q=milk&status=completed", &["Buy milk"])]
#[case::with_a_limit("q=milk&limit=1", &["Milk the cow"])]
#[case::nothing("q=nothing+like+it", &[])]
fn tasks_are_found_by_what_they_contain(
    #[values(Sqlite, Postgres)] kind: Kind,
    #[case] query: &str,
    #[case] expected: &[&str],
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let other = server.user("grace@example.com");
    other.task("Another's milk");
    let body = json!({"title": "Buy milk", "description": "two litres"});
    let milk = client.post("/api/tasks", &body).json();
    let path = format!("/api/tasks/{}/complete", milk["id"].as_str().unwrap());
    client.toggle(&path);
    for title in ["Straße fegen", "100% sure", "Milk the cow"] {
        client.task(title);
    }
    let answer = client.get(&format!("/api/tasks/search?{query}"));
    assert_eq!(answer.status, 200);
    let list = answer.json();
    let tasks = list["tasks"].as_array().unwrap();
    let found: Vec<_> = tasks
        .iter()
        .map(|task| task["title"].as_str().unwrap())
        .collect();
    assert_eq!(found, expected);
    assert_eq!(list["count"], expected.len());
}
