//! The pool of connections, and what is done about those that have died in it.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
    time::{Duration, Instant},
};

use diesel::{QueryResult, connection::SimpleConnection, result::Error};
use r2d2::PooledConnection;
use todo_domain::Quotas;

use super::{
    AnyConnection, ConnectionError, DatabaseKind, DatabaseUrl, MigrateError, PlannedStep, Progress,
    error::{is_cancelled, is_read_only},
    generations::Generations,
    group_commit::GroupCommit,
    manager::{ManagedConnection, Manager},
    migrations,
    retry::Repetitions,
    spans, sqlite,
    statistics::{Counters, PoolStatistics},
};

/// How many connections there are, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSettings {
    /// The largest number of connections.
    pub max_connections: u32,
    /// How many connections there are besides, for threads that use one for long: they cannot take those of the others.
    pub bulk_connections: u32,
    /// For how long a connection is waited for before the storage counts as unavailable.
    pub connection_timeout: Duration,
    /// From which age on a connection is not used again.
    pub max_lifetime: Duration,
    /// For how long an unused connection is kept. A serverless database sleeps only when there is none.
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

    /// The largest number of connections in all.
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

/// A connection that has answered within this time is not asked again before a change is sent on it.
const FRESH: Duration = Duration::from_secs(1);

/// A storage for users, sessions and todos in SQLite or PostgreSQL. Cloning it is cheap.
#[derive(Clone)]
pub struct Database {
    generations: Arc<Generations>,
    counters: Counters,
    /// How changes to a file share commits; PostgreSQL sees to that itself.
    group_commit: Option<Arc<GroupCommit>>,
    url: DatabaseUrl,
    /// Where migrations are done, if not there.
    migration_url: Option<DatabaseUrl>,
    settings: PoolSettings,
    quotas: Quotas,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Database").field(&self.url).finish()
    }
}

impl Database {
    /// A storage in the database at `url`. Connections are opened when they are needed, not yet.
    ///
    /// # Panics
    /// When `settings` allow no connection, or one without time.
    #[must_use]
    pub fn new(url: DatabaseUrl, settings: &PoolSettings) -> Self {
        let counters = Counters::default();
        Self {
            generations: Arc::new(Generations::new(&url, settings, &counters)),
            counters,
            group_commit: (url.kind() == DatabaseKind::Sqlite)
                .then(|| Arc::new(GroupCommit::new(sqlite::BUSY_TIMEOUT))),
            url,
            migration_url: None,
            settings: settings.clone(),
            quotas: Quotas::default(),
        }
    }

    /// The same, with these quotas of each user in place of the default ones.
    #[must_use]
    pub fn with_quotas(self, quotas: Quotas) -> Self {
        Self { quotas, ..self }
    }

    pub(crate) fn quotas(&self) -> Quotas {
        self.quotas
    }

    /// The same, which does its migrations on connections to `url`: to the same database, and past any pooler that
    /// shares connections between transactions, since a migration holds locks for as long as its connection lives.
    #[must_use]
    pub fn migrating_at(self, url: DatabaseUrl) -> Self {
        Self {
            migration_url: Some(url),
            ..self
        }
    }

    /// Which database it is.
    #[must_use]
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// How it connects.
    pub(super) fn settings(&self) -> &PoolSettings {
        &self.settings
    }

    /// How long a statement runs before PostgreSQL ends it.
    pub(super) fn statement_deadline(&self) -> Option<Duration> {
        match self.url.kind() {
            DatabaseKind::Postgres => self.settings.statement_deadline,
            DatabaseKind::Sqlite => None,
        }
    }

