//! Nothing in particular happens, for a long time.

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use todo_trials::{Kind, SQLITE_FILE, TrialDatabase, TrialResult, median, memory, open_files};

use crate::{
    load::{Crew, Load, Target},
    people::Person,
    trial::{Fault, Findings, Ground, Outcome, query, stored},
};

pub(super) const FAULT: Fault = Fault {
    name: "soak",
    what: "ten minutes of load (30 s in the short run), on both databases at the same time",
    must_hold: "memory and open files flat: the median of the last fifth of the time at most 10 % and 8 MiB above that of \
                the second fifth, open files (those of the SQLite database aside, since a pool opens connections when they \
                are needed) at most 5 above it, and never more connections to the database than configured",
    databases: &[Kind::Sqlite, Kind::Postgres],
    at_once: true,
    inject,
};

const CREW: Crew = Crew {
    writers: 6,
    readers: 6,
    asks_for_health: true,
    tidies_up: true,
    pause: Duration::from_millis(10),
    pause_when_refused: Duration::ZERO,
};

const CONNECTIONS: usize = 10;
/// Of which so many are for searches and exports.
const BULK_CONNECTIONS: usize = 2;
const MIB: f64 = 1_048_576.0;

fn inject(ground: &mut Ground, kind: Kind) -> TrialResult<Outcome> {
    let duration = Duration::from_secs(ground.short_or(30, 600));
    let database = ground.database(kind)?;
    let program = ground
        .program
        .with(
            "DATABASE_MAX_CONNECTIONS",
            &(CONNECTIONS - BULK_CONNECTIONS).to_string(),
        )
        .with("BULK_THREADS", &BULK_CONNECTIONS.to_string());
    let server = program.serve(&database)?;
    let people = Person::register_several(server.address(), 4)?;
    let load = Load::start("soak", &Target::new(server.address()), &people, CREW);
    let (mut resident, mut files, mut connections) = (Vec::new(), Vec::new(), 0);
    let began = Instant::now();
    while began.elapsed() < duration {
        thread::sleep(duration / 300);
        resident.push(memory(server.process_id())?.resident as f64);
        let (of_database, others) = open_files(server.process_id())?
            .into_iter()
            .partition::<Vec<_>, _>(|file| is_of_sqlite(file));
        files.push(others.len() as f64);
        connections = connections.max(match kind {
            Kind::Sqlite => sqlite_connections(&of_database),
            Kind::Postgres if resident.len() % 10 == 0 => postgres_connections(&database)?,
            Kind::Postgres => 0,
        });
    }
    let journal = load.finish()?;
    drop(server);

    let mut findings = Findings::default();
    let [first, last] = of_second_and_last_fifth(&resident).map(|bytes| bytes / MIB);
    findings.see(format!("{first:.1} MiB, then {last:.1} MiB"));
    let bound = first * 1.1 + 8.0;
    findings.demand(
        last <= bound,
        format!("memory grew from {first:.1} MiB to {last:.1} MiB"),
    );
    let [first, last] = of_second_and_last_fifth(&files);
    findings.see(format!("{first} open files, then {last}"));
    findings.demand(
        last <= first + 5.0,
        format!("open files grew from {first} to {last}"),
    );
    findings.see(format!(
        "at most {connections} connections of {CONNECTIONS}"
    ));
    findings.demand(
        (1..=CONNECTIONS).contains(&connections),
        format!("there were {connections} connections"),
    );
    findings.see(format!("{} requests", journal.entries.len()));
    findings.demand_statuses(&journal, &[]);
    findings.demand_agreement(&journal, &stored(&database)?);
    Ok(Outcome::Ran(findings))
}

/// Each connection to an SQLite database has the file itself and its `-wal` open; a process shares one `-shm`.
fn is_of_sqlite(file: &Path) -> bool {
    let name = file.to_string_lossy();
    ["", "-wal", "-shm"].iter().any(|suffix| {
        name.strip_suffix(suffix)
            .is_some_and(|file| file.ends_with(SQLITE_FILE))
    })
}

fn sqlite_connections(files: &[PathBuf]) -> usize {
    files
        .iter()
        .filter(|file| file.ends_with(SQLITE_FILE))
        .count()
}

fn postgres_connections(database: &TrialDatabase) -> TrialResult<usize> {
    let others = "SELECT count(*) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    Ok(query(database, others)?.parse()?)
}

fn of_second_and_last_fifth(samples: &[f64]) -> [f64; 2] {
    let fifth = (samples.len() / 5).max(1);
    let mut fifths = samples.chunks(fifth);
    let second = fifths.nth(1).unwrap_or_default();
    let last = samples.rchunks(fifth).next().unwrap_or_default();
    [median(second), median(last)]
}
