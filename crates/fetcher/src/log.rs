//! Lines in the sandbox's standard error, in the form that glog gives them.

use process::{Time, clock};
use std::fmt;
use std::io::Write;

/// How much a line matters: its first letter.
#[derive(Clone, Copy)]
pub enum Severity {
    Info,
    Warning,
    Error,
}

/// Writes a line.
macro_rules! log {
    ($severity:ident, $($message:tt)*) => {
        $crate::log::write(
            $crate::log::Severity::$severity,
            file!(),
            line!(),
            format_args!($($message)*),
        )
    };
}

pub(crate) use log;

/// Writes one line: who wrote it, when, and what.
pub fn write(severity: Severity, file: &str, line: u32, message: fmt::Arguments<'_>) {
    let head = head(severity, clock::now(), std::process::id());
    let file = file.rsplit('/').next().unwrap_or(file);
    // One write a line, so that lines of others do not get between. A full disk is no reason to
    // fail: whether the fetch succeeds shows elsewhere.
    let text = format!("{head} {file}:{line}] {message}\n");
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

// differs: glog writes local time; the zone's rules would take a library of their own.
fn head(severity: Severity, now: Time, process: u32) -> String {
    let letter = match severity {
        Severity::Info => 'I',
        Severity::Warning => 'W',
        Severity::Error => 'E',
    };
    let since = now.since_epoch();
    let seconds = since.as_secs();
    let (month, day) = month_and_day(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let micros = since.subsec_micros();
    format!("{letter}{month:02}{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06} {process:5}")
}

/// Of the day that is so many days after the epoch, in the Gregorian calendar.
fn month_and_day(days: u64) -> (u64, u64) {
    // Counted from a 1 March that begins a cycle of 400 years, so that leap days come last.
    let day_of_cycle = (days + 719_468) % 146_097;
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    (if month < 10 { month + 3 } else { month - 9 }, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn lines_begin_as_those_of_glog() {
        for (seconds, expected) in [
            (0, "I0101 00:00:00.000000     7"),
            // 29 February 2024, 2 March 2100, the last second of 1999.
            (1_709_208_000, "I0229 12:00:00.000000     7"),
            (4_107_628_801, "I0302 00:00:01.000000     7"),
            (946_684_799, "I1231 23:59:59.000000     7"),
        ] {
            let time = Time::from_epoch(Duration::from_secs(seconds));
            assert_eq!(head(Severity::Info, time, 7), expected);
        }
    }
}
