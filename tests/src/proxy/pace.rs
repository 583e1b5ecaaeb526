//! Rate limits: when the next piece of a transfer may be sent, and how long it may be.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// The longest piece. Short enough for counters to follow closely.
const PIECE_MAX: u64 = 32 << 10;

/// A limited line sends at least so many pieces a second, so that a transfer flows.
const PIECES_PER_SECOND: u64 = 20;

/// The limits of a proxy; 0 bytes a second stands for none.
#[derive(Default)]
pub(super) struct Pace {
    total: AtomicU64,
    each: AtomicU64,
    total_line: Mutex<Line>,
}

impl Pace {
    pub(super) fn limit_total(&self, bytes_per_second: Option<u64>) {
        store(&self.total, bytes_per_second);
    }

    pub(super) fn limit_each(&self, bytes_per_second: Option<u64>) {
        store(&self.each, bytes_per_second);
    }

    /// How many bytes the next piece may have.
    pub(super) fn piece(&self) -> u64 {
        let rates = [&self.total, &self.each].map(|rate| rate.load(Ordering::Relaxed));
        let limited = rates.into_iter().filter(|rate| *rate > 0);
        limited.map(|rate| (rate / PIECES_PER_SECOND).max(1)).fold(PIECE_MAX, u64::min)
    }

    /// Waits until a piece of so many bytes has passed both lines; `own` is the transfer's.
    pub(super) async fn pass(&self, own: &mut Line, bytes: u64) {
        let now = Instant::now();
        let total = self.total_line.lock().reserve(now, bytes, self.total.load(Ordering::Relaxed));
        let each = own.reserve(now, bytes, self.each.load(Ordering::Relaxed));
        let until = total.max(each);
        if until > now {
            tokio::time::sleep_until(until).await;
        }
    }
}

/// A line that sends one byte after the other.
#[derive(Default)]
pub(super) struct Line {
    // When what was reserved so far has passed; `None`: nothing was.
    free: Option<Instant>,
}

impl Line {
    /// Reserves the time that `bytes` take, and returns its end.
    fn reserve(&mut self, now: Instant, bytes: u64, bytes_per_second: u64) -> Instant {
        if bytes_per_second == 0 {
            self.free = None;
            return now;
        }
        let start = self.free.map_or(now, |free| free.max(now));
        let end = start + Duration::from_secs_f64(bytes as f64 / bytes_per_second as f64);
        self.free = Some(end);
        end
    }
}

fn store(rate: &AtomicU64, bytes_per_second: Option<u64>) {
    assert_ne!(bytes_per_second, Some(0), "to stop a transfer, inject Fault::StallAfter");
    rate.store(bytes_per_second.unwrap_or(0), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::{Duration, Instant, Line, Pace};

    #[test]
    fn a_line_sends_one_piece_after_the_other() {
        let now = Instant::now();
        let mut line = Line::default();
        assert_eq!(line.reserve(now, 500, 1000), now + Duration::from_millis(500));
        assert_eq!(line.reserve(now, 500, 1000), now + Duration::from_secs(1));
        let later = now + Duration::from_secs(9);
        let end = line.reserve(later, 100, 1000);
        assert_eq!(end, later + Duration::from_millis(100), "idle time is not saved up");
        assert_eq!(line.reserve(now, 1 << 30, 0), now, "no limit, no wait");
    }

    #[test]
    fn the_tighter_limit_decides_the_piece() {
        let pace = Pace::default();
        assert_eq!(pace.piece(), super::PIECE_MAX);
        pace.limit_total(Some(100_000));
        pace.limit_each(Some(20_000));
        assert_eq!(pace.piece(), 1000);
    }
}
