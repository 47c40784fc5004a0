//! How full the lanes are, how long work waits and runs in them, and what they refuse.

use std::time::Instant;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::durations;
use crate::lane::{LaneError, LaneSettings};

/// What is measured of lanes, each under its name. Cloning it is cheap, and gives the same.
#[derive(Debug, Clone)]
pub struct LaneMetrics {
    width: Family<LaneLabel, Gauge>,
    queue_limit: Family<LaneLabel, Gauge>,
    queued: Family<LaneLabel, Gauge>,
    running: Family<LaneLabel, Gauge>,
    wait: Family<LaneLabel, Histogram>,
    run: Family<LaneLabel, Histogram>,
    refused: Family<ReasonLabels, Counter>,
    failed: Family<ReasonLabels, Counter>,
    abandoned: Family<LaneLabel, Counter>,
    hanging: Family<LaneLabel, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LaneLabel {
    lane: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    lane: &'static str,
    reason: &'static str,
}

impl Default for LaneMetrics {
    fn default() -> Self {
        Self {
            width: Family::default(),
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

impl LaneMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "lane_width",
            "Pieces of work that a lane can run at the same time",
            self.width.clone(),
        );
        registry.register(
            "lane_queue_limit",
            "Pieces of work that may wait in a lane",
            self.queue_limit.clone(),
        );
        registry.register(
            "lane_queued",
            "Pieces of work that wait in a lane",
            self.queued.clone(),
        );
        registry.register(
            "lane_running",
            "Pieces of work that run in a lane",
            self.running.clone(),
        );
        registry.register_with_unit(
            "lane_wait",
            "Time for which work waited in a lane before it began",
            Unit::Seconds,
            self.wait.clone(),
        );
        registry.register_with_unit(
            "lane_run",
            "Time for which work ran in a lane",
            Unit::Seconds,
            self.run.clone(),
        );
        registry.register(
            "lane_refused",
            "Work that never ran, since the queue was full or its deadline passed while it waited",
            self.refused.clone(),
        );
        registry.register(
            "lane_failed",
            "Work that ran past its deadline, or panicked",
            self.failed.clone(),
        );
        registry.register(
            "lane_threads_abandoned",
            "Threads that were replaced because they hang",
            self.abandoned.clone(),
        );
        registry.register(
            "lane_threads_hanging",
            "Threads that were replaced and have not ended yet",
            self.hanging.clone(),
        );
    }

    /// What is measured of the lane of this name.
    pub(crate) fn of(&self, name: &'static str, settings: LaneSettings) -> LaneMetricsOf {
        let label = LaneLabel { lane: name };
        let gauge = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        self.width.get_or_create(&label).set(gauge(settings.width));
        self.queue_limit
            .get_or_create(&label)
            .set(gauge(settings.queue));
        let counter = |family: &Family<ReasonLabels, Counter>, reason| {
            family.get_or_create_owned(&ReasonLabels { lane: name, reason })
        };
        LaneMetricsOf {
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

/// What is measured of one lane. Cloning it is cheap, and gives the same.
#[derive(Debug, Clone)]
pub(crate) struct LaneMetricsOf {
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

impl LaneMetricsOf {
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
    pub(crate) fn failed(&self, error: LaneError) {
        let counter = match error {
            LaneError::Full => &self.full,
            LaneError::NotStarted => &self.not_started,
            LaneError::NotFinished => &self.not_finished,
            LaneError::Panicked => &self.panicked,
        };
        counter.inc();
    }
}

/// A piece of work that waits.
pub(crate) struct Queued {
    since: Instant,
    metrics: LaneMetricsOf,
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
    metrics: LaneMetricsOf,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.metrics.running.dec();
        self.metrics.run.observe(self.since.elapsed().as_secs_f64());
    }
}
