//! Access that an intruder obtains while the owner revokes it.

use std::{sync::Barrier, thread};

use rstest::rstest;
use serde_json::{Value, json};
use todo_testkit::Kind::{self, Postgres, Sqlite};

use crate::harness::{Client, PASSWORD, Server, eventually};

const INTRUDERS: usize = 4;
const ROUNDS: usize = 50;

/// Variables under which nobody is kept from trying again and again.
const UNLIMITED: [(&str, &str); 4] = [
    ("LOGIN_FAILURES_PER_ACCOUNT", "1000000"),
    ("LOGIN_FAILURES_PER_KNOWN_DEVICE", "1000000"),
    ("LOGIN_FAILURES_PER_ADDRESS", "1000000"),
    ("MAILS_PER_ADDRESS", "1000000"),
];

/// What the owner does.
#[derive(Clone, Copy, PartialEq)]
enum Measure {
    ChangePassword,
    ResetPassword,
}

struct Account<'a> {
    server: &'a Server,
    email: String,
    owner: Client,
}

impl Account<'_> {
    fn log_in(&self, password: &str) -> Option<Client> {
        let body = json!({"email": self.email, "password": password});
        let answer = loop {
            let answer = self.server.client().post("/api/auth/login", &body);
            // Two logins of the others are in flight.
            if answer.status != 429 {
                break answer;
            }
        };
        assert!([200, 401].contains(&answer.status), "{answer:?}");
        (answer.status == 200).then(|| {
            let mut client = self.server.client();
            client.sign_in(&answer);
            client
        })
    }

    /// Takes the measure, and gives the client through which the owner goes on.
    fn take(&self, measure: Measure, new_password: &str) -> Client {
        match measure {
            Measure::ChangePassword => {
                let body = json!({
                    "current_password": PASSWORD,
                    "new_password": new_password,
                    "revoke_tokens": true,
                });
                let answer = self.owner.put("/api/auth/password", &body);
                assert_eq!(answer.status, 200, "{answer:?}");
                self.owner.clone()
            }
            Measure::ResetPassword => {
                let token = self.server.mailed_token(&self.email, "todo_pwr_");
                let body = json!({"token": token, "password": new_password});
                let answer = self
                    .server
                    .client()
                    .post("/api/auth/password/reset/confirm", &body);
                assert_eq!(answer.status, 200, "{answer:?}");
                self.log_in(new_password).unwrap()
            }
        }
    }
}

/// One intruder: logs in with the password, makes tokens and asks for another address, again and again, until nothing is
/// granted any more. Gives the credentials that were obtained.
fn intrude(account: &Account<'_>, number: usize) -> Vec<Client> {
    let mut obtained = Vec::new();
    while let Some(session) = account.log_in(PASSWORD) {
        let token = json!({"name": "mine", "scopes": ["tasks:read"], "expires_in_days": 366});
        let answer = session.post("/api/auth/tokens", &token);
        if answer.status == 201 {
            let token = answer.json()["token"].as_str().unwrap().to_owned();
            obtained.push(session.with_token(&token));
        }
        let email = format!("intruder{number}-{}", account.email);
        let change = json!({"email": email, "password": PASSWORD});
        session.post("/api/auth/email", &change);
        obtained.push(session);
    }
    obtained
}

#[rstest]
#[case(Measure::ChangePassword)]
#[case(Measure::ResetPassword)]
fn of_access_that_is_granted_while_the_password_changes_none_survives(
    #[values(Sqlite, Postgres)] kind: Kind,
    #[case] measure: Measure,
) {
    let Some(server) = Server::with(kind, &UNLIMITED) else {
        return;
    };
    for round in 0..ROUNDS / 2 {
        let email = format!("ada{round}@example.com");
        let account = Account {
            owner: server.user(&email),
            server: &server,
            email,
        };
        if measure == Measure::ResetPassword {
            let body = json!({"email": account.email});
            let answer = server.client().post("/api/auth/password/reset", &body);
            assert_eq!(answer.status, 202);
            server.mailed_token(&account.email, "todo_pwr_");
        }
        let begin = Barrier::new(INTRUDERS + 1);
        let (obtained, owner) = thread::scope(|scope| {
            let intruders: Vec<_> = (0..INTRUDERS)
                .map(|number| {
                    let (account, begin) = (&account, &begin);
                    scope.spawn(move || {
                        begin.wait();
                        intrude(account, number)
                    })
                })
                .collect();
            begin.wait();
            let owner = account.take(measure, "a better password");
            let obtained: Vec<_> = intruders
                .into_iter()
                .flat_map(|intruder| intruder.join().unwrap())
                .collect();
            (obtained, owner)
        });
        for client in obtained {
            assert_eq!(client.get("/api/tasks").status, 401, "round {round}");
        }
        let sessions = owner.get("/api/auth/sessions").json();
        assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
        assert_eq!(owner.get("/api/auth/tokens").json(), json!({"tokens": []}));
        let account = owner.get("/api/auth/account").json();
        assert_eq!(account["pending_email_change"], Value::Null, "{account}");
    }
    // Mails are sent in turn: those that the intruders asked for have been sent, or refused.
    server.user("last@example.com");
    server.mailed_token("last@example.com", "todo_evt_");
    let database = server.database.as_ref().unwrap();
    let pending = database.values(
        "SELECT CAST(count(*) AS TEXT) AS value FROM mailed_secrets WHERE purpose LIKE 'email_change%'",
    );
    assert_eq!(pending, [Some("0".to_owned())]);
}

