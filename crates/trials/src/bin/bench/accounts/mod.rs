//! What the protection of accounts costs, and what it tells by the time that it takes.

mod crowd;
mod timing;

use std::{num::NonZero, thread::available_parallelism};

use clap::Args;
use todo_trials::{Kind, Population, ServerProgram, TrialResult};

use crate::trial::Databases;

/// How much is measured.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// How many requests of each kind are timed, at most 1,000.
    #[arg(long, default_value_t = 1_000)]
    timed: usize,
    /// How often a thousand users log in at once.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many lists are asked for in a second meanwhile.
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
}

/// Whoever has an account.
const POPULATION: Population = Population {
    users: 1_000,
    tasks_of_each: 50,
    others: 0,
    tasks_of_last: 0,
};

/// Measures, and prints what was found.
pub(crate) fn run(
    arguments: &Arguments,
    program: &ServerProgram,
    kinds: &[Kind],
) -> TrialResult<()> {
    // Clients are told apart by what a proxy says, since all of them are this machine.
    let program = program.with("TRUSTED_PROXIES", "127.0.0.1");
    let databases = Databases::start(kinds)?;
    let mut seeded = Vec::new();
    for kind in kinds {
        let database = databases.create(*kind, "accounts")?;
        POPULATION.seed(&program, &database)?;
        seeded.push(database);
    }
    timing::run(arguments.timed.min(POPULATION.users), &program, &seeded)?;
    crowd::run(arguments, &program, &seeded)
}

/// How many hashes are computed at the same time, unless the environment says otherwise.
fn hashing_threads() -> usize {
    available_parallelism().map_or(1, NonZero::get)
}
