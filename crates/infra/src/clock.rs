//! The clock of the machine.

use todo_domain::{Timestamp, ports::Clock};

/// Tells the time of the machine, to the microsecond.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock port's adapter"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::truncate(jiff::Timestamp::now())
    }
}
