//! `todo-server sessions end`, `todo-server users disable` and `todo-server users enable`.

use std::error::Error;

use todo_application::operation::{EndedSessions, Operator, OperatorError};
use todo_domain::Email;
use todo_infra::{Database, RandomIds, SystemClock};

use crate::{
    command::{CommandResult, connect},
    report,
};

/// The operation did not happen.
#[derive(Debug, thiserror::Error)]
enum EmergencyError {
    #[error("the address {0}")]
    Address(String),
    #[error("no user has the e-mail address {0}; nothing was changed")]
    UserMissing(String),
}

/// Ends the sessions of one user, or of all where `user` is `None`.
pub(crate) fn end_sessions(user: Option<&str>, tokens: bool) -> CommandResult {
    let address = user.map(address).transpose()?;
    let database = database()?;
    let operator = operator(&database);
    let ended = match &address {
        Some(email) => operator.end_sessions_of(email, tokens),
        None => operator.end_all_sessions(tokens),
    };
    let EndedSessions { sessions, users } =
        ended.map_err(|error| named(error, address.as_ref()))?;
    report::line(&format!("Ended {sessions} sessions of {users} users"));
    Ok(())
}

/// Disables the account of a user.
pub(crate) fn disable_user(user: &str) -> CommandResult {
    let email = address(user)?;
    operator(&database()?)
        .disable(&email)
        .map_err(|error| named(error, Some(&email)))?;
    report::line(&format!("Disabled {email}"));
    Ok(())
}

/// Enables the account of a user again.
pub(crate) fn enable_user(user: &str) -> CommandResult {
    let email = address(user)?;
    operator(&database()?)
        .enable(&email)
        .map_err(|error| named(error, Some(&email)))?;
    report::line(&format!("Enabled {email}"));
    Ok(())
}

/// Records that keys were revoked.
pub(crate) fn record_revoked_keys(database: Database) -> CommandResult {
    operator(&migrated(database)?)
        .record_revoked_keys()
        .map_err(|error| named(error, None))
}

/// The database that is configured, migrated. A file that does not exist is not made.
fn database() -> Result<Database, Box<dyn Error>> {
    migrated(connect()?)
}

fn migrated(database: Database) -> Result<Database, Box<dyn Error>> {
    if let Some(path) = database.url().sqlite_file().filter(|path| !path.exists()) {
        return Err(format!("there is no database {}", path.display()).into());
    }
    database.migrate()?;
    Ok(database)
}

fn operator(database: &Database) -> Operator<'_> {
    Operator {
        users: database,
        sessions: database,
        security_events: database,
        clock: &SystemClock,
        ids: &RandomIds,
    }
}

fn address(text: &str) -> Result<Email, EmergencyError> {
    Email::new(text).map_err(|error| EmergencyError::Address(format!("{text:?} {error}")))
}

fn named(error: OperatorError, email: Option<&Email>) -> Box<dyn Error> {
    match (error, email) {
        (OperatorError::UserMissing, Some(email)) => {
            EmergencyError::UserMissing(email.to_string()).into()
        }
        (error, _) => error.into(),
    }
}
