//! Files of this machine: `file://` URIs, and paths.

use super::sink::Sink;
use super::target::at;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The path that a URI means. A relative one is below `frameworks_home`.
///
/// Mirrors `Fetcher::uriToLocalPath` in `src/slave/containerizer/fetcher.cpp`.
#[doc(alias = "Fetcher::uriToLocalPath")]
pub fn path(uri: &str, frameworks_home: Option<&str>) -> Result<PathBuf, String> {
    let path = match uri.strip_prefix("file://") {
        Some(path) => path.strip_prefix("localhost").unwrap_or(path),
        None => uri,
    };
    if path.starts_with('/') {
        return Ok(PathBuf::from(path));
    }
    if uri.starts_with("file://") {
        return Err("File URI only supports absolute paths".to_owned());
    }
    match frameworks_home.filter(|home| !home.is_empty()) {
        Some(home) => Ok(Path::new(home).join(path)),
        None => {
            Err("A relative path was passed for the resource but the Mesos framework home was \
                     not specified. Please either provide this config option or avoid using a \
                     relative path"
                .to_owned())
        }
    }
}

/// Copies the file, a piece at a time.
pub fn copy(path: &Path, sink: &mut Sink) -> Result<(), String> {
    let mut file = File::open(path).map_err(at(path))?;
    let metadata = file.metadata().map_err(at(path))?;
    if metadata.is_dir() {
        return Err(format!("{}: is a directory", path.display()));
    }
    sink.expect(metadata.len());
    let mut buffer = vec![0; 128 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => sink.write(&buffer[..length])?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(at(path)(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_of_files_are_paths() {
        let home = Some("/home");
        for (uri, home, expected) in [
            ("file:///a/b", None, Some("/a/b")),
            ("file://localhost/a", None, Some("/a")),
            ("file://a/b", home, None),
            ("/a/b", None, Some("/a/b")),
            ("a/b", home, Some("/home/a/b")),
            ("a/b", None, None),
            ("a/b", Some(""), None),
        ] {
            assert_eq!(path(uri, home).ok(), expected.map(PathBuf::from), "{uri}");
        }
    }
}
