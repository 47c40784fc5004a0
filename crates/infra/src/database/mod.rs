//! One storage on two databases.
//!
//! Few places depend on the backend: opening a connection (`manager`, `sqlite`), beginning a transaction (`connection`),
//! `migrations`, inserting many rows (`repositories/archive`), and searching texts (`repositories/todos/search`). All other
//! statements are the same for both, also those that `with_backend` compiles for each.

mod backup;
mod cached_statement;
pub(crate) mod columns;
mod connection;
mod diagnosis;
mod error;
mod execution;
mod generations;
mod group_commit;
mod manager;
mod migrations;
mod pool;
mod pool_settings;
mod privileges;
mod probe;
mod refusal;
mod retry;
pub(crate) mod schema;
mod session;
mod spans;
mod sqlite;
mod statistics;
mod text_functions;
mod url;
mod uses;
mod watchdog;

#[cfg(test)]
mod tests;

pub use backup::BackupError;
pub(crate) use cached_statement::{cached, named};
pub(crate) use columns::{Day, Id, Instant};
pub(crate) use connection::{AnyConnection, MultiBackend, with_backend};
pub use diagnosis::{ClockDifference, MissingTimeout};
pub(crate) use error::{ConnectionError, is_foreign_key_violation, is_unique_violation};
pub use manager::ConnectError;
pub use migrations::{MigrateError, PlannedStep, Progress};
pub use pool::Database;
pub use pool_settings::PoolSettings;
pub use privileges::Privileges;
pub use refusal::RefusedConnection;
pub use session::SessionTimeouts;
pub use sqlite::SqliteVersion;
pub use statistics::PoolStatistics;
pub use url::{DatabaseKind, DatabaseUrl, InvalidDatabaseUrl, Transport};
