//! How virtual time follows the wall clock.
//!
//! - `--speed N`: N virtual seconds pass in one real second.
//! - `--virtual`: as with a speed of 1, but while a client waits for something that takes time, the
//!   clock jumps to the next thing that happens. While nobody waits it does not run ahead, however
//!   much is pending.

#![allow(clippy::disallowed_methods, reason = "the port of the simulated daemon to the wall clock")]

use process::Time;
use std::time::{Duration, Instant};

/// A gap is jumped over only when nobody has asked for anything for so long: whoever has just got
/// an answer may be about to ask for more, or to leave.
const GRACE: Duration = Duration::from_millis(20);

/// Gaps of at most this are no gaps.
const SHORT: Duration = Duration::from_millis(100);

/// How fast time passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// So many virtual seconds in a real one.
    Speed(f64),
    /// At once, where somebody waits.
    Virtual,
}

/// Maps real time to virtual time.
pub struct WallClock {
    pace: Pace,
    /// Where virtual time was at this moment of real time.
    origin: (Instant, Time),
    /// When somebody last asked for something, or got the end of an answer.
    active: Instant,
}

impl WallClock {
    /// A clock that begins now, at the virtual time `start`.
    pub fn new(pace: Pace, start: Time) -> Self {
        let now = Instant::now();
        WallClock { pace, origin: (now, start), active: now }
    }

    /// Now.
    pub fn now() -> Instant {
        Instant::now()
    }

    /// Somebody has asked for something, or got the end of an answer.
    pub fn touch(&mut self, now: Instant) {
        self.active = now;
    }

    fn speed(&self) -> f64 {
        match self.pace {
            Pace::Speed(speed) => speed,
            Pace::Virtual => 1.0,
        }
    }

    /// The virtual time that has been reached at this moment.
    pub fn reached(&self, now: Instant) -> Time {
        let (instant, start) = self.origin;
        let passed = now.saturating_duration_since(instant).as_secs_f64() * self.speed();
        start + Duration::try_from_secs_f64(passed).unwrap_or(Duration::ZERO)
    }

    /// How long after `now` this virtual time is reached by itself.
    pub fn until(&self, due: Time, now: Instant) -> Duration {
        let gap = due.since_epoch().saturating_sub(self.reached(now).since_epoch());
        let real = gap.as_secs_f64() / self.speed();
        Duration::try_from_secs_f64(real).unwrap_or(Duration::MAX)
    }

    /// Jumps to `due`, if time may. Otherwise how long to wait at least before asking again, if
    /// asking again helps.
    pub fn jump(
        &mut self,
        due: Time,
        now: Instant,
        somebody_waits: bool,
    ) -> Result<(), Option<Duration>> {
        if self.pace != Pace::Virtual || !somebody_waits {
            return Err(None);
        }
        let gap = due.since_epoch().saturating_sub(self.reached(now).since_epoch());
        let quiet = now.saturating_duration_since(self.active);
        if gap > SHORT && quiet < GRACE {
            return Err(Some(GRACE - quiet));
        }
        self.origin = (now, due);
        Ok(())
    }
}

/// The number of a `--speed`.
pub fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed: &f64| (0.001..=1e6).contains(speed));
    speed.ok_or_else(|| {
        format!("'{text}': expected how many times as fast as the wall clock, 0.001 to 1000000")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(clock: &WallClock, millis: u64) -> Instant {
        clock.origin.0 + Duration::from_millis(millis)
    }

    fn at(millis: u64) -> Time {
        Time::from_epoch(Duration::from_millis(millis))
    }

    #[test]
    fn time_passes_as_many_times_as_fast() {
        let clock = WallClock::new(Pace::Speed(10.0), at(500));
        assert_eq!(clock.reached(after(&clock, 100)), at(1500));
        assert_eq!(clock.until(at(2500), after(&clock, 100)), Duration::from_millis(100));
        assert_eq!(clock.until(at(10), after(&clock, 100)), Duration::ZERO);
    }

    #[test]
    fn virtual_time_jumps_only_where_somebody_waits_and_nobody_has_just_asked() {
        let mut clock = WallClock::new(Pace::Virtual, at(0));
        let (soon, later) = (after(&clock, 5), after(&clock, 50));
        assert_eq!(clock.jump(at(60_000), later, false), Err(None));
        assert_eq!(clock.jump(at(60_000), soon, true), Err(Some(Duration::from_millis(15))));
        assert_eq!(clock.jump(at(60), soon, true), Ok(()));
        assert_eq!(clock.reached(soon), at(60));
        assert_eq!(clock.jump(at(60_000), later, true), Ok(()));
        assert_eq!(clock.reached(later), at(60_000));
        let mut clock = WallClock::new(Pace::Speed(1.0), at(0));
        assert_eq!(clock.jump(at(1), after(&clock, 50), true), Err(None));
    }

    #[test]
    fn a_speed_is_a_sensible_number() {
        assert_eq!(speed("0.5"), Ok(0.5));
        for bad in ["", "0", "-1", "NaN", "inf", "fast", "1e9"] {
            assert!(speed(bad).is_err(), "{bad}");
        }
    }
}
