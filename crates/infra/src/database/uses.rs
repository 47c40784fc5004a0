//! The uses of connections: since when each is in use, and which were abandoned.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tracing::info;

/// The largest number of abandoned connections per connection of the pool.
pub(super) const MAX_ABANDONED_POOLS: usize = 4;

/// The backend process that serves a connection. The pid alone is not unique among servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Backend {
    pub(super) pid: i32,
    /// Its start time, as the server formats it.
    pub(super) started: String,
}

pub(super) const WATCHED: u8 = 0;
pub(super) const CANCELLED: u8 = 1;
pub(super) const ABANDONED: u8 = 2;

/// The use of one connection.
#[derive(Debug)]
pub(super) struct UseSlot {
    uses: Arc<Uses>,
    pub(super) generation: u64,
    pub(super) backend: Option<Backend>,
    /// When the use began, in milliseconds from the epoch of all uses, and one; 0 if the connection is not in use.
    since: AtomicU64,
    pub(super) state: AtomicU8,
}

impl UseSlot {
    pub(super) fn begin(&self) {
        self.since.store(self.uses.now() + 1, Relaxed);
    }

    pub(super) fn end(&self) {
        self.since.store(0, Relaxed);
    }

    /// Whether the connection was abandoned while it was used.
    pub(super) fn is_abandoned(&self) -> bool {
        self.state.load(Relaxed) == ABANDONED
    }
}

impl Drop for UseSlot {
    fn drop(&mut self) {
        if self.is_abandoned() {
            self.uses.abandoned.fetch_sub(1, Relaxed);
            info!("an abandoned connection to the database was closed");
        }
    }
}

/// The uses of the connections of a pool, in all its generations.
#[derive(Debug)]
pub(super) struct Uses {
    epoch: Instant,
    slots: Mutex<Vec<Weak<UseSlot>>>,
    /// The number of abandoned connections.
    pub(super) abandoned: AtomicUsize,
}

impl Default for Uses {
    fn default() -> Self {
        Self {
            epoch: Instant::now(),
            slots: Mutex::default(),
            abandoned: AtomicUsize::new(0),
        }
    }
}

impl Uses {
    /// A slot for a new connection.
    pub(super) fn register(
        self: &Arc<Self>,
        generation: u64,
        backend: Option<Backend>,
    ) -> Arc<UseSlot> {
        let slot = Arc::new(UseSlot {
            uses: Arc::clone(self),
            generation,
            backend,
            since: AtomicU64::new(0),
            state: AtomicU8::new(WATCHED),
        });
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|slot| slot.strong_count() > 0);
        slots.push(Arc::downgrade(&slot));
        slot
    }

    /// The number of abandoned connections.
    pub(super) fn abandoned(&self) -> usize {
        self.abandoned.load(Relaxed)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The connections in use that are not abandoned, with the time of use of each.
    pub(super) fn in_use(&self) -> Vec<(Arc<UseSlot>, Duration)> {
        let now = self.now();
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots
            .iter()
            .filter_map(Weak::upgrade)
            .filter(|slot| !slot.is_abandoned())
            .filter_map(|slot| match slot.since.load(Relaxed) {
                0 => None,
                since => {
                    let used_for = Duration::from_millis(now.saturating_sub(since - 1));
                    Some((slot, used_for))
                }
            })
            .collect()
    }
}
