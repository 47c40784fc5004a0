//! GET /metrics, at an address of its own

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
};

use rstest::rstest;
use serde_json::json;
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{PASSWORD, Server, eventually};

pub(crate) const LISTEN: (&str, &str) = ("METRICS_LISTEN", "127.0.0.1:0");

/// What a server shows: the value of each series, by its name and labels as they are written.
pub(crate) struct Shown(BTreeMap<String, f64>);

impl Shown {
    pub(crate) fn by(server: &Server) -> Self {
        let answer = server.scraper().get("/metrics");
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("content-type"),
            Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
        );
        let text = String::from_utf8(answer.body).unwrap();
        let mut series = BTreeMap::new();
        let (text, end) = text.split_at(text.len() - "# EOF\n".len());
        assert_eq!(end, "# EOF\n");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let before = series.insert(name.to_owned(), value.parse().unwrap());
            assert_eq!(before, None, "{name} is there twice");
        }
        Self(series)
    }

    /// The series, each with its labels as they are written.
    pub(crate) fn series(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn value(&self, series: &str) -> f64 {
        *self
            .0
            .get(series)
            .unwrap_or_else(|| panic!("no {series} in {:#?}", self.0))
    }

    /// A value that is a whole number.
    pub(crate) fn count(&self, series: &str) -> i64 {
        let value = self.value(series);
        format!("{value}").parse().unwrap()
    }
}

#[test]
fn metrics_are_not_among_the_routes_of_the_api() {
    let server = Server::with(Sqlite, &[LISTEN]).unwrap();
    assert_eq!(server.client().get("/metrics").code(), "route_not_found");
    assert_eq!(server.scraper().get("/api/tasks").status, 404);
    assert_eq!(server.scraper().get("/").status, 404);
    let answer = server.scraper().post("/metrics", &json!({}));
    assert_eq!(answer.status, 405);
}

