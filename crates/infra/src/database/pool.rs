//! The pool of connections, and what is done about those that have died in it.

use std::{fmt, sync::Arc, time::Duration};

use diesel::QueryResult;
use r2d2::PooledConnection;

use super::{
    AnyConnection, ConnectionError, DatabaseKind, DatabaseUrl, MigrateError, PlannedStep, Progress,
    group_commit::GroupCommit,
    manager::{ManagedConnection, Manager},
    migrations, spans, sqlite,
    statistics::{Counters, PoolStatistics},
};

/// How many connections there are, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSettings {
    /// The largest number of connections.
    pub max_connections: u32,
    /// For how long a connection is waited for before the storage counts as unavailable.
    pub connection_timeout: Duration,
    /// From which age on a connection is not used again.
    pub max_lifetime: Duration,
    /// For how long an unused connection is kept. A serverless database sleeps only when there is none.
    pub idle_timeout: Duration,
    /// Whether statements stay prepared on their connections. They cannot where a pooler gives each transaction another
    /// connection and does not know of them (pgbouncer without `max_prepared_statements`).
    pub statement_cache: bool,
}

impl PoolSettings {
    /// What suits a kind of database. On PostgreSQL it is as many connections as make a machine of two cores answer most,
    /// which PostgreSQL is on as well (`crates/trials/README.md`).
    ///
    /// Connections to SQLite are kept: when the last one is closed, the files beside the database go, and when the next
    /// one is opened on a disk that is full by then, they cannot be made, not even to read.
    #[must_use]
    pub fn for_kind(kind: DatabaseKind) -> Self {
        let connection_timeout = Duration::from_secs(2);
        match kind {
            DatabaseKind::Postgres => Self {
                max_connections: 12,
                connection_timeout,
                max_lifetime: Duration::from_mins(5),
                idle_timeout: Duration::from_mins(2),
                statement_cache: true,
            },
            DatabaseKind::Sqlite => Self {
                max_connections: 4,
                connection_timeout,
                max_lifetime: Duration::MAX,
                idle_timeout: Duration::MAX,
                statement_cache: true,
            },
        }
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
    pool: r2d2::Pool<Manager>,
    counters: Counters,
    /// How changes to a file share commits; PostgreSQL sees to that itself.
    group_commit: Option<Arc<GroupCommit>>,
    url: DatabaseUrl,
    /// Where migrations are done, if not there.
    migration_url: Option<DatabaseUrl>,
    settings: PoolSettings,
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
        let manager = Manager::new(url.clone(), settings);
        let counters = Counters::default();
        let pool = r2d2::Pool::builder()
            .max_size(settings.max_connections)
            .min_idle(Some(0))
            .test_on_check_out(false)
            .connection_timeout(settings.connection_timeout)
            .max_lifetime(Some(settings.max_lifetime))
            .idle_timeout(Some(settings.idle_timeout))
            .error_handler(Box::new(counters.clone()))
            .event_handler(Box::new(counters.clone()))
            .build_unchecked(manager);
        Self {
            pool,
            counters,
            group_commit: (url.kind() == DatabaseKind::Sqlite)
                .then(|| Arc::new(GroupCommit::new(sqlite::BUSY_TIMEOUT))),
            url,
            migration_url: None,
            settings: settings.clone(),
        }
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

    /// How its pool of connections is, and what that has gone through.
    #[must_use]
    pub fn pool_statistics(&self) -> PoolStatistics {
        self.counters.with(&self.pool.state(), self.pool.max_size())
    }

    /// The steps that [`migrate`](Self::migrate) would take now. It changes nothing.
    ///
    /// # Errors
    /// [`MigrateError`].
    pub fn plan_migration(&self) -> Result<Vec<PlannedStep>, MigrateError> {
        migrations::plan(&self.unpooled())
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
        migrations::run(&self.unpooled(), listener)
    }

    /// Opens connections that are not the pool's and live for as long as they are needed, for migrations.
    fn unpooled(&self) -> Manager {
        let url = self.migration_url.as_ref().unwrap_or(&self.url);
        Manager::new(url.clone(), &self.settings)
    }

    /// Runs statements that only read, on another connection where one turns out to have died.
    ///
    /// So the first read of a request finds out what the connections are worth, and no ping has to.
    pub(crate) fn read<T>(
        &self,
        work: impl Fn(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let _span = spans::of_use("read").entered();
        let mut attempts_left = self.pool.max_size();
        loop {
            let mut connection = self.connection()?;
            match work(&mut connection.connection) {
                Ok(value) => {
                    connection.answered();
                    return Ok(value);
                }
                Err(error) if is_answer(&error) || self.still_answers(&mut connection) => {
                    return Err(error.into());
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

    /// Runs one statement that changes something. It is sent once.
    ///
    /// SQLite says only at the end of a statement whether what it changed is kept, and diesel does not listen once it has
    /// the row that `RETURNING` gave: so there it is a transaction, whose end is heard.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let _span = spans::of_use("write").entered();
        if let Some(group_commit) = &self.group_commit {
            return self.commit_in_group(group_commit, work);
        }
        let mut connection = self.answering_connection()?;
        match work(&mut connection.connection) {
            Ok(value) => {
                connection.answered();
                Ok(value)
            }
            Err(error) if is_answer(&error) || self.still_answers(&mut connection) => {
                Err(error.into())
            }
            Err(error) => Err(self.outcome_unknown(error)),
        }
    }

    /// Runs several statements that change something: all of them or none.
    pub(crate) fn transaction<T>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let _span = spans::of_use("transaction").entered();
        if let Some(group_commit) = &self.group_commit {
            return self.commit_in_group(group_commit, work);
        }
        let mut connection = self.answering_connection()?;
        let done = connection
            .connection
            .begin_write()
            .and_then(|()| work(&mut connection.connection));
        match done {
            Ok(value) => match connection.connection.commit() {
                Ok(()) => {
                    connection.answered();
                    Ok(value)
                }
                Err(error) if self.still_answers(&mut connection) => Err(error.into()),
                Err(error) => Err(self.outcome_unknown(error)),
            },
            Err(error) => {
                // A transaction that was not committed did not happen, whether or not it can be rolled back in words.
                let rolled_back = connection.connection.rollback().is_ok();
                if (rolled_back && is_answer(&error)) || self.still_answers(&mut connection) {
                    Err(error.into())
                } else {
                    Err(ConnectionError::Unavailable(error.into()))
                }
            }
        }
    }

    fn commit_in_group<T>(
        &self,
        group_commit: &GroupCommit,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, ConnectionError> {
        let committed = group_commit.run(|| self.connection(), work);
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
            .and_then(|()| work(&mut connection.connection));
        let ended = connection.connection.rollback();
        match read.and_then(|value| ended.map(|()| value)) {
            Ok(value) => {
                connection.answered();
                Ok(value)
            }
            Err(error) if is_answer(&error) || self.still_answers(&mut connection) => {
                Err(error.into())
            }
            Err(error) => Err(ConnectionError::Unavailable(error.into())),
        }
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
    fn connection(&self) -> Result<PooledConnection<Manager>, ConnectionError> {
        self.pool
            .get()
            .map_err(|error| ConnectionError::Unavailable(error.into()))
    }

    /// A connection on which the database answered a moment ago.
    fn answering_connection(&self) -> Result<PooledConnection<Manager>, ConnectionError> {
        for _ in 0..=self.pool.max_size() {
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

/// Whether the database itself gave this error, so that the connection is known to be well.
fn is_answer(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind as Kind, Error};
    match error {
        Error::NotFound => true,
        Error::DatabaseError(kind, _) => !matches!(
            kind,
            Kind::ClosedConnection | Kind::UnableToSendCommand | Kind::Unknown
        ),
        _ => false,
    }
}
