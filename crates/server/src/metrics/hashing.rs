//! How long password hashes take.

use std::{sync::Arc, time::Instant};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};
use todo_domain::{
    Password, PasswordAttempt, PasswordHash,
    ports::{HashError, PasswordHasher, Verification},
};

/// How long password hashes take. Cloning it is cheap, and gives the same.
#[derive(Debug, Clone)]
pub(super) struct HashingMetrics {
    duration: Family<OperationLabel, Histogram>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabel {
    operation: &'static str,
}

impl Default for HashingMetrics {
    fn default() -> Self {
        // From what tests ask for up to what is refused as absurd.
        let durations = || {
            Histogram::new([
                0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
            ])
        };
        let duration = Family::new_with_constructor(durations as fn() -> Histogram);
        for operation in ["hash", "verify"] {
            drop(duration.get_or_create(&OperationLabel { operation }));
        }
        Self { duration }
    }
}

impl HashingMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "password_hash_duration",
            "Time that it took to make a password hash, or to verify a password",
            Unit::Seconds,
            self.duration.clone(),
        );
    }

    fn time<T>(&self, operation: &'static str, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = work();
        self.duration
            .get_or_create(&OperationLabel { operation })
            .observe(began.elapsed().as_secs_f64());
        done
    }
}

/// A hasher whose time is measured.
pub(super) struct MeasuredHasher {
    hasher: Arc<dyn PasswordHasher>,
    metrics: HashingMetrics,
}

impl MeasuredHasher {
    pub(super) fn new(hasher: Arc<dyn PasswordHasher>, metrics: HashingMetrics) -> Self {
        Self { hasher, metrics }
    }
}

impl PasswordHasher for MeasuredHasher {
    fn hash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        self.metrics.time("hash", || self.hasher.hash(password))
    }

    fn verify(
        &self,
        attempt: &PasswordAttempt,
        hash: &PasswordHash,
    ) -> Result<Verification, HashError> {
        self.metrics
            .time("verify", || self.hasher.verify(attempt, hash))
    }

    fn renew(
        &self,
        attempt: &PasswordAttempt,
        outdated: &PasswordHash,
    ) -> Result<PasswordHash, HashError> {
        self.metrics
            .time("hash", || self.hasher.renew(attempt, outdated))
    }

    fn verify_nothing(&self, attempt: &PasswordAttempt) -> Result<(), HashError> {
        self.metrics
            .time("verify", || self.hasher.verify_nothing(attempt))
    }
}
