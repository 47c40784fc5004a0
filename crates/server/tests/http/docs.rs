//! The OpenAPI document and the page to try it on.

use serde_json::{Value, json};
use todo_testkit::Kind::Sqlite;

use crate::harness::Server;

#[test]
fn the_document_is_served_and_names_every_route_in_both_spellings() {
    let server = Server::start(Sqlite).unwrap();
    let answer = server.client().get("/api/openapi.json");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let document = answer.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(
        paths,
        [
            "/.well-known/jwks.json",
            "/api/auth/account",
            "/api/auth/account/delete",
            "/api/auth/account/export",
            "/api/auth/email",
            "/api/auth/email/cancel",
            "/api/auth/email/verification",
            "/api/auth/email/verify",
            "/api/auth/events",
            "/api/auth/login",
            "/api/auth/logout",
            "/api/auth/password",
            "/api/auth/password/reset",
            "/api/auth/password/reset/confirm",
            "/api/auth/refresh",
            "/api/auth/register",
            "/api/auth/session",
            "/api/auth/sessions",
            "/api/auth/sessions/{id}",
            "/api/auth/tokens",
            "/api/auth/tokens/{id}",
            "/api/tasks",
            "/api/tasks/batch",
            "/api/tasks/search",
            "/api/tasks/{id}",
            "/api/tasks/{id}/complete",
            "/api/{user_id}/tasks",
            "/api/{user_id}/tasks/batch",
            "/api/{user_id}/tasks/search",
            "/api/{user_id}/tasks/{id}",
            "/api/{user_id}/tasks/{id}/complete",
            "/health/live",
            "/health/ready",
        ]
    );
}

/// The methods of each route that the document names are those that the server answers, and no others.
#[test]
fn the_document_and_the_server_know_the_same_methods() {
    let server = Server::start(Sqlite).unwrap();
    let client = server.user("ada@example.com");
    let document = client.get("/api/openapi.json").json();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.replace("{user_id}", &client.id).replace("{id}", "1");
        let answer = client.send("OPTIONS", &path, &[], &[]);
        assert_eq!(answer.status, 405, "{path}");
        let mut answered: Vec<String> = answer
            .header("allow")
            .unwrap()
            .split(", ")
            .filter(|method| *method != "HEAD")
            .map(str::to_lowercase)
            .collect();
        answered.sort_unstable();
        let documented: Vec<&String> = item.as_object().unwrap().keys().collect();
        assert_eq!(answered.iter().collect::<Vec<_>>(), documented, "{path}");
    }
}

#[test]
fn the_document_says_of_every_operation_whether_it_is_limited() {
    let server = Server::start(Sqlite).unwrap();
    let document = server.client().get("/api/openapi.json").json();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let limited = &operation["responses"]["429"];
            assert_eq!(
                limited.is_object(),
                path.starts_with("/api/"),
                "{method} {path}"
            );
            if limited.is_object() {
                let schema = &limited["content"]["application/problem+json"]["schema"];
                assert_eq!(schema["$ref"], "#/components/schemas/Problem");
            }
        }
    }
}

/// What a route says that it knows, when it is sent something that it does not, is what the document says.
#[test]
fn the_document_and_the_server_know_the_same_fields() {
    let server = Server::start(Sqlite).unwrap();
    let client = server.user("ada@example.com");
    let task = client.task_path("Buy milk");
    let id = task.rsplit('/').next().unwrap();
    let document = client.get("/api/openapi.json").json();
    for (path, item) in document["paths"].as_object().unwrap() {
        let real_path = path.replace("{user_id}", &client.id).replace("{id}", id);
        for (method, operation) in item.as_object().unwrap() {
            if path == "/health/live" {
                continue;
            }
            let mut documented = properties(&document, operation);
            documented.sort_unstable();
            let mut known = known_fields(&client, method, &real_path, !documented.is_empty());
            known.sort_unstable();
            assert_eq!(known, documented, "{method} {path}");
        }
    }
}

/// The properties of the body, or else the parameters of the query, in the document.
fn properties(document: &Value, operation: &Value) -> Vec<String> {
    if let Some(content) = operation["requestBody"]["content"].as_object() {
        let schema = &content.values().next().unwrap()["schema"];
        let name = schema["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        let schema = &document["components"]["schemas"][name];
        return schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
    }
    let parameters = operation["parameters"].as_array();
    parameters
        .into_iter()
        .flatten()
        .filter(|parameter| parameter["in"] == "query")
        .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
        .collect()
}

/// The fields that a route lists when it is sent one that it does not know.
fn known_fields(
    client: &crate::harness::Client,
    method: &str,
    path: &str,
    has_fields: bool,
) -> Vec<String> {
    let method = method.to_uppercase();
    let answer = if has_fields && method != "GET" {
        client.send_json(&method, path, &json!({"unheard_of": 1}))
    } else {
        client.send(&method, &format!("{path}?unheard_of=1"), &[], &[])
    };
    assert!(answer.invalid_fields().contains(&"unheard_of".to_owned()));
    let problem = answer.json();
    let errors = problem["errors"].as_array().unwrap();
    let message = errors
        .iter()
        .find(|error| error["field"] == "unheard_of")
        .unwrap()["message"]
        .as_str()
        .unwrap();
    match message.split_once("supported: ") {
        Some((_, known)) => known.split(", ").map(str::to_owned).collect(),
        None => Vec::new(),
    }
}

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    let server = Server::start(Sqlite).unwrap();
    let client = server.client();
    let redirect = client.get("/api/docs");
    assert_eq!(redirect.status, 308);
    assert_eq!(redirect.header("location"), Some("/api/docs/"));
    let page = client.get("/api/docs/");
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    let html = String::from_utf8(page.body).unwrap();
    let sources = html
        .split(['"', '\''])
        .filter(|text| [".js", ".css"].iter().any(|ending| text.ends_with(ending)));
    let mut loaded = 0;
    for source in sources {
        let source = source.strip_prefix("./").unwrap_or(source);
        assert!(!source.contains("//"), "{source}");
        assert_eq!(
            client.get(&format!("/api/docs/{source}")).status,
            200,
            "{source}"
        );
        loaded += 1;
    }
    assert!(loaded >= 4, "{html}");
    assert_eq!(client.get("/api/docs/nothing.js").status, 404);
}

#[test]
fn the_page_keeps_no_token_and_is_alone_in_its_browsing_context() {
    let server = Server::start(Sqlite).unwrap();
    let client = server.client();
    let page = client.get("/api/docs/");
    let policy = page.header("cross-origin-opener-policy");
    assert_eq!(policy, Some("same-origin"));
    let script = client.get("/api/docs/swagger-initializer.js").body;
    let script = String::from_utf8(script).unwrap();
    assert!(script.contains("tryItOutEnabled"), "{script}");
    assert!(
        !script.contains("\"persistAuthorization\": true"),
        "{script}"
    );
}
