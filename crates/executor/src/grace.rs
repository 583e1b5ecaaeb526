//! The time that a container is given between the request to stop and the kill.

use mesos::DurationInfo;
use mesos::duration::Pretty;
use std::fmt;
use std::time::Duration;

/// A grace period in nanoseconds. Signed, as upstream's `Duration`: what an executor is given for
/// its shutdown, less what it keeps for itself, may well be less than nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grace(i64);

impl Grace {
    pub(crate) const ZERO: Grace = Grace(0);

    pub(crate) fn minus(self, duration: Duration) -> Grace {
        Grace(self.0.saturating_sub(Grace::from(duration).0))
    }

    /// The timeout for `docker stop`, or why there is none.
    ///
    /// Mirrors the check at the start of `Docker::stop` in `src/docker/docker.cpp`: whole seconds
    /// count, so half a second less than nothing still is nothing.
    pub(crate) fn stop_timeout(self) -> Result<Duration, String> {
        let seconds = self.0 / 1_000_000_000;
        if seconds < 0 {
            return Err(format!("A negative timeout cannot be applied to docker stop: {seconds}"));
        }
        Ok(Duration::from_nanos(self.0.max(0).unsigned_abs()))
    }
}

impl From<Duration> for Grace {
    fn from(duration: Duration) -> Self {
        Grace(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl From<&DurationInfo> for Grace {
    fn from(info: &DurationInfo) -> Self {
        Grace(info.nanoseconds)
    }
}

impl fmt::Display for Grace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}", Pretty(Duration::from_nanos(self.0.unsigned_abs())))
    }
}
