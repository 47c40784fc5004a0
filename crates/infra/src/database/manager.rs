//! The connection manager of the pool: opening connections, and which of them are usable.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use diesel::{
    Connection, ConnectionError, PgConnection,
    connection::{CacheSize, SimpleConnection, TransactionManager},
};

use super::{
    AnyConnection, DatabaseKind, DatabaseUrl, PoolSettings, SqliteVersion,
    refusal::RefusedConnection,
    session::SessionTimeouts,
    spans::StatementSpans,
    sqlite,
    url::with_connection_defaults,
    uses::{Backend, UseSlot, Uses},
};

/// Why a connection was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The file of the database could not be created.
    #[error("the file of the database cannot be opened")]
    File(#[source] std::io::Error),
    /// The database refused the connection.
    #[error("the database does not accept a connection")]
    Connection(#[from] ConnectionError),
    /// PostgreSQL refused the connection.
    #[error("the database does not accept a connection")]
    Refused(#[source] RefusedConnection),
    /// The connection could not be set up.
    #[error("the connection to the database cannot be set up")]
    SetUp(#[from] diesel::result::Error),
    /// The version of SQLite can lose committed writes.
    #[error(
        "SQLite {version} can lose committed writes; build the program with {oldest} or newer",
        oldest = SqliteVersion::OLDEST
    )]
    SqliteTooOld {
        /// The version.
        version: SqliteVersion,
    },
    /// The version of SQLite is unknown.
    #[error("the version of SQLite cannot be read from {version:?}")]
    UnknownSqlite {
        /// The version as the library names it.
        version: String,
    },
}

/// A connection with its history.
pub(super) struct ManagedConnection {
    pub(super) connection: AnyConnection,
    opened_at: Instant,
    last_answer_at: Instant,
    lost: bool,
    generation: u64,
    slot: Arc<UseSlot>,
}

impl ManagedConnection {
    fn new(connection: AnyConnection, generation: u64, slot: Arc<UseSlot>) -> Self {
        let now = Instant::now();
        Self {
            connection,
            opened_at: now,
            last_answer_at: now,
            lost: false,
            generation,
            slot,
        }
    }

    /// Marks the connection to be closed when it is returned to the pool.
    pub(super) fn discard(&mut self) {
        self.lost = true;
    }

    /// The generation of its pool.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// The use of the connection, for the watchdog.
    pub(super) fn slot(&self) -> &UseSlot {
        &self.slot
    }

    /// Records that the database has answered.
    pub(super) fn answered(&mut self) {
        self.last_answer_at = Instant::now();
    }

    /// Sends a ping; without an answer, the connection is lost.
    pub(super) fn ping(&mut self) -> bool {
        self.lost |= self.connection.batch_execute("SELECT 1").is_err();
        if !self.lost {
            self.answered();
        }
        !self.lost
    }

    /// Whether the database has closed the connection, as far as received data tells: PostgreSQL sends the reason, and then
    /// the end of the stream.
    pub(super) fn is_closed(&mut self) -> bool {
        match &mut self.connection {
            AnyConnection::Postgres(connection) => {
                (0..2).any(|_| connection.notifications_iter().any(|heard| heard.is_err()))
            }
            AnyConnection::Sqlite(_) => false,
        }
    }

    /// Whether the database has answered within this time.
    pub(super) fn answered_within(&self, duration: Duration) -> bool {
        self.last_answer_at.elapsed() < duration
    }
}

/// The generation of a pool that connections belong to.
#[derive(Debug)]
pub(super) struct Membership {
    uses: Arc<Uses>,
    generation: u64,
    current: Arc<AtomicU64>,
}

impl Membership {
    /// Membership in the current generation, whose number is `current`.
    pub(super) fn new(uses: &Arc<Uses>, current: &Arc<AtomicU64>) -> Self {
        Self {
            uses: Arc::clone(uses),
            generation: current.load(Relaxed),
            current: Arc::clone(current),
        }
    }

    fn is_current(&self) -> bool {
        self.generation == self.current.load(Relaxed)
    }
}

/// Opens connections for the pool.
#[derive(Debug)]
pub(super) struct Manager {
    url: DatabaseUrl,
    max_lifetime: Duration,
    statement_cache: bool,
    /// The timeouts of each session with PostgreSQL; `None` behind a pooler, which shares sessions.
    timeouts: Option<SessionTimeouts>,
    membership: Membership,
}

impl Manager {
    /// A manager for connections outside of the pool.
    pub(super) fn new(url: DatabaseUrl, settings: &PoolSettings) -> Self {
        let membership = Membership::new(&Arc::default(), &Arc::default());
        Self::in_pool(url, settings, membership)
    }

    pub(super) fn in_pool(
        url: DatabaseUrl,
        settings: &PoolSettings,
        membership: Membership,
    ) -> Self {
        Self {
            url: with_connection_defaults(url, settings.connection_timeout),
            max_lifetime: settings.max_lifetime,
            statement_cache: settings.statement_cache,
            timeouts: (!settings.behind_pooler)
                .then(|| SessionTimeouts::of(settings.statement_deadline)),
            membership,
        }
    }

    pub(super) fn open(&self) -> Result<AnyConnection, ConnectError> {
        self.open_with_backend().map(|(connection, _)| connection)
    }

    fn open_with_backend(&self) -> Result<(AnyConnection, Option<Backend>), ConnectError> {
        let target = self.url.target();
        let mut backend = None;
        let mut connection = match self.url.kind() {
            DatabaseKind::Postgres => {
                let mut connection = PgConnection::establish(target)
                    .map_err(|error| ConnectError::Refused(error.into()))?;
                if let Some(timeouts) = &self.timeouts {
                    backend = Some(timeouts.set_on(&mut connection)?);
                }
                connection.set_instrumentation(StatementSpans::of("postgresql"));
                AnyConnection::Postgres(connection)
            }
            DatabaseKind::Sqlite => {
                let mut connection = sqlite::open(target)?;
                connection.set_instrumentation(StatementSpans::of("sqlite"));
                AnyConnection::Sqlite(connection)
            }
        };
        if !self.statement_cache {
            connection.set_prepared_statement_cache_size(CacheSize::Disabled);
        }
        Ok((connection, backend))
    }

    /// Opens a connection without setting it up; `None` if the file does not exist.
    pub(super) fn open_to_look(&self) -> Result<Option<AnyConnection>, ConnectError> {
        match self.url.kind() {
            DatabaseKind::Postgres => self.open().map(Some),
            DatabaseKind::Sqlite => {
                let connection = sqlite::open_to_look(self.url.target())?;
                Ok(connection.map(AnyConnection::Sqlite))
            }
        }
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = ManagedConnection;
    type Error = ConnectError;

    fn connect(&self) -> Result<Self::Connection, Self::Error> {
        let (connection, backend) = self.open_with_backend()?;
        let generation = self.membership.generation;
        let slot = self.membership.uses.register(generation, backend);
        Ok(ManagedConnection::new(connection, generation, slot))
    }

    /// Not used: connections are pinged only where a dead one would do harm (see `execution`).
    fn is_valid(&self, _: &mut Self::Connection) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Called when a connection is returned. The pool itself checks the age of idle connections only.
    fn has_broken(&self, connection: &mut Self::Connection) -> bool {
        connection.lost
            || connection.slot.is_abandoned()
            || !self.membership.is_current()
            || connection.opened_at.elapsed() >= self.max_lifetime
            || is_left_in_transaction(&mut connection.connection)
    }
}

/// Whether a transaction could be neither committed nor rolled back.
fn is_left_in_transaction(connection: &mut AnyConnection) -> bool {
    <AnyConnection as Connection>::TransactionManager::is_broken_transaction_manager(connection)
}
