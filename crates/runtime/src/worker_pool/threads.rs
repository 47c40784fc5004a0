//! The threads of a worker pool, and the replacement of those that hang.
//!
//! A thread can hang in a foreign library for good, as in libpq when a database server is frozen, and it cannot be ended
//! from outside. So a thread whose work lasts far too long is abandoned: another takes its place, and it ends itself when
//! its work is done at last.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use tracing::{error, warn};

use super::{metrics::PoolGauges, queue::WorkReceiver};

/// How many threads can be abandoned at a time, for each thread of the pool.
const MAX_ABANDONED: usize = 4;

/// How often it is looked at how long work lasts.
const INTERVAL: Duration = Duration::from_millis(250);

type Work = Box<dyn FnOnce() + Send>;

/// The threads of a worker pool.
pub(crate) struct PoolThreads {
    name: &'static str,
    max_abandoned: usize,
    waiting: WorkReceiver<Work>,
    prepare: fn(i32),
    priority: i32,
    metrics: PoolGauges,
    epoch: Instant,
    slots: Mutex<Vec<Arc<Slot>>>,
    started: AtomicU64,
    is_exhausted: AtomicBool,
}

/// What one thread does.
#[derive(Default)]
struct Slot {
    /// When its work began, in milliseconds from the epoch, and one; 0 if it waits for work.
    since: AtomicU64,
    is_abandoned: AtomicBool,
    has_ended: AtomicBool,
}

impl PoolThreads {
    /// Starts `count` threads, each of which calls `prepare` with `priority` first. They end with the senders of the
    /// queue. A thread whose work lasts longer than `hang_limit` is replaced; without a limit, none is.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(crate) fn start(
        name: &'static str,
        count: usize,
        hang_limit: Option<Duration>,
        waiting: WorkReceiver<Work>,
        (prepare, priority): (fn(i32), i32),
        metrics: PoolGauges,
    ) -> io::Result<Arc<Self>> {
        let threads = Arc::new(Self {
            name,
            max_abandoned: count * MAX_ABANDONED,
            waiting,
            prepare,
            priority,
            metrics,
            epoch: Instant::now(),
            slots: Mutex::default(),
            started: AtomicU64::new(0),
            is_exhausted: AtomicBool::new(false),
        });
        for _ in 0..count {
            threads.add()?;
        }
        if let Some(limit) = hang_limit {
            let watched = Arc::downgrade(&threads);
            thread::Builder::new()
                .name(format!("{name}-watchdog"))
                .spawn(move || watch(&watched, limit))?;
        }
        Ok(threads)
    }

    fn add(&self) -> io::Result<()> {
        let slot = Arc::new(Slot::default());
        let of_thread = Arc::clone(&slot);
        let waiting = self.waiting.clone();
        let (prepare, priority, epoch) = (self.prepare, self.priority, self.epoch);
        let number = self.started.fetch_add(1, Relaxed);
        thread::Builder::new()
            .name(format!("{}-{number}", self.name))
            .spawn(move || {
                prepare(priority);
                while let Some(work) = waiting.pop() {
                    of_thread.since.store(milliseconds(epoch) + 1, Relaxed);
                    work();
                    of_thread.since.store(0, Relaxed);
                    if of_thread.is_abandoned.load(Relaxed) {
                        break;
                    }
                }
                of_thread.has_ended.store(true, Relaxed);
            })?;
        self.slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(slot);
        Ok(())
    }

    fn look(&self, limit: Duration) {
        let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let slots = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            slots.retain(|slot| !slot.has_ended.load(Relaxed));
            slots.clone()
        };
        let now = milliseconds(self.epoch);
        let is_abandoned = |slot: &&Arc<Slot>| slot.is_abandoned.load(Relaxed);
        let mut abandoned = slots.iter().filter(is_abandoned).count();
        for slot in slots.iter().filter(|slot| !is_abandoned(slot)) {
            let since = slot.since.load(Relaxed);
            if since == 0 || now.saturating_sub(since - 1) < limit {
                continue;
            }
            if abandoned >= self.max_abandoned {
                if !self.is_exhausted.swap(true, Relaxed) {
                    error!(
                        pool = self.name,
                        abandoned,
                        "threads hang and no more can be replaced; requests are answered with 503 until some of them \
                         end or the server is restarted"
                    );
                }
                break;
            }
            if let Err(error) = self.add() {
                error!(pool = self.name, %error, "a thread that hangs cannot be replaced");
                break;
            }
            slot.is_abandoned.store(true, Relaxed);
            abandoned += 1;
            self.metrics.abandoned();
            warn!(pool = self.name, "a thread hangs and was replaced");
        }
        if abandoned < self.max_abandoned {
            self.is_exhausted.store(false, Relaxed);
        }
        self.metrics.hanging(abandoned);
    }
}

fn watch(threads: &Weak<PoolThreads>, limit: Duration) {
    while let Some(threads) = threads.upgrade() {
        threads.look(limit);
        drop(threads);
        thread::sleep(INTERVAL);
    }
}

fn milliseconds(epoch: Instant) -> u64 {
    u64::try_from(epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
}
