//! PostgreSQL ends every connection.

use std::{thread, time::Duration};

use todo_trials::{Kind, TrialResult};

use crate::{
    journal::Operation,
    load::{Crew, Load, Target},
    people::Person,
    trial::{Fault, Findings, Ground, Outcome, query, stored},
};

pub(super) const FAULT: Fault = Fault {
    name: "terminated-connections",
    what: "`pg_terminate_backend` of all connections, again and again",
    must_hold: "reads: no 5xx; writes: acknowledged and there once, or an honest 503",
    databases: &[Kind::Postgres],
    at_once: false,
    inject,
};

const CREW: Crew = Crew {
    writers: 8,
    readers: 8,
    asks_for_health: true,
    tidies_up: false,
    pause: Duration::ZERO,
    pause_when_refused: Duration::ZERO,
};

fn inject(ground: &mut Ground, kind: Kind) -> TrialResult<Outcome> {
    let times = ground.short_or(15, 100);
    let database = ground.database(kind)?;
    let server = ground.program.serve(&database)?;
    let people = Person::register_several(server.address(), 4)?;
    let load = Load::start("terminated", &Target::new(server.address()), &people, CREW);
    let mut terminated = 0;
    for _ in 0..times {
        thread::sleep(Duration::from_millis(200));
        let answer = query(
            &database,
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )?;
        terminated += answer.parse::<usize>()?;
    }
    let journal = load.finish()?;
    drop(server);

    let mut findings = Findings::default();
    findings.see(format!(
        "{terminated} connections ended, {times} times all of them"
    ));
    findings.demand(terminated >= times, "there were no connections to end");
    for operation in [Operation::Read, Operation::Live, Operation::Ready] {
        let all = journal.of(operation);
        let failed = journal
            .of(operation)
            .filter(|entry| entry.status != Some(200))
            .count();
        findings.see(format!("{operation:?}: {failed} of {} failed", all.count()));
        findings.demand(failed == 0, format!("{operation:?} failed"));
    }
    findings.demand_statuses(&journal, &[409, 503]);
    findings.demand_agreement(&journal, &stored(&database)?);
    Ok(Outcome::Ran(findings))
}