#[rstest]
fn a_pending_change_of_the_address_ends_with_the_password(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    for (round, log_out) in [false, true].into_iter().enumerate() {
        let email = format!("ada{round}@example.com");
        let evil = format!("evil{round}@example.com");
        let owner = server.user(&email);
        let account = Account {
            server: &server,
            email,
            owner,
        };
        let intruder = account.log_in(PASSWORD).unwrap();
        let body = json!({"email": evil, "password": PASSWORD});
        assert_eq!(intruder.post("/api/auth/email", &body).status, 202);
        let token = server.mailed_token(&evil, "todo_evt_");
        if log_out {
            let body = json!({"sessions": "others"});
            assert_eq!(account.owner.post("/api/auth/logout", &body).status, 200);
        } else {
            account.take(Measure::ChangePassword, "a better password");
        }
        let body = json!({"token": token});
        let answer = server.client().post("/api/auth/email/verify", &body);
        assert_eq!(answer.invalid_fields(), ["token"]);
        let address = account.owner.get("/api/auth/account").json();
        assert_eq!(address["email"], account.email);
        assert_eq!(address["pending_email_change"], Value::Null);
    }
}

#[rstest]
fn the_owner_of_the_address_is_notified_of_a_change_and_cancels_it(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::with(kind, &[("PUBLIC_URL", "https://todo.example.com")]) else {
        return;
    };
    let ada = server.user("ada@example.com");
    assert_eq!(
        ada.get("/api/auth/account").json()["pending_email_change"],
        Value::Null
    );
    let change = json!({"email": "evil@example.com", "password": PASSWORD});
    assert_eq!(ada.post("/api/auth/email", &change).status, 202);
    let confirmation = server.mailed_token("evil@example.com", "todo_evt_");
    let cancellation = server.mailed_token("ada@example.com", "todo_ecc_");
    let link = format!("https://todo.example.com/cancel-email-change?token={cancellation}");
    let mails = server.mails("ada@example.com");
    assert!(mails.iter().any(|mail| mail.contains(&link)), "{mails:?}");
    let pending = ada.get("/api/auth/account").json()["pending_email_change"].clone();
    assert_eq!(pending["email"], "evil@example.com");
    assert!(pending["requested_at"].as_str() < pending["expires_at"].as_str());

    let cancel = |body: &Value| server.client().post("/api/auth/email/cancel", body);
    assert_eq!(
        cancel(&json!({"token": confirmation})).invalid_fields(),
        ["token"]
    );
    let body = json!({"token": cancellation});
    let answer = cancel(&body);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(cancel(&body).invalid_fields(), ["token"]);
    let body = json!({"token": confirmation});
    let verified = server.client().post("/api/auth/email/verify", &body);
    assert_eq!(verified.invalid_fields(), ["token"]);
    assert_eq!(
        ada.get("/api/auth/account").json()["pending_email_change"],
        Value::Null
    );
    let events = ada.get("/api/auth/events").json();
    assert_eq!(events["events"][0]["kind"], "email_change_cancelled");
}

