//! Notices that a download has stalled.

use std::collections::VecDeque;
use std::time::Duration;

/// How often a download is looked at.
pub const TICK: Duration = Duration::from_secs(1);

/// Over how many looks the speed is measured.
const WINDOW: usize = 5;

/// Less than that many bytes a second are too few.
const LOW_SPEED_LIMIT: f64 = 1.0;

/// Watches a download's speed, which upstream leaves to curl: over the last five seconds, once a
/// second; when it has been below one byte a second for the stall timeout, the download fails.
pub struct Speed {
    timeout: Duration,
    /// When, and how many bytes there were.
    looks: VecDeque<(Duration, u64)>,
    slow_since: Option<Duration>,
}

impl Speed {
    /// Watches from `start` on. A timeout is rounded down to seconds; below one there is none.
    pub fn new(timeout: Option<Duration>, start: Duration) -> Option<Self> {
        let timeout = Duration::from_secs(timeout?.as_secs());
        let looks = VecDeque::from([(start, 0)]);
        (!timeout.is_zero()).then_some(Speed { timeout, looks, slow_since: None })
    }

    /// Whether it has stalled, at `now` with so many `bytes` altogether.
    pub fn has_stalled(&mut self, now: Duration, bytes: u64) -> bool {
        let (since, before) = self.looks.front().copied().unwrap_or((now, bytes));
        let elapsed = now.saturating_sub(since).as_secs_f64();
        self.looks.push_back((now, bytes));
        if self.looks.len() > WINDOW {
            self.looks.pop_front();
        }
        let arrived = bytes.saturating_sub(before);
        if elapsed > 0.0 && arrived as f64 / elapsed >= LOW_SPEED_LIMIT {
            self.slow_since = None;
            return false;
        }
        let slow_since = *self.slow_since.get_or_insert(since.max(now.saturating_sub(TICK)));
        now.saturating_sub(slow_since) >= self.timeout
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When a download has stalled of which so many bytes have arrived, second by second.
    fn stalls(timeout: u64, arrived: impl Iterator<Item = u64>) -> Option<usize> {
        let mut speed = Speed::new(Some(Duration::from_secs(timeout)), Duration::ZERO)?;
        let mut bytes = 0;
        for (second, more) in (1..).zip(arrived) {
            bytes += more;
            if speed.has_stalled(Duration::from_secs(second), bytes) {
                return usize::try_from(second).ok();
            }
        }
        None
    }

    #[test]
    fn a_download_stalls_below_a_byte_a_second() {
        assert_eq!(stalls(3, std::iter::repeat_n(0, 9)), Some(3), "nothing ever arrives");
        assert_eq!(stalls(3, std::iter::repeat_n(1, 99)), None, "a byte a second is enough");
        let drip = (0..99).map(|second| u64::from(second % 4 == 0));
        assert_eq!(stalls(6, drip), Some(7), "less is not");
        let pauses = (0..99).map(|second| if second % 7 == 0 { 1000 } else { 0 });
        assert_eq!(stalls(6, pauses), None, "pauses are made up for");
        let ends = (0..99).map(|second| if second < 10 { 3 } else { 0 });
        assert!(stalls(5, ends).is_some_and(|second| (15..=20).contains(&second)));
        assert_eq!(stalls(0, std::iter::repeat_n(0, 99)), None, "no timeout");
    }
}
