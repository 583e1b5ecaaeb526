//! Counts what comes out of an archive, and ends that when it is too much.

use super::limits::Limits;
use crate::progress::Progress;
use std::cell::{Cell, RefCell};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// So much content is not suspicious, however small the archive.
const FREE: u64 = 256 << 20;

/// What lies between one file and the next: headers, long names, attributes. The libraries hold it
/// in memory.
const MAX_HEADERS: u64 = 8 << 20;

/// The counters of one archive.
pub struct Meter {
    allowed: u64,
    why: String,
    used: Cell<u64>,
    entries_left: Cell<u64>,
    max_entries: u64,
    /// How much of headers may still be read, while headers are read.
    headers: Cell<Option<u64>>,
    refusal: RefCell<Option<String>>,
    progress: RefCell<Progress>,
}

impl Meter {
    /// For an archive that takes so many bytes itself.
    pub fn new(limits: &Limits, size: u64, source: &Path) -> Self {
        let ratio = limits.max_ratio;
        let by_ratio = FREE.max(size.saturating_mul(ratio));
        let (allowed, why) = if by_ratio < limits.max_size.as_u64() {
            (by_ratio, format!("more than {ratio} times its own size (--max_extracted_ratio)"))
        } else {
            let size = limits.max_size;
            (size.as_u64(), format!("more than {size} (--max_extracted_size)"))
        };
        Meter {
            allowed,
            why,
            used: Cell::new(0),
            entries_left: Cell::new(limits.max_entries),
            max_entries: limits.max_entries,
            headers: Cell::new(None),
            refusal: RefCell::new(None),
            progress: RefCell::new(Progress::new("Extracted", &source.display().to_string())),
        }
    }

    /// Counts what is read from `inner` as content.
    pub fn unpacked<R>(&self, inner: R) -> Unpacked<'_, R> {
        Unpacked { inner, meter: self }
    }

    /// Counts an entry.
    pub fn entry(&self) -> Result<(), String> {
        match self.entries_left.get().checked_sub(1) {
            Some(left) => self.entries_left.set(left),
            None => {
                let max = self.max_entries;
                return Err(format!("it has more than {max} entries (--max_extracted_entries)"));
            }
        }
        Ok(())
    }

    /// Reads headers.
    pub fn headers<T>(&self, read: impl FnOnce() -> T) -> T {
        self.headers.set(Some(MAX_HEADERS));
        let result = read();
        self.headers.set(None);
        result
    }

    /// Why reading was ended, if it was.
    pub fn refusal(&self) -> Option<String> {
        self.refusal.borrow().clone()
    }

    fn refuse(&self, problem: String) -> io::Error {
        *self.refusal.borrow_mut() = Some(problem.clone());
        io::Error::other(problem)
    }

    fn count(&self, length: usize) -> io::Result<()> {
        self.count_header(length)?;
        let length = length as u64;
        let used = self.used.get().saturating_add(length);
        self.used.set(used);
        self.progress.borrow_mut().add(length);
        if used > self.allowed {
            return Err(self.refuse(format!("its content is {}", self.why)));
        }
        Ok(())
    }

    fn count_header(&self, length: usize) -> io::Result<()> {
        let Some(left) = self.headers.get() else { return Ok(()) };
        let Some(left) = left.checked_sub(length as u64) else {
            return Err(self.refuse(format!("more than {MAX_HEADERS} bytes of headers")));
        };
        self.headers.set(Some(left));
        Ok(())
    }
}

/// What is read through it counts as content.
pub struct Unpacked<'a, R> {
    inner: R,
    meter: &'a Meter,
}

impl<R: Read> Read for Unpacked<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.meter.count(length)?;
        Ok(length)
    }
}

/// An archive whose headers are counted, but not the rest, which is still packed.
pub struct Packed<'a, R> {
    inner: R,
    meter: &'a Meter,
}

impl<'a, R> Packed<'a, R> {
    /// Counts what is read while headers are.
    pub fn new(inner: R, meter: &'a Meter) -> Self {
        Packed { inner, meter }
    }
}

impl<R: Read> Read for Packed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.meter.count_header(length)?;
        Ok(length)
    }
}

impl<R: Seek> Seek for Packed<'_, R> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.inner.seek(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How much content an archive of this size may have, and what is said of more.
    fn limit(size: u64, ratio: u64) -> (u64, String) {
        let limits = Limits { max_ratio: ratio, ..Limits::default() };
        let meter = Meter::new(&limits, size, Path::new("a.zip"));
        let megabyte = 1 << 20;
        let mut allowed = 0;
        while meter.count(megabyte).is_ok() {
            allowed += 1;
        }
        (allowed, meter.refusal().expect("it was refused"))
    }

    #[test]
    fn an_archive_may_become_so_many_times_as_large() {
        let (allowed, why) = limit(300 << 20, 2);
        assert_eq!(allowed, 600);
        assert_eq!(why, "its content is more than 2 times its own size (--max_extracted_ratio)");
        // However small it is.
        assert_eq!(limit(1000, 2).0, FREE >> 20);
        let (allowed, why) = limit(300 << 20, 1000);
        assert_eq!((allowed, why.contains("--max_extracted_size")), (64 << 10, true), "{why}");
    }

    #[test]
    fn headers_and_entries_are_counted_on_their_own() {
        let limits = Limits { max_entries: 2, ..Limits::default() };
        let meter = Meter::new(&limits, 1, Path::new("a.tar"));
        assert!(meter.entry().is_ok() && meter.entry().is_ok());
        assert!(meter.entry().unwrap_err().contains("--max_extracted_entries"));
        let much = usize::try_from(MAX_HEADERS).expect("small");
        assert!(meter.count(much + 1).is_ok(), "content");
        assert!(meter.headers(|| meter.count_header(much)).is_ok());
        assert!(meter.headers(|| meter.count_header(much + 1)).is_err());
        assert!(meter.refusal().is_some_and(|why| why.contains("bytes of headers")));
    }
}
