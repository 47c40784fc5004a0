//! What the tests of keys and tokens share.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use todo_domain::{Timestamp, ports::Clock};

/// The instant that many seconds after a day in 2026.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_microseconds((1_796_000_000 + seconds) * 1_000_000).unwrap()
}

/// A clock that is set by hand.
#[derive(Debug, Clone)]
pub(crate) struct SetClock(Arc<AtomicI64>);

impl SetClock {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.as_microseconds())))
    }

    /// The same clock, as who works with a clock is given it.
    pub(crate) fn shared(&self) -> Arc<dyn Clock> {
        Arc::new(self.clone())
    }

    pub(crate) fn set(&self, now: Timestamp) {
        self.0.store(now.as_microseconds(), Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microseconds(self.0.load(Ordering::SeqCst)).unwrap()
    }
}
