//! Guessing passwords.

use std::thread;

use rstest::rstest;
use serde_json::{Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Answer, Client, PASSWORD, Server, eventually};

const BEHIND_PROXY: [(&str, &str); 1] = [("TRUSTED_PROXIES", "127.0.0.1")];

/// Logs in from an address that a proxy saw.
fn log_in_from(server: &Server, address: &str, email: &str, password: &str) -> Answer {
    log_in_with(server, &[("x-forwarded-for", address)], email, password)
}

fn log_in_with(server: &Server, head: &[(&str, &str)], email: &str, password: &str) -> Answer {
    let json = [("content-type", "application/json")];
    let body = json!({"email": email, "password": password}).to_string();
    let path = "/api/auth/login";
    server
        .client()
        .send("POST", path, &[head, &json].concat(), body.as_bytes())
}

/// The device cookie that a response sets.
fn cookie_of(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-todo-device="), "{cookie}");
    cookie.split_once(';').unwrap().0.to_owned()
}

/// Guesses until it is told to wait, and gives how many guesses were looked at.
fn guess_until_delayed(server: &Server, email: &str) -> (usize, Answer) {
    for count in 0..20 {
        let answer = log_in_from(server, "203.0.113.7", email, "wrong password");
        if answer.status == 429 {
            return (count, answer);
        }
        assert_eq!(answer.code(), "invalid_credentials");
    }
    panic!("it is never told to wait");
}

#[rstest]
#[case::an_account("ada@example.com")]
#[case::no_account("nobody@example.com")]
fn whoever_guesses_often_is_told_to_wait_whether_or_not_there_is_an_account(
    #[values(Sqlite, Postgres)] kind: Kind,
    #[case] email: &str,
) {
    let Some(server) = Server::with(kind, &BEHIND_PROXY) else {
        return;
    };
    server.user("ada@example.com");
    server.user("grace@example.com");
    // The sixth failure has a second, the next one two: on a slow machine one more may pass before it is refused.
    let (count, answer) = guess_until_delayed(&server, email);
    assert!(count >= 6, "{count}");
    assert_eq!(answer.code(), "too_many_attempts");
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=900).contains(&seconds));
    assert_eq!(
        answer.header("ratelimit-policy"),
        Some("\"login\";q=6;w=5400")
    );
    let limit = format!("\"login\";r=0;t={seconds}");
    assert_eq!(answer.header("ratelimit"), Some(limit.as_str()));

    let other = log_in_from(&server, "203.0.113.7", "grace@example.com", PASSWORD);
    assert_eq!(other.status, 200);
}

/// Has an account be delayed for longer than a test takes.
fn delay_for_long(server: &Server, email: &str) {
    let database = server.database.as_ref().unwrap();
    log_in_from(server, "203.0.113.7", email, "wrong password");
    database.execute("UPDATE guesses SET level = 40000 WHERE level > 0");
    let refused = log_in_from(server, "203.0.113.8", email, PASSWORD);
    assert_eq!(refused.code(), "too_many_attempts");
    assert!(
        refused
            .header("retry-after")
            .unwrap()
            .parse::<u64>()
            .unwrap()
            > 800
    );
}

#[rstest]
fn the_owner_gets_in_from_a_known_device_or_place_while_others_guess(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::with(kind, &BEHIND_PROXY) else {
        return;
    };
    server.user("ada@example.com");
    let first = log_in_from(&server, "198.51.100.1", "ada@example.com", PASSWORD);
    let cookie = first.header("set-cookie").unwrap();
    assert!(
        cookie.starts_with("__Host-todo-device=todo_dev_"),
        "{cookie}"
    );
    for attribute in [
        "HttpOnly",
        "Secure",
        "SameSite=Lax",
        "Path=/",
        "Max-Age=31536000",
    ] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let (cookie, _) = cookie.split_once(';').unwrap();

    delay_for_long(&server, "ada@example.com");
    let moved = [("x-forwarded-for", "198.51.100.2"), ("cookie", cookie)];
    let with_cookie = log_in_with(&server, &moved, "ada@example.com", PASSWORD);
    assert_eq!(with_cookie.status, 200);
    let known_place = log_in_from(&server, "198.51.100.1", "ada@example.com", PASSWORD);
    assert_eq!(known_place.status, 200);
    // What the owner did gives whoever guesses nothing.
    let refused = log_in_from(&server, "203.0.113.8", "ada@example.com", PASSWORD);
    assert_eq!(refused.code(), "too_many_attempts");
}

