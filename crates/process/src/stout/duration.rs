//! Spans of time as Mesos writes them in settings and queries, `10secs`.
//!
//! `mesos::duration` knows more of them; this crate depends on no other.

use std::time::Duration;

/// Units and their nanoseconds.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("secs", 1_000_000_000),
    ("mins", 60 * 1_000_000_000),
    ("hrs", 3_600 * 1_000_000_000),
    ("days", 86_400 * 1_000_000_000),
    ("weeks", 604_800 * 1_000_000_000),
];

/// Reads `5secs`, `1.5hrs`, `.5ms`. Negative ones do not exist, as upstream; those that 64 bits of
/// nanoseconds cannot hold are errors. The message names the text and what is wrong with it.
///
/// Mirrors `Duration::parse` in `3rdparty/stout/include/stout/duration.hpp`.
#[doc(alias = "Duration::parse")]
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let value = match number.parse::<f64>() {
        Ok(value) if !unit.is_empty() => value,
        _ => {
            return Err(format!(
                "Invalid duration '{text}': expected a number and a unit, as in 10secs"
            ));
        }
    };
    let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(format!(
            "Unknown duration unit '{unit}' in '{text}'; supported units are 'ns', 'us', 'ms', \
             'secs', 'mins', 'hrs', 'days', and 'weeks'"
        ));
    };
    let nanos = value * *factor as f64;
    if nanos >= i64::MAX as f64 {
        return Err(format!("Duration '{text}' is more than 64 bits of nanoseconds can hold"));
    }
    Ok(Duration::from_nanos(nanos as u64))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use std::time::Duration;

    #[test]
    fn reads_every_unit() {
        for (text, nanos) in [
            ("7ns", 7),
            ("7us", 7_000),
            ("1.5ms", 1_500_000),
            ("10secs", 10_000_000_000),
            ("0secs", 0),
            (".5mins", 30_000_000_000),
            ("3hrs", 10_800_000_000_000),
            ("1days", 86_400_000_000_000),
            ("2weeks", 1_209_600_000_000_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, part) in [
            ("", "Invalid duration ''"),
            ("foobar", "Invalid duration 'foobar'"),
            ("10", "expected a number and a unit"),
            ("1.2.3secs", "Invalid duration '1.2.3secs'"),
            (".secs", "Invalid duration"),
            ("-1secs", "Invalid duration '-1secs'"),
            ("2seconds", "Unknown duration unit 'seconds' in '2seconds'"),
            ("1e3secs", "Unknown duration unit 'e3secs'"),
            ("10 secs", "Unknown duration unit ' secs'"),
            ("1ſecs", "Unknown duration unit"),
            ("99999weeks", "more than 64 bits"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
