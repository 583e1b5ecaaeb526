//! Names that no other test, process or earlier run uses.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// `PREFIX-` and letters and digits that are unique on this machine: a valid name for a
/// container and for a part of a repository.
pub fn unique(prefix: &str) -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let nanos =
        SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_nanos();
    format!("{prefix}-{:x}x{:x}x{count:x}", std::process::id(), nanos & 0xff_ffff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::unique;

    #[test]
    fn two_names_differ_and_suit_a_repository() {
        let (first, second) = (unique("bb"), unique("bb"));
        assert_ne!(first, second);
        let suits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(first.chars().all(suits), "{first}");
    }
}
