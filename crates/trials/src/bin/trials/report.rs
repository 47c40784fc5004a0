//! The table of what came of the trials.

use std::{
    fmt, fs,
    num::NonZero,
    path::Path,
    thread::available_parallelism,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use todo_trials::{Kind, PostgresServer, Table, TrialResult};

use crate::trial::{Fault, Findings, Ground, Outcome};

/// What came of one trial on one database.
#[derive(Debug)]
pub(crate) struct Row {
    what: &'static str,
    must_hold: &'static str,
    kind: Kind,
    took: Duration,
    seen: Vec<String>,
    verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
    NotRun,
}

impl Row {
    /// Makes the trial, and once more when something took too long and nothing else is wrong.
    pub(crate) fn of(fault: &Fault, kind: Kind, ground: &mut Ground) -> Self {
        let began = Instant::now();
        let mut inject = || match kind {
            Kind::Postgres if !PostgresServer::is_installed() => Ok(Outcome::NotRun(
                "the programs of PostgreSQL are not there".to_owned(),
            )),
            _ => (fault.inject)(ground, kind),
        };
        let (verdict, seen) = match inject() {
            Ok(Outcome::Ran(first)) if first.broken.is_empty() && !first.late.is_empty() => {
                let (verdict, mut seen) = judge(inject());
                let late = first.late.join("; ");
                seen.push(format!("at the second attempt; at the first: {late}"));
                (verdict, seen)
            }
            result => judge(result),
        };
        Self {
            what: fault.what,
            must_hold: fault.must_hold,
            kind,
            took: began.elapsed(),
            seen,
            verdict,
        }
    }
}

impl Row {
    /// A trial that panicked.
    pub(crate) fn of_panic(fault: &Fault, kind: Kind) -> Self {
        Self {
            what: fault.what,
            must_hold: fault.must_hold,
            kind,
            took: Duration::ZERO,
            seen: vec!["**the trial panicked**".to_owned()],
            verdict: Verdict::Failed,
        }
    }
}

/// A trial that cannot be made to its end has not passed.
fn judge(result: TrialResult<Outcome>) -> (Verdict, Vec<String>) {
    match result {
        Ok(Outcome::Ran(findings)) => {
            let Findings { seen, broken, late } = findings;
            let wrong: Vec<_> = broken.into_iter().chain(late).collect();
            if wrong.is_empty() {
                (Verdict::Passed, seen)
            } else {
                let wrong = wrong.into_iter().map(|wrong| format!("**{wrong}**"));
                (Verdict::Failed, wrong.chain(seen).collect())
            }
        }
        Ok(Outcome::NotRun(reason)) => (Verdict::NotRun, vec![reason]),
        Err(error) => {
            let error = error.to_string().replace('\n', " ");
            (
                Verdict::Failed,
                vec![format!("**the trial ended early: {error}**")],
            )
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Failed => "**FAILED**",
            Self::NotRun => "not run",
        })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.took.as_secs();
        {
            let (kind, verdict) = (self.kind, &self.verdict);
            write!(
                f,
                "  {kind} {verdict} ({seconds} s): {}",
                self.seen.join("; ")
            )
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the day of the trials is that of this machine"
)]
fn today() -> String {
    Timestamp::now().strftime("%F").to_string()
}

/// What came of all of them.
#[derive(Debug)]
pub(crate) struct Report {
    is_short: bool,
    began: Instant,
    rows: Vec<Row>,
}

impl Report {
    /// Nothing has come of anything yet.
    pub(crate) fn new(is_short: bool) -> Self {
        Self {
            is_short,
            began: Instant::now(),
            rows: Vec::new(),
        }
    }

    /// Adds what came of a trial.
    pub(crate) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Whether nothing failed.
    pub(crate) fn holds(&self) -> bool {
        self.rows.iter().all(|row| row.verdict != Verdict::Failed)
    }

    /// Writes it to a file.
    pub(crate) fn write(&self, file: &Path) -> TrialResult<()> {
        Ok(fs::write(file, self.to_string())?)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = available_parallelism().map_or(1, NonZero::get);
        let date = today();
        let run = if self.is_short {
            "The short run"
        } else {
            "The whole run"
        };
        let seconds = self.began.elapsed().as_secs();
        writeln!(f, "# Trials\n")?;
        writeln!(
            f,
            "{run} of `just trials` wrote this on {date}, in {} min {} s, on a machine of {cores} cores that ran \
             everything: clients, servers, databases, and whatever else it had to do.\n",
            seconds / 60,
            seconds % 60,
        )?;
        let mut table = Table::new(&["fault", "database", "must hold", "seen", "verdict"]);
        for row in &self.rows {
            table.row([
                row.what.to_owned(),
                row.kind.to_string(),
                row.must_hold.to_owned(),
                row.seen.join("; ").replace('|', "\\|"),
                row.verdict.to_string(),
            ]);
        }
        write!(f, "{table}")
    }
}
