//! The database: its URL, its connection pool and its migrations.

use std::{fmt, sync::Arc, time::Duration};

use todo_domain::Quotas;

use super::{
    DatabaseKind, DatabaseUrl, MigrateError, PlannedStep, PoolSettings, Progress,
    generations::Generations,
    group_commit::GroupCommit,
    manager::Manager,
    migrations, sqlite,
    statistics::{Counters, PoolStatistics},
};

/// The storage in SQLite or PostgreSQL. Clones share the connections.
#[derive(Clone)]
pub struct Database {
    generations: Arc<Generations>,
    counters: Counters,
    /// The queue of changes to an SQLite file. PostgreSQL has group commit itself.
    group_commit: Option<Arc<GroupCommit>>,
    url: DatabaseUrl,
    /// The URL for migrations, if it differs.
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
    /// A storage in the database at `url`. Connections are opened on demand.
    ///
    /// # Panics
    /// When `settings` allow no connection, or a timeout is zero.
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

    /// Sets the quotas of each user.
    #[must_use]
    pub fn with_quotas(self, quotas: Quotas) -> Self {
        Self { quotas, ..self }
    }

    pub(crate) fn quotas(&self) -> Quotas {
        self.quotas
    }

    /// Sets the URL for migrations. It is of the same database without a pooler, since a migration holds locks for as long
    /// as its session lives.
    #[must_use]
    pub fn migrating_at(self, url: DatabaseUrl) -> Self {
        Self {
            migration_url: Some(url),
            ..self
        }
    }

    /// The URL of the database.
    #[must_use]
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// The settings of the pool.
    pub(super) fn settings(&self) -> &PoolSettings {
        &self.settings
    }

    /// The deadline of statements on PostgreSQL.
    pub(super) fn statement_deadline(&self) -> Option<Duration> {
        match self.url.kind() {
            DatabaseKind::Postgres => self.settings.statement_deadline,
            DatabaseKind::Sqlite => None,
        }
    }

    /// The queue of changes to an SQLite file.
    pub(super) fn group_commit(&self) -> Option<&GroupCommit> {
        self.group_commit.as_deref()
    }

    pub(super) fn generations(&self) -> &Arc<Generations> {
        &self.generations
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The state and the counters of the connection pool.
    #[must_use]
    pub fn pool_statistics(&self) -> PoolStatistics {
        let pool = self.generations.pool();
        let uses = self.generations.uses();
        self.counters.with(&pool.state(), pool.max_size(), uses)
    }

    /// The steps that [`migrate`](Self::migrate) would run. Nothing is changed.
    ///
    /// # Errors
    /// [`MigrateError`].
    pub fn plan_migration(&self) -> Result<Vec<PlannedStep>, MigrateError> {
        migrations::plan(&self.for_migrations())
    }

    /// Migrates the schema. Any number of instances may do so at the same time.
    ///
    /// Returns the steps that were run: none if the schema is up to date. An interrupted migration continues.
    ///
    /// # Errors
    /// [`MigrateError`].
    pub fn migrate(&self) -> Result<Vec<PlannedStep>, MigrateError> {
        self.migrate_and_tell(&mut |_| ())
    }

    /// As [`migrate`](Self::migrate), and reports the progress.
    ///
    /// # Errors
    /// [`MigrateError`].
    pub fn migrate_and_tell(
        &self,
        listener: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Vec<PlannedStep>, MigrateError> {
        migrations::run(&self.for_migrations(), listener)
    }

    /// A manager for the connections of migrations, which have no deadline.
    fn for_migrations(&self) -> Manager {
        let url = self.migration_url.as_ref().unwrap_or(&self.url);
        let settings = PoolSettings {
            statement_deadline: None,
            behind_pooler: self.settings.behind_pooler && self.migration_url.is_none(),
            ..self.settings.clone()
        };
        Manager::new(url.clone(), &settings)
    }

    /// A manager for connections outside of the pool.
    pub(super) fn unpooled_manager(&self) -> Manager {
        Manager::new(self.url.clone(), &self.settings)
    }
}
