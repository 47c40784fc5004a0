//! The server is killed while it writes.

use std::{thread, time::Duration};

use todo_trials::{Kind, Random, TrialResult};

use crate::{
    load::{Crew, Load, Target},
    people::Person,
    trial::{Fault, Findings, Ground, Outcome, has_program, query, stored},
};

pub(super) const FAULT: Fault = Fault {
    name: "killed-server",
    what: "`kill -9` of the server during writes, again and again",
    must_hold: "no acknowledged write lost, none twice; `integrity_check` of SQLite is ok",
    databases: &[Kind::Sqlite, Kind::Postgres],
    at_once: false,
    inject,
};

const CREW: Crew = Crew {
    writers: 8,
    readers: 2,
    asks_for_health: false,
    tidies_up: false,
    pause: Duration::ZERO,
    pause_when_refused: Duration::ZERO,
};

fn inject(ground: &mut Ground, kind: Kind) -> TrialResult<Outcome> {
    if kind == Kind::Sqlite && !has_program("sqlite3") {
        return Ok(Outcome::NotRun(
            "the program sqlite3 is not there".to_owned(),
        ));
    }
    let kills = ground.short_or(8, 100);
    let database = ground.database(kind)?;
    let mut server = ground.program.serve(&database)?;
    let people = Person::register_several(server.address(), 4)?;
    let target = Target::new(server.address());
    let load = Load::start("killed", &target, &people, CREW);
    let mut random = Random::new(1);
    for kill in 0..kills {
        // Not always at the same point of what it does.
        let milliseconds = 50 + random.below(350);
        thread::sleep(Duration::from_millis(milliseconds as u64));
        // It is killed when it is dropped.
        drop(server);
        server = ground.program.serve(&database)?;
        target.set(server.address());
        if kill + 1 == kills {
            thread::sleep(Duration::from_millis(500));
        }
    }
    let journal = load.finish()?;
    drop(server);

    let mut findings = Findings::default();
    findings.see(format!("{kills} kills"));
    if kind == Kind::Sqlite {
        let check = query(&database, "PRAGMA integrity_check")?;
        findings.see(format!("`integrity_check` says {check}"));
        findings.demand(check == "ok", "the file is broken");
    }
    findings.demand_statuses(&journal, &[409, 503]);
    findings.demand_agreement(&journal, &stored(&database)?);
    Ok(Outcome::Ran(findings))
}
