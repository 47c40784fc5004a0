//! GET /api/auth/sessions, DELETE /api/auth/sessions/{id}, and ending several at once.

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Client, PASSWORD, Server};

const PATH: &str = "/api/auth/sessions";

/// Another session of a user.
fn log_in(server: &Server, email: &str, agent: &str) -> Client {
    let mut client = server.client();
    let body = json!({"email": email, "password": PASSWORD}).to_string();
    let headers = [("content-type", "application/json"), ("user-agent", agent)];
    let answer = client.send("POST", "/api/auth/login", &headers, body.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    client.sign_in(&answer);
    client
}

/// The id of the session that a client has.
fn session_id(client: &Client) -> String {
    let list = client.get(PATH).json();
    let sessions = list["sessions"].as_array().unwrap();
    let current = sessions.iter().find(|session| session["current"] == true);
    current.unwrap()["id"].as_str().unwrap().to_owned()
}

#[rstest]
fn they_are_listed_with_what_is_known_of_them(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let first = server.user("ada@example.com");
    let second = log_in(&server, "ada@example.com", "a telephone");
    server.user("grace@example.com");
    let answer = second.get(PATH);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let list = answer.json();
    let sessions = list["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0]["device"], "a telephone");
    assert_eq!(sessions[0]["address"], "127.0.0.1");
    assert_eq!(sessions[0]["current"], true);
    assert_eq!(sessions[1]["current"], false);
    for session in sessions {
        assert!(session["created_at"].as_str() <= session["last_used_at"].as_str());
        assert!(session["last_used_at"].as_str() < session["expires_at"].as_str());
    }
    assert_eq!(first.get(PATH).json()["sessions"][1]["current"], true);
}

#[rstest]
fn one_is_ended_from_another_on_every_instance(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let other_instance = Server::on(server.database.as_ref().unwrap(), &[]);
    let laptop = server.user("ada@example.com");
    let phone = log_in(&other_instance, "ada@example.com", "a telephone");
    let path = format!("{PATH}/{}", session_id(&laptop));
    assert_eq!(laptop.get("/api/tasks").status, 200);
    assert_eq!(phone.delete(&path).status, 204);
    assert_eq!(laptop.get("/api/tasks").code(), "invalid_token");
    assert_eq!(phone.delete(&path).code(), "session_not_found");
    assert_eq!(phone.get("/api/tasks").status, 200);
}

#[rstest]
fn another_users_is_not_found(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let ada = server.user("ada@example.com");
    let grace = server.user("grace@example.com");
    let path = format!("{PATH}/{}", session_id(&ada));
    let answer = grace.delete(&path);
    assert_eq!(answer.status, 404);
    assert_eq!(answer.code(), "session_not_found");
    assert_eq!(ada.get("/api/tasks").status, 200);
    let answer = grace.delete(&format!("{PATH}/42"));
    assert_eq!(answer.invalid_fields(), ["id"]);
}

#[rstest]
fn the_others_or_all_are_ended_at_once(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let here = server.user("ada@example.com");
    let there = log_in(&server, "ada@example.com", "a telephone");
    let grace = server.user("grace@example.com");
    let log_out = |which: &str| here.post("/api/auth/logout", &json!({"sessions": which}));
    let answer = log_out("others");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(there.get("/api/tasks").status, 401);
    assert_eq!(here.get("/api/tasks").status, 200);
    assert_eq!(log_out("all").status, 200);
    assert_eq!(here.get("/api/tasks").status, 401);
    assert_eq!(log_out("all").code(), "invalid_token");
    assert_eq!(log_out("this").status, 200);
    assert_eq!(log_out("some").invalid_fields(), ["sessions"]);
    assert_eq!(grace.get("/api/tasks").status, 200);
    let nobody = server.client();
    let answer = nobody.post("/api/auth/logout", &json!({"sessions": "all"}));
    assert_eq!(answer.code(), "not_authenticated");
}

#[rstest]
fn one_that_is_not_used_ends(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &[("SESSION_IDLE_SECONDS", "2")]) else {
        return;
    };
    let used = server.user("ada@example.com");
    let unused = log_in(&server, "ada@example.com", "a telephone");
    for _ in 0..12 {
        std::thread::sleep(std::time::Duration::from_millis(250));
        assert_eq!(used.get("/api/tasks").status, 200);
    }
    assert_eq!(unused.get("/api/tasks").code(), "invalid_token");
    let list = used.get(PATH).json();
    assert_eq!(list["sessions"].as_array().unwrap().len(), 1);
}

#[rstest]
fn one_ends_after_its_time_however_much_it_is_used(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &[("SESSION_LIFETIME_SECONDS", "2")]) else {
        return;
    };
    let client = server.user("ada@example.com");
    crate::harness::eventually("the session ends", || {
        client.get("/api/tasks").status == 401
    });
}
