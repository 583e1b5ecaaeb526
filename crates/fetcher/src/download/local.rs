//! Files of this machine: `file://` URIs, and paths.

use crate::log::log;
use crate::progress::Progress;
use crate::sink::Sink;
use crate::target::at;
use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The path that a URI means; `None` when it means none. A relative one is below
/// `frameworks_home`.
///
/// Mirrors `Fetcher::uriToLocalPath` in `src/slave/containerizer/fetcher.cpp`.
#[doc(alias = "Fetcher::uriToLocalPath")]
pub fn path(uri: &str, frameworks_home: Option<&str>) -> Result<Option<PathBuf>, String> {
    let file = uri.strip_prefix("file://");
    if file.is_none() && uri.contains("://") {
        return Ok(None);
    }
    let path = file.unwrap_or(uri);
    let path = path.strip_prefix("localhost").unwrap_or(path);
    if path.starts_with('/') {
        return Ok(Some(PathBuf::from(path)));
    }
    if file.is_some() {
        return Err("File URI only supports absolute paths".to_owned());
    }
    let Some(home) = frameworks_home.filter(|home| !home.is_empty()) else {
        return Err(
            "A relative path was passed for the resource but the Mesos framework home was \
                    not specified. Please either provide this config option or avoid using a \
                    relative path"
                .to_owned(),
        );
    };
    let path = Path::new(home).join(path);
    log!(Info, "Prepended Mesos frameworks home to relative path, making it: '{}'", path.display());
    Ok(Some(path))
}

/// Copies the file, a piece at a time. The copy has its permissions, as far as the umask leaves
/// them.
///
/// Mirrors `copyFile` in `src/launcher/fetcher.cpp`; upstream's runs `cp`.
#[doc(alias = "copyFile")]
pub fn copy_file(source: &Path, path: &Path, uri: &str) -> Result<(), String> {
    let mut file = File::open(source).map_err(at(source))?;
    let metadata = file.metadata().map_err(at(source))?;
    if metadata.is_dir() {
        return Err(format!("{}: `source` was a directory", source.display()));
    }
    if path.metadata().is_ok_and(|target| is_same(&metadata, &target)) {
        return Err(format!("'{}' and '{}' are the same file", source.display(), path.display()));
    }
    let mut sink = Sink::create(path, metadata.mode(), Progress::new("Fetched", uri))?;
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
    fn uris_of_files_are_paths() {
        let home = Some("/home");
        for (uri, home, expected) in [
            ("file:///a/b", None, Ok(Some("/a/b"))),
            ("file://localhost/a", None, Ok(Some("/a"))),
            ("file://a/b", home, Err(())),
            ("/a/b", None, Ok(Some("/a/b"))),
            ("a/b", home, Ok(Some("/home/a/b"))),
            ("a/b", None, Err(())),
            ("a/b", Some(""), Err(())),
            ("http://a/b", home, Ok(None)),
            ("hdfs://a/b", home, Ok(None)),
        ] {
            let expected = expected.map(|path| path.map(PathBuf::from));
            assert_eq!(path(uri, home).map_err(drop), expected, "{uri}");
        }
    }

    #[test]
    fn a_file_is_not_copied_onto_itself() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("f");
        std::fs::write(&file, "data").unwrap();
        let link = directory.path().join("l");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(copy_file(&link, &file, "u").unwrap_err().contains("are the same file"));
        assert_eq!(std::fs::read(&file).unwrap(), b"data");
    }
}
