//! Real directories that simulated containers see where they bind them. They are only looked at.

use sim::environment::daemon::{HostFile, HostFiles};
use std::path::{Path, PathBuf};

/// A file that is longer is not read.
const LONGEST: u64 = 1 << 20;

/// What lies below these directories; everything else of the machine is nobody's business.
#[derive(Debug)]
pub struct Shown(Vec<PathBuf>);

impl Shown {
    /// Shows these directories.
    ///
    /// # Errors
    ///
    /// Which of them is none.
    pub fn new(directories: &[PathBuf]) -> Result<Self, String> {
        let real = |directory: &PathBuf| {
            let of = |problem: &str| format!("{}: {problem}", directory.display());
            let real = directory.canonicalize().map_err(|error| of(&error.to_string()))?;
            if real.is_dir() { Ok(real) } else { Err(of("not a directory")) }
        };
        directories.iter().map(real).collect::<Result<_, _>>().map(Shown)
    }

    /// Where a path leads, if that may be shown: a link must not lead out.
    fn real(&self, path: &Path) -> Option<PathBuf> {
        let real = path.canonicalize().ok()?;
        self.0.iter().any(|shown| real.starts_with(shown)).then_some(real)
    }
}

impl HostFiles for Shown {
    fn look(&self, path: &Path) -> Option<HostFile> {
        let kind = self.real(path)?.metadata().ok()?.file_type();
        Some(match () {
            () if kind.is_dir() => HostFile::Directory,
            () if kind.is_file() => HostFile::File,
            () => HostFile::Other,
        })
    }

    fn names(&self, path: &Path) -> Vec<String> {
        let entries = self.real(path).and_then(|real| real.read_dir().ok());
        let names = entries.into_iter().flatten().flatten().map(|entry| entry.file_name());
        names.filter_map(|name| name.into_string().ok()).collect()
    }

    fn read(&self, path: &Path) -> Option<Vec<u8>> {
        let real = self.real(path)?;
        let metadata = real.metadata().ok()?;
        let readable = metadata.is_file() && metadata.len() <= LONGEST;
        readable.then(|| std::fs::read(&real).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_what_lies_below_is_shown() {
        let outer = tempfile::tempdir().unwrap();
        let (shown, hidden) = (outer.path().join("shown"), outer.path().join("hidden"));
        for directory in [&shown.join("inner"), &hidden] {
            std::fs::create_dir_all(directory).unwrap();
            std::fs::write(directory.join("file"), "content").unwrap();
        }
        symlink(&hidden, shown.join("out")).unwrap();
        symlink(shown.join("inner/file"), shown.join("in")).unwrap();
        let files = Shown::new(std::slice::from_ref(&shown)).unwrap();
        for (path, kind) in [
            (shown.clone(), Some(HostFile::Directory)),
            (shown.join("inner/file"), Some(HostFile::File)),
            (shown.join("in"), Some(HostFile::File)),
            (shown.join("none"), None),
            (shown.join("out"), None),
            (shown.join("out/file"), None),
            (shown.join("../hidden/file"), None),
            (hidden.join("file"), None),
            (outer.path().to_owned(), None),
        ] {
            assert_eq!(files.look(&path), kind, "{}", path.display());
            let content = (kind == Some(HostFile::File)).then(|| b"content".to_vec());
            assert_eq!(files.read(&path), content, "{}", path.display());
        }
        let mut names = files.names(&shown);
        names.sort();
        assert_eq!(names, ["in", "inner", "out"]);
        assert!(files.names(outer.path()).is_empty());
        let long = vec![0; usize::try_from(LONGEST).unwrap() + 1];
        std::fs::write(shown.join("long"), long).unwrap();
        assert_eq!(files.read(&shown.join("long")), None);
        assert!(Shown::new(&[shown.join("none")]).unwrap_err().contains("none: No such file"));
        assert!(Shown::new(&[shown.join("in")]).unwrap_err().contains("not a directory"));
    }
}
