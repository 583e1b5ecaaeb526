//! Points in time as the daemon's answers show them.

use process::Time;
use std::fmt;
use std::time::Duration;

/// A point in time: since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(
    /// How long after the Unix epoch.
    pub Duration,
);

/// How the time that never was is shown.
pub(super) const NEVER: &str = "0001-01-01T00:00:00Z";

const DAY: u64 = 86_400;

/// Year, month and day of a day that is counted from 1970-01-01.
///
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`, for days that
/// are not negative.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

impl Stamp {
    /// A moment of virtual time, which begins at `epoch`.
    pub(super) fn new(time: Time, epoch: Duration) -> Self {
        Stamp(epoch + time.since_epoch())
    }

    /// Whole seconds since the Unix epoch.
    pub fn seconds(self) -> u64 {
        self.0.as_secs()
    }

    /// Nanoseconds since the Unix epoch.
    pub fn nanoseconds(self) -> u64 {
        u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX)
    }

    fn date_and_time(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds();
        let (year, month, day) = civil(seconds / DAY);
        let (hour, minute, second) = (seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }

    /// With all nine digits of the second, as in front of lines of a log.
    pub fn fixed(self) -> impl fmt::Display {
        Fixed(self)
    }
}

/// RFC 3339, without zeros at the end of the fraction.
impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date_and_time(f)?;
        let fraction = format!("{:09}", self.0.subsec_nanos());
        match fraction.trim_end_matches('0') {
            "" => f.write_str("Z"),
            fraction => write!(f, ".{fraction}Z"),
        }
    }
}

struct Fixed(Stamp);

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.date_and_time(f)?;
        write!(f, ".{:09}Z", self.0.0.subsec_nanos())
    }
}

/// A stamp, or how "never" is shown.
pub(super) fn or_never(stamp: Option<Stamp>) -> String {
    stamp.map_or_else(|| NEVER.to_owned(), |stamp| stamp.to_string())
}

/// The span as lists show it: `5 seconds`, `About an hour`.
///
/// The steps are those of `HumanDuration` in docker/go-units.
pub(super) fn human(span: Duration) -> String {
    let seconds = span.as_secs();
    let (minutes, hours) = (seconds / 60, (span.as_secs_f64() / 3600.0).round() as u64);
    match seconds {
        0 => "Less than a second".to_owned(),
        1 => "1 second".to_owned(),
        2..60 => format!("{seconds} seconds"),
        _ => match (minutes, hours) {
            (1, _) => "About a minute".to_owned(),
            (2..60, _) => format!("{minutes} minutes"),
            (_, 1) => "About an hour".to_owned(),
            (_, 2..48) => format!("{hours} hours"),
            (_, 48..336) => format!("{} days", hours / 24),
            (_, 336..1440) => format!("{} weeks", hours / 24 / 7),
            (_, 1440..17_520) => format!("{} months", hours / 24 / 30),
            _ => format!("{} years", seconds / 3600 / 24 / 365),
        },
    }
}

/// The time in a parameter: `seconds[.nanoseconds]` since the Unix epoch; none if empty or `0`.
///
/// # Errors
///
/// The text, when it is no such number.
pub fn parse(text: &str) -> Result<Option<Duration>, String> {
    if text.is_empty() || text == "0" {
        return Ok(None);
    }
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let wrong = || format!("strconv.ParseInt: parsing \"{text}\": invalid syntax");
    let seconds: u64 = seconds.parse().map_err(|_| wrong())?;
    let digits = fraction.get(..9).unwrap_or(fraction);
    let nanoseconds: u32 = if digits.is_empty() {
        0
    } else {
        let number: u32 = digits.parse().map_err(|_| wrong())?;
        number * 10_u32.pow(9 - digits.len() as u32)
    };
    Ok(Some(Duration::new(seconds, nanoseconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, nanoseconds: u32) -> Stamp {
        Stamp(Duration::new(seconds, nanoseconds))
    }

    #[test]
    fn stamps_are_written_as_the_engine_writes_them() {
        assert_eq!(at(0, 0).to_string(), "1970-01-01T00:00:00Z");
        // As recorded from an Engine, with the seconds that it gave for the same moment.
        assert_eq!(at(1_795_644_822, 61_482_003).to_string(), "2026-11-25T22:13:42.061482003Z");
        assert_eq!(at(1_795_644_822, 61_482_000).to_string(), "2026-11-25T22:13:42.061482Z");
        assert_eq!(at(1_795_644_822, 61_482_000).fixed().to_string().len(), 30);
        assert_eq!(at(951_782_400, 0).to_string(), "2000-02-29T00:00:00Z");
        assert_eq!(at(4_107_542_400, 0).to_string(), "2100-03-01T00:00:00Z");
        assert_eq!(or_never(None), NEVER);
    }

    #[test]
    fn spans_are_rounded_as_people_like_them() {
        for (seconds, text) in [
            (0, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (150, "2 minutes"),
            (3600, "About an hour"),
            (6 * 3600, "6 hours"),
            (50 * 3600, "2 days"),
            (15 * 86_400, "2 weeks"),
            (90 * 86_400, "3 months"),
            (800 * 86_400, "2 years"),
        ] {
            assert_eq!(human(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn times_in_parameters_are_seconds_with_a_fraction() {
        assert_eq!(parse(""), Ok(None));
        assert_eq!(parse("0"), Ok(None));
        assert_eq!(parse("12"), Ok(Some(Duration::from_secs(12))));
        assert_eq!(parse("12.5"), Ok(Some(Duration::from_millis(12_500))));
        assert_eq!(parse("12.0000000011"), Ok(Some(Duration::new(12, 1))));
        assert!(parse("soon").unwrap_err().contains("soon"));
        assert!(parse("1.x").is_err());
    }
}
