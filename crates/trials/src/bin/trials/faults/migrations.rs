//! Eight instances migrate at once: an empty database, and one that is being served.

use std::{
    thread::{self, ScopedJoinHandle},
    time::Duration,
};

use todo_trials::{Kind, ServerProgram, TrialDatabase, TrialResult};

use crate::{
    journal::{Operation, Outcome as Became},
    load::{Crew, Load, Target},
    people::Person,
    trial::{Fault, Findings, Ground, Outcome, has_program, query, stored},
};

pub(super) const FAULT: Fault = Fault {
    name: "migrations",
    what: "eight instances migrate at once: an empty database; and, while one serves, one that has lost an index \
           and the record of its last two migrations (PostgreSQL), or has nothing to migrate (SQLite)",
    must_hold: "each step is taken once, by one of them; all end well; no 5xx (but from `/health/ready`, which tells that the record is lost)",
    databases: &[Kind::Sqlite, Kind::Postgres],
    at_once: false,
    inject,
};

const INSTANCES: usize = 8;

const CREW: Crew = Crew {
    writers: 4,
    readers: 8,
    asks_for_health: true,
    tidies_up: false,
    pause: Duration::from_millis(5),
    pause_when_refused: Duration::ZERO,
};

/// An index that is built anew while the server serves.
const INDEX: &str = "ix_tasks_user_id_title_folded_id";

fn inject(ground: &mut Ground, kind: Kind) -> TrialResult<Outcome> {
    if kind == Kind::Sqlite && !has_program("sqlite3") {
        return Ok(Outcome::NotRun(
            "the program sqlite3 is not there".to_owned(),
        ));
    }
    let database = ground.database(kind)?;
    let mut findings = Findings::default();
    let migrated = migrate_at_once(&ground.program, &database)?;
    findings.see(format!("empty: migrated by {migrated} of {INSTANCES}"));
    findings.demand(
        migrated == 1,
        format!("{migrated} took the steps on an empty database"),
    );
    let versions = query(
        &database,
        "SELECT version FROM __diesel_schema_migrations ORDER BY version",
    )?;

    let server = ground.program.serve(&database)?;
    let people = Person::register_several(server.address(), 4)?;
    let load = Load::start("migrated", &Target::new(server.address()), &people, CREW);
    thread::sleep(Duration::from_secs(ground.short_or(1, 3)));
    let of_those_who_migrate = if kind == Kind::Postgres {
        query(&database, &format!("DROP INDEX CONCURRENTLY {INDEX}"))?;
        let first = versions.lines().next().unwrap_or_default();
        let forget = format!("DELETE FROM __diesel_schema_migrations WHERE version > '{first}'");
        query(&database, &forget)?;
        1
    } else {
        0
    };
    let migrated = migrate_at_once(&ground.program, &database)?;
    thread::sleep(Duration::from_millis(500));
    let mut journal = load.finish()?;
    drop(server);
    // As long as the record is lost, it is right to say that the database is not migrated.
    journal
        .entries
        .retain(|entry| entry.operation != Operation::Ready);

    findings.see(format!(
        "while one serves: migrated by {migrated} of {INSTANCES}"
    ));
    findings.demand(
        migrated == of_those_who_migrate,
        format!("{migrated} took the steps while one served, not {of_those_who_migrate}"),
    );
    let now = query(
        &database,
        "SELECT version FROM __diesel_schema_migrations ORDER BY version",
    )?;
    findings.demand(
        now == versions,
        format!("the migrations are recorded as {now}"),
    );
    if kind == Kind::Postgres {
        let there = "SELECT count(*) FROM pg_index JOIN pg_class ON indexrelid = oid";
        let there = query(
            &database,
            &format!("{there} WHERE relname = '{INDEX}' AND indisvalid"),
        )?;
        findings.demand(there == "1", format!("the index is there {there} times"));
    }
    let failed = journal.entries.iter();
    let failed = failed
        .filter(|entry| entry.outcome != Became::Acknowledged)
        .count();
    findings.see(format!(
        "{failed} of {} requests failed",
        journal.entries.len()
    ));
    findings.demand(failed == 0, format!("{failed} requests failed"));
    findings.demand_statuses(&journal, &[]);
    findings.demand_agreement(&journal, &stored(&database)?);
    Ok(Outcome::Ran(findings))
}

/// Has all instances migrate at the same time, and gives how many of them took steps.
fn migrate_at_once(program: &ServerProgram, database: &TrialDatabase) -> TrialResult<usize> {
    let outputs: Vec<_> = thread::scope(|scope| {
        let migrations: Vec<_> = (0..INSTANCES)
            .map(|_| scope.spawn(|| program.run(database, &["migrate"])))
            .collect();
        migrations.into_iter().map(ScopedJoinHandle::join).collect()
    });
    let mut migrated = 0;
    for output in outputs {
        let Ok(output) = output else {
            return Err("a migration panicked".into());
        };
        if output?.lines().any(|line| line == "Migrated") {
            migrated += 1;
        }
    }
    Ok(migrated)
}
