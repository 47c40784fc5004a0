//! Far more clients come than can be served.

use std::{
    thread,
    time::{Duration, Instant},
};

use todo_trials::{Kind, Server, TrialResult};

use crate::{
    journal::{Journal, Operation, Outcome as Became},
    load::{Crew, Load, Target},
    people::Person,
    trial::{Fault, Findings, Ground, Outcome},
};

pub(super) const FAULT: Fault = Fault {
    name: "crowd",
    what: "100 times as many clients as connections: 400 for 4, with a queue of 8; each sends its next request when it has \
           its answer, or one to two seconds after a 503, as `Retry-After` \
           asks",
    must_hold: "503 or served; p99 of what is served at most twice normal, which is that of the 12 clients whom the \
                connections and the queue have room for, in turn with the crowd (and 10 ms for the machine); the short \
                run only measures it, since a debug build answers so slowly that requests wait before the queue",
    databases: &[Kind::Sqlite, Kind::Postgres],
    at_once: false,
    inject,
};

const CONNECTIONS: usize = 4;
const QUEUE: usize = 8;
const TIMES: usize = 100;

/// For the machine, in milliseconds.
const TOLERANCE_OF_P99: f64 = 10.0;

/// In which all clients connect, and those who are refused scatter.
const WARM_UP: Duration = Duration::from_secs(2);
/// For how long is measured then.
const MEASURED: Duration = Duration::from_secs(2);

fn inject(ground: &mut Ground, kind: Kind) -> TrialResult<Outcome> {
    let rounds = ground.short_or(1, 5);
    let database = ground.database(kind)?;
    let program = ground
        .program
        .with("DATABASE_MAX_CONNECTIONS", &CONNECTIONS.to_string())
        .with("QUEUE_LENGTH", &QUEUE.to_string());
    let server = program.serve(&database)?;
    let people = Person::register_several(server.address(), 4)?;
    let (mut normal, mut crowd) = (Journal::default(), Journal::default());
    // In turn, so that both have the same share of whatever else the machine does.
    for _ in 0..rounds {
        normal.add(read(&server, &people, CONNECTIONS + QUEUE)?);
        crowd.add(read(&server, &people, CONNECTIONS * TIMES)?);
    }

    let mut findings = Findings::default();
    let [normal_p99, crowd_p99] = [&normal, &crowd].map(|journal| journal.p99(Operation::Read));
    let successes = crowd.of(Operation::Read);
    let successes = successes
        .filter(|entry| entry.outcome == Became::Acknowledged)
        .count();
    let refused = crowd
        .of(Operation::Read)
        .filter(|entry| entry.status == Some(503))
        .count();
    findings.see(format!(
        "{successes} served, {refused} refused with 503; p99 of the served {crowd_p99:.1} ms, normal {normal_p99:.1} ms"
    ));
    findings.demand(refused > 0, "nothing was refused: it was no crowd");
    findings.demand(successes > 0, "nothing was served");
    let lost = crowd
        .entries
        .iter()
        .filter(|entry| entry.status.is_none())
        .count();
    findings.demand(lost == 0, format!("{lost} requests had no answer"));
    findings.demand_statuses(&crowd, &[503]);
    let is_demanded = ground.short_or(false, true);
    findings.demand_in_time(
        !is_demanded || crowd_p99 <= 2.0 * normal_p99 + TOLERANCE_OF_P99,
        format!("p99 of {crowd_p99:.1} ms, normal {normal_p99:.1} ms"),
    );
    Ok(Outcome::Ran(findings))
}

fn read(server: &Server, people: &[Person], clients: usize) -> TrialResult<Journal> {
    let crew = Crew {
        readers: clients,
        pause_when_refused: Duration::from_secs(1),
        ..Crew::default()
    };
    let load = Load::start("crowd", &Target::new(server.address()), people, crew);
    thread::sleep(WARM_UP);
    let measured_from = Instant::now();
    thread::sleep(MEASURED);
    let mut journal = load.finish()?;
    journal.entries.retain(|entry| entry.sent >= measured_from);
    Ok(journal)
}
