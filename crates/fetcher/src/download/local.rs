//! Files of this machine: `file://` URIs, and paths.

use crate::progress::Progress;
use crate::sink::{Placement, Sink};
use crate::target::at;
use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Copies the file, a piece at a time. The copy has its permissions, as far as the umask leaves
/// them.
///
/// Mirrors `copyFile` in `src/launcher/fetcher.cpp`; upstream's runs `cp`.
#[doc(alias = "copyFile")]
pub fn copy_file(
    source: &Path,
    path: &Path,
    placement: Placement,
    uri: &str,
) -> Result<(), String> {
    let mut file = File::open(source).map_err(at(source))?;
    let metadata = file.metadata().map_err(at(source))?;
    if metadata.is_dir() {
        return Err(format!("{}: `source` was a directory", source.display()));
    }
    if path.metadata().is_ok_and(|target| is_same(&metadata, &target)) {
        return Err(format!("'{}' and '{}' are the same file", source.display(), path.display()));
    }
    let mut sink = Sink::create(path, placement, metadata.mode(), Progress::new("Fetched", uri))?;
    sink.expect(metadata.len());
    sink.fill(&mut file, at(source))?;
    sink.finish()
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_not_copied_onto_itself() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("f");
        std::fs::write(&file, "data").unwrap();
        let link = directory.path().join("l");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(
            copy_file(&link, &file, Placement::Atomic, "u")
                .unwrap_err()
                .contains("are the same file")
        );
        assert_eq!(std::fs::read(&file).unwrap(), b"data");
    }
}
