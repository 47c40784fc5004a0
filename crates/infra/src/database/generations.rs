//! Generations of the connection pool.
//!
//! r2d2 cannot remove a connection that is checked out. So when one is abandoned, or the database became read-only, a new
//! pool replaces the old one: a new generation. Connections of an old generation are closed when they are returned.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use super::{
    DatabaseUrl, PoolSettings,
    manager::{Manager, Membership},
    statistics::Counters,
    uses::Uses,
};

/// The minimum age of a generation, unless one of its connections is abandoned.
const MIN_AGE: Duration = Duration::from_secs(1);

/// The current pool, and the settings of new ones.
pub(super) struct Generations {
    url: DatabaseUrl,
    settings: PoolSettings,
    counters: Counters,
    uses: Arc<Uses>,
    current: RwLock<r2d2::Pool<Manager>>,
    number: Arc<AtomicU64>,
    renewed_at: Mutex<Option<Instant>>,
}

impl fmt::Debug for Generations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generations")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Generations {
    /// The first generation. Connections are opened on demand.
    pub(super) fn new(url: &DatabaseUrl, settings: &PoolSettings, counters: &Counters) -> Self {
        let uses = Arc::default();
        let number = Arc::default();
        let pool = build(url, settings, counters, Membership::new(&uses, &number));
        Self {
            url: url.clone(),
            settings: settings.clone(),
            counters: counters.clone(),
            uses,
            current: RwLock::new(pool),
            number,
            renewed_at: Mutex::default(),
        }
    }

    /// The pool of the current generation.
    pub(super) fn pool(&self) -> r2d2::Pool<Manager> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The uses of the connections of all generations.
    pub(super) fn uses(&self) -> &Arc<Uses> {
        &self.uses
    }

    /// The number of the current generation; the first is 0.
    pub(super) fn number(&self) -> u64 {
        self.number.load(Relaxed)
    }

    /// Replaces the pool, unless it is of a later generation than `seen`, or was itself created a moment ago.
    pub(super) fn renew_soon(&self, seen: u64) {
        let age = self
            .renewed_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .map(|renewed_at| renewed_at.elapsed());
        if age.is_none_or(|age| age >= MIN_AGE) {
            self.renew(seen);
        }
    }

    /// Replaces the pool, unless it is of a later generation than `seen`.
    pub(super) fn renew(&self, seen: u64) {
        let old = {
            let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
            if self.number.load(Relaxed) != seen {
                return;
            }
            self.number.fetch_add(1, Relaxed);
            let membership = Membership::new(&self.uses, &self.number);
            let new = build(&self.url, &self.settings, &self.counters, membership);
            *self
                .renewed_at
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            std::mem::replace(&mut *current, new)
        };
        // Idle connections are closed outside of the lock.
        drop(old);
    }
}

fn build(
    url: &DatabaseUrl,
    settings: &PoolSettings,
    counters: &Counters,
    membership: Membership,
) -> r2d2::Pool<Manager> {
    r2d2::Pool::builder()
        .max_size(settings.all_connections())
        .min_idle(Some(0))
        .test_on_check_out(false)
        .connection_timeout(settings.connection_timeout)
        .max_lifetime(Some(settings.max_lifetime))
        .idle_timeout(Some(settings.idle_timeout))
        .error_handler(Box::new(counters.clone()))
        .event_handler(Box::new(counters.clone()))
        .build_unchecked(Manager::in_pool(url.clone(), settings, membership))
}