#[rstest]
fn a_reset_by_mail_lets_the_owner_in_on_a_new_device_while_others_guess(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::with(kind, &BEHIND_PROXY) else {
        return;
    };
    server.user("ada@example.com");
    let database = server.database.as_ref().unwrap();
    database.execute("DELETE FROM guesses");
    delay_for_long(&server, "ada@example.com");
    let here = [
        ("x-forwarded-for", "198.51.100.1"),
        ("content-type", "application/json"),
    ];
    let refused = log_in_with(&server, &here[..1], "ada@example.com", PASSWORD);
    assert_eq!(refused.code(), "too_many_attempts");
    let post = |path: &str, body: &Value| {
        let body = body.to_string();
        server.client().send("POST", path, &here, body.as_bytes())
    };
    let asked = post(
        "/api/auth/password/reset",
        &json!({"email": "ada@example.com"}),
    );
    assert_eq!(asked.status, 202);
    let token = server.mailed_token("ada@example.com", "todo_pwr_");
    let new = "battery staple";
    let reset = post(
        "/api/auth/password/reset/confirm",
        &json!({"token": token, "password": new}),
    );
    assert_eq!(reset.status, 200);
    // Whoever guesses goes on.
    delay_for_long(&server, "ada@example.com");
    let at_this_place = log_in_with(&server, &here[..1], "ada@example.com", new);
    assert_eq!(at_this_place.status, 200, "{at_this_place:?}");
    let (cookie, _) = reset.header("set-cookie").unwrap().split_once(';').unwrap();
    let elsewhere = [("x-forwarded-for", "198.51.100.2"), ("cookie", cookie)];
    let on_this_device = log_in_with(&server, &elsewhere, "ada@example.com", new);
    assert_eq!(on_this_device.status, 200, "{on_this_device:?}");
}

#[rstest]
fn a_secret_of_a_device_that_we_did_not_make_is_replaced(#[values(Sqlite, Postgres)] kind: Kind) {
    let (Some(server), Some(elsewhere)) =
        (Server::with(kind, &BEHIND_PROXY), Server::start(Sqlite))
    else {
        return;
    };
    let register = |server: &Server, headers: &[(&str, &str)], email: &str| {
        let json = [("content-type", "application/json")];
        let body = json!({"email": email, "password": PASSWORD, "name": "Ada"}).to_string();
        let answer = server.client().send(
            "POST",
            "/api/auth/register",
            &[headers, &json].concat(),
            body.as_bytes(),
        );
        assert_eq!(answer.status, 201, "{answer:?}");
        cookie_of(&answer)
    };
    // It is well formed, as anyone can make one.
    let made_up = register(&elsewhere, &[], "ada@example.com");
    let with_it = [("cookie", made_up.as_str())];
    let given = register(&server, &with_it, "ada@example.com");
    assert_ne!(given, made_up);
    let answer = log_in_with(&server, &with_it, "ada@example.com", PASSWORD);
    assert_ne!(cookie_of(&answer), made_up);
    // One that we made is kept, also at another account.
    let with_own = [("cookie", given.as_str())];
    let answer = log_in_with(&server, &with_own, "ada@example.com", PASSWORD);
    assert_eq!(cookie_of(&answer), given);
    assert_eq!(register(&server, &with_own, "grace@example.com"), given);
}

