//! Statistics of the connection pool, for operators.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use r2d2::{
    HandleError, HandleEvent,
    event::{AcquireEvent, CheckoutEvent, ReleaseEvent, TimeoutEvent},
};

use super::uses::{MAX_ABANDONED_POOLS, Uses};

/// The state of the connection pool, and counters since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStatistics {
    /// The largest number of connections.
    pub max_connections: u32,
    /// The number of connections.
    pub connections: u32,
    /// The number of idle connections.
    pub idle: u32,
    /// The number of opened connections.
    pub opened: u64,
    /// The number of closed connections.
    pub closed: u64,
    /// The number of failed attempts to open a connection. The pool retries.
    pub not_opened: u64,
    /// The number of checkouts.
    pub handed_out: u64,
    /// The total time of waiting for connections.
    pub waited: Duration,
    /// The number of checkouts that timed out.
    pub timeouts: u64,
    /// The number of lost connections.
    pub lost: u64,
    /// The number of reads that were repeated on another connection.
    pub reads_repeated: u64,
    /// The number of changes with an unknown outcome, since the connection was lost.
    pub outcomes_unknown: u64,
    /// The number of changes that were repeated after a serialization failure or a deadlock.
    pub conflicts_repeated: u64,
    /// The number of statements that timed out or were cancelled.
    pub statements_cancelled: u64,
    /// The number of abandoned connections, which did not answer.
    pub abandoned: u64,
    /// The number of abandoned connections that are not closed yet.
    pub abandoned_now: usize,
    /// The largest number of abandoned connections.
    pub max_abandoned: usize,
}

/// The counters of a pool. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Counters(Arc<Counts>);

#[derive(Debug, Default)]
pub(super) struct Counts {
    opened: AtomicU64,
    closed: AtomicU64,
    not_opened: AtomicU64,
    handed_out: AtomicU64,
    waited_microseconds: AtomicU64,
    timeouts: AtomicU64,
    lost: AtomicU64,
    reads_repeated: AtomicU64,
    outcomes_unknown: AtomicU64,
    conflicts_repeated: AtomicU64,
    statements_cancelled: AtomicU64,
    abandoned: AtomicU64,
}

impl Counters {
    /// Counts a lost connection.
    pub(super) fn lost(&self) {
        increment(&self.0.lost);
    }

    /// Counts a read that is repeated on another connection.
    pub(super) fn read_repeated(&self) {
        increment(&self.0.reads_repeated);
    }

    /// Counts a change with an unknown outcome.
    pub(super) fn outcome_unknown(&self) {
        increment(&self.0.outcomes_unknown);
    }

    /// Counts a change that is repeated after a conflict.
    pub(super) fn conflict_repeated(&self) {
        increment(&self.0.conflicts_repeated);
    }

    /// Counts a statement that timed out or was cancelled.
    pub(super) fn cancelled(&self) {
        increment(&self.0.statements_cancelled);
    }

    /// Counts an abandoned connection.
    pub(super) fn abandoned(&self) {
        increment(&self.0.abandoned);
    }

    /// The counters, with the current state of the pool.
    pub(super) fn with(
        &self,
        state: &r2d2::State,
        max_connections: u32,
        uses: &Uses,
    ) -> PoolStatistics {
        let Counts {
            opened,
            closed,
            not_opened,
            handed_out,
            waited_microseconds,
            timeouts,
            lost,
            reads_repeated,
            outcomes_unknown,
            conflicts_repeated,
            statements_cancelled,
            abandoned,
        } = &*self.0;
        PoolStatistics {
            max_connections,
            connections: state.connections,
            idle: state.idle_connections,
            opened: opened.load(Relaxed),
            closed: closed.load(Relaxed),
            not_opened: not_opened.load(Relaxed),
            handed_out: handed_out.load(Relaxed),
            waited: Duration::from_micros(waited_microseconds.load(Relaxed)),
            timeouts: timeouts.load(Relaxed),
            lost: lost.load(Relaxed),
            reads_repeated: reads_repeated.load(Relaxed),
            outcomes_unknown: outcomes_unknown.load(Relaxed),
            conflicts_repeated: conflicts_repeated.load(Relaxed),
            statements_cancelled: statements_cancelled.load(Relaxed),
            abandoned: abandoned.load(Relaxed),
            abandoned_now: uses.abandoned(),
            max_abandoned: max_connections as usize * MAX_ABANDONED_POOLS,
        }
    }
}

impl HandleEvent for Counters {
    fn handle_acquire(&self, _: AcquireEvent) {
        increment(&self.0.opened);
    }

    fn handle_release(&self, _: ReleaseEvent) {
        increment(&self.0.closed);
    }

    fn handle_checkout(&self, event: CheckoutEvent) {
        increment(&self.0.handed_out);
        self.waited(event.duration());
    }

    fn handle_timeout(&self, event: TimeoutEvent) {
        increment(&self.0.timeouts);
        self.waited(event.timeout());
    }
}

impl<E: fmt::Debug + Send + 'static> HandleError<E> for Counters {
    /// The error itself is returned to the waiting thread.
    fn handle_error(&self, _: E) {
        increment(&self.0.not_opened);
    }
}

impl Counters {
    fn waited(&self, duration: Duration) {
        let microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.0.waited_microseconds.fetch_add(microseconds, Relaxed);
    }
}

fn increment(count: &AtomicU64) {
    count.fetch_add(1, Relaxed);
}
