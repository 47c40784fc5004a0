//! Conditional requests (RFC 9110, 13): If-Match and If-None-Match.

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Answer, Client, Server};

fn get_if_none_match(client: &Client, path: &str, etag: &str) -> Answer {
    client.send("GET", path, &[("if-none-match", etag)], &[])
}

fn change_if_match(client: &Client, method: &str, path: &str, etag: &str) -> Answer {
    let headers = [("content-type", "application/json"), ("if-match", etag)];
    match method {
        "PUT" | "PATCH" if !path.ends_with("/complete") => {
            client.send(method, path, &headers, br#"{"title": "changed"}"#)
        }
        _ => client.send(method, path, &headers[1..], &[]),
    }
}

#[rstest]
fn a_task_that_the_client_has_is_not_sent_again(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let path = client.task_path("Buy milk");
    let etag = client.get(&path).header("etag").unwrap().to_owned();
    for known in [etag.as_str(), "*", &format!("\"9\", W/{etag}")] {
        let answer = get_if_none_match(&client, &path, known);
        assert_eq!(answer.status, 304, "{known}");
        assert!(answer.body.is_empty());
        assert_eq!(answer.header("etag"), Some(etag.as_str()));
    }
    client.put(&path, &json!({"title": "Buy oats"}));
    let answer = get_if_none_match(&client, &path, &etag);
    assert_eq!(answer.status, 200);
    assert_ne!(answer.header("etag"), Some(etag.as_str()));
}

#[rstest]
fn a_list_that_the_client_has_is_not_sent_again(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let path = client.task_path("Buy milk");
    for list in [
        "/api/tasks",
        "/api/tasks?limit=1",
        "/api/tasks/search?q=milk",
    ] {
        let etag = client.get(list).header("etag").unwrap().to_owned();
        assert_eq!(get_if_none_match(&client, list, &etag).status, 304);
        client.toggle(&format!("{path}/complete"));
        let answer = get_if_none_match(&client, list, &etag);
        assert_eq!(answer.status, 200);
        assert_ne!(answer.header("etag"), Some(etag.as_str()));
    }
}

#[rstest]
#[case("PUT", "")]
#[case("PATCH", "")]
#[case("PATCH", "/complete")]
#[case("DELETE", "")]
fn a_task_that_has_changed_is_left_as_it_is(
    #[values(Sqlite, Postgres)] kind: Kind,
    #[case] method: &str,
    #[case] rest: &str,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let path = client.task_path("Buy milk");
    let old = client.get(&path).header("etag").unwrap().to_owned();
    let task = client.put(&path, &json!({"description": "two"})).json();
    let target = format!("{path}{rest}");
    for etag in [old.as_str(), "\"nonsense\"", "W/\"2\"", "\"7\", \"8\""] {
        let answer = change_if_match(&client, method, &target, etag);
        assert_eq!(answer.status, 412, "{etag}");
        assert_eq!(answer.code(), "precondition_failed");
    }
    assert_eq!(client.get(&path).json(), task);
    let answer = change_if_match(&client, method, &target, "\"7\", \"2\"");
    assert!([200, 204].contains(&answer.status), "{answer:?}");
}

#[rstest]
fn a_task_that_is_not_there_is_404_all_the_same(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let path = "/api/tasks/0192f0c1-2345-7abc-8def-0123456789ab";
    for etag in ["*", "\"1\"", "\"1\", \"2\""] {
        for method in ["PUT", "DELETE"] {
            let answer = change_if_match(&client, method, path, etag);
            assert_eq!(answer.status, 404, "{method} {etag}");
        }
    }
}

#[rstest]
fn what_is_no_list_of_entity_tags_is_422(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let path = client.task_path("Buy milk");
    let answer = change_if_match(&client, "PUT", &path, "2");
    assert_eq!(answer.invalid_fields(), ["If-Match"]);
    let answer = get_if_none_match(&client, &path, "\"2");
    assert_eq!(answer.invalid_fields(), ["If-None-Match"]);
}

#[rstest]
fn of_two_who_change_the_same_version_one_is_told(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let path = client.task_path("Buy milk");
    let mut statuses: Vec<u16> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| change_if_match(&client, "PUT", &path, "\"1\"").status))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412]);
}
