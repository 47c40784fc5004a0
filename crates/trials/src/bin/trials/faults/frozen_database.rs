//! PostgreSQL stands still, and goes on.

use std::{
    thread,
    time::{Duration, Instant},
};

use todo_trials::{Kind, TrialResult};

use crate::{
    journal::{Entry, Operation, Outcome as Became},
    load::{Crew, Load, Target},
    people::Person,
    signals::Frozen,
    trial::{Fault, Findings, Ground, Outcome, stored},
};

pub(super) const FAULT: Fault = Fault {
    name: "frozen-database",
    what: "PostgreSQL stands still for 30 s (6 s in the short run): `SIGSTOP` of all its processes",
    must_hold: "503 within 3 s (and 0.5 s for the machine); `/health/live` answers all the while, `/health/ready` says \
                no; recovered within 2 s of its return",
    databases: &[Kind::Postgres],
    at_once: false,
    inject,
};

const CREW: Crew = Crew {
    writers: 8,
    readers: 8,
    asks_for_health: true,
    tidies_up: false,
    pause: Duration::from_millis(10),
    pause_when_refused: Duration::ZERO,
};

/// Within which time a request is answered, whatever happens: the server's default, and something for the machine.
const DEADLINE: Duration = Duration::from_millis(3_500);
/// What is answered at once, with something for the machine.
const AT_ONCE: Duration = Duration::from_millis(500);
/// Within which time everything is well after PostgreSQL goes on.
const RECOVERY: Duration = Duration::from_secs(2);

fn inject(ground: &mut Ground, kind: Kind) -> TrialResult<Outcome> {
    let duration = Duration::from_secs(ground.short_or(6, 30));
    let database = ground.database(kind)?;
    let server = ground.program.serve(&database)?;
    let people = Person::register_several(server.address(), 4)?;
    let load = Load::start("frozen", &Target::new(server.address()), &people, CREW);
    thread::sleep(Duration::from_secs(1));
    let process = ground.postgres()?.process_id();
    let frozen = Frozen::freeze(process)?;
    let frozen_at = Instant::now();
    thread::sleep(duration);
    // Each of its processes goes on at an instant between these.
    let returns_at = Instant::now();
    drop(frozen);
    let back_at = Instant::now();
    thread::sleep(RECOVERY + Duration::from_secs(2));
    let journal = load.finish()?;
    drop(server);

    let mut findings = Findings::default();
    let during = |entry: &&Entry| entry.sent >= frozen_at && entry.ended() <= returns_at;
    let requests = || {
        let health = [Operation::Live, Operation::Ready];
        let entries = journal.entries.iter();
        entries.filter(move |entry| !health.contains(&entry.operation))
    };

    let slowest = requests()
        .filter(during)
        .map(|entry| entry.took)
        .max()
        .unwrap_or_default();
    let refused = requests()
        .filter(during)
        .filter(|entry| entry.status == Some(503))
        .count();
    let answered = requests().filter(during).count();
    findings.see(format!(
        "{refused} of {answered} requests 503, the slowest after {slowest:.2?}"
    ));
    findings.demand(refused > 0, "nothing was refused: it did not stand still");
    findings.demand_in_time(slowest <= DEADLINE, format!("an answer took {slowest:.2?}"));

    let slowest = journal
        .of(Operation::Live)
        .map(|entry| entry.took)
        .max()
        .unwrap_or_default();
    let dead = journal
        .of(Operation::Live)
        .filter(|entry| entry.status != Some(200))
        .count();
    findings.see(format!("`/health/live` within {slowest:.2?}"));
    findings.demand(
        dead == 0,
        format!("{dead} times it did not say that it lives"),
    );
    findings.demand_in_time(
        slowest <= AT_ONCE,
        format!("`/health/live` took {slowest:.2?}"),
    );

    let ready = journal.of(Operation::Ready).filter(during);
    let ready = ready.filter(|entry| entry.status == Some(200)).count();
    let not_ready = journal.of(Operation::Ready).filter(during);
    let not_ready = not_ready.filter(|entry| entry.status == Some(503)).count();
    findings.see(format!("`/health/ready` {not_ready} times 503"));
    findings.demand(
        ready == 0 && not_ready > 0,
        format!("{ready} times it said that it is ready"),
    );

    let failures = journal
        .entries
        .iter()
        .filter(|entry| entry.outcome != Became::Acknowledged);
    let last = failures
        .map(|entry| entry.ended().saturating_duration_since(back_at))
        .max();
    let last = last.unwrap_or_default();
    findings.see(format!("recovered after {last:.2?}"));
    findings.demand_in_time(last <= RECOVERY, format!("not recovered for {last:.2?}"));
    let recovered = requests().filter(|entry| entry.sent > back_at);
    findings.demand(
        recovered
            .filter(|entry| entry.outcome == Became::Acknowledged)
            .count()
            > 0,
        "nothing succeeded afterwards",
    );

    findings.demand_statuses(&journal, &[409, 503]);
    findings.demand_agreement(&journal, &stored(&database)?);
    Ok(Outcome::Ran(findings))
}
