//! The size of an error response, which is bounded whatever the request

use rstest::rstest;
use serde_json::{Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Answer, Client, Server};

/// The largest body of an error response.
const MAX_BYTES: usize = 16 * 1_024;
/// Just below the default limit of a body.
const BODY_BYTES: usize = 522_000;
/// Just below the limit of a request's head.
const QUERY_BYTES: usize = 60_000;

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

fn assert_small(what: &str, answer: &Answer) {
    assert!(answer.status >= 400, "{what}: {}", answer.status);
    let size = answer.body.len();
    assert!(size <= MAX_BYTES, "{what}: {size} bytes");
    answer.code();
}

/// A list of members that fills a body: `member` is repeated between `start` and `end`.
fn filled(start: &str, member: &str, end: &str) -> Vec<u8> {
    let count = (BODY_BYTES - start.len() - end.len()) / (member.len() + 1);
    let members = vec![member; count].join(",");
    format!("{start}{members}{end}").into_bytes()
}

#[rstest]
fn no_body_is_answered_with_more_than_16_kib(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let long_name = |character: &str| {
        let name = character.repeat(500_000 / character.len());
        format!("{{\"{name}\":1}}").into_bytes()
    };
    let name = "\\u0001".repeat(80);
    let bodies = [
        ("one name, often", filled("{", r#""a":1"#, "}")),
        (
            "a name, often",
            filled("{", r#""aaaaaaaaaaaaaaaaaaaaaaaaa":1"#, "}"),
        ),
        ("long names", filled("{", &format!("\"{name}\":1"), "}")),
        ("one long name", long_name("a")),
        ("a long name of control characters", long_name("\\u0001")),
        ("a long name of quotes", long_name("\\\"")),
        ("a known field, often", filled("{", r#""email":1"#, "}")),
        ("no JSON", vec![b'x'; BODY_BYTES]),
        ("a long text", filled("{\"email\":\"", "💩", "\"}")),
        ("a long array", filled("{\"tags\":[", "\"\"", "]}")),
        ("an array", filled("[", "{}", "]")),
    ];
    for (what, body) in &bodies {
        for (method, path) in [
            ("POST", "/api/auth/refresh"),
            ("POST", "/api/auth/login"),
            ("POST", "/api/auth/register"),
            ("POST", "/api/tasks"),
            ("POST", "/api/tasks/batch"),
            ("PATCH", "/api/auth/account"),
        ] {
            let answer = client.send(method, path, &JSON, body);
            assert_small(&format!("{what}: {path}"), &answer);
        }
    }
}

#[rstest]
fn no_query_path_or_header_is_answered_with_more_than_16_kib(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let often = |parameter: &str| parameter.repeat(QUERY_BYTES / parameter.len());
    for query in [
        often("a=&"),
        often("limit=x&"),
        often("tag=&"),
        often("q=%01&"),
        often("x"),
        often("%01"),
        often("%ff"),
    ] {
        for path in ["/api/tasks", "/api/tasks/search", "/api/auth/account"] {
            let answer = client.get(&format!("{path}?{query}"));
            assert_small(path, &answer);
        }
    }
    let long = "x".repeat(QUERY_BYTES);
    for path in ["/api/tasks/", "/", "/api/docs/"] {
        assert_small(path, &client.get(&format!("{path}{long}")));
    }
    for name in [
        "content-type",
        "if-match",
        "if-none-match",
        "idempotency-key",
        "authorization",
        "origin",
        "cookie",
        "traceparent",
        "x-request-id",
    ] {
        let headers = [(name, long.as_str())];
        let answer = client.send("POST", "/api/tasks", &headers, b"{\"a\":1}");
        assert_small(name, &answer);
        let (method, id) = ("PUT", "/api/tasks/1");
        assert_small(name, &client.send(method, id, &headers, b"{\"a\":1}"));
    }
}

#[test]
fn a_violation_past_the_twentieth_is_counted_and_known_fields_are_listed_once() {
    let server = Server::start(Sqlite).unwrap();
    let client = server.client();
    let members = vec![r#""unheard_of":1"#; 10_000].join(",");
    let body = format!("{{{members}}}");
    let answer = client.send("POST", "/api/auth/refresh", &JSON, body.as_bytes());
    let fields = answer.invalid_fields();
    assert_eq!(fields[0], "refresh_token");
    assert_eq!(fields[1..], ["unheard_of"; 19]);
    let count = 10_000;
    let detail = answer.detail();
    let (listed, more) = detail.split_once("; and ").unwrap();
    let listed = listed.matches("unheard_of").count();
    assert_eq!(more, format!("{} more", count - listed));
    let text = String::from_utf8(answer.body).unwrap();
    // In the detail and in the first of the violations.
    assert_eq!(text.matches("supported: ").count(), 2, "{text}");
    let name = "n".repeat(100);
    let answer = client.post("/api/auth/refresh", &json!({name: 1}));
    let fields = answer.invalid_fields();
    assert_eq!(fields[1], format!("{}…", "n".repeat(63)));
}

#[rstest]
fn a_batch_is_not_answered_with_many_times_its_size(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    let mut members = vec![r#""op":"create""#.to_owned()];
    members.extend((0..200).map(|number| format!("\"a{number}\":1")));
    let operation = format!("{{{}}}", members.join(","));
    let batch = |atomic: bool| {
        let operations = vec![operation.as_str(); 70].join(",");
        let body = format!("{{\"atomic\":{atomic},\"operations\":[{operations}]}}");
        client.send("POST", "/api/tasks/batch", &JSON, body.as_bytes())
    };
    let refused = batch(true);
    assert_small("atomic", &refused);
    assert_eq!(refused.invalid_fields().len(), 20);
    let answer = batch(false);
    assert_eq!(answer.status, 200);
    let results = answer.json();
    let results = results["results"].as_array().unwrap();
    assert_eq!(results.len(), 70);
    let errors = |result: &Value| result["errors"].as_array().map_or(0, Vec::len);
    assert_eq!(results.iter().map(errors).sum::<usize>(), 20);
    for result in results {
        assert_eq!(result["status"], 422);
        assert!(
            result["detail"].as_str().unwrap().ends_with(" more"),
            "{result}"
        );
    }
    let size = answer.body.len();
    assert!(size <= 100 * 1_200 + MAX_BYTES, "{size} bytes");
}

/// The tags of a query, and of a query that is sent again as the next page.
fn with_tags(client: &Client, count: usize) -> Answer {
    let tags = (0..count).map(|number| format!("tag={number}"));
    let query = tags.collect::<Vec<_>>().join("&");
    client.get(&format!("/api/tasks?{query}"))
}

#[rstest]
fn a_query_has_20_tags_at_most(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let client = server.user("ada@example.com");
    assert_eq!(with_tags(&client, 20).status, 200);
    let answer = with_tags(&client, 5_000);
    assert_eq!(answer.invalid_fields(), ["query"]);
    for count in [21, 1_000] {
        let answer = with_tags(&client, count);
        assert_eq!(answer.invalid_fields(), ["tag"]);
        assert!(
            answer.detail().contains("at most 20"),
            "{}",
            answer.detail()
        );
    }
}