#[rstest]
fn whoever_has_stolen_a_device_cookie_cannot_keep_the_owner_out_at_a_known_place(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::with(kind, &BEHIND_PROXY) else {
        return;
    };
    server.user("ada@example.com");
    let first = log_in_from(&server, "198.51.100.1", "ada@example.com", PASSWORD);
    let stolen = cookie_of(&first);
    let thief = [
        ("x-forwarded-for", "203.0.113.7"),
        ("cookie", stolen.as_str()),
    ];
    let guess = log_in_with(&server, &thief, "ada@example.com", "wrong password");
    assert_eq!(guess.code(), "invalid_credentials");
    let database = server.database.as_ref().unwrap();
    database.execute("UPDATE guesses SET level = 40000 WHERE level > 0");
    let delayed = log_in_with(&server, &thief, "ada@example.com", PASSWORD);
    assert_eq!(delayed.code(), "too_many_attempts");

    let owner = [
        ("x-forwarded-for", "198.51.100.1"),
        ("cookie", stolen.as_str()),
    ];
    let answer = log_in_with(&server, &owner, "ada@example.com", PASSWORD);
    assert_eq!(answer.status, 200, "{answer:?}");
    // The device has a secret of its own again, with which it gets in elsewhere.
    let renewed = cookie_of(&answer);
    assert_ne!(renewed, stolen);
    let moved = [
        ("x-forwarded-for", "198.51.100.2"),
        ("cookie", renewed.as_str()),
    ];
    let answer = log_in_with(&server, &moved, "ada@example.com", PASSWORD);
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[rstest]
fn an_address_is_the_same_whichever_way_a_proxy_writes_it(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &BEHIND_PROXY) else {
        return;
    };
    server.user("ada@example.com");
    let known = log_in_from(&server, "[2001:db8::1]:443", "ada@example.com", PASSWORD);
    assert_eq!(known.status, 200);
    delay_for_long(&server, "ada@example.com");
    for (address, status) in [
        ("2001:db8::2", 200),
        ("[2001:db8::3]:80", 200),
        ("[2001:db8:0:1::1]:443", 429),
    ] {
        let answer = log_in_from(&server, address, "ada@example.com", PASSWORD);
        assert_eq!(answer.status, status, "{address}");
    }
}

#[test]
fn a_proxy_that_is_not_trusted_is_warned_of_once() {
    let server = Server::start(Sqlite).unwrap();
    let warned = || server.log().matches("not in TRUSTED_PROXIES").count();
    let headers = [("x-forwarded-for", "198.51.100.1")];
    server.client().send("GET", "/api/tasks", &[], &[]);
    assert_eq!(warned(), 0);
    for _ in 0..3 {
        server.client().send("GET", "/api/tasks", &headers, &[]);
    }
    // The line of a later request is there.
    let last = [headers[0], ("x-request-id", "the-last")];
    server.client().send("GET", "/api/tasks", &last, &[]);
    eventually("the last line", || server.log().contains("the-last"));
    assert_eq!(warned(), 1);
}

#[rstest]
fn instances_count_together(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &BEHIND_PROXY) else {
        return;
    };
    let other = Server::on(server.database.as_ref().unwrap(), &BEHIND_PROXY);
    delay_for_long(&server, "ada@example.com");
    let refused = log_in_from(&other, "203.0.113.9", "ada@example.com", PASSWORD);
    assert_eq!(refused.code(), "too_many_attempts");
}

#[rstest]
fn of_50_guesses_at_once_few_are_looked_at(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &BEHIND_PROXY) else {
        return;
    };
    server.user("ada@example.com");
    let statuses = thread::scope(|scope| {
        let guesses: Vec<_> = (0..50)
            .map(|number| {
                let address = format!("203.0.113.{number}");
                let server = &server;
                scope.spawn(move || log_in_from(server, &address, "ada@example.com", "wrong one"))
            })
            .collect();
        let answers = guesses.into_iter().map(|guess| guess.join().unwrap());
        answers.map(|answer| answer.status).collect::<Vec<_>>()
    });
    let looked_at = statuses.iter().filter(|status| **status == 401).count();
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert_eq!(looked_at + refused, 50);
    // Two at a time, and six in all; those after a delay that has passed while the machine was slow.
    assert!((2..=10).contains(&looked_at), "{looked_at}");
}

