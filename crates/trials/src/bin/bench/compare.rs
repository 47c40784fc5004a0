//! What has changed between two runs.

use std::{fs, path::PathBuf};

use clap::Args;
use todo_trials::TrialResult;

use crate::{
    operations::report::{Report, comparison},
    trial::results,
};

/// Which runs.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The JSON of the run before.
    old: PathBuf,
    /// The JSON of the run after; the latest without it.
    new: Option<PathBuf>,
}

/// Prints what has changed.
pub(crate) fn run(arguments: &Arguments) -> TrialResult<()> {
    let new = match &arguments.new {
        Some(file) => file.clone(),
        None => results()?.join("latest.json"),
    };
    let read = |file: &PathBuf| -> TrialResult<Report> {
        let json = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(serde_json::from_slice(&json)?)
    };
    println!("{}", comparison(&read(&arguments.old)?, &read(&new)?));
    Ok(())
}
