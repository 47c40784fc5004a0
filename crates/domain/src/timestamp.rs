//! Instants, to the microsecond.

use std::{fmt, time::Duration};

use jiff::fmt::{StdFmtWrite, temporal::DateTimePrinter};

/// An instant in UTC, to the microsecond: the finest unit that every storage keeps.
///
/// It is written as RFC 3339 with six decimals and a `Z`.
///
/// ```
/// use todo_domain::Timestamp;
///
/// let instant = Timestamp::from_microseconds(1_764_590_400_000_001)?;
/// assert_eq!(instant.to_string(), "2025-12-01T12:00:00.000001Z");
/// # Ok::<(), todo_domain::TimestampError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct Timestamp(jiff::Timestamp);

/// Why a value is no [`Timestamp`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimestampError {
    /// Before the year -9999 or after the year 9999.
    #[error("lies outside the years -9999 to 9999")]
    OutOfRange,
    /// Not an RFC 3339 date and time with an offset.
    #[error("must be a date and time such as 2026-12-01T09:30:00Z")]
    Malformed,
}

impl Timestamp {
    /// The last instant that there is: 9999-12-30T22:00:00Z.
    pub const MAX: Self = Self(jiff::Timestamp::constant(253_402_207_200, 0));

    /// The instant that many microseconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`TimestampError::OutOfRange`].
    pub fn from_microseconds(microseconds: i64) -> Result<Self, TimestampError> {
        let Ok(instant) = jiff::Timestamp::from_microsecond(microseconds) else {
            return Err(TimestampError::OutOfRange);
        };
        Ok(Self(instant).min(Self::MAX))
    }

    /// Takes an instant, cutting off what is finer than a microsecond, and what is later than [`Timestamp::MAX`].
    #[must_use]
    pub fn truncate(instant: jiff::Timestamp) -> Self {
        let finer = instant.subsec_nanosecond().rem_euclid(1_000);
        let finer = jiff::SignedDuration::from_nanos(i64::from(finer));
        Self(instant.checked_sub(finer).unwrap_or(instant)).min(Self::MAX)
    }

    /// The instant, as the date library has it.
    #[must_use]
    pub fn as_jiff(self) -> jiff::Timestamp {
        self.0
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn as_microseconds(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    #[must_use]
    pub fn as_seconds(self) -> i64 {
        self.as_microseconds().div_euclid(1_000_000)
    }

    /// The same instant without its fraction of a second, rounded down.
    #[must_use]
    pub fn floor_to_second(self) -> Self {
        jiff::Timestamp::from_second(self.as_seconds()).map_or(self, Self)
    }

    /// The time from this instant to a later one; none, where that is not later.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        Duration::try_from(later.0.duration_since(self.0)).unwrap_or_default()
    }

    /// The instant `duration` earlier; the first one there is, where that lies before it.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self::truncate(self.0.checked_sub(duration).unwrap_or(jiff::Timestamp::MIN))
    }

    /// The instant `duration` later; the last one there is, where that lies beyond it.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self::truncate(self.0.checked_add(duration).unwrap_or(jiff::Timestamp::MAX))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));
        PRINTER
            .print_timestamp(&self.0, StdFmtWrite(f))
            .map_err(|_unwritten| fmt::Error)
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let Ok(instant) = text.parse::<jiff::Timestamp>() else {
            return Err(TimestampError::Malformed);
        };
        Ok(Self::truncate(instant))
    }
}

impl From<Timestamp> for String {
    fn from(instant: Timestamp) -> Self {
        instant.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn finer_than_a_microsecond_is_cut_off() {
        for (nanoseconds, microseconds) in [(1_999, 1), (-1, -1), (-1_000, -1), (0, 0)] {
            let instant = jiff::Timestamp::from_nanosecond(nanoseconds).unwrap();
            assert_eq!(Timestamp::truncate(instant).as_microseconds(), microseconds);
        }
    }

    #[test]
    fn the_fraction_always_has_six_digits() {
        let instant = Timestamp::from_microseconds(0).unwrap();
        assert_eq!(instant.to_string(), "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn adding_stops_at_the_last_instant() {
        let instant = Timestamp::from_microseconds(0).unwrap();
        let last = instant.saturating_add(Duration::MAX);
        assert_eq!(last, Timestamp::MAX);
        assert_eq!(last, Timestamp::truncate(jiff::Timestamp::MAX));
        assert_eq!(
            Timestamp::from_microseconds(last.as_microseconds()),
            Ok(last)
        );
        assert_eq!(last, last.saturating_add(Duration::from_secs(1)));
    }

    proptest! {
        #[test]
        fn microseconds_and_text_survive_a_round_trip(
            microseconds in -62_135_596_800_000_000_i64..253_402_207_200_000_000,
        ) {
            let instant = Timestamp::from_microseconds(microseconds).unwrap();
            prop_assert_eq!(instant.as_microseconds(), microseconds);
            prop_assert_eq!(Timestamp::try_from(instant.to_string()).unwrap(), instant);
            prop_assert!(instant.floor_to_second() <= instant);
            prop_assert_eq!(instant.floor_to_second().as_seconds(), instant.as_seconds());
        }
    }

    /// A fuzz target.
    #[test]
    fn whatever_is_accepted_is_written_and_read_back() {
        bolero::check!()
            .with_type::<Vec<(u8, char)>>()
            .for_each(|edits| {
                let text = crate::fuzzing::bent("2026-12-01T09:30:00.000001Z", edits);
                if let Ok(instant) = Timestamp::try_from(text.clone()) {
                    let written = instant.to_string();
                    assert_eq!(Timestamp::try_from(written), Ok(instant), "{text:?}");
                }
            });
    }
}
