//! Logins, by what became of them.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

const SUCCEEDED: &str = "succeeded";

/// Logins, by what became of them. Cloning it is cheap, and gives the same.
#[derive(Debug, Clone)]
pub(crate) struct LoginMetrics {
    answered: Family<ResultLabel, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

impl Default for LoginMetrics {
    fn default() -> Self {
        let answered = Family::default();
        // A rate needs a counter that is there before it counts.
        for result in [SUCCEEDED, "invalid_credentials"] {
            drop(answered.get_or_create(&ResultLabel { result }));
        }
        Self { answered }
    }
}

impl LoginMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "logins",
            "Logins, by result: succeeded, or the code of the problem",
            self.answered.clone(),
        );
    }

    /// Counts a login, which succeeded or was answered with a problem of this code.
    pub(crate) fn answered(&self, code: Option<&'static str>) {
        let result = code.unwrap_or(SUCCEEDED);
        self.answered.get_or_create(&ResultLabel { result }).inc();
    }
}
