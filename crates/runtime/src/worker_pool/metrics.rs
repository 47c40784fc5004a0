//! How full the worker pools are, how long work waits and runs in them, and what they refuse.

use std::time::Instant;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::{WorkerPoolError, WorkerPoolSettings};

/// What is measured of worker pools, each under its name. Cloning it is cheap, and gives the same.
#[derive(Debug, Clone)]
pub struct WorkerPoolMetrics {
    threads: Family<PoolLabel, Gauge>,
    queue_limit: Family<PoolLabel, Gauge>,
    queued: Family<PoolLabel, Gauge>,
    running: Family<PoolLabel, Gauge>,
    wait: Family<PoolLabel, Histogram>,
    run: Family<PoolLabel, Histogram>,
    refused: Family<ReasonLabels, Counter>,
    failed: Family<ReasonLabels, Counter>,
    abandoned: Family<PoolLabel, Counter>,
    hanging: Family<PoolLabel, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PoolLabel {
    pool: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    pool: &'static str,
    reason: &'static str,
}

impl Default for WorkerPoolMetrics {
    fn default() -> Self {
        Self {
            threads: Family::default(),
            queue_limit: Family::default(),
            queued: Family::default(),
            running: Family::default(),
            wait: Family::new_with_constructor(durations),
            run: Family::new_with_constructor(durations),
            refused: Family::default(),
            failed: Family::default(),
            abandoned: Family::default(),
            hanging: Family::default(),
        }
    }
}

impl WorkerPoolMetrics {
    /// Registers the metrics.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "worker_pool_threads",
            "Threads of a worker pool",
            self.threads.clone(),
        );
        registry.register(
            "worker_pool_queue_limit",
            "Maximum length of the queue of a worker pool",
            self.queue_limit.clone(),
        );
        registry.register(
            "worker_pool_queue_depth",
            "Jobs in the queue of a worker pool",
            self.queued.clone(),
        );
        registry.register(
            "worker_pool_busy",
            "Jobs that a worker pool runs",
            self.running.clone(),
        );
        registry.register_with_unit(
            "worker_pool_wait",
            "Time from the submission of a job to its start",
            Unit::Seconds,
            self.wait.clone(),
        );
        registry.register_with_unit(
            "worker_pool_run",
            "Duration of a job",
            Unit::Seconds,
            self.run.clone(),
        );
        registry.register(
            "worker_pool_rejected",
            "Jobs that never ran: the queue was full, or the deadline passed in the queue",
            self.refused.clone(),
        );
        registry.register(
            "worker_pool_failed",
            "Jobs that overran their deadline, or panicked",
            self.failed.clone(),
        );
        registry.register(
            "worker_pool_threads_replaced",
            "Threads that were replaced because they hang",
            self.abandoned.clone(),
        );
        registry.register(
            "worker_pool_threads_hanging",
            "Replaced threads that have not ended",
            self.hanging.clone(),
        );
    }

    /// What is measured of the pool of this name.
    pub(crate) fn of(&self, name: &'static str, settings: WorkerPoolSettings) -> PoolGauges {
        let label = PoolLabel { pool: name };
        let gauge = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        self.threads
            .get_or_create(&label)
            .set(gauge(settings.threads));
        self.queue_limit
            .get_or_create(&label)
            .set(gauge(settings.queue));
        let counter = |family: &Family<ReasonLabels, Counter>, reason| {
            family.get_or_create_owned(&ReasonLabels { pool: name, reason })
        };
        PoolGauges {
            queued: self.queued.get_or_create_owned(&label),
            running: self.running.get_or_create_owned(&label),
            wait: self.wait.get_or_create_owned(&label),
            run: self.run.get_or_create_owned(&label),
            full: counter(&self.refused, "full"),
            not_started: counter(&self.refused, "deadline"),
            not_finished: counter(&self.failed, "deadline"),
            panicked: counter(&self.failed, "panic"),
            abandoned: self.abandoned.get_or_create_owned(&label),
            hanging: self.hanging.get_or_create_owned(&label),
        }
    }
}

/// What is measured of one worker pool. Cloning it is cheap, and gives the same.
#[derive(Debug, Clone)]
pub(crate) struct PoolGauges {
    queued: Gauge,
    running: Gauge,
    wait: Histogram,
    run: Histogram,
    full: Counter,
    not_started: Counter,
    not_finished: Counter,
    panicked: Counter,
    abandoned: Counter,
    hanging: Gauge,
}

impl PoolGauges {
    /// Counts a piece of work as waiting until it begins, or is dropped.
    pub(crate) fn queued(&self) -> Queued {
        self.queued.inc();
        Queued {
            since: Instant::now(),
            metrics: self.clone(),
        }
    }

    /// Counts a thread that was replaced.
    pub(crate) fn abandoned(&self) {
        self.abandoned.inc();
    }

    /// Shows how many threads were replaced and have not ended yet.
    pub(crate) fn hanging(&self, threads: usize) {
        self.hanging.set(i64::try_from(threads).unwrap_or(i64::MAX));
    }

    /// Counts work that came to nothing.
    pub(crate) fn failed(&self, error: WorkerPoolError) {
        let counter = match error {
            WorkerPoolError::Full => &self.full,
            WorkerPoolError::NotStarted => &self.not_started,
            WorkerPoolError::NotFinished => &self.not_finished,
            WorkerPoolError::Panicked => &self.panicked,
        };
        counter.inc();
    }
}

/// A piece of work that waits.
pub(crate) struct Queued {
    since: Instant,
    metrics: PoolGauges,
}

impl Queued {
    /// Counts the work as running until what this gives is dropped.
    pub(crate) fn begin(self) -> Running {
        let metrics = self.metrics.clone();
        metrics.wait.observe(self.since.elapsed().as_secs_f64());
        metrics.running.inc();
        Running {
            since: Instant::now(),
            metrics,
        }
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.metrics.queued.dec();
    }
}

/// A piece of work that runs.
pub(crate) struct Running {
    since: Instant,
    metrics: PoolGauges,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.metrics.running.dec();
        self.metrics.run.observe(self.since.elapsed().as_secs_f64());
    }
}

/// A histogram of durations in seconds, from half a millisecond to ten seconds.
#[must_use]
pub fn durations() -> Histogram {
    Histogram::new([
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    ])
}
