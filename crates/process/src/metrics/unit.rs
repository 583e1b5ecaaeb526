//! Units of time as types: they say how a [`Timer`](super::Timer) counts and how its name ends.
//!
//! Mirrors the subclasses of `Duration` in `3rdparty/stout/include/stout/duration.hpp`.

use std::time::Duration;

/// A unit of time.
pub trait Unit: 'static {
    /// How the names of timers that count in it end, without the underscore.
    const SUFFIX: &'static str;

    /// How many nanoseconds it has.
    const NANOS: u64;

    /// A duration as a number of these.
    fn count(duration: Duration) -> f64 {
        duration.as_nanos() as f64 / Self::NANOS as f64
    }
}

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident, $suffix:literal, $nanos:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl Unit for $name {
            const SUFFIX: &'static str = $suffix;
            const NANOS: u64 = $nanos;
        }
    };
}

unit!(/** Billionths of a second, `_ns`. */ Nanoseconds, "ns", 1);
unit!(/** Millionths of a second, `_us`. */ Microseconds, "us", 1_000);
unit!(/** Thousandths of a second, `_ms`. */ Milliseconds, "ms", 1_000_000);
unit!(/** Seconds, `_secs`. */ Seconds, "secs", 1_000_000_000);
unit!(/** Minutes, `_mins`. */ Minutes, "mins", 60 * Seconds::NANOS);
unit!(/** Hours, `_hrs`. */ Hours, "hrs", 60 * Minutes::NANOS);
unit!(/** Days of 24 hours, `_days`. */ Days, "days", 24 * Hours::NANOS);
unit!(/** Seven days, `_weeks`. */ Weeks, "weeks", 7 * Days::NANOS);
