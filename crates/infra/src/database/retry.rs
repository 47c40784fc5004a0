//! Repetition of changes that PostgreSQL rolled back because of conflicts.

use std::{thread::sleep, time::Duration};

use super::{ConnectionError, error::may_be_conflict};

/// The number of repetitions of a change that conflicts.
const MAX_REPETITIONS: u32 = 3;

/// The longest pause before the first repetition; it doubles with each one.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The repetitions of a change so far.
#[derive(Debug)]
pub(super) struct Repetitions {
    made: u32,
}

impl Repetitions {
    /// No repetition so far.
    pub(super) fn new() -> Self {
        Self { made: 0 }
    }

    /// Pauses before a repetition. `false` if the error is no conflict, or if there is no repetition or no time left.
    ///
    /// A conflict is a serialization failure or a deadlock: the transaction was rolled back. Every other error of a statement
    /// rolls back as well, so an error that only may be a conflict can be repeated.
    pub(super) fn pause_after(
        &mut self,
        error: &ConnectionError,
        time_left: Option<Duration>,
    ) -> bool {
        let is_repeatable =
            matches!(error, ConnectionError::Statement(error) if may_be_conflict(error));
        if !is_repeatable || self.made == MAX_REPETITIONS {
            return false;
        }
        let pause = jitter(FIRST_PAUSE * 2_u32.pow(self.made));
        if time_left.is_some_and(|left| left <= pause) {
            return false;
        }
        self.made += 1;
        sleep(pause);
        true
    }
}

/// A random duration up to `longest`, so that conflicting transactions do not conflict again.
fn jitter(longest: Duration) -> Duration {
    // Without randomness, all wait equally long.
    let random = getrandom::u32().unwrap_or(u32::MAX);
    longest.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use diesel::result::{DatabaseErrorKind, Error};

    use super::*;

    fn error(kind: DatabaseErrorKind, message: &str) -> ConnectionError {
        Error::DatabaseError(kind, Box::new(message.to_owned())).into()
    }

    #[test]
    fn conflicts_are_repeated_three_times() {
        for conflict in [
            error(DatabaseErrorKind::SerializationFailure, "in any language"),
            error(DatabaseErrorKind::Unknown, "deadlock detected"),
            error(DatabaseErrorKind::Unknown, "Verklemmung entdeckt"),
        ] {
            let mut repetitions = Repetitions::new();
            let made = (0..10).take_while(|_| repetitions.pause_after(&conflict, None));
            assert_eq!(made.count(), 3);
        }
    }

    #[test]
    fn other_errors_are_not_repeated() {
        let violation = error(DatabaseErrorKind::UniqueViolation, "it is there");
        assert!(!Repetitions::new().pause_after(&violation, None));
        let cancelled = "canceling statement due to statement timeout";
        let cancelled = error(DatabaseErrorKind::Unknown, cancelled);
        assert!(!Repetitions::new().pause_after(&cancelled, None));
        let lost = ConnectionError::OutcomeUnknown("lost".into());
        assert!(!Repetitions::new().pause_after(&lost, None));
    }

    #[test]
    fn nothing_is_repeated_past_the_deadline() {
        let conflict = error(DatabaseErrorKind::SerializationFailure, "");
        assert!(!Repetitions::new().pause_after(&conflict, Some(Duration::ZERO)));
    }
}
