//! Time zones, and the days in them.

use std::{fmt, str::FromStr};

use jiff::{civil::Date, tz};

use crate::Timestamp;

/// A time zone of the IANA database, by its name.
///
/// ```
/// use todo_domain::TimeZone;
///
/// let zone: TimeZone = "Europe/Berlin".parse()?;
/// assert_eq!(zone.to_string(), "Europe/Berlin");
/// assert!("Europe/Atlantis".parse::<TimeZone>().is_err());
/// # Ok::<(), todo_domain::UnknownTimeZone>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct TimeZone(tz::TimeZone);

/// The IANA database has no zone of this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an IANA time zone, such as Europe/Berlin or UTC")]
pub struct UnknownTimeZone;

impl TimeZone {
    /// UTC.
    pub const UTC: Self = Self(tz::TimeZone::UTC);

    /// The date that it is in this zone at `instant`.
    #[must_use]
    pub fn date(&self, instant: Timestamp) -> Date {
        self.0.to_datetime(instant.as_jiff()).date()
    }

    /// The first instant of a day in this zone; the last one there is, where that lies beyond it.
    #[must_use]
    pub fn start_of(&self, date: Date) -> Timestamp {
        date.to_zoned(self.0.clone())
            .map_or(Timestamp::MAX, |start| {
                Timestamp::truncate(start.timestamp())
            })
    }
}

impl FromStr for TimeZone {
    type Err = UnknownTimeZone;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match tz::TimeZone::get(name) {
            Ok(zone) if zone.iana_name().is_some() => Ok(Self(zone)),
            _ => Err(UnknownTimeZone),
        }
    }
}

impl TryFrom<String> for TimeZone {
    type Error = UnknownTimeZone;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<TimeZone> for String {
    fn from(zone: TimeZone) -> Self {
        zone.to_string()
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn a_day_begins_where_its_zone_says() {
        let berlin: TimeZone = "Europe/Berlin".parse().unwrap();
        let auckland: TimeZone = "Pacific/Auckland".parse().unwrap();
        let instant = at("2026-11-20T23:30:00Z");
        assert_eq!(TimeZone::UTC.date(instant), "2026-11-20".parse().unwrap());
        assert_eq!(berlin.date(instant), "2026-11-21".parse().unwrap());
        let day = "2026-11-21".parse().unwrap();
        assert_eq!(berlin.start_of(day), at("2026-11-20T23:00:00Z"));
        assert_eq!(auckland.start_of(day), at("2026-11-20T11:00:00Z"));
    }

    #[test]
    fn a_day_that_has_no_midnight_begins_after_it() {
        // Clocks went from 00:00 to 01:00.
        let cairo: TimeZone = "Africa/Cairo".parse().unwrap();
        let day = "2026-04-24".parse().unwrap();
        assert_eq!(cairo.start_of(day), at("2026-04-23T22:00:00Z"));
    }

    #[test]
    fn what_is_no_zone_is_refused() {
        for name in ["", "Europe/Atlantis", "+02:00", "../etc/passwd", "Local"] {
            assert_eq!(name.parse::<TimeZone>(), Err(UnknownTimeZone), "{name}");
        }
    }
}
