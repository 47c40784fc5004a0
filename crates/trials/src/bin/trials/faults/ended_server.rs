//! The server is told to end under full load, and told again.

use std::{
    io::Write as _,
    net::TcpStream,
    process::ExitStatus,
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use todo_trials::{Kind, Server, TrialResult};

use crate::{
    journal::{Entry, Outcome as Became},
    load::{Crew, Load, Target},
    people::Person,
    signals::send,
    trial::{Fault, Findings, Ground, Outcome, stored},
};

pub(super) const FAULT: Fault = Fault {
    name: "ended-server",
    what: "SIGTERM under full load, again and again; and a second signal",
    must_hold: "no request that was in flight fails; the server ends well; with a second signal, within 1 s",
    databases: &[Kind::Sqlite, Kind::Postgres],
    at_once: false,
    inject,
};

const CREW: Crew = Crew {
    writers: 16,
    readers: 16,
    asks_for_health: false,
    tidies_up: false,
    pause: Duration::ZERO,
    pause_when_refused: Duration::ZERO,
};

/// How long the server is waited for.
const PATIENCE: Duration = Duration::from_secs(40);
/// Within which time a second signal ends it.
const AT_ONCE: Duration = Duration::from_secs(1);

fn inject(ground: &mut Ground, kind: Kind) -> TrialResult<Outcome> {
    let times = ground.short_or(3, 20);
    let database = ground.database(kind)?;
    let mut findings = Findings::default();
    let mut server = ground.program.serve(&database)?;
    let people = Person::register_several(server.address(), 4)?;
    let target = Target::new(server.address());
    let load = Load::start("ended", &target, &people, CREW);
    let mut told = Vec::new();
    for _ in 0..times {
        thread::sleep(Duration::from_millis(500));
        let told_at = Instant::now();
        send(server.process_id(), Signal::TERM)?;
        let status = wait(&mut server)?;
        findings.demand(status.success(), format!("it ended with {status}"));
        told.push(told_at);
        server = ground.program.serve(&database)?;
        target.set(server.address());
    }
    thread::sleep(Duration::from_millis(500));
    let journal = load.finish()?;

    let in_flight = |entry: &&Entry| {
        let mut told = told.iter();
        told.any(|&told_at| entry.sent < told_at && entry.ended() > told_at)
    };
    let all = journal.entries.iter().filter(in_flight).count();
    let failed: Vec<_> = journal
        .entries
        .iter()
        .filter(in_flight)
        .filter(|entry| entry.outcome != Became::Acknowledged)
        .collect();
    findings.see(format!(
        "{times} times: {} of {all} requests in flight failed",
        failed.len()
    ));
    findings.demand(all > 0, "nothing was in flight");
    if let Some(first) = failed.first() {
        let Entry {
            operation,
            status,
            outcome,
            ..
        } = first;
        findings.demand(
            false,
            format!("{operation:?} in flight: {outcome:?}, {status:?}"),
        );
    }
    findings.demand_statuses(&journal, &[409]);

    let took = end_twice(&mut server)?;
    findings.see(format!("ended {took:.2?} after a second signal"));
    findings.demand_in_time(took <= AT_ONCE, format!("a second signal took {took:.2?}"));
    findings.demand_agreement(&journal, &stored(&database)?);
    Ok(Outcome::Ran(findings))
}

fn wait(server: &mut Server) -> TrialResult<ExitStatus> {
    let began = Instant::now();
    loop {
        if let Some(status) = server.ended()? {
            return Ok(status);
        }
        if began.elapsed() > PATIENCE {
            return Err("the server does not end".into());
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Tells the server to end while a request is under way that does not come to its end, and again; gives how long it
/// took from then on.
fn end_twice(server: &mut Server) -> TrialResult<Duration> {
    let mut request = TcpStream::connect(server.address())?;
    request.write_all(
        b"POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n",
    )?;
    thread::sleep(Duration::from_millis(200));
    send(server.process_id(), Signal::TERM)?;
    thread::sleep(Duration::from_millis(500));
    if server.ended()?.is_some() {
        return Err("it did not wait for a request that was under way".into());
    }
    let began = Instant::now();
    send(server.process_id(), Signal::TERM)?;
    wait(server)?;
    Ok(began.elapsed())
}
