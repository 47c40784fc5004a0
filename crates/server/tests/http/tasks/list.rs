//! GET /api/tasks

use rstest::rstest;
use serde_json::{Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Client, Server};

fn titles(list: &Value) -> String {
    let tasks = list["tasks"].as_array().unwrap();
    assert_eq!(list["count"], tasks.len());
    let titles = tasks.iter().map(|task| task["title"].as_str().unwrap());
    titles.collect::<Vec<_>>().join(" ")
}

fn five_tasks(client: &Client) {
    for title in ["a", "b", "c", "d", "e"] {
        let path = client.task_path(title);
        if title < "c" {
            client.toggle(&format!("{path}/complete"));
        }
    }
}

#[rstest]
fn a_list_is_newest_first_and_tells_its_total(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let list = client.get("/api/tasks").json();
    assert_eq!(list, json!({"tasks": [], "count": 0, "total": 0}));
    five_tasks(&client);
    let answer = client.get("/api/tasks");
    assert_eq!(answer.status, 200);
    assert_eq!(titles(&answer.json()), "e d c b a");
    assert_eq!(answer.json()["total"], 5);
}

#[rstest]
#[case::pending("status=pending", "e d c", Some(3))]
#[case::completed("status=completed", "b a", Some(2))]
#[case::all("status=all", "e d c b a", Some(5))]
#[case::a_page("limit=2", "e d", None)]
#[case::a_page_with_its_total("limit=2&total=true", "e d", Some(5))]
#[case::a_page_that_is_all("limit=5", "e d c b a", Some(5))]
#[case::an_offset_asks_for_the_total("limit=2&offset=2", "c b", Some(5))]
#[case::unless_it_is_not_wanted("limit=2&offset=2&total=false", "c b", None)]
#[case::the_last_page("limit=2&offset=4", "a", Some(5))]
#[case::past_the_end("limit=2&offset=9", "", Some(5))]
#[case::a_filtered_page("status=pending&limit=2&offset=0", "e d", Some(3))]
fn a_part_of_the_list_can_be_asked_for(
    #[values(Sqlite, Postgres)] kind: Kind,
    #[case] query: &str,
    #[case] expected: &str,
    #[case] total: Option<u64>,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    five_tasks(&client);
    let list = client.get(&format!("/api/tasks?{query}")).json();
    assert_eq!(titles(&list), expected);
    assert_eq!(list.get("total").and_then(Value::as_u64), total);
}

#[rstest]
fn a_client_that_knows_no_paging_sees_up_to_a_thousand(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    for number in 0..1_001 {
        client.task(&number.to_string());
    }
    let list = client.get("/api/tasks").json();
    assert_eq!(list["count"], 1_000);
    assert_eq!(list["tasks"][0]["title"], "1000");
    assert_eq!(list.get("total"), None);
}
