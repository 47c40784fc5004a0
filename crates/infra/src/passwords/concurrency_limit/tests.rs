use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Barrier,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    thread::{scope, yield_now},
};

use super::*;

/// A hasher that counts concurrent calls. Making a hash panics.
struct CountingHasher {
    running: AtomicUsize,
    most_running: AtomicUsize,
    calls: AtomicUsize,
    /// As many first calls as the barrier has room for run at the same time.
    first_calls: usize,
    barrier: Barrier,
}

impl CountingHasher {
    fn new(first_calls: usize) -> Arc<Self> {
        Arc::new(Self {
            running: AtomicUsize::new(0),
            most_running: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            first_calls,
            barrier: Barrier::new(first_calls),
        })
    }
}

impl PasswordHasher for CountingHasher {
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
        let running = self.running.fetch_add(1, SeqCst) + 1;
        self.most_running.fetch_max(running, SeqCst);
        if self.calls.fetch_add(1, SeqCst) < self.first_calls {
            self.barrier.wait();
        }
        for _ in 0..10 {
            yield_now();
        }
        self.running.fetch_sub(1, SeqCst);
        Ok(())
    }
}

fn attempt() -> PasswordAttempt {
    PasswordAttempt::new("correct horse").unwrap()
}

/// The largest number of eight threads that hashed at the same time.
fn most_concurrent(hasher: &ConcurrencyLimitedHasher, counting: &CountingHasher) -> usize {
    let (attempt, hash) = (attempt(), PasswordHash::new("a hash".to_owned()));
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
    assert_eq!(hasher.permits.lock().in_use, 0);
    counting.most_running.load(SeqCst)
}

#[test]
fn no_more_threads_hash_than_there_are_permits() {
    for limit in [1, 3] {
        let counting = CountingHasher::new(limit);
        let hasher =
            ConcurrencyLimitedHasher::new(Arc::<CountingHasher>::clone(&counting), limit, || 7);
        assert_eq!(most_concurrent(&hasher, &counting), limit);
    }
}

#[test]
fn half_of_the_permits_are_used_while_the_service_is_busy() {
    for (limit, half) in [(1, 1), (2, 1), (3, 2), (4, 2)] {
        let counting = CountingHasher::new(half);
        let requests = AtomicU64::new(0);
        let requests = move || requests.fetch_add(1, SeqCst);
        let hasher =
            ConcurrencyLimitedHasher::new(Arc::<CountingHasher>::clone(&counting), limit, requests);
        assert_eq!(most_concurrent(&hasher, &counting), half);
    }
}

#[test]
fn all_permits_are_used_again_after_the_busy_window() {
    let start = Instant::now();
    let milliseconds = Arc::new(AtomicU64::new(0));
    let requests = Arc::new(AtomicU64::new(0));
    let hasher = ConcurrencyLimitedHasher::with_clock(
        CountingHasher::new(1),
        2,
        {
            let requests = Arc::clone(&requests);
            move || requests.load(SeqCst)
        },
        {
            let milliseconds = Arc::clone(&milliseconds);
            move || start + Duration::from_millis(milliseconds.load(SeqCst))
        },
    );
    let is_busy = || hasher.permits.lock().load.is_busy();
    assert!(!is_busy());
    requests.fetch_add(1, SeqCst);
    assert!(is_busy());
    milliseconds.store(99, SeqCst);
    assert!(is_busy());
    milliseconds.store(100, SeqCst);
    assert!(!is_busy());
    // Both at the same time, without waiting.
    let _permits = [hasher.permits.take(), hasher.permits.take()];
}

#[test]
fn permits_are_given_first_come_first_served() {
    let hasher = ConcurrencyLimitedHasher::new(CountingHasher::new(1), 1, || 0);
    let order = Mutex::new(Vec::new());
    let first = hasher.permits.take();
    scope(|scope| {
        for number in 1..=8 {
            let (hasher, order) = (&hasher, &order);
            scope.spawn(move || {
                let _permit = hasher.permits.take();
                order.lock().unwrap().push(number);
            });
            while hasher.permits.lock().next_ticket <= number {
                yield_now();
            }
        }
        drop(first);
    });
    assert_eq!(*order.lock().unwrap(), [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn a_permit_is_returned_after_a_panic() {
    let hasher = ConcurrencyLimitedHasher::new(CountingHasher::new(1), 1, || 0);
    let password = Password::new("correct horse").unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| hasher.hash(&password))).is_err());
    assert!(hasher.verify_nothing(&attempt()).is_ok());
}