#[rstest]
fn requests_are_counted_by_route_method_and_status(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &[LISTEN]) else {
        return;
    };
    let client = server.user("ada@example.com");
    let path = client.task_path("Buy milk");
    for _ in 0..3 {
        assert_eq!(client.get(&path).status, 200);
    }
    assert_eq!(client.get("/api/tasks/1").status, 422);
    assert_eq!(client.with_token("none").get(&path).status, 401);
    assert_eq!(client.get("/api/tasks?limit=1").status, 200);
    let of_user = format!("/api/{}/tasks", client.id);
    assert_eq!(client.get(&of_user).status, 200);
    assert_eq!(client.put("/api/tasks", &json!({})).status, 405);
    let preflight = [
        ("origin", "http://localhost:3000"),
        ("access-control-request-method", "POST"),
    ];
    let answer = client.send("OPTIONS", "/api/tasks", &preflight, &[]);
    assert_eq!(answer.status, 200);
    let shown = Shown::by(&server);
    let requests = |labels: &str| shown.count(&format!("todo_http_requests_total{{{labels}}}"));
    let by_id = r#"route="/api/tasks/{id}",method="GET""#;
    assert_eq!(requests(&format!(r#"{by_id},status="200""#)), 3);
    assert_eq!(requests(&format!(r#"{by_id},status="401""#)), 1);
    assert_eq!(requests(&format!(r#"{by_id},status="422""#)), 1);
    assert_eq!(
        requests(r#"route="/api/tasks",method="POST",status="201""#),
        1
    );
    assert_eq!(
        requests(r#"route="/api/tasks",method="GET",status="200""#),
        1
    );
    assert_eq!(
        requests(r#"route="/api/tasks",method="PUT",status="405""#),
        1
    );
    assert_eq!(
        requests(r#"route="/api/tasks",method="OPTIONS",status="200""#),
        1
    );
    let route = r#"route="/api/{user_id}/tasks",method="GET",status="200""#;
    assert_eq!(requests(route), 1);
    let duration = format!("todo_http_request_duration_seconds_count{{{by_id}}}");
    assert_eq!(shown.count(&duration), 5);
    let code = r#"todo_http_problems_total{code="invalid_token"}"#;
    assert_eq!(shown.count(code), 1);
    assert_eq!(shown.count("todo_http_requests_under_way"), 0);
    let build = format!(
        r#"todo_build_info{{version="{}",os="{}",arch="{}"}}"#,
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    assert_eq!(shown.count(&build), 1);
}

#[test]
fn whatever_paths_and_methods_are_sent_the_series_are_the_same() {
    let server = Server::with(Sqlite, &[LISTEN]).unwrap();
    let client = server.user("ada@example.com");
    let send = |number: usize| {
        let id = format!("{number:08x}-0000-4000-8000-000000000000");
        for path in [format!("/{id}"), format!("/api/tasks/{id}")] {
            assert_eq!(client.get(&path).status, 404);
        }
        let method = format!("BREW{number}");
        let brew = |path| client.send(&method, path, &[], b"{}").status;
        if number < 10 {
            assert_eq!(brew("/"), 404);
            assert_eq!(brew("/api/tasks"), 405);
        }
    };
    send(0);
    let series = || Shown::by(&server).0.into_keys().collect::<BTreeSet<_>>();
    let before = series();
    (1..1_000).for_each(send);
    assert_eq!(series(), before);
    let shown = Shown::by(&server);
    let requests = |labels: &str| shown.count(&format!("todo_http_requests_total{{{labels}}}"));
    let by_id = r#"route="/api/tasks/{id}",method="GET",status="404""#;
    assert_eq!(requests(by_id), 1_000);
    assert_eq!(requests(r#"route="none",method="GET",status="404""#), 1_000);
    assert_eq!(requests(r#"route="none",method="other",status="404""#), 10);
    assert_eq!(
        requests(r#"route="/api/tasks",method="other",status="405""#),
        10
    );
}

#[test]
fn logins_are_counted_by_result_and_their_hashes_timed() {
    let server = Server::with(Sqlite, &[LISTEN]).unwrap();
    server.user("ada@example.com");
    let logins = |shown: &Shown, result: &str| {
        shown.count(&format!(r#"todo_logins_total{{result="{result}"}}"#))
    };
    let hashes = |shown: &Shown, operation: &str| {
        shown.count(&format!(
            r#"todo_password_hash_duration_seconds_count{{operation="{operation}"}}"#
        ))
    };
    let before = Shown::by(&server);
    assert_eq!(logins(&before, "succeeded"), 0);
    assert_eq!(logins(&before, "invalid_credentials"), 0);
    assert_eq!(hashes(&before, "hash"), 1);
    assert_eq!(hashes(&before, "verify"), 0);
    let client = server.client();
    for (email, password, status) in [
        ("ada@example.com", PASSWORD, 200),
        ("ada@example.com", "wrong horse", 401),
        ("nobody@example.com", PASSWORD, 401),
        ("ada", PASSWORD, 422),
    ] {
        let body = json!({"email": email, "password": password});
        assert_eq!(client.post("/api/auth/login", &body).status, status);
    }
    let after = Shown::by(&server);
    assert_eq!(logins(&after, "succeeded"), 1);
    assert_eq!(logins(&after, "invalid_credentials"), 2);
    assert_eq!(logins(&after, "validation_failed"), 1);
    assert_eq!(hashes(&after, "verify"), 3);
}

#[test]
fn worker_pools_show_what_runs_waits_and_is_rejected() {
    let variables = [
        LISTEN,
        ("HASHING_THREADS", "1"),
        ("HASHING_QUEUE_LENGTH", "1"),
    ];
    let Some(server) = Server::with(Postgres, &variables) else {
        return;
    };
    let client = server.client();
    let of = |name: &str| Shown::by(&server).count(&format!(r#"{name}{{pool="hashing"}}"#));
    // While one hashes, another may wait for the database.
    assert_eq!(of("todo_worker_pool_threads"), 2);
    assert_eq!(of("todo_worker_pool_queue_limit"), 1);
    let body = json!({"email": "ada@example.com", "password": "wrong password"});
    let log_in = || client.post("/api/auth/login", &body).status;
    let database = server.database.as_ref().unwrap();
    let lock = database.open_transaction("LOCK TABLE guesses, users");
    thread::scope(|scope| {
        let first = scope.spawn(log_in);
        eventually("one runs", || of("todo_worker_pool_busy") == 1);
        let second = scope.spawn(log_in);
        eventually("another runs", || of("todo_worker_pool_busy") == 2);
        let third = scope.spawn(log_in);
        eventually("one waits", || of("todo_worker_pool_queue_depth") == 1);
        assert_eq!(log_in(), 503);
        drop(lock);
        for login in [first, second, third] {
            assert_eq!(login.join().unwrap(), 401);
        }
    });
    let shown = Shown::by(&server);
    let full = r#"todo_worker_pool_rejected_total{pool="hashing",reason="full"}"#;
    assert_eq!(shown.count(full), 1);
    assert_eq!(
        shown.count(r#"todo_http_problems_total{code="overloaded"}"#),
        1
    );
    assert_eq!(of("todo_worker_pool_busy"), 0);
    assert_eq!(of("todo_worker_pool_queue_depth"), 0);
    assert_eq!(of("todo_worker_pool_wait_seconds_count"), 3);
    assert_eq!(of("todo_worker_pool_run_seconds_count"), 3);
}

#[test]
fn searches_and_exports_have_a_worker_pool_of_their_own() {
    let server = Server::with(Sqlite, &[LISTEN, ("BULK_THREADS", "3")]).unwrap();
    let client = server.user("ada@example.com");
    let of = |name: &str| Shown::by(&server).count(&format!(r#"{name}{{pool="bulk"}}"#));
    assert_eq!(of("todo_worker_pool_threads"), 3);
    let runs = || of("todo_worker_pool_run_seconds_count");
    let of_user = format!("/api/{}/tasks", client.id);
    for path in ["/api/tasks", "/api/tasks?tag=q&status=pending", &of_user] {
        assert_eq!(client.get(path).status, 200);
    }
    assert_eq!(runs(), 0);
    let searches = [
        "/api/tasks?q=milk".to_owned(),
        "/api/tasks?limit=1&%71=milk".to_owned(),
        format!("{of_user}?q=milk"),
        "/api/tasks/search?q=milk".to_owned(),
        format!("{of_user}/search?q=milk"),
    ];
    for (runs_before, path) in (0..).zip(&searches) {
        assert_eq!(runs(), runs_before);
        assert_eq!(client.get(path).status, 200, "{path}");
    }
    assert_eq!(client.get("/api/auth/account/export").status, 200);
    // The beginning, a page for each of four kinds, and the end.
    assert_eq!(runs(), 5 + 6);
}

#[test]
fn the_pool_tells_of_connections_that_were_lost_and_of_reads_that_were_repeated() {
    let Some(server) = Server::with(Postgres, &[LISTEN]) else {
        return;
    };
    let client = server.user("ada@example.com");
    // What follows a registration has been done, too.
    eventually("all connections are idle", || {
        let shown = Shown::by(&server);
        shown.count("todo_pool_connections_idle") >= 1
            && shown.count("todo_pool_connections_in_use") == 0
            && shown.count(r#"todo_worker_pool_run_seconds_count{pool="mail"}"#) == 1
    });
    let before = Shown::by(&server);
    assert!(before.count("todo_pool_connections_max") >= 1);
    assert_eq!(before.count("todo_database_reads_repeated_total"), 0);
    server.database.as_ref().unwrap().terminate_connections();
    assert_eq!(client.get("/api/tasks").status, 200);
    let after = Shown::by(&server);
    assert!(after.count("todo_pool_connections_lost_total") >= 1);
    assert!(after.count("todo_database_reads_repeated_total") >= 1);
    assert!(after.count("todo_pool_connections_opened_total") >= 2);
    assert_eq!(after.count("todo_database_outcomes_unknown_total"), 0);
}

#[test]
fn metrics_are_shown_while_the_database_is_away() {
    let Some(server) = Server::with(Postgres, &[LISTEN]) else {
        return;
    };
    let client = server.user("ada@example.com");
    let database = server.database.as_ref().unwrap();
    database.take_away();
    assert_eq!(client.get("/api/tasks").code(), "storage_unavailable");
    let shown = Shown::by(&server);
    let code = r#"todo_http_problems_total{code="storage_unavailable"}"#;
    assert_eq!(shown.count(code), 1);
    assert!(shown.count("todo_pool_timeouts_total") >= 1);
    assert!(shown.count("todo_pool_connections_not_opened_total") >= 1);
    database.bring_back();
}
