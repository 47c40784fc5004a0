//! What a trial is, what it needs, and what comes of it.

use std::{
    collections::HashMap,
    fmt::Display,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use todo_trials::{Kind, PostgresServer, ServerProgram, TrialDatabase, TrialResult};

use crate::journal::{Journal, Stored};

/// A fault, and what must hold when it happens.
pub(crate) struct Fault {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// What happens.
    pub(crate) what: &'static str,
    /// What must hold all the same.
    pub(crate) must_hold: &'static str,
    /// The databases that it concerns.
    pub(crate) databases: &'static [Kind],
    /// Whether it happens to them at the same time, and not in turn.
    pub(crate) at_once: bool,
    /// Has it happen, and looks.
    pub(crate) inject: fn(&mut Ground, Kind) -> TrialResult<Outcome>,
}

/// What came of a trial.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The fault happened.
    Ran(Findings),
    /// It could not be made to happen on this machine, for this reason.
    NotRun(String),
}

/// What was seen when a fault happened.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// What there was.
    pub(crate) seen: Vec<String>,
    /// What should not have been.
    pub(crate) broken: Vec<String>,
    /// What took too long, which may be due to the machine.
    pub(crate) late: Vec<String>,
}

impl Findings {
    /// Takes note of something.
    pub(crate) fn see(&mut self, what: impl Display) {
        self.seen.push(what.to_string());
    }

    /// Takes note that something does not hold, unless it does.
    pub(crate) fn demand(&mut self, holds: bool, else_what: impl Display) {
        if !holds {
            self.broken.push(else_what.to_string());
        }
    }

    /// Takes note that something took too long, unless it did not. A trial in which nothing else is wrong is repeated
    /// once.
    pub(crate) fn demand_in_time(&mut self, holds: bool, else_what: impl Display) {
        if !holds {
            self.late.push(else_what.to_string());
        }
    }

    /// Demands that answers have these statuses, or are successes.
    pub(crate) fn demand_statuses(&mut self, journal: &Journal, allowed: &[u16]) {
        for (status, count) in journal.answered_otherwise(allowed) {
            self.broken.push(format!("{count} answers {status}"));
        }
    }

    /// Demands that what is stored agrees with the journal.
    pub(crate) fn demand_agreement(&mut self, journal: &Journal, stored: &Stored) {
        const SHOWN: usize = 3;
        let comparison = journal.compare(stored);
        self.see(&comparison);
        let contradictions = comparison.contradictions;
        let left_out = contradictions.len().saturating_sub(SHOWN);
        self.broken.extend(contradictions.into_iter().take(SHOWN));
        self.demand(left_out == 0, format!("and {left_out} more like that"));
    }
}

/// What trials are made on.
#[derive(Debug)]
pub(crate) struct Ground {
    /// The server, with limits that load from one address does not reach.
    pub(crate) program: ServerProgram,
    /// Whether there is little time.
    pub(crate) is_short: bool,
    postgres: Option<PostgresServer>,
    databases: usize,
}

/// What counts guesses and requests must count more of them when all come from one address.
const LIMITS: [(&str, &str); 8] = [
    ("LOGIN_FAILURES_PER_ACCOUNT", "1000000"),
    ("LOGIN_FAILURES_PER_KNOWN_DEVICE", "1000000"),
    ("LOGIN_FAILURES_PER_ADDRESS", "1000000"),
    ("PASSWORD_FAILURES_PER_SESSION", "1000000"),
    ("REGISTRATIONS_PER_ADDRESS", "1000000"),
    ("MAILS_PER_ADDRESS", "1000000"),
    ("REQUESTS_PER_MINUTE_PER_ADDRESS", "0"),
    ("REQUESTS_PER_MINUTE_PER_USER", "0"),
];

impl Ground {
    /// The ground for trials of this program.
    pub(crate) fn new(program: &ServerProgram, is_short: bool) -> Self {
        let limits = LIMITS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            program: program.with_all(&limits).with("LOG", "warn"),
            is_short,
            postgres: None,
            databases: 0,
        }
    }

    /// One of two values: that for when there is little time, or the other.
    pub(crate) fn short_or<T>(&self, short: T, whole: T) -> T {
        if self.is_short { short } else { whole }
    }

    /// The PostgreSQL of all trials, which is started when it is needed first.
    pub(crate) fn postgres(&mut self) -> TrialResult<&mut PostgresServer> {
        if self.postgres.is_none() {
            self.postgres = Some(PostgresServer::start()?);
        }
        self.postgres
            .as_mut()
            .ok_or_else(|| "PostgreSQL was not started".into())
    }

    /// An empty database of its own.
    pub(crate) fn database(&mut self, kind: Kind) -> TrialResult<TrialDatabase> {
        self.databases += 1;
        let name = format!("trial_{}", self.databases);
        match kind {
            Kind::Sqlite => TrialDatabase::sqlite(),
            Kind::Postgres => TrialDatabase::postgres(self.postgres()?, &name),
        }
    }
}

/// Whether a program that a trial takes is there.
pub(crate) fn has_program(name: &str) -> bool {
    Command::new(name).arg("--version").output().is_ok()
}

/// The file of an SQLite database.
fn file_of(database: &TrialDatabase) -> String {
    let url = database.url();
    url.trim_start_matches("sqlite://").to_owned()
}

/// Runs SQL on a database that no server uses any more: a line for each row, columns separated by `|`.
pub(crate) fn query(database: &TrialDatabase, sql: &str) -> TrialResult<String> {
    if let TrialDatabase::Postgres(database) = database {
        return database.query(sql);
    }
    let output = Command::new("sqlite3")
        .args(["-batch", "-init", "/dev/null"])
        .arg(file_of(database))
        .arg(sql)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The tasks that are stored, once whatever the servers had begun has ended. No server may run any more.
pub(crate) fn stored(database: &TrialDatabase) -> TrialResult<Stored> {
    if let TrialDatabase::Postgres(_) = database {
        wait_until_nobody_is_connected(database)?;
    }
    let mut stored: Stored = HashMap::new();
    for line in query(database, "SELECT title, version FROM tasks")?.lines() {
        let (title, version) = line.rsplit_once('|').ok_or("a row without a version")?;
        let versions = stored.entry(title.to_owned()).or_default();
        versions.push(version.parse()?);
    }
    Ok(stored)
}

fn wait_until_nobody_is_connected(database: &TrialDatabase) -> TrialResult<()> {
    const PATIENCE: Duration = Duration::from_secs(20);
    let others = "SELECT count(*) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let began = Instant::now();
    while query(database, others)? != "0" {
        if began.elapsed() > PATIENCE {
            return Err("connections of a server outlive it".into());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
