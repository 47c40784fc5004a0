//! Whether what is promised holds when the ground shakes: `just trials`.
//!
//! The real server runs on real databases under load from clients that write down what became of each operation. One
//! fault after another happens, and then what was written down is compared with what is stored.

#![expect(
    clippy::cast_precision_loss,
    reason = "what is counted and measured is far from 2^52"
)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what came of the trials is printed"
)]

mod faults;
mod journal;
mod load;
mod people;
mod proxy;
mod report;
mod signals;
mod trial;

use std::{path::PathBuf, process::ExitCode, thread};

use clap::{Parser, builder::PossibleValuesParser};
use todo_trials::{ServerProgram, TrialResult};

use crate::{
    report::{Report, Row},
    trial::{Fault, Ground},
};

/// Runs the server on real databases under load, has one fault after another happen, and looks whether what is promised
/// holds. Fails when something does not.
#[derive(Debug, Parser)]
struct Cli {
    /// Only what takes less than three minutes altogether.
    #[arg(long)]
    short: bool,
    /// The program of the server; without it, the one that was built beside this one.
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// A file that the table is written to, as well as to standard output.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// The faults; all of them without it.
    #[arg(value_name = "FAULT", value_parser = PossibleValuesParser::new(names()))]
    faults: Vec<String>,
}

/// What the faults are called.
fn names() -> impl Iterator<Item = &'static str> {
    faults::ALL.iter().map(|fault| fault.name)
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("trials: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Makes a trial on all of its databases at the same time, on a ground for each.
fn at_once(fault: &Fault, program: &ServerProgram, is_short: bool) -> Vec<Row> {
    let make = |kind| Row::of(fault, kind, &mut Ground::new(program, is_short));
    thread::scope(|scope| {
        let trials: Vec<_> = fault
            .databases
            .iter()
            .map(|&kind| (kind, scope.spawn(move || make(kind))))
            .collect();
        let ended = trials.into_iter();
        ended
            .map(|(kind, trial)| trial.join().unwrap_or_else(|_| Row::of_panic(fault, kind)))
            .collect()
    })
}

/// Makes the trials, and says whether everything held.
fn run(cli: &Cli) -> TrialResult<bool> {
    let program = match &cli.server {
        Some(executable) => ServerProgram::new(executable)?,
        None => ServerProgram::beside_this()?,
    };
    let mut ground = Ground::new(&program, cli.short);
    let mut report = Report::new(cli.short);
    for fault in faults::ALL {
        if !cli.faults.is_empty() && !cli.faults.iter().any(|name| name == fault.name) {
            continue;
        }
        eprintln!("{} …", fault.name);
        let rows = if fault.at_once {
            at_once(fault, &program, cli.short)
        } else {
            let in_turn = fault.databases.iter();
            in_turn
                .map(|&kind| Row::of(fault, kind, &mut ground))
                .collect()
        };
        for row in rows {
            eprintln!("{row}");
            report.add(row);
        }
    }
    println!("{report}");
    if let Some(file) = &cli.report {
        report.write(file)?;
    }
    Ok(report.holds())
}
