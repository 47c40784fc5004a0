//! The watchdog of connections to PostgreSQL, which abandons connections whose use lasts far too long.
//!
//! A server that freezes or vanishes can block a thread in libpq forever: the kernel of a frozen host goes on
//! acknowledging, so that no TCP timeout fires. Such a thread cannot be interrupted. Its connection is abandoned, a new
//! pool replaces the old one, and the connection is closed when the thread returns.

use std::{
    io,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use diesel::{
    RunQueryDsl, sql_query,
    sql_types::{Integer, Text},
};
use tracing::{error, warn};

use super::{
    Database,
    generations::Generations,
    manager::Manager,
    statistics::Counters,
    uses::{ABANDONED, Backend, CANCELLED, MAX_ABANDONED_POOLS, UseSlot, WATCHED},
};

/// The number of statement deadlines after which a use of a connection is too long.
const DEADLINES: u32 = 2;

/// How long the server is given to cancel a statement before the connection is abandoned.
const CANCEL_GRACE: Duration = Duration::from_secs(1);

/// The interval between checks.
const INTERVAL: Duration = Duration::from_millis(250);

impl Database {
    /// Starts the watchdog: a thread that abandons connections whose use exceeds twice the deadline of a statement. It
    /// ends with the database. Without a deadline, and on SQLite, there is nothing to watch.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn watch(&self) -> io::Result<()> {
        let Some(deadline) = self.statement_deadline() else {
            return Ok(());
        };
        let watchdog = Watchdog {
            generations: Arc::downgrade(self.generations()),
            counters: self.counters().clone(),
            limit: deadline * DEADLINES,
            max_abandoned: self.settings().all_connections() as usize * MAX_ABANDONED_POOLS,
            canceller: Arc::new(Canceller {
                manager: self.unpooled_manager(),
                is_busy: AtomicBool::new(false),
                counters: self.counters().clone(),
            }),
            is_exhausted: false,
        };
        thread::Builder::new()
            .name("database-watchdog".to_owned())
            .spawn(move || watchdog.run())
            .map(drop)
    }
}

struct Watchdog {
    generations: Weak<Generations>,
    counters: Counters,
    limit: Duration,
    max_abandoned: usize,
    canceller: Arc<Canceller>,
    is_exhausted: bool,
}

impl Watchdog {
    fn run(mut self) {
        while let Some(generations) = self.generations.upgrade() {
            self.look(&generations);
            drop(generations);
            thread::sleep(INTERVAL);
        }
    }

    fn look(&mut self, generations: &Generations) {
        let mut to_cancel = Vec::new();
        for (slot, used_for) in generations.uses().in_use() {
            if used_for >= self.limit + CANCEL_GRACE {
                self.abandon(generations, &slot, used_for);
            } else if used_for >= self.limit
                && slot
                    .state
                    .compare_exchange(WATCHED, CANCELLED, Relaxed, Relaxed)
                    .is_ok()
            {
                to_cancel.extend(slot.backend.clone());
            }
        }
        if generations.uses().abandoned() < self.max_abandoned {
            self.is_exhausted = false;
        }
        self.canceller.cancel(to_cancel);
    }

    fn abandon(&mut self, generations: &Generations, slot: &UseSlot, used_for: Duration) {
        let uses = generations.uses();
        if uses.abandoned() >= self.max_abandoned {
            if !self.is_exhausted {
                self.is_exhausted = true;
                error!(
                    abandoned = uses.abandoned(),
                    "connections to the database hang and no more can be abandoned; requests are answered with 503 \
                     until some of them end or the server is restarted"
                );
            }
            return;
        }
        slot.state.store(ABANDONED, Relaxed);
        uses.abandoned.fetch_add(1, Relaxed);
        self.counters.abandoned();
        warn!(
            used_for_ms = u64::try_from(used_for.as_millis()).unwrap_or(u64::MAX),
            "a connection to the database does not answer and was abandoned"
        );
        generations.renew(slot.generation);
    }
}

/// Cancels statements through a connection of its own, on a thread of its own, since that can hang as well.
#[derive(Debug)]
struct Canceller {
    manager: Manager,
    is_busy: AtomicBool,
    counters: Counters,
}

impl Canceller {
    fn cancel(self: &Arc<Self>, backends: Vec<Backend>) {
        if backends.is_empty() || self.is_busy.swap(true, Relaxed) {
            return;
        }
        let canceller = Arc::clone(self);
        let started = thread::Builder::new()
            .name("database-cancel".to_owned())
            .spawn(move || {
                canceller.cancel_all(&backends);
                canceller.is_busy.store(false, Relaxed);
            });
        if let Err(error) = started {
            self.is_busy.store(false, Relaxed);
            warn!(%error, "statements cannot be cancelled");
        }
    }

    fn cancel_all(&self, backends: &[Backend]) {
        let mut connection = match self.manager.open() {
            Ok(connection) => connection,
            Err(error) => {
                warn!(%error, "statements cannot be cancelled, since the database accepts no connection");
                return;
            }
        };
        for backend in backends {
            // A commit that waits for a synchronous standby is not cancelled: it would count as replicated.
            let cancel = sql_query(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity \
                 WHERE pid = $1 AND backend_start::text = $2 AND wait_event IS DISTINCT FROM 'SyncRep'",
            )
            .bind::<Integer, _>(backend.pid)
            .bind::<Text, _>(&backend.started);
            match cancel.execute(&mut connection) {
                Ok(0) => {}
                Ok(_) => self.counters.cancelled(),
                Err(error) => warn!(%error, "a statement cannot be cancelled"),
            }
        }
    }
}
