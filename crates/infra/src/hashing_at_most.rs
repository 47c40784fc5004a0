//! Hashing passwords, but no more than so many at the same time.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use todo_domain::{
    Password, PasswordAttempt, PasswordHash,
    ports::{HashError, PasswordHasher, Verification},
};

/// A hasher that no more than so many threads use at the same time; the others wait.
///
/// It bounds what hashing takes of memory and of the processors. So there can be more threads that serve logins: while
/// some of them hash, others wait for the database.
pub struct HashingAtMost {
    hasher: Arc<dyn PasswordHasher>,
    permits: Permits,
}

impl std::fmt::Debug for HashingAtMost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HashingAtMost").finish_non_exhaustive()
    }
}

impl HashingAtMost {
    /// `hasher`, used by at most `limit` threads at the same time, or by one.
    #[must_use]
    pub fn new(hasher: Arc<dyn PasswordHasher>, limit: usize) -> Self {
        Self {
            hasher,
            permits: Permits {
                free: Mutex::new(limit.max(1)),
                freed: Condvar::new(),
            },
        }
    }

    fn when_permitted<T>(&self, work: impl FnOnce(&dyn PasswordHasher) -> T) -> T {
        let _permit = self.permits.take();
        work(&*self.hasher)
    }
}

impl PasswordHasher for HashingAtMost {
    fn hash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        self.when_permitted(|hasher| hasher.hash(password))
    }

    fn verify(
        &self,
        attempt: &PasswordAttempt,
        hash: &PasswordHash,
    ) -> Result<Verification, HashError> {
        self.when_permitted(|hasher| hasher.verify(attempt, hash))
    }

    fn renew(
        &self,
        attempt: &PasswordAttempt,
        outdated: &PasswordHash,
    ) -> Result<PasswordHash, HashError> {
        self.when_permitted(|hasher| hasher.renew(attempt, outdated))
    }

    fn verify_nothing(&self, attempt: &PasswordAttempt) -> Result<(), HashError> {
        self.when_permitted(|hasher| hasher.verify_nothing(attempt))
    }
}

struct Permits {
    free: Mutex<usize>,
    freed: Condvar,
}

/// It is given back when it is dropped, also where the work panicked.
struct Permit<'a>(&'a Permits);

impl Permits {
    fn take(&self) -> Permit<'_> {
        let free = self.lock();
        let free = self.freed.wait_while(free, |free| *free == 0);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
        Permit(self)
    }

    /// Nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.lock() += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::atomic::{AtomicUsize, Ordering::SeqCst},
        thread::{scope, sleep},
        time::Duration,
    };

    use super::*;

    /// It counts how many threads are in it, and hashes nothing: making a hash panics.
    #[derive(Default)]
    struct Counting {
        now: AtomicUsize,
        most: AtomicUsize,
        calls: AtomicUsize,
    }

    impl PasswordHasher for Counting {
        fn hash(&self, _: &Password) -> Result<PasswordHash, HashError> {
            panic!("on purpose");
        }

        fn verify(
            &self,
            attempt: &PasswordAttempt,
            _: &PasswordHash,
        ) -> Result<Verification, HashError> {
            self.verify_nothing(attempt).map(|()| Verification::Wrong)
        }

        fn renew(
            &self,
            attempt: &PasswordAttempt,
            outdated: &PasswordHash,
        ) -> Result<PasswordHash, HashError> {
            self.verify_nothing(attempt)?;
            Ok(PasswordHash::new(outdated.expose().to_owned()))
        }

        fn verify_nothing(&self, _: &PasswordAttempt) -> Result<(), HashError> {
            self.calls.fetch_add(1, SeqCst);
            self.most
                .fetch_max(self.now.fetch_add(1, SeqCst) + 1, SeqCst);
            sleep(Duration::from_millis(1));
            self.now.fetch_sub(1, SeqCst);
            Ok(())
        }
    }

    #[test]
    fn no_more_threads_hash_at_a_time_than_may() {
        let (attempt, hash) = (
            PasswordAttempt::new("correct horse").unwrap(),
            PasswordHash::new("a hash".to_owned()),
        );
        for limit in [1, 3] {
            let counting = Arc::new(Counting::default());
            let hasher = HashingAtMost::new(Arc::<Counting>::clone(&counting), limit);
            scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        for _ in 0..4 {
                            hasher.verify_nothing(&attempt).unwrap();
                            hasher.verify(&attempt, &hash).unwrap();
                            hasher.renew(&attempt, &hash).unwrap();
                        }
                    });
                }
            });
            assert_eq!(counting.calls.load(SeqCst), 96);
            assert_eq!(counting.most.load(SeqCst), limit);
            assert_eq!(*hasher.permits.lock(), limit);
        }
    }

    #[test]
    fn one_that_panicked_keeps_nobody_from_hashing() {
        let hasher = HashingAtMost::new(Arc::new(Counting::default()), 1);
        let password = Password::new("correct horse").unwrap();
        assert!(catch_unwind(AssertUnwindSafe(|| hasher.hash(&password))).is_err());
        let attempt = PasswordAttempt::new("correct horse").unwrap();
        assert!(hasher.verify_nothing(&attempt).is_ok());
    }
}
