//! A file that is there in full, or not at all.

use crate::progress::Progress;
use crate::target::at;
use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Takes what is downloaded, beside the file that it will be. Dropped before its end, it removes
/// that.
pub struct Sink {
    file: NamedTempFile,
    path: PathBuf,
    progress: Progress,
}

impl Sink {
    /// For what becomes the file at `path`, with these permissions as far as the umask leaves them.
    pub fn create(path: &Path, mode: u32, progress: Progress) -> Result<Self, String> {
        let directory = path.parent().unwrap_or(Path::new("/"));
        let file = tempfile::Builder::new()
            .prefix(".fetching-")
            .permissions(Permissions::from_mode(mode & 0o777))
            .tempfile_in(directory)
            .map_err(at(directory))?;
        Ok(Sink { file, path: path.to_owned(), progress })
    }

    /// How much there will be.
    pub fn expect(&mut self, size: u64) {
        self.progress.expect(size);
    }

    /// Adds to the file.
    pub fn write(&mut self, data: &[u8]) -> Result<(), String> {
        self.file.as_file_mut().write_all(data).map_err(at(&self.path))?;
        self.progress.add(data.len() as u64);
        Ok(())
    }

    /// Adds all that is there to read, a piece at a time; `unreadable` words what goes wrong with
    /// reading.
    pub fn fill(
        &mut self,
        content: &mut dyn Read,
        unreadable: impl Fn(std::io::Error) -> String,
    ) -> Result<(), String> {
        let mut buffer = vec![0; 128 << 10];
        loop {
            match content.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(length) => self.write(&buffer[..length])?,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(error)),
            }
        }
    }

    /// How much was added.
    pub fn bytes(&self) -> u64 {
        self.progress.bytes()
    }

    /// Makes it the file.
    pub fn finish(self) -> Result<(), String> {
        let path = self.path;
        self.file.persist(&path).map_err(|error| at(&path)(error.error))?;
        Ok(())
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
        let create = || Sink::create(&path, 0o711, Progress::new("Fetched", "u")).unwrap();

        let mut sink = create();
        sink.write(b"ab").unwrap();
        assert!(!path.exists());
        drop(sink);
        assert_eq!(entries(), 0);

        let mut sink = create();
        sink.write(b"ab").unwrap();
        sink.write(b"c").unwrap();
        assert_eq!(sink.bytes(), 3);
        sink.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"abc");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o700, 0o700);
        assert_eq!(entries(), 1);
    }
}
