//! How far a migration is, for whoever runs it: a bar on a terminal, lines elsewhere, and the log of a server.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressStyle};
use todo_infra::{PlannedStep, Progress};
use tracing::{info, warn};

use crate::report;

/// How many lines tell of the rows of a step, where there is no bar.
const LINES_A_STEP: u64 = 10;

const BAR: &str = "  [{bar:40}] {pos} of about {len} rows, {eta} left";

/// What `todo-server migrate` shows.
#[derive(Debug)]
pub(crate) struct Shown {
    on_terminal: bool,
    /// There on a terminal while a step goes through rows.
    bar: Option<ProgressBar>,
    /// How many tenths of the rows of this step have been told of.
    told: u64,
}

impl Shown {
    /// Nothing is shown yet.
    pub(crate) fn new() -> Self {
        Self {
            on_terminal: stderr().is_terminal(),
            bar: None,
            told: 0,
        }
    }

    /// Shows what is happening.
    pub(crate) fn show(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::AnotherMigrates => {
                report::line("Another instance migrates this database; waiting for it");
            }
            Progress::Step { step, number, of } => {
                self.end_step();
                let PlannedStep { name, why } = step;
                report::line(&format!("{number}/{of} {name}: {why}"));
            }
            Progress::TableInUse { table } => {
                report::line(&format!("    {table} is in use; trying again"));
            }
            Progress::Rows { done, of_about } if self.on_terminal => {
                let bar = self.bar.get_or_insert_with(bar);
                bar.set_length(of_about);
                bar.set_position(done);
            }
            Progress::Rows { done, of_about } => {
                let tenths = done * LINES_A_STEP / of_about.max(1);
                if tenths > self.told {
                    self.told = tenths;
                    report::line(&format!("    {done} of about {of_about} rows"));
                }
            }
            _ => {}
        }
    }

    /// Shows that it is over.
    pub(crate) fn end(&mut self, steps: &[PlannedStep]) {
        self.end_step();
        report::line(if steps.is_empty() {
            "There was nothing to migrate"
        } else {
            "Migrated"
        });
    }

    fn end_step(&mut self) {
        self.told = 0;
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::no_length();
    match ProgressStyle::with_template(BAR) {
        Ok(style) => bar.with_style(style),
        // The template is ours and is right; a plain bar is none the worse.
        Err(_) => bar,
    }
}

/// Prints what a migration would do.
pub(crate) fn show_plan(steps: &[PlannedStep]) {
    if steps.is_empty() {
        report::line("There is nothing to migrate");
        return;
    }
    report::line("Would take these steps:");
    for (index, PlannedStep { name, why }) in steps.iter().enumerate() {
        report::line(&format!("  {}. {name}: {why}", index + 1));
    }
}

/// Writes the steps into the log.
pub(crate) fn log() -> impl FnMut(Progress<'_>) {
    |progress| match progress {
        Progress::AnotherMigrates => info!("another instance migrates the database; waiting"),
        Progress::Step { step, number, of } => {
            info!(name = step.name, why = step.why, number, of, "migrating");
        }
        Progress::TableInUse { table } => warn!(table, "in use; trying again"),
        _ => {}
    }
}
