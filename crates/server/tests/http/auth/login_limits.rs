//! Limits of logins that succeed, and fairness between those who log in

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    thread,
    time::{Duration, Instant},
};

use rstest::rstest;
use serde_json::{Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::{
    harness::{Answer, Client, PASSWORD, Server, eventually},
    metrics::{LISTEN, Shown},
};

const BEHIND_PROXY: (&str, &str) = ("TRUSTED_PROXIES", "127.0.0.1");
const FLOOD: &str = "203.0.113.7";
const ELSEWHERE: &str = "198.51.100.1";

fn send_from(client: &Client, address: &str, method: &str, path: &str, body: &Value) -> Answer {
    let head = [
        ("content-type", "application/json"),
        ("x-forwarded-for", address),
    ];
    client.send(method, path, &head, body.to_string().as_bytes())
}

fn log_in_from(client: &Client, address: &str, email: &str) -> Answer {
    let body = json!({"email": email, "password": PASSWORD});
    send_from(client, address, "POST", "/api/auth/login", &body)
}

/// A login that is refused because too many others have succeeded.
fn assert_rate_limited(answer: &Answer, per_minute: u64) {
    assert_eq!(answer.status, 429, "{answer:?}");
    assert_eq!(answer.code(), "too_many_attempts");
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60 / per_minute).contains(&seconds), "{seconds}");
    let policy = format!("\"login-rate\";q={per_minute};w=60");
    assert_eq!(answer.header("ratelimit-policy"), Some(policy.as_str()));
}

#[rstest]
fn one_account_that_logs_in_all_the_time_keeps_no_other_out(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let variables = [("LOGINS_PER_MINUTE_PER_ACCOUNT", "20"), LISTEN];
    let Some(server) = Server::with(kind, &variables) else {
        return;
    };
    server.user("eve@example.com");
    server.user("ada@example.com");
    let began = Instant::now();
    let (is_over, succeeded, refused) = (
        AtomicBool::new(false),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
    );
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let client = server.client();
                while !is_over.load(SeqCst) {
                    let answer = log_in_from(&client, FLOOD, "eve@example.com");
                    let count = match answer.status {
                        200 => &succeeded,
                        429 => &refused,
                        status => panic!("{status}"),
                    };
                    count.fetch_add(1, SeqCst);
                }
            });
        }
        eventually("the flood is refused", || refused.load(SeqCst) > 100);
        let client = server.client();
        let statuses = [(); 10].map(|()| log_in_from(&client, FLOOD, "ada@example.com").status);
        is_over.store(true, SeqCst);
        assert_eq!(statuses, [200; 10]);
    });
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    let succeeded = succeeded.load(SeqCst);
    assert!((20..=21 + seconds / 3).contains(&succeeded), "{succeeded}");
    let limited = r#"todo_logins_limited_total{limit="rate"}"#;
    assert!(Shown::by(&server).count(limited) > 0);
}

#[rstest]
fn an_intruder_who_logs_in_all_the_time_cannot_keep_the_owner_out(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let variables = [("LOGINS_PER_MINUTE_PER_ACCOUNT", "3"), BEHIND_PROXY];
    let Some(server) = Server::with(kind, &variables) else {
        return;
    };
    server.user("ada@example.com");
    let client = server.client();
    let owner = log_in_from(&client, ELSEWHERE, "ada@example.com");
    assert_eq!(owner.status, 200);
    // From the places of an intruder, none of which is known.
    for number in 1..=2 {
        let address = format!("203.0.113.{number}");
        assert_eq!(
            log_in_from(&client, &address, "ada@example.com").status,
            200
        );
    }
    assert_rate_limited(&log_in_from(&client, "203.0.113.3", "ada@example.com"), 3);
    // One that is known by now has an allowance of its own, and the owner's device has another.
    for _ in 0..3 {
        assert_eq!(
            log_in_from(&client, FLOOD_PLACE, "ada@example.com").status,
            200
        );
    }
    assert_rate_limited(&log_in_from(&client, FLOOD_PLACE, "ada@example.com"), 3);
    for _ in 0..3 {
        assert_eq!(
            log_in_from(&client, ELSEWHERE, "ada@example.com").status,
            200
        );
    }
    assert_rate_limited(&log_in_from(&client, ELSEWHERE, "ada@example.com"), 3);
}

