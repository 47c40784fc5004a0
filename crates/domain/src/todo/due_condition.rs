//! Which todos are meant by when they are due.

use std::str::FromStr;

use jiff::{ToSpan, civil::Date, civil::Weekday};

use super::{Due, Todo, due::parse_date};
use crate::{TimeZone, Timestamp};

/// A time that a person means, seen from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DuePeriod {
    /// Before now, or on a day before today, and not done.
    Overdue,
    /// Today.
    Today,
    /// Tomorrow.
    Tomorrow,
    /// From this week's Monday to its Sunday (ISO 8601).
    ThisWeek,
    /// From next week's Monday to its Sunday.
    NextWeek,
    /// Never.
    None,
}

/// The text names no [`DuePeriod`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be overdue, today, tomorrow, this_week, next_week or none")]
pub struct InvalidDuePeriod;

/// The text is not a date as `YYYY-MM-DD`, or there is no such day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a valid date, such as 2026-12-05")]
pub struct InvalidDate;

/// Days from the first to the last, both included; without one of them, there is no bound on that side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    first: Option<Date>,
    last: Option<Date>,
}

/// The last day comes before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must not be before the first day")]
pub struct DaysReversed;

/// When a todo must be due to be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueCondition {
    /// Never.
    Never,
    /// On one of these days, or at an instant of one of them.
    Within {
        /// The first day.
        first: Option<Date>,
        /// The last day.
        last: Option<Date>,
        /// The first instant of the first day, where the caller is.
        from: Option<Timestamp>,
        /// The first instant after the last day, where the caller is.
        until: Option<Timestamp>,
    },
    /// On a day before today or at an instant before now, and not done.
    Overdue {
        /// Today, where the caller is.
        today: Date,
        /// Now.
        now: Timestamp,
    },
}

/// Reads a date as `YYYY-MM-DD`.
///
/// # Errors
/// [`InvalidDate`].
pub fn date(text: &str) -> Result<Date, InvalidDate> {
    let Ok(date) = parse_date(text) else {
        return Err(InvalidDate);
    };
    Ok(date)
}

impl Days {
    /// From the first day to the last.
    ///
    /// # Errors
    /// [`DaysReversed`].
    pub fn new(first: Option<Date>, last: Option<Date>) -> Result<Self, DaysReversed> {
        match (first, last) {
            (Some(first), Some(last)) if last < first => Err(DaysReversed),
            _ => Ok(Self { first, last }),
        }
    }

    /// One day.
    #[must_use]
    pub fn one(day: Date) -> Self {
        Self {
            first: Some(day),
            last: Some(day),
        }
    }

    /// What being due on one of these days means in a time zone.
    #[must_use]
    pub fn condition(self, zone: &TimeZone) -> DueCondition {
        DueCondition::Within {
            first: self.first,
            last: self.last,
            from: self.first.map(|first| zone.start_of(first)),
            until: self.last.map(|last| zone.start_of(days_after(last, 1))),
        }
    }
}

impl DuePeriod {
    /// What it means at `now` in a time zone.
    #[must_use]
    pub fn condition(self, now: Timestamp, zone: &TimeZone) -> DueCondition {
        let today = zone.date(now);
        let since_monday = i32::from(today.weekday().since(Weekday::Monday));
        let week = |weeks: i32| {
            let monday = days_after(today, weeks * 7 - since_monday);
            Days {
                first: Some(monday),
                last: Some(days_after(monday, 6)),
            }
        };
        match self {
            Self::None => DueCondition::Never,
            Self::Overdue => DueCondition::Overdue { today, now },
            Self::Today => Days::one(today).condition(zone),
            Self::Tomorrow => Days::one(days_after(today, 1)).condition(zone),
            Self::ThisWeek => week(0).condition(zone),
            Self::NextWeek => week(1).condition(zone),
        }
    }
}

/// So many days later; the same day, where the calendar ends.
fn days_after(date: Date, days: i32) -> Date {
    date.checked_add(days.days()).unwrap_or(date)
}

impl DueCondition {
    /// Whether `todo` is meant.
    #[must_use]
    pub fn matches(&self, todo: &Todo) -> bool {
        match (*self, todo.due) {
            (Self::Never, due) => due.is_none(),
            (_, None) => false,
            (Self::Overdue { today, now }, Some(due)) => {
                !todo.is_completed()
                    && match due {
                        Due::On(date) => date < today,
                        Due::At { instant, .. } => instant < now,
                    }
            }
            (Self::Within { first, last, .. }, Some(Due::On(date))) => {
                first.is_none_or(|first| first <= date) && last.is_none_or(|last| date <= last)
            }
            (Self::Within { from, until, .. }, Some(Due::At { instant, .. })) => {
                from.is_none_or(|from| from <= instant) && until.is_none_or(|until| instant < until)
            }
        }
    }
}

impl FromStr for DuePeriod {
    type Err = InvalidDuePeriod;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "overdue" => Ok(Self::Overdue),
            "today" => Ok(Self::Today),
            "tomorrow" => Ok(Self::Tomorrow),
            "this_week" => Ok(Self::ThisWeek),
            "next_week" => Ok(Self::NextWeek),
            "none" => Ok(Self::None),
            _ => Err(InvalidDuePeriod),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::try_from(text.to_owned()).unwrap()
    }

    fn days(first: &str, last: &str, zone: &TimeZone) -> DueCondition {
        let days = Days::new(Some(date(first).unwrap()), Some(date(last).unwrap()));
        days.unwrap().condition(zone)
    }

    #[rstest]
    #[case("today", "2026-11-21", "2026-11-21")]
    #[case("tomorrow", "2026-11-22", "2026-11-22")]
    #[case("this_week", "2026-11-16", "2026-11-22")]
    #[case("next_week", "2026-11-23", "2026-11-29")]
    fn a_period_is_days_where_the_caller_is(
        #[case] period: DuePeriod,
        #[case] first: &str,
        #[case] last: &str,
    ) {
        // Saturday in Berlin, still Friday in UTC.
        let now = at("2026-11-20T23:30:00Z");
        let berlin: TimeZone = "Europe/Berlin".parse().unwrap();
        assert_eq!(period.condition(now, &berlin), days(first, last, &berlin));
    }

    #[test]
    fn a_week_begins_on_monday_and_ends_on_sunday() {
        for (now, monday) in [
            ("2026-11-16T00:00:00Z", "2026-11-16"),
            ("2026-11-22T23:59:59Z", "2026-11-16"),
            ("2026-11-23T00:00:00Z", "2026-11-23"),
        ] {
            let condition = DuePeriod::ThisWeek.condition(at(now), &TimeZone::UTC);
            let DueCondition::Within { first, .. } = condition else {
                panic!("{condition:?}");
            };
            assert_eq!(first, Some(date(monday).unwrap()), "{now}");
        }
    }

    #[test]
    fn days_must_not_be_reversed() {
        let (first, last) = (date("2026-12-02").unwrap(), date("2026-12-01").unwrap());
        assert_eq!(Days::new(Some(first), Some(last)), Err(DaysReversed));
        assert!(Days::new(Some(last), None).is_ok());
        assert!(Days::new(Some(last), Some(last)).is_ok());
    }

    #[test]
    fn the_last_day_of_the_calendar_is_a_day_too() {
        let last = Days::one(date("9999-12-31").unwrap()).condition(&TimeZone::UTC);
        assert!(matches!(last, DueCondition::Within { .. }));
    }
}
