//! Logins, by what became of them.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use todo_application::account::LoginLimit;

const SUCCEEDED: &str = "succeeded";

/// Logins, by what became of them. Cloning it is cheap, and gives the same.
#[derive(Debug, Clone)]
pub(crate) struct LoginMetrics {
    answered: Family<ResultLabel, Counter>,
    limited: Family<LimitLabel, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabel {
    limit: &'static str,
}

impl Default for LoginMetrics {
    fn default() -> Self {
        let answered = Family::default();
        // A rate needs a counter that is there before it counts.
        for result in [SUCCEEDED, "invalid_credentials", "account_disabled"] {
            drop(answered.get_or_create(&ResultLabel { result }));
        }
        let limited = Family::default();
        for limit in ["in_flight", "rate"] {
            drop(limited.get_or_create(&LimitLabel { limit }));
        }
        Self { answered, limited }
    }
}

impl LoginMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "logins",
            "Logins, by result: succeeded, or the code of the problem",
            self.answered.clone(),
        );
        registry.register(
            "logins_limited",
            "Logins refused before anything was hashed, by the limit of the account or the known device: in_flight or rate",
            self.limited.clone(),
        );
    }

    /// Counts a login that exceeded a limit.
    pub(crate) fn limited(&self, limit: LoginLimit) {
        let limit = limit.as_str();
        self.limited.get_or_create(&LimitLabel { limit }).inc();
    }

    /// Counts a login, which succeeded or was answered with a problem of this code.
    pub(crate) fn answered(&self, code: Option<&'static str>) {
        let result = code.unwrap_or(SUCCEEDED);
        self.answered.get_or_create(&ResultLabel { result }).inc();
    }
}
