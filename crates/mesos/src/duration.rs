//! Spans of time as Mesos writes them, `10secs`; mirrors `stout/duration.hpp`.
//!
//! The type is [`std::time::Duration`]. libprocess counts in signed 64-bit nanoseconds: its
//! durations may be negative and end after 292 years. Here a negative one is an error where it comes
//! in ([`TryFrom`] a [`DurationInfo`], [`create`]), and a longer one is cut off where it goes out.

use std::{fmt, time::Duration};

use crate::{DurationInfo, number};

/// The longest duration that libprocess can express.
#[doc(alias = "Duration::max")]
pub const MAX: Duration = Duration::from_nanos(i64::MAX as u64);

/// Units and their nanoseconds, from the smallest to the largest.
const UNITS: [(&str, i64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("secs", 1_000_000_000),
    ("mins", 60 * 1_000_000_000),
    ("hrs", 3_600 * 1_000_000_000),
    ("days", 86_400 * 1_000_000_000),
    ("weeks", 604_800 * 1_000_000_000),
];

/// Why something is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a number followed by a unit.
    #[error("Invalid duration '{0}': expected a number and a unit, as in 10secs")]
    Invalid(String),
    /// The unit does not exist.
    #[error(
        "Unknown duration unit '{unit}' in '{text}'; supported units are 'ns', 'us', 'ms', 'secs', \
         'mins', 'hrs', 'days', and 'weeks'"
    )]
    UnknownUnit {
        /// The unit as written.
        unit: String,
        /// All of the text.
        text: String,
    },
    /// More than 292 years.
    #[error("Duration '{0}' is more than 64 bits of nanoseconds can hold")]
    TooLong(String),
    /// Before it began.
    #[error("Duration '{0}' is negative")]
    Negative(String),
}

/// Reads `5secs`, `1.5hrs`, `100ms`; there are no negative ones, as upstream.
#[doc(alias = "Duration::parse")]
pub fn parse(text: &str) -> Result<Duration, Error> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let Ok(value) = number.parse::<f64>() else { return Err(Error::Invalid(text.into())) };
    if unit.is_empty() {
        return Err(Error::Invalid(text.into()));
    }
    let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(Error::UnknownUnit { unit: unit.into(), text: text.into() });
    };
    from_nanos(value * *factor as f64, || text.into())
}

/// From seconds, as messages carry them (`delay_seconds`); the rest of a nanosecond is dropped.
#[doc(alias = "Duration::create")]
pub fn create(seconds: f64) -> Result<Duration, Error> {
    from_nanos(seconds * 1e9, || format!("{seconds}secs"))
}

fn from_nanos(nanos: f64, text: impl Fn() -> String) -> Result<Duration, Error> {
    if nanos.is_nan() {
        Err(Error::Invalid(text()))
    } else if nanos < 0.0 {
        Err(Error::Negative(text()))
    } else if nanos > i64::MAX as f64 {
        Err(Error::TooLong(text()))
    } else {
        Ok(Duration::from_nanos(nanos as u64).min(MAX))
    }
}

/// Prints a duration as stout does: in the unit it falls into, or in the next smaller one when only
/// that gives a whole number.
#[doc(alias = "operator<<(Duration)")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pretty(
    /// What to print.
    pub Duration,
);

impl fmt::Display for Pretty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = i64::try_from(self.0.as_nanos()).unwrap_or(i64::MAX);
        let bucket = UNITS.iter().rposition(|(_, factor)| nanos >= *factor).unwrap_or(0);
        let mut chosen = bucket;
        if bucket > 0 {
            let below = UNITS[bucket - 1].1;
            let whole_here = nanos % UNITS[bucket].1 == 0;
            // Below a millisecond upstream goes down without asking; nanoseconds are always whole.
            if !whole_here && nanos % below == 0 {
                chosen = bucket - 1;
            }
        }
        let (unit, factor) = UNITS[chosen];
        write!(f, "{}{unit}", number::shortest(nanos as f64 / factor as f64))
    }
}

impl From<Duration> for DurationInfo {
    fn from(duration: Duration) -> Self {
        Self { nanoseconds: i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX) }
    }
}

impl TryFrom<&DurationInfo> for Duration {
    type Error = Error;

    fn try_from(info: &DurationInfo) -> Result<Self, Error> {
        let nanos = u64::try_from(info.nanoseconds);
        nanos
            .map(Duration::from_nanos)
            .map_err(|_| Error::Negative(format!("{}ns", info.nanoseconds)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Error, MAX, Pretty, create, parse};
    use crate::DurationInfo;

    const HOUR: u64 = 3600;
    const DAY: u64 = 24 * HOUR;

    #[test]
    fn parses() {
        for (text, expected) in [
            ("3hrs", Duration::from_secs(3 * HOUR)),
            ("3.5hrs", Duration::from_secs(3 * HOUR + HOUR / 2)),
            ("5secs", Duration::from_secs(5)),
            ("10mins", Duration::from_secs(600)),
            ("100ms", Duration::from_millis(100)),
            ("7us", Duration::from_micros(7)),
            ("1ns", Duration::from_nanos(1)),
            ("2weeks", Duration::from_secs(14 * DAY)),
            (".5days", Duration::from_secs(DAY / 2)),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
        for text in
            ["", "5", "secs", "-5secs", "1.2.3secs", "9223372036854775807seconds", "5 secs", "1é"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("20000weeks"), Err(Error::TooLong("20000weeks".into())));
    }

    #[test]
    fn from_seconds() {
        assert_eq!(create(2.141_592_653), Ok(Duration::from_nanos(2_141_592_653)));
        assert!(create(10e9).is_err());
        assert!(create(-10e9).is_err());
        assert!(create(f64::NAN).is_err());
    }

    #[test]
    fn displays() {
        for (duration, expected) in [
            (Duration::ZERO, "0ns"),
            (Duration::from_nanos(1), "1ns"),
            (Duration::from_nanos(1500), "1500ns"),
            (Duration::from_micros(1500), "1500us"),
            (Duration::from_nanos(1_500_001), "1.500001ms"),
            (Duration::from_millis(500), "500ms"),
            (Duration::from_nanos(3_141_592_653), "3.141592653secs"),
            (Duration::from_millis(3140), "3140ms"),
            (Duration::from_secs(10), "10secs"),
            (Duration::from_secs(60), "1mins"),
            (Duration::from_secs(90), "90secs"),
            (Duration::from_secs(10 * HOUR), "10hrs"),
            (Duration::from_secs(10 * DAY), "10days"),
            (Duration::from_secs(DAY + 4 * HOUR + HOUR / 2), "1.1875days"),
            (Duration::from_secs(14 * DAY), "2weeks"),
            (MAX, "15250.2844524715weeks"),
            (Duration::MAX, "15250.2844524715weeks"),
        ] {
            assert_eq!(Pretty(duration).to_string(), expected);
        }
    }

    #[test]
    fn to_and_from_the_message() {
        let info = DurationInfo::from(Duration::from_secs(5));
        assert_eq!(info.nanoseconds, 5_000_000_000);
        assert_eq!(Duration::try_from(&info), Ok(Duration::from_secs(5)));
        assert!(Duration::try_from(&DurationInfo { nanoseconds: -1 }).is_err());
    }
}
