//! A file that is there in full, or not at all.

use super::target::{Owner, at};
use process::{Time, clock};
use std::fs::{File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often a long download says how far it is.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// Takes what is downloaded, beside the file that it will be. Dropped before its end, it removes
/// that.
pub struct Sink {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    uri: String,
    written: u64,
    size: Option<u64>,
    reported: Time,
    finished: bool,
}

impl Sink {
    /// For the content of this URI.
    pub fn create(path: &Path, uri: &str) -> Result<Self, String> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let temporary = path.with_file_name(name);
        let created = OpenOptions::new().write(true).create_new(true).open(&temporary);
        Ok(Sink {
            file: created.map_err(at(&temporary))?,
            temporary,
            path: path.to_owned(),
            uri: uri.to_owned(),
            written: 0,
            size: None,
            reported: clock::now(),
            finished: false,
        })
    }

    /// How much there will be.
    pub fn expect(&mut self, size: u64) {
        self.size = Some(size);
    }

    /// Adds to the file.
    pub fn write(&mut self, data: &[u8]) -> Result<(), String> {
        self.file.write_all(data).map_err(at(&self.path))?;
        self.written += data.len() as u64;
        let now = clock::now();
        if now - self.reported >= REPORT_INTERVAL {
            self.reported = now;
            let of = self.size.map(|size| format!(" of {size}")).unwrap_or_default();
            eprintln!("Fetched {}{of} bytes of '{}'", self.written, self.uri);
        }
        Ok(())
    }

    /// Makes it the file.
    pub fn finish(mut self, executable: bool, owner: Option<Owner>) -> Result<(), String> {
        let mode = if executable { 0o755 } else { 0o644 };
        self.file.set_permissions(Permissions::from_mode(mode)).map_err(at(&self.path))?;
        if let Some((user, group)) = owner {
            fchown(&self.file, Some(user.as_raw()), Some(group.as_raw()))
                .map_err(at(&self.path))?;
        }
        std::fs::rename(&self.temporary, &self.path).map_err(at(&self.path))?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if !self.finished {
            // There is nothing left to tell: the fetch has failed.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_at_the_end_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        let entries = || std::fs::read_dir(directory.path()).unwrap().count();

        let mut sink = Sink::create(&path, "u").unwrap();
        sink.write(b"ab").unwrap();
        assert!(!path.exists());
        drop(sink);
        assert_eq!(entries(), 0);

        let mut sink = Sink::create(&path, "u").unwrap();
        sink.write(b"ab").unwrap();
        sink.finish(true, None).unwrap();
        assert_eq!((std::fs::read(&path).unwrap(), entries()), (b"ab".to_vec(), 1));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o755);
    }
}
