//! The clock is moved while the server runs.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use todo_trials::{Kind, Request, Server, TrialResult};

use crate::{
    people::{Person, ask},
    trial::{Fault, Findings, Ground, Outcome},
};

pub(super) const FAULT: Fault = Fault {
    name: "clock",
    what: "the clock of two running servers is moved by +10 min, -10 min, +1 day, -1 day (libfaketime)",
    must_hold: "no expired or revoked token is accepted; nobody is thrown out whose token has not expired; logins and \
                refreshes go on",
    databases: &[Kind::Sqlite, Kind::Postgres],
    at_once: false,
    inject,
};

const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * MINUTE;

/// How long access tokens count, by the server that gives short ones.
const SHORT_LIFETIME: i64 = 5 * MINUTE;

/// How far the clock is moved from what it is, in seconds, one after another.
const OFFSETS: [i64; 6] = [0, 10 * MINUTE, -10 * MINUTE, DAY, -DAY, 0];

/// A token, and until when it counts.
struct Known {
    what: String,
    token: String,
    /// Where the clock is moved so far or farther, it has expired; `None` where it was revoked.
    expires_at: Option<i64>,
}

fn inject(ground: &mut Ground, kind: Kind) -> TrialResult<Outcome> {
    let Some(library) = library() else {
        return Ok(Outcome::NotRun("libfaketime is not there".to_owned()));
    };
    let folder = TempDir::new()?;
    let clock = Clock(folder.path().join("clock"));
    clock.set(0)?;
    let program = ground
        .program
        .with("LD_PRELOAD", &library.display().to_string())
        .with("FAKETIME_TIMESTAMP_FILE", &clock.0.display().to_string())
        .with("FAKETIME_NO_CACHE", "1")
        .with("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let database = ground.database(kind)?;
    let short = program
        .with("ACCESS_TOKEN_LIFETIME_SECONDS", &SHORT_LIFETIME.to_string())
        .serve(&database)?;
    let long = program.serve(&database)?;

    let mut findings = Findings::default();
    let mut known = Vec::new();
    let person = Person::register(short.address(), "person")?;
    // A session that is only ever refreshed.
    let mut refreshed = person.log_in_again(short.address())?;
    known.extend(revoked(&person, &short)?);
    known.extend(personal_access_tokens(&person, &short)?);
    let mut requests = 0;
    for offset in OFFSETS {
        clock.set(offset)?;
        let at = format!("at {offset:+} s");
        for (server, lifetime) in [(&short, SHORT_LIFETIME), (&long, DAY)] {
            match person.log_in_again(server.address()) {
                Ok(session) => known.push(Known {
                    what: format!("a token made {at} for {lifetime} s"),
                    token: session.token,
                    expires_at: Some(offset + lifetime),
                }),
                Err(error) => findings.demand(false, format!("no login {at}: {error}")),
            }
        }
        match refreshed.refresh(short.address()) {
            Ok(session) => {
                refreshed = session;
                known.push(Known {
                    what: format!("a token that a refresh made {at}"),
                    token: refreshed.token.clone(),
                    expires_at: Some(offset + SHORT_LIFETIME),
                });
            }
            Err(error) => findings.demand(false, format!("no refresh {at}: {error}")),
        }
        // What expires a moment after the clock was moved there has expired then.
        thread::sleep(Duration::from_secs(1));
        for server in [&short, &long] {
            for known in &known {
                let counts = known
                    .expires_at
                    .is_some_and(|expires_at| offset < expires_at);
                let expected = if counts { 200 } else { 401 };
                let request = Request::new("GET", "/api/tasks?limit=1").bearer(&known.token);
                let (status, _) = ask(server.address(), &request)?;
                requests += 1;
                let what = &known.what;
                findings.demand(
                    status == expected,
                    format!("{what} was answered {status}, not {expected}, {at}"),
                );
            }
        }
    }
    findings.see(format!("{} tokens shown {requests} times", known.len()));
    Ok(Outcome::Ran(findings))
}

/// Where libfaketime is, for programs with several threads.
fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?;
    let mut places = folders.filter_map(|folder| {
        let place = folder.ok()?.path().join("faketime/libfaketimeMT.so.1");
        place.exists().then_some(place)
    });
    places.next()
}

/// The clock of the servers, by a file that tells how far it is from the real one.
struct Clock(PathBuf);

impl Clock {
    fn set(&self, offset: i64) -> TrialResult<()> {
        let place: &Path = &self.0;
        // In place of the former one at once: it may be read at any time.
        let new = place.with_extension("new");
        fs::write(&new, format!("{offset:+}\n"))?;
        Ok(fs::rename(&new, place)?)
    }
}

/// Tokens that were taken back.
fn revoked(person: &Person, server: &Server) -> TrialResult<[Known; 2]> {
    let session = person.log_in_again(server.address())?;
    let logout = Request::new("POST", "/api/auth/logout").bearer(&session.token);
    expect(200, ask(server.address(), &logout)?)?;
    let (id, token) = make_token(person, server, 30)?;
    let revocation = Request::new("DELETE", &format!("/api/auth/tokens/{id}"));
    expect(
        204,
        ask(server.address(), &revocation.bearer(&person.token))?,
    )?;
    Ok([
        Known {
            what: "the token of a session that was logged out".to_owned(),
            token: session.token,
            expires_at: None,
        },
        Known {
            what: "a personal access token that was revoked".to_owned(),
            token,
            expires_at: None,
        },
    ])
}

fn personal_access_tokens(person: &Person, server: &Server) -> TrialResult<Vec<Known>> {
    let known = [1, 30].map(|days| {
        let (_, token) = make_token(person, server, days)?;
        TrialResult::Ok(Known {
            what: format!("a personal access token for {days} days"),
            token,
            expires_at: Some(days * DAY),
        })
    });
    known.into_iter().collect()
}

/// The id of a new personal access token, and the token.
fn make_token(person: &Person, server: &Server, days: i64) -> TrialResult<(String, String)> {
    let body = json!({"name": "a trial", "scopes": ["tasks:read"], "expires_in_days": days});
    let request = Request::new("POST", "/api/auth/tokens").json(&body.to_string());
    let answer = ask(server.address(), &request.bearer(&person.token))?;
    let body = expect(201, answer)?;
    let member = |name| body.get(name).and_then(Value::as_str).map(str::to_owned);
    match (member("id"), member("token")) {
        (Some(id), Some(token)) => Ok((id, token)),
        _ => Err(format!("no token: {body}").into()),
    }
}

fn expect(expected: u16, (status, body): (u16, Value)) -> TrialResult<Value> {
    if status == expected {
        Ok(body)
    } else {
        Err(format!("answered {status}: {body}").into())
    }
}
