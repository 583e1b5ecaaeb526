//! What the machine has: processors, memory, and who listens on it.

use super::files;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

/// For an address of this machine the kernel answers at once; this is for one that is not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// As the C library does for `_SC_NPROCESSORS_ONLN`.
pub(super) fn cpus() -> Result<u32, String> {
    let path = Path::new("/sys/devices/system/cpu/online");
    let text = files::read(path)?;
    let text = String::from_utf8_lossy(&text);
    count(text.trim()).ok_or_else(|| format!("{}: '{}'", path.display(), text.trim()))
}

/// How many numbers there are in `0-3,5`.
fn count(ranges: &str) -> Option<u32> {
    let mut total: u32 = 0;
    for range in ranges.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        total = total.checked_add(last.checked_sub(first)?.checked_add(1)?)?;
    }
    Some(total)
}

pub(super) fn memory() -> Result<u64, String> {
    let path = Path::new("/proc/meminfo");
    let text = files::read(path)?;
    total(&String::from_utf8_lossy(&text))
        .ok_or_else(|| format!("{}: there is no MemTotal in kB", path.display()))
}

fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

pub(super) fn connect(address: SocketAddr) -> Result<(), String> {
    TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)
        .map(drop)
        .map_err(|error| format!("Failed to connect to {address}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn processors_are_counted_by_ranges() {
        for (text, expected) in
            [("0", Some(1)), ("0-3", Some(4)), ("0-1,4,6-7", Some(5)), ("", None), ("3-1", None)]
        {
            assert_eq!(count(text), expected, "{text}");
        }
        assert!(cpus().unwrap() >= 1);
    }

    #[test]
    fn memory_is_read_in_kilobytes() {
        assert_eq!(total("MemFree: 1 kB\nMemTotal:     16 kB\n"), Some(16384));
        assert_eq!(total("MemTotal: 16\n"), None);
        assert!(memory().unwrap() > 1 << 20);
    }

    #[test]
    fn a_listener_can_be_connected_to_until_it_is_gone() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(connect(address), Ok(()));
        drop(listener);
        let error = connect(address).unwrap_err();
        assert!(error.starts_with(&format!("Failed to connect to {address}: ")), "{error}");
    }
}