    pub(super) fn generations(&self) -> &Arc<Generations> {
        &self.generations
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How its pool of connections is, and what that has gone through.
    #[must_use]
    pub fn pool_statistics(&self) -> PoolStatistics {
        let pool = self.generations.pool();
        let uses = self.generations.uses();
        self.counters.with(&pool.state(), pool.max_size(), uses)
    }

    /// The steps that [`migrate`](Self::migrate) would take now. It changes nothing.
    ///
    /// # Errors
    /// [`MigrateError`].
    pub fn plan_migration(&self) -> Result<Vec<PlannedStep>, MigrateError> {
        migrations::plan(&self.for_migrations())
    }

    /// Brings the tables to the shape that this program needs. Any number of instances may do so at the same time.
    ///
    /// Gives the steps that were taken, in their order: none when the tables have that shape already. A migration that
    /// was interrupted goes on where it was.
    ///
    /// # Errors
    /// [`MigrateError`].
    pub fn migrate(&self) -> Result<Vec<PlannedStep>, MigrateError> {
        self.migrate_and_tell(&mut |_| ())
    }

    /// As [`migrate`](Self::migrate), and says how far it is.
    ///
    /// # Errors
    /// [`MigrateError`].
    pub fn migrate_and_tell(
        &self,
        listener: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Vec<PlannedStep>, MigrateError> {
        migrations::run(&self.for_migrations(), listener)
    }

    /// Opens connections that are not the pool's and live for as long as they are needed, for migrations. They have no
    /// deadline.
    fn for_migrations(&self) -> Manager {
        let url = self.migration_url.as_ref().unwrap_or(&self.url);
        let settings = PoolSettings {
            statement_deadline: None,
            behind_pooler: self.settings.behind_pooler && self.migration_url.is_none(),
            ..self.settings.clone()
        };
        Manager::new(url.clone(), &settings)
    }

    /// Opens connections as the pool does, which are not the pool's.
    pub(super) fn unpooled_manager(&self) -> Manager {
        Manager::new(self.url.clone(), &self.settings)
    }

    /// Runs statements that only read, on another connection where one turns out to have died.
    ///
    /// So the first read of a request finds out what the connections are worth, and no ping has to.
    pub(crate) fn read<T>(
        &self,
        work: impl Fn(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let _span = spans::of_use("read").entered();
        self.repeated(|_| self.read_once(&work))
    }

    fn read_once<T>(
        &self,
        work: impl Fn(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let mut attempts_left = self.settings.all_connections();
        loop {
            let mut connection = self.connection()?;
            match work(&mut connection.connection) {
                Ok(value) => {
                    connection.answered();
                    return Ok(value);
                }
                Err(error) if is_answer(&error) || self.still_answers(&mut connection) => {
                    return Err(self.failed(error, &mut connection));
                }
                Err(error) if attempts_left == 0 => {
                    return Err(ConnectionError::Unavailable(error.into()));
                }
                Err(_) => {
                    attempts_left -= 1;
                    self.counters.read_repeated();
                }
            }
        }
    }

    /// Runs one statement that changes something. It is sent once, unless PostgreSQL says that it conflicts with another:
    /// then nothing was done, and it is repeated as a transaction, which waits for others instead.
    ///
    /// SQLite says only at the end of a statement whether what it changed is kept, and diesel does not listen once it has
    /// the row that `RETURNING` gave: so there it is a transaction, whose end is heard.
    pub(crate) fn write<T>(
        &self,
        mut work: impl FnMut(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let _span = spans::of_use("write").entered();
        if let Some(group_commit) = &self.group_commit {
            return self.commit_in_group(group_commit, work);
        }
        self.repeated(|is_first| {
            if is_first {
                self.write_once(&mut work)
            } else {
                self.transaction_once(&mut work)
            }
        })
    }

    fn write_once<T>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let mut connection = self.answering_connection()?;
        match work(&mut connection.connection) {
            Ok(value) => {
                connection.answered();
                Ok(value)
            }
            Err(error) if is_answer(&error) || self.still_answers(&mut connection) => {
                Err(self.failed(error, &mut connection))
            }
            Err(error) => Err(self.outcome_unknown(error)),
        }
    }

    /// Runs several statements that change something: all of them or none. They are repeated if PostgreSQL says that they
    /// conflict with others.
    pub(crate) fn transaction<T>(
        &self,
        mut work: impl FnMut(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let _span = spans::of_use("transaction").entered();
        if let Some(group_commit) = &self.group_commit {
            return self.commit_in_group(group_commit, work);
        }
        self.repeated(|_| self.transaction_once(&mut work))
    }

    /// As [`transaction`](Self::transaction), for what cannot be repeated.
    pub(crate) fn unrepeated_transaction<T>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let _span = spans::of_use("transaction").entered();
        match &self.group_commit {
            Some(group_commit) => self.commit_in_group(group_commit, work),
            None => self.transaction_once(work),
        }
    }

    fn transaction_once<T>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let mut connection = self.answering_connection()?;
        let done = connection
            .connection
            .begin_write()
            .and_then(|()| self.lift_role_timeouts(&mut connection))
            .and_then(|()| work(&mut connection.connection));
        match done {
            Ok(_) if connection.slot().is_abandoned() => {
                drop(connection.connection.rollback());
                let error = "the connection was abandoned before the commit";
                Err(ConnectionError::Unavailable(error.into()))
            }
            Ok(value) => match connection.connection.commit() {
                Ok(()) => {
                    connection.answered();
                    Ok(value)
                }
                Err(error) if self.still_answers(&mut connection) => {
                    Err(self.failed(error, &mut connection))
                }
                Err(error) => Err(self.outcome_unknown(error)),
            },
            Err(error) => {
                // A transaction that was not committed did not happen, whether or not it can be rolled back in words.
                let rolled_back = connection.connection.rollback().is_ok();
                if (rolled_back && is_answer(&error)) || self.still_answers(&mut connection) {
                    Err(self.failed(error, &mut connection))
                } else {
                    Err(ConnectionError::Unavailable(error.into()))
                }
            }
        }
    }

    /// Repeats what conflicts with others, up to three times and within the deadline of a statement. `attempt` is told
    /// whether it is the first.
    fn repeated<T>(
        &self,
        mut attempt: impl FnMut(bool) -> Result<T, ConnectionError>,
    ) -> Result<T, ConnectionError> {
        let deadline = self
            .statement_deadline()
            .map(|deadline| Instant::now() + deadline);
        let mut repetitions = Repetitions::new();
        let mut is_first = true;
        loop {
            let done = attempt(is_first);
            let Err(error) = &done else {
                return done;
            };
            let time_left =
                deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if !repetitions.pause_after(error, time_left) {
                return done;
            }
            self.counters.conflict_repeated();
            is_first = false;
        }
    }

    fn commit_in_group<T>(
        &self,
        group_commit: &GroupCommit,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let committed = group_commit.run(|| self.pooled_connection(), work);
        if let Err(ConnectionError::OutcomeUnknown(_)) = committed {
            self.counters.outcome_unknown();
        }
        committed
    }

    /// Runs several statements that only read, all of them on what there was at one instant. They are sent once.
    pub(crate) fn snapshot<T>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let _span = spans::of_use("snapshot").entered();
        let mut connection = self.answering_connection()?;
        let read = connection
            .connection
            .begin_snapshot()
            .and_then(|()| self.lift_role_timeouts(&mut connection))
            .and_then(|()| work(&mut connection.connection));
        let ended = connection.connection.rollback();
        match read.and_then(|value| ended.map(|()| value)) {
            Ok(value) => {
                connection.answered();
                Ok(value)
            }
            Err(error) if is_answer(&error) || self.still_answers(&mut connection) => {
                Err(self.failed(error, &mut connection))
            }
            Err(error) => Err(ConnectionError::Unavailable(error.into())),
        }
    }

    /// Has the transaction on a connection go on for any time, where the timeouts are those of the role and there is to be
    /// no deadline.
    fn lift_role_timeouts(&self, connection: &mut ManagedConnection) -> QueryResult<()> {
        if !self.settings.behind_pooler || self.settings.statement_deadline.is_some() {
            return Ok(());
        }
        connection.connection.batch_execute(
            "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; \
             SET LOCAL idle_in_transaction_session_timeout = 0",
        )
    }

    /// What the error of a statement means that was not done. A connection to a database that turned read-only is closed,
    /// as are all others, so that the next one finds the primary.
    fn failed(&self, error: Error, connection: &mut ManagedConnection) -> ConnectionError {
        if is_cancelled(&error) {
            self.counters.cancelled();
        }
        if is_read_only(&error) {
            connection.discard();
            self.turned_read_only(connection.generation());
        }
        error.into()
    }

    /// Has all connections closed, since the database was found to be read-only.
    pub(super) fn turned_read_only(&self, generation: u64) {
        self.counters.lost();
        self.generations.renew_soon(generation);
    }

    /// Whether the database answers on a connection; if it does not, the connection is lost.
    fn still_answers(&self, connection: &mut ManagedConnection) -> bool {
        let answers = connection.ping();
        if !answers {
            self.counters.lost();
        }
        answers
    }

    fn outcome_unknown(&self, error: diesel::result::Error) -> ConnectionError {
        self.counters.outcome_unknown();
        ConnectionError::OutcomeUnknown(error.into())
    }

    /// A connection that may have died since it was last used.
    fn connection(&self) -> Result<InUse, ConnectionError> {
        self.pooled_connection().map(InUse::begin)
    }

    fn pooled_connection(&self) -> Result<PooledConnection<Manager>, ConnectionError> {
        self.generations
            .pool()
            .get()
            .map_err(|error| ConnectionError::Unavailable(error.into()))
    }

    /// A connection on which the database answered a moment ago.
    fn answering_connection(&self) -> Result<InUse, ConnectionError> {
        for _ in 0..=self.settings.all_connections() {
            let mut connection = self.connection()?;
            if self.url.kind() == DatabaseKind::Sqlite
                || (connection.answered_within(FRESH) && !connection.is_closed())
                || self.still_answers(&mut connection)
            {
                return Ok(connection);
            }
        }
        Err(ConnectionError::Unavailable(
            "every connection of the pool was lost".into(),
        ))
    }
}

/// A connection that is in use, and watched for how long.
struct InUse(PooledConnection<Manager>);

impl InUse {
    fn begin(connection: PooledConnection<Manager>) -> Self {
        connection.slot().begin();
        Self(connection)
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.slot().end();
    }
}

impl Deref for InUse {
    type Target = ManagedConnection;

    fn deref(&self) -> &ManagedConnection {
        &self.0
    }
}

impl DerefMut for InUse {
    fn deref_mut(&mut self) -> &mut ManagedConnection {
        &mut self.0
    }
}

/// Whether the database itself gave this error, so that the connection is known to be well.
fn is_answer(error: &diesel::result::Error) -> bool {
    use diesel::result::DatabaseErrorKind as Kind;
    match error {
        Error::NotFound => true,
        Error::DatabaseError(kind, _) => !matches!(
            kind,
            Kind::ClosedConnection | Kind::UnableToSendCommand | Kind::Unknown
        ),
        _ => false,
    }
}