/// A place of the intruder that is known after the first login.
const FLOOD_PLACE: &str = "203.0.113.1";

/// Hashes take long, so that logins are in flight at the same time.
const SLOW: [(&str, &str); 3] = [
    ("ARGON2_MEMORY_KIB", "19456"),
    ("ARGON2_ITERATIONS", "20"),
    ("LOGIN_FAILURES_PER_ACCOUNT", "1000000"),
];

#[rstest]
#[case::an_account("ada@example.com")]
#[case::no_account("nobody@example.com")]
fn two_logins_of_an_account_are_in_flight_whether_or_not_it_exists(#[case] email: &str) {
    let variables = [&SLOW[..], &[("HASHING_THREADS", "4"), LISTEN, BEHIND_PROXY]].concat();
    let server = Server::with(Sqlite, &variables).unwrap();
    server.user("ada@example.com");
    let is_over = AtomicBool::new(false);
    let refused = thread::scope(|scope| {
        let flood: Vec<_> = (0..8)
            .map(|number| {
                let (server, is_over) = (&server, &is_over);
                scope.spawn(move || {
                    let body = json!({"email": email, "password": "wrong password"});
                    let address = format!("203.0.113.{number}");
                    let client = server.client();
                    while !is_over.load(SeqCst) {
                        let path = "/api/auth/login";
                        let answer = send_from(&client, &address, "POST", path, &body);
                        if answer.status == 429 {
                            is_over.store(true, SeqCst);
                            return Some(answer);
                        }
                        assert_eq!(answer.code(), "invalid_credentials");
                    }
                    None
                })
            })
            .collect();
        let answers: Vec<_> = flood.into_iter().map(|one| one.join().unwrap()).collect();
        answers.into_iter().flatten().next().unwrap()
    });
    assert_eq!(refused.code(), "too_many_attempts");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let limited = r#"todo_logins_limited_total{limit="in_flight"}"#;
    assert!(Shown::by(&server).count(limited) > 0);
}

#[test]
fn a_flood_that_fills_the_queue_delays_neither_other_addresses_nor_the_recovery_of_an_account() {
    let narrow = [
        ("HASHING_THREADS", "1"),
        ("HASHING_QUEUE_LENGTH", "8"),
        ("LOGIN_FAILURES_PER_ADDRESS", "1000000"),
        BEHIND_PROXY,
    ];
    let server = Server::with(Sqlite, &[&SLOW[..], &narrow].concat()).unwrap();
    let ada = server.user("ada@example.com");
    let alan = server.user("alan@example.com");
    let body = json!({"email": "alan@example.com"});
    assert_eq!(alan.post("/api/auth/password/reset", &body).status, 202);
    let token = server.mailed_token("alan@example.com", "todo_pwr_");

    let (is_over, overloaded) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for number in 0..16 {
            let (server, is_over, overloaded) = (&server, &is_over, &overloaded);
            scope.spawn(move || {
                let client = server.client();
                let email = format!("user{number}@example.com");
                while !is_over.load(SeqCst) {
                    let answer = log_in_from(&client, FLOOD, &email);
                    if answer.status == 503 {
                        assert_eq!(answer.code(), "overloaded");
                        overloaded.fetch_add(1, SeqCst);
                        thread::sleep(Duration::from_millis(10));
                    } else {
                        assert_eq!(answer.code(), "invalid_credentials");
                    }
                }
            });
        }
        eventually("the queue is full", || overloaded.load(SeqCst) > 16);
        let client = server.client();
        let logins = [(); 5].map(|()| log_in_from(&client, ELSEWHERE, "ada@example.com").status);
        let body = json!({"current_password": PASSWORD, "new_password": "battery staple"});
        let change = send_from(&ada, FLOOD, "PUT", "/api/auth/password", &body);
        let body = json!({"token": token, "password": "battery staple"});
        let path = "/api/auth/password/reset/confirm";
        let reset = send_from(&client, FLOOD, "POST", path, &body);
        is_over.store(true, SeqCst);
        assert_eq!(logins, [200; 5]);
        assert_eq!((change.status, reset.status), (200, 200));
    });
}
