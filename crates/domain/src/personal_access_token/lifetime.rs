//! For how long a token counts.

use std::time::Duration;

use crate::Timestamp;

/// For how long a token counts: 1 to 366 days of 24 hours. None counts for ever.
///
/// ```
/// use todo_domain::TokenLifetime;
///
/// assert!(TokenLifetime::from_days(366).is_ok());
/// assert!(TokenLifetime::from_days(367).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenLifetime {
    days: u16,
}

/// A token cannot count for as long, or for as short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be from 1 to {}", TokenLifetime::MAX_DAYS)]
pub struct InvalidTokenLifetime;

impl TokenLifetime {
    /// The largest number of days: a year, whichever.
    pub const MAX_DAYS: u16 = 366;

    /// Takes a number of days.
    ///
    /// # Errors
    /// [`InvalidTokenLifetime`].
    pub fn from_days(days: i64) -> Result<Self, InvalidTokenLifetime> {
        match u16::try_from(days) {
            Ok(days @ 1..=Self::MAX_DAYS) => Ok(Self { days }),
            _ => Err(InvalidTokenLifetime),
        }
    }

    /// The instant from which a token no longer counts that is made at `now`.
    #[must_use]
    pub fn end(self, now: Timestamp) -> Timestamp {
        now.saturating_add(Duration::from_hours(24) * u32::from(self.days))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_1_to_366_days() {
        for days in [1, 30, 366] {
            assert!(TokenLifetime::from_days(days).is_ok(), "{days}");
        }
        for days in [i64::MIN, -1, 0, 367, 65_537, i64::MAX] {
            let lifetime = TokenLifetime::from_days(days);
            assert_eq!(lifetime, Err(InvalidTokenLifetime), "{days}");
        }
    }

    #[test]
    fn a_day_has_24_hours() {
        let now = Timestamp::from_microseconds(1).unwrap();
        let end = TokenLifetime::from_days(2).unwrap().end(now);
        assert_eq!(end.as_microseconds(), 2 * 86_400_000_000 + 1);
    }
}
