//! When a todo is to be done.

use std::{fmt, str::FromStr};

use jiff::{civil::Date, fmt::temporal::Pieces, tz::Offset};

use crate::Timestamp;

/// When a todo is to be done: on a date, whatever the time zone, or at an instant.
///
/// A date stays a date, and an instant keeps the offset from UTC that it was written with.
///
/// ```
/// use todo_domain::Due;
///
/// for text in ["2026-12-05", "2026-12-01T00:00:00Z", "2026-12-01T09:30:00+02:00"] {
///     assert_eq!(text.parse::<Due>()?.to_string(), text);
/// }
/// assert!("2026-02-30".parse::<Due>().is_err());
/// assert!("2026-12-01T09:30:00".parse::<Due>().is_err());
/// # Ok::<(), todo_domain::InvalidDue>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub enum Due {
    /// Some time on this day.
    On(Date),
    /// At this instant.
    At {
        /// The instant.
        instant: Timestamp,
        /// The offset from UTC that it was written with, in whole minutes.
        offset: Offset,
    },
}

/// The text is neither a date nor an instant with its offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a valid date, such as 2026-12-05, or an instant with its offset, such as 2026-12-01T09:30:00Z"
)]
pub struct InvalidDue;

impl Due {
    /// Where it stands among others, from early to late: an instant where it is, and a date where it begins in UTC.
    #[must_use]
    pub fn sort_key(self) -> Timestamp {
        match self {
            Self::On(date) => Offset::UTC
                .to_timestamp(date.at(0, 0, 0, 0))
                .map_or(Timestamp::MAX, Timestamp::truncate),
            Self::At { instant, .. } => instant,
        }
    }
}

/// Parses a date as `YYYY-MM-DD`, and nothing else.
pub(crate) fn parse_date(text: &str) -> Result<Date, InvalidDue> {
    const LENGTH: usize = "YYYY-MM-DD".len();
    if text.len() != LENGTH || !text.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(InvalidDue);
    }
    let Ok(date) = text.parse() else {
        return Err(InvalidDue);
    };
    Ok(date)
}

/// Parses a date and a time with an offset, as RFC 3339 has them.
fn parse_instant(text: &str) -> Option<Due> {
    let (date, time) = text.split_at_checked(10)?;
    parse_date(date).ok()?;
    if !time.starts_with(['T', 't']) || text.contains('[') {
        return None;
    }
    let pieces = Pieces::parse(text).ok()?;
    let offset = pieces.to_numeric_offset()?;
    let instant = offset.to_timestamp(pieces.date().to_datetime(pieces.time()?));
    let is_whole_minutes = offset.seconds() % 60 == 0;
    is_whole_minutes.then_some(Due::At {
        instant: Timestamp::truncate(instant.ok()?),
        offset,
    })
}

impl FromStr for Due {
    type Err = InvalidDue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match parse_date(text) {
            Ok(date) => Ok(Self::On(date)),
            Err(error) => parse_instant(text).ok_or(error),
        }
    }
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::On(date) => date.fmt(f),
            Self::At { instant, offset } if offset == Offset::UTC => instant.as_jiff().fmt(f),
            Self::At { instant, offset } => instant.as_jiff().display_with_offset(offset).fmt(f),
        }
    }
}

impl TryFrom<String> for Due {
    type Error = InvalidDue;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Due> for String {
    fn from(due: Due) -> Self {
        due.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2026-12-05")]
    #[case("2028-02-29")]
    #[case("9999-12-31")]
    #[case("2026-12-01T00:00:00Z")]
    #[case("2026-12-01T09:30:00.123456Z")]
    #[case("2026-12-01T09:30:00+02:00")]
    #[case("2026-12-01T09:30:00-09:30")]
    fn what_is_written_is_read_back(#[case] text: &str) {
        assert_eq!(text.parse::<Due>().unwrap().to_string(), text);
    }

    #[rstest]
    #[case::empty("")]
    #[case::no_such_day("2026-02-29")]
    #[case::no_such_month("2026-13-01")]
    #[case::basic_format("20261205")]
    #[case::negative_year("-026-12-05")]
    #[case::no_offset("2026-12-01T09:30:00")]
    #[case::no_such_time("2026-12-01T25:00:00Z")]
    #[case::a_zone("2026-12-01T09:30:00+01:00[Europe/Berlin]")]
    #[case::words("tomorrow")]
    #[case::blank_around(" 2026-12-05 ")]
    #[case::out_of_range("9999-12-31T23:59:59-12:00")]
    #[case::not_ascii("２０２６-12-05")]
    fn anything_else_is_refused(#[case] text: &str) {
        assert_eq!(text.parse::<Due>(), Err(InvalidDue));
    }

    #[test]
    fn a_date_sorts_where_it_begins_in_utc() {
        let key = |text: &str| text.parse::<Due>().unwrap().sort_key();
        assert_eq!(key("2026-12-05"), key("2026-12-05T00:00:00Z"));
        assert!(key("2026-12-05T01:00:00+02:00") < key("2026-12-05"));
        assert_eq!(key("9999-12-31"), Timestamp::MAX);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            if let Ok(due) = text.parse::<Due>() {
                prop_assert_eq!(due.to_string().parse::<Due>(), Ok(due));
            }
        }
    }

    /// A fuzz target.
    #[test]
    fn whatever_is_accepted_is_written_and_read_back() {
        let right = [
            "2026-12-05",
            "2026-12-01T09:30:00.123456Z",
            "9999-12-31T23:59:59-09:30",
        ];
        bolero::check!()
            .with_type::<(u8, Vec<(u8, char)>)>()
            .for_each(|(index, edits)| {
                let text = crate::fuzzing::bent(right[usize::from(*index) % right.len()], edits);
                if let Ok(due) = text.parse::<Due>() {
                    assert_eq!(due.to_string().parse(), Ok(due), "{text:?}");
                }
            });
    }
}
