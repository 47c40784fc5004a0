//! A limit on concurrent password hashing.

use std::{
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use todo_domain::{
    Password, PasswordAttempt, PasswordHash,
    ports::{HashError, PasswordHasher, Verification},
};

/// The time for which the service counts as busy after each other request. A hash takes some 20 ms; the next request should
/// not find all processors taken by hashes.
const BUSY_WINDOW: Duration = Duration::from_millis(100);

/// A hasher with a limited number of permits: all of them while the service is idle, half of them (one at least) while it
/// is busy with other requests. A thread waits for a permit, first come, first served.
///
/// The limit bounds the memory and the processors that hashing takes. So there can be more threads that serve logins: while
/// some of them hash, others wait for the database.
///
/// A low priority alone does not keep other requests from waiting: where the database is on the same machine, Linux shares
/// the processors between the two services as groups, whatever the priorities within them (`cgroups(7)`; "The autogroup
/// feature" in `sched(7)`).
pub struct ConcurrencyLimitedHasher {
    hasher: Arc<dyn PasswordHasher>,
    permits: Permits,
}

impl fmt::Debug for ConcurrencyLimitedHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConcurrencyLimitedHasher")
            .finish_non_exhaustive()
    }
}

impl ConcurrencyLimitedHasher {
    /// Limits `hasher` to `limit` permits, and to one if that is zero.
    ///
    /// `other_requests` returns how many requests that hash nothing there were so far. It is called whenever a hash may
    /// begin.
    #[must_use]
    pub fn new(
        hasher: Arc<dyn PasswordHasher>,
        limit: usize,
        other_requests: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        Self::with_clock(hasher, limit, other_requests, Instant::now)
    }

    fn with_clock(
        hasher: Arc<dyn PasswordHasher>,
        limit: usize,
        other_requests: impl Fn() -> u64 + Send + Sync + 'static,
        now: impl Fn() -> Instant + Send + Sync + 'static,
    ) -> Self {
        let load = Load {
            last_count: other_requests(),
            other_requests: Box::new(other_requests),
            last_request: None,
            now: Box::new(now),
        };
        Self {
            hasher,
            permits: Permits {
                limit: limit.max(1),
                state: Mutex::new(PermitState {
                    in_use: 0,
                    next_ticket: 0,
                    first_ticket: 0,
                    load,
                }),
                changed: Condvar::new(),
            },
        }
    }

    fn with_permit<T>(&self, work: impl FnOnce(&dyn PasswordHasher) -> T) -> T {
        let _permit = self.permits.take();
        work(&*self.hasher)
    }
}

impl PasswordHasher for ConcurrencyLimitedHasher {
    fn hash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        self.with_permit(|hasher| hasher.hash(password))
    }

    fn verify(
        &self,
        attempt: &PasswordAttempt,
        hash: &PasswordHash,
    ) -> Result<Verification, HashError> {
        self.with_permit(|hasher| hasher.verify(attempt, hash))
    }

    fn renew(
        &self,
        attempt: &PasswordAttempt,
        outdated: &PasswordHash,
    ) -> Result<PasswordHash, HashError> {
        self.with_permit(|hasher| hasher.renew(attempt, outdated))
    }

    fn verify_nothing(&self, attempt: &PasswordAttempt) -> Result<(), HashError> {
        self.with_permit(|hasher| hasher.verify_nothing(attempt))
    }
}

struct Permits {
    limit: usize,
    state: Mutex<PermitState>,
    changed: Condvar,
}

struct PermitState {
    in_use: usize,
    /// The ticket of the next thread. Tickets make a queue, so that no thread overtakes another.
    next_ticket: u64,
    /// The ticket at the head of the queue.
    first_ticket: u64,
    load: Load,
}

/// The load by requests that hash nothing.
struct Load {
    other_requests: Box<dyn Fn() -> u64 + Send + Sync>,
    /// The number of requests when it was last read.
    last_count: u64,
    /// When that number last changed.
    last_request: Option<Instant>,
    now: Box<dyn Fn() -> Instant + Send + Sync>,
}

impl Load {
    fn is_busy(&mut self) -> bool {
        let (count, now) = ((self.other_requests)(), (self.now)());
        if count != self.last_count {
            self.last_count = count;
            self.last_request = Some(now);
        }
        self.last_request
            .is_some_and(|last| now.duration_since(last) < BUSY_WINDOW)
    }
}

/// The right to hash. It is returned when it is dropped, also after a panic.
struct Permit<'a>(&'a Permits);

impl Permits {
    fn take(&self) -> Permit<'_> {
        let mut state = self.lock();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        let state = self.changed.wait_while(state, |state| {
            if state.first_ticket != ticket {
                return true;
            }
            let limit = if state.load.is_busy() {
                self.limit.div_ceil(2)
            } else {
                self.limit
            };
            state.in_use >= limit
        });
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        state.in_use += 1;
        state.first_ticket += 1;
        drop(state);
        // There may be a permit for the next thread in the queue as well.
        self.changed.notify_all();
        Permit(self)
    }

    /// A panic while the lock is held happens before the state is changed.
    fn lock(&self) -> MutexGuard<'_, PermitState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.lock().in_use -= 1;
        // All threads, since only the head of the queue can take it.
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;
