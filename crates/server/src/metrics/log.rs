//! How the log is, asked when someone looks.

use std::fmt;

use prometheus_client::{
    collector::Collector, encoding::DescriptorEncoder, metrics::counter::ConstCounter,
};

use super::show;
use crate::malformed_requests::MalformedRequests;

/// Shows how many lines were lost, and how many requests could not be read.
pub(super) struct LogCollector {
    lost: Box<dyn Fn() -> usize + Send + Sync>,
    malformed: MalformedRequests,
}

impl fmt::Debug for LogCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogCollector").finish_non_exhaustive()
    }
}

impl LogCollector {
    pub(super) fn new(
        lost: impl Fn() -> usize + Send + Sync + 'static,
        malformed: MalformedRequests,
    ) -> Self {
        Self {
            lost: Box::new(lost),
            malformed,
        }
    }
}

impl Collector for LogCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        show(
            &mut encoder,
            "log_lines_lost",
            "Lines of the log that nobody read in time",
            &ConstCounter::new((self.lost)() as u64),
        )?;
        show(
            &mut encoder,
            "http_malformed_requests",
            "Requests that were not HTTP, or were cut off",
            &ConstCounter::new(self.malformed.count()),
        )
    }
}
