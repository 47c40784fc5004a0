//! How fast the server is, and what it costs: `just bench`.

#![expect(
    clippy::cast_precision_loss,
    reason = "what is counted and measured is far from 2^52"
)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what was measured is printed"
)]

mod accounts;
mod compare;
mod operations;
mod trial;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use todo_trials::{Kind, ServerProgram, TrialResult, run_load};

/// How fast the server is, and what it costs.
#[derive(Debug, Parser)]
struct Cli {
    /// The program of the server; without it, the one that was built beside this one.
    #[arg(long, global = true, value_name = "PATH")]
    server: Option<PathBuf>,
    /// A variable of the server's environment, besides those that the measurement needs.
    #[arg(long = "env", global = true, value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,
    /// The databases; all of them without it.
    #[arg(long = "database", global = true, value_name = "sqlite|postgres", value_parser = kind)]
    databases: Vec<Kind>,
    /// What is measured; the operations without it.
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What it does in a second, how long it takes for it, and what that costs, operation by operation.
    Operations(operations::Arguments),
    /// What has changed between two runs of `operations`.
    Compare(compare::Arguments),
    /// What the protection of accounts costs, and what it tells by the time that it takes.
    Accounts(accounts::Arguments),
    /// Send the load that standard input describes: what the others have another process do.
    #[command(hide = true)]
    Load,
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err("must be NAME=VALUE".to_owned()),
    }
}

fn kind(text: &str) -> Result<Kind, String> {
    match text {
        "sqlite" => Ok(Kind::Sqlite),
        "postgres" => Ok(Kind::Postgres),
        _ => Err("must be sqlite or postgres".to_owned()),
    }
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> TrialResult<()> {
    let command = cli
        .command
        .unwrap_or_else(|| Command::Operations(operations::Arguments::default()));
    match &command {
        Command::Load => return run_load(),
        Command::Compare(arguments) => return compare::run(arguments),
        Command::Operations(_) | Command::Accounts(_) => (),
    }
    let program = match cli.server {
        Some(executable) => ServerProgram::new(&executable)?,
        None => ServerProgram::beside_this()?,
    };
    let program = program.with_all(&cli.variables);
    let databases = if cli.databases.is_empty() {
        vec![Kind::Sqlite, Kind::Postgres]
    } else {
        cli.databases
    };
    match command {
        Command::Accounts(arguments) => accounts::run(&arguments, &program, &databases),
        Command::Operations(arguments) => operations::run(&arguments, &program, &databases),
        Command::Load | Command::Compare(_) => Ok(()),
    }
}
