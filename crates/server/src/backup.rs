//! `todo-server backup`

use std::path::Path;

use todo_infra::DatabaseKind;

use crate::{
    command::{CommandResult, read_config},
    config::SigningKeySource,
    logging, report,
};

/// A PostgreSQL database was to be copied.
#[derive(Debug, thiserror::Error)]
#[error(
    "PostgreSQL is backed up with its own programs: pg_dump --format=custom --file=FILE, and pg_restore to bring it \
     back; users and tasks alone can be written to a file with: todo-server export FILE"
)]
struct NotByUs;

/// Copies the SQLite database, which may be in use, to a file that is not there yet.
pub(crate) fn backup(file: &Path) -> CommandResult {
    let config = read_config()?;
    logging::start(config.log);
    if config.database.url.kind() == DatabaseKind::Postgres {
        return Err(NotByUs.into());
    }
    let database = config.database.database();
    let length = database.backup(file)?;
    report::line(&format!(
        "Backed up {} to {} ({length} bytes)",
        database.url(),
        file.display()
    ));
    if let SigningKeySource::Ring { path, .. } = config.signing_keys.source {
        // A database that is brought back without them logs everybody out.
        report::line(&format!(
            "The keys that sign tokens are not in it: keep a copy of {} where you keep secrets",
            path.display()
        ));
    }
    Ok(())
}
