//! The allowance of a rate: it can be used at once, and comes back evenly within a minute (GCRA).

use std::{num::NonZeroU32, time::Duration};

use todo_domain::Timestamp;

/// The window of the rate.
pub(super) const WINDOW: Duration = Duration::from_mins(1);

/// The instant at which the whole allowance is there again (GCRA's theoretical arrival time), after one more use at `now`.
///
/// `full_at` is that instant so far. It is further ahead than the window only if the clock was set back: then it says
/// nothing.
///
/// # Errors
/// The time after which one more use is allowed.
pub(super) fn use_one(
    full_at: Option<Timestamp>,
    now: Timestamp,
    per_minute: NonZeroU32,
) -> Result<Timestamp, Duration> {
    let used = full_at
        .map(|full_at| now.until(full_at))
        .filter(|used| *used <= WINDOW)
        .unwrap_or_default();
    let used = used + WINDOW / per_minute.get();
    if used > WINDOW {
        return Err(used.saturating_sub(WINDOW));
    }
    Ok(now.saturating_add(used))
}
