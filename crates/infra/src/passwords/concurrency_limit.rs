//! Hashing passwords, but no more than so many at the same time.

use std::{
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use todo_domain::{
    Password, PasswordAttempt, PasswordHash,
    ports::{HashError, PasswordHasher, Verification},
};

/// For how long others are taken to go on after each request of theirs. A hash takes some 20 ms; whoever is known to be
/// there should not find all processors taken by the next one.
const OTHERS_GO_ON_FOR: Duration = Duration::from_millis(100);

/// A hasher that no more than so many threads use at the same time, and half as many (one at least) while others ask for
/// something; the rest wait.
///
/// It bounds what hashing takes of memory and of the processors. So there can be more threads that serve logins: while
/// some of them hash, others wait for the database.
///
/// That a hash has a low priority is not enough for others not to wait for it: where the database is on the same machine,
/// Linux shares the processors between the two services as groups, whatever has which priority within them
/// (`cgroups(7)`; "The autogroup feature" in `sched(7)`).
pub struct HashingAtMost {
    hasher: Arc<dyn PasswordHasher>,
    permits: Permits,
}

impl fmt::Debug for HashingAtMost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashingAtMost").finish_non_exhaustive()
    }
}

impl HashingAtMost {
    /// `hasher`, used by at most `limit` threads at the same time, or by one.
    ///
    /// `others` tells how many requests there were so far of those that hash nothing. It is asked whenever a hash may
    /// begin.
    #[must_use]
    pub fn new(
        hasher: Arc<dyn PasswordHasher>,
        limit: usize,
        others: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        let others = Others {
            seen: others(),
            count: Box::new(others),
            last: None,
        };
        Self {
            hasher,
            permits: Permits {
                limit: limit.max(1),
                in_use: Mutex::new(InUse {
                    permits: 0,
                    next: 0,
                    head: 0,
                    others,
                }),
                changed: Condvar::new(),
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
    limit: usize,
    in_use: Mutex<InUse>,
    changed: Condvar,
}

struct InUse {
    permits: usize,
    /// The number of whoever asks next; the numbers wait in a line, so that nobody is overtaken.
    next: u64,
    /// The number at the head of the line.
    head: u64,
    others: Others,
}

/// Whoever asks for something that hashes nothing.
struct Others {
    count: Box<dyn Fn() -> u64 + Send + Sync>,
    /// What was counted when it was last asked for.
    seen: u64,
    /// When there were last more than before.
    last: Option<Instant>,
}

impl Others {
    fn are_there(&mut self) -> bool {
        let count = (self.count)();
        if count != self.seen {
            self.seen = count;
            self.last = Some(Instant::now());
        }
        self.last
            .is_some_and(|last| last.elapsed() < OTHERS_GO_ON_FOR)
    }
}

/// It is given back when it is dropped, also where the work panicked.
struct Permit<'a>(&'a Permits);

impl Permits {
    fn take(&self) -> Permit<'_> {
        let mut in_use = self.lock();
        let number = in_use.next;
        in_use.next += 1;
        let in_use = self.changed.wait_while(in_use, |in_use| {
            if in_use.head != number {
                return true;
            }
            let limit = if in_use.others.are_there() {
                self.limit.div_ceil(2)
            } else {
                self.limit
            };
            in_use.permits >= limit
        });
        let mut in_use = in_use.unwrap_or_else(PoisonError::into_inner);
        in_use.permits += 1;
        in_use.head += 1;
        drop(in_use);
        // There may be a permit for the next in the line as well.
        self.changed.notify_all();
        Permit(self)
    }

    /// What panics while it is held panics before anything is changed.
    fn lock(&self) -> MutexGuard<'_, InUse> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.lock().permits -= 1;
        // All, since only the head of the line takes it.
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
        thread::{scope, sleep},
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

    fn attempt() -> PasswordAttempt {
        PasswordAttempt::new("correct horse").unwrap()
    }

    /// How many of eight threads hashed at the same time at most.
    fn most_at_a_time(hasher: &HashingAtMost, counting: &Counting) -> usize {
        let (attempt, hash) = (attempt(), PasswordHash::new("a hash".to_owned()));
        counting.calls.store(0, SeqCst);
        counting.most.store(0, SeqCst);
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
        assert_eq!(hasher.permits.lock().permits, 0);
        counting.most.load(SeqCst)
    }

    #[test]
    fn no_more_threads_hash_at_a_time_than_may() {
        for limit in [1, 3] {
            let counting = Arc::new(Counting::default());
            let hasher = HashingAtMost::new(Arc::<Counting>::clone(&counting), limit, || 7);
            assert_eq!(most_at_a_time(&hasher, &counting), limit);
        }
    }

    #[test]
    fn half_of_them_hash_while_others_ask_for_something() {
        for (limit, half) in [(1, 1), (2, 1), (3, 2), (4, 2)] {
            let counting = Arc::new(Counting::default());
            let others = AtomicU64::new(0);
            let others = move || others.fetch_add(1, SeqCst);
            let hasher = HashingAtMost::new(Arc::<Counting>::clone(&counting), limit, others);
            assert_eq!(most_at_a_time(&hasher, &counting), half);
        }
    }

    #[test]
    fn all_of_them_hash_again_when_others_have_gone() {
        let counting = Arc::new(Counting::default());
        let others = Arc::new(AtomicU64::new(0));
        let count = {
            let others = Arc::clone(&others);
            move || others.load(SeqCst)
        };
        let hasher = HashingAtMost::new(Arc::<Counting>::clone(&counting), 2, count);
        others.fetch_add(1, SeqCst);
        hasher.verify_nothing(&attempt()).unwrap();
        assert!(hasher.permits.lock().others.last.is_some());
        sleep(OTHERS_GO_ON_FOR);
        assert_eq!(most_at_a_time(&hasher, &counting), 2);
    }

    #[test]
    fn nobody_is_overtaken() {
        let counting = Arc::new(Counting::default());
        let hasher = HashingAtMost::new(counting, 1, || 0);
        let order = Mutex::new(Vec::new());
        let first = hasher.permits.take();
        scope(|scope| {
            for number in 1..=8 {
                let (hasher, order) = (&hasher, &order);
                scope.spawn(move || {
                    let _permit = hasher.permits.take();
                    order.lock().unwrap().push(number);
                });
                while hasher.permits.lock().next <= number {
                    std::thread::yield_now();
                }
            }
            drop(first);
        });
        assert_eq!(*order.lock().unwrap(), [1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn one_that_panicked_keeps_nobody_from_hashing() {
        let hasher = HashingAtMost::new(Arc::new(Counting::default()), 1, || 0);
        let password = Password::new("correct horse").unwrap();
        assert!(catch_unwind(AssertUnwindSafe(|| hasher.hash(&password))).is_err());
        assert!(hasher.verify_nothing(&attempt()).is_ok());
    }
}
