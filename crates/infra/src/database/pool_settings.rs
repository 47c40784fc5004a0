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
    /// Whether statements stay prepared on their connections. They cannot where a pooler gives each transaction another
    /// connection and does not know of them (pgbouncer without `max_prepared_statements`).
    pub statement_cache: bool,
    /// How long a statement runs on PostgreSQL before the server ends it; `None` for any time, as migrations, exports and
    /// imports need it. (SQLite has no such deadline.)
    pub statement_deadline: Option<Duration>,
    /// Whether there is a pooler before PostgreSQL that gives each transaction another connection. Then timeouts are not
    /// set on connections, but are those of the role.
    pub behind_pooler: bool,
}

impl PoolSettings {
    /// What suits a kind of database. On PostgreSQL it is as many connections as make a machine of two cores answer most,
    /// which PostgreSQL is on as well (`docs/performance.md`).
    ///
    /// Connections to SQLite are kept: when the last one is closed, the files beside the database go, and when the next
    /// one is opened on a disk that is full by then, they cannot be made, not even to read.
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

    /// How many threads make the best of a database: one for each connection; and on SQLite those as well that wait for
    /// a commit they share, who use none meanwhile.
    #[must_use]
    pub fn useful_threads(&self, kind: DatabaseKind) -> usize {
        let connections = self.max_connections as usize;
        match kind {
            DatabaseKind::Postgres => connections,
            DatabaseKind::Sqlite => connections + COMMITTING_THREADS,
        }
    }
}

/// For how many threads more there is use on SQLite than there are connections, while others wait for a commit.
const COMMITTING_THREADS: usize = 4;