#[rstest]
fn an_address_that_is_made_up_makes_nobody_known(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &BEHIND_PROXY) else {
        return;
    };
    server.user("ada@example.com");
    // The address of the connection registered, and is known; that is forgotten.
    let database = server.database.as_ref().unwrap();
    database.execute("DELETE FROM guesses");
    log_in_from(&server, "198.51.100.1", "ada@example.com", PASSWORD);
    delay_for_long(&server, "ada@example.com");
    let believed = log_in_from(&server, "198.51.100.1", "ada@example.com", PASSWORD);
    assert_eq!(believed.status, 200);
    let trusting_nobody = Server::on(database, &[]);
    let refused = log_in_from(
        &trusting_nobody,
        "198.51.100.1",
        "ada@example.com",
        PASSWORD,
    );
    assert_eq!(refused.code(), "too_many_attempts");
}

#[rstest]
fn whoever_has_a_session_guesses_at_its_password_as_slowly_and_the_owner_goes_on(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let taken = server.user("ada@example.com");
    let attempts = |client: &Client, password: &str| {
        let change = json!({"current_password": password, "new_password": "battery staple"});
        let delete = json!({"password": password});
        let email = json!({"email": "countess@example.com", "password": password});
        [
            client.put("/api/auth/password", &change),
            client.post("/api/auth/account/delete", &delete),
            client.post("/api/auth/email", &email),
        ]
    };
    let database = server.database.as_ref().unwrap();
    database.execute("DELETE FROM guesses");
    for answer in attempts(&taken, "wrong password") {
        assert_eq!(answer.status, 422);
    }
    database.execute("UPDATE guesses SET level = 40000");
    for answer in attempts(&taken, PASSWORD) {
        assert_eq!(answer.code(), "too_many_attempts");
        assert_eq!(
            answer.header("ratelimit-policy"),
            Some("\"confirmation\";q=6;w=5400")
        );
    }
    let mut owner = server.client();
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let answer = owner.post("/api/auth/login", &body);
    owner.sign_in(&answer);
    let [changed, ..] = attempts(&owner, PASSWORD);
    assert_eq!(changed.status, 200);
}

#[rstest]
fn mails_that_are_asked_for_from_one_address_are_limited_whether_or_not_one_is_sent(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::with(kind, &[("MAILS_PER_ADDRESS", "1")]) else {
        return;
    };
    server.user("ada@example.com");
    let ask = |email: &str| {
        let body = json!({"email": email});
        server.client().post("/api/auth/password/reset", &body)
    };
    assert_eq!(ask("nobody@example.com").status, 202);
    let database = server.database.as_ref().unwrap();
    database.execute("UPDATE guesses SET level = 40000 WHERE level > 0");
    for email in ["nobody@example.com", "ada@example.com"] {
        let answer = ask(email);
        assert_eq!(answer.code(), "too_many_attempts");
        assert_eq!(answer.status, 429);
        let policy = answer.header("ratelimit-policy");
        assert_eq!(policy, Some("\"mail\";q=2;w=600"));
    }
}

#[rstest]
fn registrations_from_one_address_are_limited(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::with(kind, &[("REGISTRATIONS_PER_ADDRESS", "1")]) else {
        return;
    };
    server.user("ada@example.com");
    server.user("grace@example.com");
    let database = server.database.as_ref().unwrap();
    database.execute("UPDATE guesses SET level = 40000 WHERE level > 0");
    let body = json!({"email": "alan@example.com", "password": PASSWORD, "name": "Alan"});
    let refused = server.client().post("/api/auth/register", &body);
    assert_eq!(refused.status, 429);
    assert_eq!(refused.code(), "too_many_attempts");
}
