//! The settings of the connection pool.

use std::time::Duration;

use super::DatabaseKind;

/// The settings of the connection pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSettings {
    /// The largest number of connections.
    pub max_connections: u32,
    /// Additional connections for bulk work, which uses a connection for long and must not take those of requests.
    pub bulk_connections: u32,
    /// The timeout of a checkout, after which the storage is unavailable.
    pub connection_timeout: Duration,
    /// The age at which a connection is closed.
    pub max_lifetime: Duration,
    /// How long an idle connection is kept. A serverless database sleeps only without connections.
    pub idle_timeout: Duration,
    /// Whether prepared statements are cached on their connections. A pooler that gives each transaction another connection
    /// must support that (pgbouncer with `max_prepared_statements`).
    pub statement_cache: bool,
    /// The deadline of a statement on PostgreSQL; `None` for no deadline, for migrations, exports and imports. (SQLite has
    /// no deadline.)
    pub statement_deadline: Option<Duration>,
    /// Whether a pooler gives each transaction another connection to PostgreSQL. Then timeouts are not set on connections,
    /// but are those of the role.
    pub behind_pooler: bool,
}

impl PoolSettings {
    /// The defaults for a kind of database. On PostgreSQL, the number of connections is the one with the highest throughput on
    /// a machine of two cores that also runs PostgreSQL (`docs/performance.md`).
    ///
    /// Connections to SQLite are kept: closing the last one deletes the WAL files, and the next one cannot create them on a
    /// full disk, not even to read.
    #[must_use]
    pub fn for_kind(kind: DatabaseKind) -> Self {
        let connection_timeout = Duration::from_secs(2);
        match kind {
            DatabaseKind::Postgres => Self {
                max_connections: 12,
                bulk_connections: 0,
                connection_timeout,
                max_lifetime: Duration::from_mins(5),
                idle_timeout: Duration::from_mins(2),
                statement_cache: true,
                statement_deadline: None,
                behind_pooler: false,
            },
            DatabaseKind::Sqlite => Self {
                max_connections: 4,
                bulk_connections: 0,
                connection_timeout,
                max_lifetime: Duration::MAX,
                idle_timeout: Duration::MAX,
                statement_cache: true,
                statement_deadline: None,
                behind_pooler: false,
            },
        }
    }

    /// The total number of connections.
    #[must_use]
    pub fn all_connections(&self) -> u32 {
        self.max_connections.saturating_add(self.bulk_connections)
    }

    /// The number of threads that can use the database: one for each connection, and on SQLite those that wait for a shared
    /// commit as well, which need no connection meanwhile.
    #[must_use]
    pub fn useful_threads(&self, kind: DatabaseKind) -> usize {
        let connections = self.max_connections as usize;
        match kind {
            DatabaseKind::Postgres => connections,
            DatabaseKind::Sqlite => connections + COMMITTING_THREADS,
        }
    }
}

/// The number of threads that wait for a shared commit on SQLite, in addition to those with a connection.
const COMMITTING_THREADS: usize = 4;