#[rstest]
fn a_session_cancels_a_pending_change(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let ada = server.user("ada@example.com");
    let cancel = || ada.post("/api/auth/email/cancel", &json!({}));
    assert_eq!(cancel().status, 404);
    assert_eq!(cancel().code(), "email_change_not_pending");
    let change = json!({"email": "countess@example.com", "password": PASSWORD});
    assert_eq!(ada.post("/api/auth/email", &change).status, 202);
    eventually("a pending change", || {
        ada.get("/api/auth/account").json()["pending_email_change"] != Value::Null
    });
    assert_eq!(cancel().status, 200);
    assert_eq!(cancel().status, 404);
    let nobody = server.client().post("/api/auth/email/cancel", &json!({}));
    assert_eq!(nobody.code(), "not_authenticated");
}

#[rstest]
fn logging_out_everywhere_revokes_tokens_where_that_is_asked_for(
    #[values(Sqlite, Postgres)] kind: Kind,
) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let ada = server.user("ada@example.com");
    let body = json!({"name": "backup", "scopes": ["tasks:read"], "expires_in_days": 1});
    let made = ada.post("/api/auth/tokens", &body).json();
    let program = server.client().with_token(made["token"].as_str().unwrap());
    let log_out = |body: &Value| ada.post("/api/auth/logout", body);
    assert_eq!(log_out(&json!({"sessions": "others"})).status, 200);
    assert_eq!(program.get("/api/tasks").status, 200);
    for body in [
        json!({"revoke_tokens": true}),
        json!({"sessions": "this", "revoke_tokens": true}),
    ] {
        assert_eq!(log_out(&body).invalid_fields(), ["revoke_tokens"]);
    }
    let body = json!({"sessions": "others", "revoke_tokens": true});
    assert_eq!(log_out(&body).status, 200);
    assert_eq!(program.get("/api/tasks").status, 401);
    assert_eq!(ada.get("/api/tasks").status, 200);
}

#[rstest]
fn a_token_takes_the_password_or_a_recent_login(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    let ada = server.user("ada@example.com");
    let make = |password: Option<&str>| {
        let mut body = json!({"name": "backup", "scopes": ["tasks:read"], "expires_in_days": 1});
        if let Some(password) = password {
            body["password"] = json!(password);
        }
        ada.post("/api/auth/tokens", &body)
    };
    assert_eq!(make(None).status, 201);
    assert_eq!(
        make(Some("another password")).invalid_fields(),
        ["password"]
    );
    let eleven_minutes_earlier = match kind {
        Sqlite => "created_at - 660000000",
        Postgres => "created_at - interval '11 minutes'",
    };
    server.database.as_ref().unwrap().execute(&format!(
        "UPDATE sessions SET created_at = {eleven_minutes_earlier}"
    ));
    let refused = make(None);
    assert_eq!(refused.status, 403, "{refused:?}");
    assert_eq!(refused.code(), "reauthentication_required");
    assert_eq!(
        make(Some("another password")).invalid_fields(),
        ["password"]
    );
    assert_eq!(make(Some(PASSWORD)).status, 201);
}

#[rstest]
fn a_login_ends_the_session_whose_cookie_it_overwrites(#[values(Sqlite, Postgres)] kind: Kind) {
    let Some(server) = Server::start(kind) else {
        return;
    };
    server.user("ada@example.com");
    let log_in = |headers: &[(&str, &str)], cookie: bool| {
        let body = json!({"email": "ada@example.com", "password": PASSWORD, "cookie": cookie});
        let json = [("content-type", "application/json")];
        let answer = server.client().send(
            "POST",
            "/api/auth/login",
            &[headers, &json].concat(),
            body.to_string().as_bytes(),
        );
        assert_eq!(answer.status, 200, "{answer:?}");
        let cookie = answer.header("set-cookie").unwrap();
        cookie.split(';').next().unwrap().to_owned()
    };
    let status = |cookie: &str| {
        let client = server.client();
        client
            .send("GET", "/api/tasks", &[("cookie", cookie)], &[])
            .status
    };
    let same_origin = ("sec-fetch-site", "same-origin");
    let first = log_in(&[], true);
    // The body gets the token, and the cookie stays.
    log_in(&[("cookie", &first), same_origin], false);
    assert_eq!(status(&first), 200);
    let second = log_in(&[("cookie", &first), same_origin], true);
    assert_eq!(status(&first), 401);
    assert_eq!(status(&second), 200);
    // A cookie that is not valid any more is no hindrance.
    let third = log_in(&[("cookie", &first), same_origin], true);
    assert_eq!(status(&second), 200);
    assert_eq!(status(&third), 200);
}
