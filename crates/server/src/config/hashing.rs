//! How passwords are hashed.

use todo_infra::{Argon2id, Argon2idParams};

use super::{Variables, http::cores};

/// What hashing a password costs, and how many are hashed at a time.
#[derive(Debug)]
pub(crate) struct HashingConfig {
    pub(crate) argon2id: Argon2id,
    /// How many hashes are computed at the same time, at most.
    pub(crate) threads: usize,
    /// How many requests may wait for a hash.
    pub(crate) queue: usize,
}

/// How many requests wait for each thread that hashes: as many as it hashes in some one or two seconds. Who came after
/// them would wait for longer than requests are waited for, the more so where only half of the threads hash, and hold
/// memory meanwhile.
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

    /// How many requests that hash are served at the same time: so many that while some of them wait for the database,
    /// others hash.
    pub(crate) fn lane_width(&self) -> usize {
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
