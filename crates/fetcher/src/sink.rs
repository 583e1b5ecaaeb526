//! A file that is there in full, or not at all; or that is there from the beginning.

use crate::progress::Progress;
use crate::target::at;
use std::fs::{OpenOptions, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempPath};

/// How a file comes to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// In full or not at all: it is written beside its place, under another name.
    Atomic,
    /// Under its name from the beginning. For files of the cache: when this program is killed, the
    /// agent removes what there is under the name, and knows no other.
    InPlace,
}

/// Takes what is downloaded. Dropped before its end, it removes that.
pub struct Sink {
    file: NamedTempFile,
    path: PathBuf,
    progress: Progress,
}

impl Sink {
    /// For what becomes the file at `path`, with these permissions as far as the umask leaves them.
    pub fn create(
        path: &Path,
        placement: Placement,
        mode: u32,
        progress: Progress,
    ) -> Result<Self, String> {
        if placement == Placement::InPlace {
            let file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(mode & 0o777)
                .open(path)
                .map_err(at(path))?;
            let own = TempPath::try_from_path(path).map_err(at(path))?;
            let file = NamedTempFile::from_parts(file, own);
            return Ok(Sink { file, path: path.to_owned(), progress });
        }
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
        let progress = || Progress::new("Fetched", "u");
        let create = || Sink::create(&path, Placement::Atomic, 0o711, progress()).unwrap();

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

    #[test]
    fn a_file_in_its_place_is_there_under_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("c1-f");
        let create =
            || Sink::create(&path, Placement::InPlace, 0o644, Progress::new("Fetched", "u"));
        let mut sink = create().unwrap();
        sink.write(b"ab").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"ab");
        assert!(create().is_err(), "it is somebody's already");
        drop(sink);
        assert!(!path.exists());

        let mut sink = create().unwrap();
        sink.write(b"abc").unwrap();
        sink.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"abc");
    }
}
