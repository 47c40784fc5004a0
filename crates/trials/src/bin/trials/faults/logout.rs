//! Someone logs out on one instance, and goes on asking another.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use todo_trials::{Connection, Kind, Request, TrialResult};
use tokio::{runtime, task::JoinSet};

use crate::{
    people::{Person, ask},
    trial::{Fault, Findings, Ground, Outcome},
};

pub(super) const FAULT: Fault = Fault {
    name: "logout",
    what: "two instances, and a logout on one while the other is asked all the while",
    must_hold: "no request that is sent after the answer to the logout is accepted on either",
    databases: &[Kind::Sqlite, Kind::Postgres],
    at_once: false,
    inject,
};

/// How many connections go on asking.
const CONNECTIONS: usize = 4;

fn inject(ground: &mut Ground, kind: Kind) -> TrialResult<Outcome> {
    let times = ground.short_or(10, 100);
    let database = ground.database(kind)?;
    let one = ground.program.serve(&database)?;
    let other = ground.program.serve(&database)?;
    let person = Person::register(one.address(), "person")?;
    let mut findings = Findings::default();
    let (mut accepted_before, mut refused_after) = (0, 0);
    for _ in 0..times {
        let session = person.log_in_again(one.address())?;
        let stop = Arc::new(AtomicBool::new(false));
        let asking = {
            let (address, stop) = (other.address().to_owned(), Arc::clone(&stop));
            let token = session.token.clone();
            thread::spawn(move || keep_asking(&address, &token, &stop))
        };
        thread::sleep(Duration::from_millis(50));
        let logout = Request::new("POST", "/api/auth/logout").bearer(&session.token);
        let (status, _) = ask(one.address(), &logout)?;
        let ended_at = Instant::now();
        findings.demand(status == 200, format!("the logout was answered {status}"));
        let again = Request::new("GET", "/api/auth/session").bearer(&session.token);
        let (status, _) = ask(one.address(), &again)?;
        findings.demand(status == 401, format!("where it logged out: {status}"));
        thread::sleep(Duration::from_millis(100));
        stop.store(true, Ordering::SeqCst);
        let Ok(asked) = asking.join() else {
            return Err("whoever asks panicked".into());
        };
        for (sent, status) in asked? {
            match status {
                200 if sent > ended_at => findings.demand(false, "a request was accepted"),
                200 => accepted_before += 1,
                401 if sent > ended_at => refused_after += 1,
                401 => {}
                other => findings.demand(false, format!("a request was answered {other}")),
            }
        }
    }
    findings.demand(
        accepted_before > 0 && refused_after > 0,
        "too little was asked",
    );
    findings.see(format!(
        "{times} logouts; {accepted_before} requests accepted before, {refused_after} refused after"
    ));
    Ok(Outcome::Ran(findings))
}

/// Asks on several connections until it is stopped, and gives when each request was sent and how it was answered.
fn keep_asking(
    address: &str,
    token: &str,
    stop: &Arc<AtomicBool>,
) -> TrialResult<Vec<(Instant, u16)>> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut clients = JoinSet::new();
        for number in 0..CONNECTIONS {
            let mut connection = Connection::open(address).await?;
            let request = if number % 2 == 0 {
                Request::new("GET", "/api/tasks?limit=1").bearer(token)
            } else {
                Request::new("GET", "/api/auth/session").bearer(token)
            };
            let stop = Arc::clone(stop);
            clients.spawn(async move {
                let mut asked = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    let sent = Instant::now();
                    let status = connection.send(&request).await?.status;
                    asked.push((sent, status));
                }
                TrialResult::Ok(asked)
            });
        }
        let mut all = Vec::new();
        while let Some(asked) = clients.join_next().await {
            all.extend(asked??);
        }
        Ok(all)
    })
}
