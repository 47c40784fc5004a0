//! PostgreSQL by itself: how many transactions it makes in a second when nothing stands before it.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use crate::{PostgresDatabase, TrialResult};

/// What `pgbench` sends again and again.
#[derive(Debug, Clone)]
pub struct Script {
    /// Its lines.
    pub text: String,
    /// How often it is chosen, against others.
    pub weight: usize,
}

/// How many of these scripts `pgbench -M prepared` makes in a second.
///
/// # Errors
/// When a statement fails.
pub fn pgbench(
    database: &PostgresDatabase,
    scripts: &[Script],
    connections: usize,
    seconds: u64,
) -> TrialResult<f64> {
    let folder = TempDir::new()?;
    let threads = connections.min(2).to_string();
    let mut command = database.program("pgbench");
    command
        .args(["--no-vacuum", "--protocol", "prepared"])
        .args(["--client", &connections.to_string(), "--jobs", &threads])
        .args(["--time", &seconds.to_string()]);
    for (number, script) in scripts.iter().enumerate() {
        let file: PathBuf = folder.path().join(format!("{number}.sql"));
        fs::write(&file, &script.text)?;
        let file = format!("{}@{}", file.display(), script.weight);
        command.args(["--file", &file]);
    }
    let output = command.output()?;
    let told = String::from_utf8(output.stdout)?;
    let rate = told.lines().find_map(|line| line.strip_prefix("tps = "));
    let rate = rate.and_then(|rate| rate.split(' ').next()?.parse().ok());
    match rate {
        Some(rate) if output.status.success() => Ok(rate),
        // Without a rate, not one transaction was made in that time.
        _ => Err(format!("pgbench: {told}{}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}
