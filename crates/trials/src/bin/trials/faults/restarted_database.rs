//! PostgreSQL crashes and is started again at once.

use std::{
    thread,
    time::{Duration, Instant},
};

use todo_trials::{Kind, TrialResult};

use crate::{
    journal::{Entry, Operation, Outcome as Became},
    load::{Crew, Load, Target},
    people::Person,
    trial::{Fault, Findings, Ground, Outcome, stored},
};

pub(super) const FAULT: Fault = Fault {
    name: "restarted-database",
    what: "PostgreSQL is ended as by a crash and started again at once (`pg_ctl restart -m immediate`)",
    must_hold: "recovered within 3 s of PostgreSQL's own recovery; no acknowledged write lost, none twice; `/health/live` answers",
    databases: &[Kind::Postgres],
    at_once: false,
    inject,
};

const CREW: Crew = Crew {
    writers: 8,
    readers: 8,
    asks_for_health: true,
    tidies_up: false,
    pause: Duration::from_millis(5),
    pause_when_refused: Duration::ZERO,
};

/// Within which time everything is well after PostgreSQL accepts connections again.
const RECOVERY: Duration = Duration::from_secs(3);

fn inject(ground: &mut Ground, kind: Kind) -> TrialResult<Outcome> {
    let times = ground.short_or(2, 5);
    let database = ground.database(kind)?;
    let server = ground.program.serve(&database)?;
    let people = Person::register_several(server.address(), 4)?;
    let load = Load::start("restarted", &Target::new(server.address()), &people, CREW);
    let mut restarts = Vec::new();
    for _ in 0..times {
        thread::sleep(Duration::from_secs(1));
        let began = Instant::now();
        ground.postgres()?.restart_immediately()?;
        let of_postgres = began.elapsed();
        thread::sleep(RECOVERY);
        restarts.push((began, of_postgres, Instant::now()));
    }
    let journal = load.finish()?;
    drop(server);

    let mut findings = Findings::default();
    let mut recoveries = Vec::new();
    for (began, of_postgres, ended) in restarts {
        let failures = journal.entries.iter().filter(|entry| {
            let failed = entry.outcome != Became::Acknowledged;
            failed && entry.ended() > began && entry.ended() <= ended
        });
        // It may be back before anyone has asked.
        let last = failures.map(Entry::ended).max().unwrap_or(began);
        let all = last - began;
        let own = all.saturating_sub(of_postgres);
        let text = format!("{own:.2?} ({all:.2?} after it began to restart)");
        findings.demand_in_time(own <= RECOVERY, format!("not recovered for {text}"));
        recoveries.push((own, text));
    }
    if let Some((_, text)) = recoveries.iter().max() {
        findings.see(format!(
            "{times} restarts, the slowest recovery after {text}"
        ));
    }
    let dead = journal
        .of(Operation::Live)
        .filter(|entry| entry.status != Some(200))
        .count();
    findings.demand(
        dead == 0,
        format!("{dead} times it did not say that it lives"),
    );
    findings.demand_statuses(&journal, &[409, 503]);
    findings.demand_agreement(&journal, &stored(&database)?);
    Ok(Outcome::Ran(findings))
}
