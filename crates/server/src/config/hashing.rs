//! Password hashing.

use todo_infra::{Argon2id, Argon2idParams};

use super::{Variables, http::cores};

/// Cost and concurrency of password hashing.
#[derive(Debug)]
pub(crate) struct HashingConfig {
    pub(crate) argon2id: Argon2id,
    /// Maximum number of concurrent hashes.
    pub(crate) threads: usize,
    /// Length of the queue.
    pub(crate) queue: usize,
}

/// Default queue length per hashing thread: the number of hashes in one or two seconds. Further requests would exceed
/// their deadline in the queue, in particular when only half of the threads hash, and hold memory meanwhile.
const QUEUE_PER_THREAD: usize = 64;

impl HashingConfig {
    pub(super) fn read(variables: &mut Variables<'_>) -> Option<Self> {
        let default = Argon2idParams::default();
        let params = Argon2idParams {
            memory_kib: variables.number("ARGON2_MEMORY_KIB", default.memory_kib, 8),
            iterations: variables.number("ARGON2_ITERATIONS", default.iterations, 1),
            parallelism: variables.number("ARGON2_PARALLELISM", default.parallelism, 1),
        };
        let argon2id = variables.or_fault(
            "ARGON2_MEMORY_KIB, ARGON2_ITERATIONS, ARGON2_PARALLELISM",
            Argon2id::new(params),
        );
        let threads = variables.number("HASHING_THREADS", cores(), 1);
        let queue = variables.number(
            "HASHING_QUEUE_LENGTH",
            threads.saturating_mul(QUEUE_PER_THREAD),
            1,
        );
        Some(Self {
            argon2id: argon2id?,
            threads,
            queue,
        })
    }

    /// Number of threads of the hashing pool: more than concurrent hashes, so that some requests wait for the database while
    /// others hash.
    pub(crate) fn pool_threads(&self) -> usize {
        self.threads.saturating_mul(2)
    }
}

#[cfg(test)]
mod tests {
    use crate::config::testing::read;

    #[test]
    fn hashes_may_not_cost_so_much_that_they_would_not_be_verified() {
        let error = read(&[("ARGON2_MEMORY_KIB", "4194304")]).unwrap_err();
        assert!(
            error.0[0].contains("ARGON2_PARALLELISM must ask for at most 2097152 KiB"),
            "{error}"
        );
    }
}
