//! What the pool of connections has gone through, for whoever operates the server.

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

use super::watchdog::{MAX_ABANDONED_POOLS, Uses};

/// How a pool of connections is, and what it has gone through since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStatistics {
    /// The largest number of connections.
    pub max_connections: u32,
    /// How many connections there are.
    pub connections: u32,
    /// How many of them nobody uses.
    pub idle: u32,
    /// How many connections were opened.
    pub opened: u64,
    /// How many connections were closed.
    pub closed: u64,
    /// How often a connection could not be opened. The pool goes on trying.
    pub not_opened: u64,
    /// How often a connection was handed out.
    pub handed_out: u64,
    /// For how long connections were waited for, all in all.
    pub waited: Duration,
    /// How often a connection was waited for in vain.
    pub timeouts: u64,
    /// How often a connection turned out to be lost.
    pub lost: u64,
    /// How often a read was repeated on another connection, since its own was lost.
    pub reads_repeated: u64,
    /// How often a connection was lost under a change, of which it is not known whether it was made.
    pub outcomes_unknown: u64,
    /// How often a change was repeated after a serialization failure or a deadlock.
    pub conflicts_repeated: u64,
    /// How many statements were ended by a deadline or cancelled.
    pub statements_cancelled: u64,
    /// How many connections were abandoned, since they did not answer.
    pub abandoned: u64,
    /// How many of them are not closed yet.
    pub abandoned_now: usize,
    /// How many of them there can be.
    pub max_abandoned: usize,
}

/// Counts what a pool goes through. Cloning it is cheap, and gives the same.
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
    /// Counts a connection that turned out to be lost.
    pub(super) fn lost(&self) {
        increment(&self.0.lost);
    }

    /// Counts a read that is repeated on another connection.
    pub(super) fn read_repeated(&self) {
        increment(&self.0.reads_repeated);
    }

    /// Counts a change of which it is not known whether it was made.
    pub(super) fn outcome_unknown(&self) {
        increment(&self.0.outcomes_unknown);
    }

    /// Counts a change that is repeated after a conflict.
    pub(super) fn conflict_repeated(&self) {
        increment(&self.0.conflicts_repeated);
    }

    /// Counts a statement that was ended by a deadline or cancelled.
    pub(super) fn cancelled(&self) {
        increment(&self.0.statements_cancelled);
    }

    /// Counts a connection that was abandoned.
    pub(super) fn abandoned(&self) {
        increment(&self.0.abandoned);
    }

    /// What was counted so far, with how the pool is now.
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
    /// The error itself reaches whoever waits for the connection.
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
