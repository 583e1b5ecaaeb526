//! How often the endpoint may take snapshots, as an environment variable sets it.

use crate::limiter::RateLimiter;
use crate::stout::duration;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

/// So many requests in each interval.
///
/// Mirrors the parsing in `MetricsProcess::create` of
/// `3rdparty/libprocess/src/metrics/metrics.cpp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    requests: NonZeroU32,
    /// Not zero.
    interval: Duration,
}

/// A setting that is no rate limit. Its message names the variable, the text and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimitError {
    setting: String,
    reason: String,
}

/// Two requests a second.
impl Default for RateLimit {
    fn default() -> Self {
        RateLimit { requests: NonZeroU32::MIN.saturating_add(1), interval: Duration::from_secs(1) }
    }
}

impl RateLimit {
    /// The environment variable that sets it, as upstream.
    pub const VARIABLE: &str = "LIBPROCESS_METRICS_SNAPSHOT_ENDPOINT_RATE_LIMIT";

    /// The limit that a value of the [variable](Self::VARIABLE) means: the default one when it is
    /// not set, none when it is set to nothing, else a number of requests and an interval,
    /// `10/1secs`.
    #[doc(alias = "MetricsProcess::create")]
    pub fn from_setting(setting: Option<&str>) -> Result<Option<Self>, RateLimitError> {
        let Some(setting) = setting else { return Ok(Some(Self::default())) };
        if setting.is_empty() {
            return Ok(None);
        }
        let parsed = Self::parse(setting);
        parsed.map(Some).map_err(|reason| RateLimitError { setting: setting.to_owned(), reason })
    }

    fn parse(setting: &str) -> Result<Self, String> {
        let mut tokens = setting.split('/').filter(|token| !token.is_empty());
        let (Some(requests), Some(interval), None) = (tokens.next(), tokens.next(), tokens.next())
        else {
            return Err("expected two parts with a slash between them".to_owned());
        };
        let requests = parse_number(requests)
            .ok_or_else(|| format!("the number of requests '{requests}' is no number from 1 on"))?;
        let interval = duration::parse(interval)?;
        // differs: upstream aborts in its limiter.
        if interval.is_zero() {
            return Err("the interval must not be zero".to_owned());
        }
        Ok(RateLimit { requests, interval })
    }

    /// How many requests each [interval](Self::interval) has.
    pub fn requests(&self) -> u32 {
        self.requests.get()
    }

    /// The time in which so many [requests](Self::requests) are served.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Starts a limiter that allows as much.
    pub fn limiter(&self) -> RateLimiter {
        RateLimiter::new(self.requests(), self.interval)
    }
}

/// A positive `int`, which upstream also reads with hexadecimal digits after `0x`.
fn parse_number(text: &str) -> Option<NonZeroU32> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let number = match hexadecimal {
        Some(digits) => i32::from_str_radix(digits, 16),
        None => text.parse::<i32>(),
    };
    NonZeroU32::new(u32::try_from(number.ok()?).ok()?)
}

impl fmt::Display for RateLimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Failed to parse {} '{}': {} (the format is \
             <number of requests>/<interval duration>, for instance 2/1secs; empty for no limit)",
            RateLimit::VARIABLE,
            self.setting,
            self.reason
        )
    }
}

impl std::error::Error for RateLimitError {}
