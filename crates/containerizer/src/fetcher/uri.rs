//! What a URI must look like before it is handed to the fetcher program, and what it means.
//!
//! Mirrors the static functions of `Fetcher` in `src/slave/containerizer/fetcher.cpp`.

use std::path::{Path, PathBuf};

/// The last path component of a URI: the name of the file that fetching it makes.
///
/// # Errors
///
/// For a URI with a scheme but no path, or one that ends in a slash, or an empty one.
#[doc(alias = "Fetcher::basename")]
pub fn basename(uri: &str) -> Result<&str, String> {
    if uri.contains(['\\', '\'', '\0']) {
        return Err(format!("Illegal characters in URI {uri:?}"));
    }
    let path = match uri.find("://") {
        // After the scheme comes the host, and only then the path. What stands at the very
        // beginning is taken for no scheme, as upstream does.
        Some(scheme) if scheme > 1 => match uri[scheme + 3..].find('/') {
            Some(slash) => &uri[scheme + 3 + slash + 1..],
            None => return Err(format!("Malformed URI (missing path): {uri}")),
        },
        _ => uri,
    };
    let name = path.rsplit('/').next().unwrap_or_default();
    // differs: upstream goes on with an empty name when the URI ends in a slash, and fails later
    // with a message that does not say why.
    if name.is_empty() || name == "." || name == ".." {
        return Err(format!("Malformed URI (missing file name): {uri}"));
    }
    Ok(name)
}

/// Whether a URI can be fetched as far as its form goes.
///
/// # Errors
///
/// What [`basename`] says.
#[doc(alias = "Fetcher::validateUri")]
pub fn validate_uri(uri: &str) -> Result<(), String> {
    basename(uri).map(|_| ())
}

/// Whether a URI's `output_file` names a place inside the sandbox.
///
/// # Errors
///
/// For an empty or absolute path, and for one that climbs out of the sandbox.
#[doc(alias = "Fetcher::validateOutputFile")]
pub fn validate_output_file(path: &str) -> Result<(), String> {
    if path.is_empty() {
        return Err("URI output file path is empty".to_owned());
    }
    // differs: upstream leaves `..` to a TODO; a path out of the sandbox is refused here.
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err("URI output file must be within the sandbox directory".to_owned());
    }
    Ok(())
}

/// The path on this machine that a URI means; `None` when it means none. A relative one is below
/// `frameworks_home`.
///
/// # Errors
///
/// For a relative path, when there is no such directory or the URI says `file://`.
#[doc(alias = "Fetcher::uriToLocalPath")]
pub fn uri_to_local_path(
    uri: &str,
    frameworks_home: Option<&Path>,
) -> Result<Option<PathBuf>, String> {
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
    match frameworks_home.filter(|home| !home.as_os_str().is_empty()) {
        Some(home) => Ok(Some(home.join(path))),
        None => {
            Err("A relative path was passed for the resource but the Mesos framework home was \
                     not specified. Please either provide this config option or avoid using a \
                     relative path"
                .to_owned())
        }
    }
}

/// Whether a URI is fetched over the network by the fetcher's program itself.
#[doc(alias = "Fetcher::isNetUri")]
pub fn is_net_uri(uri: &str) -> bool {
    ["http://", "https://", "ftp://", "ftps://"].iter().any(|scheme| uri.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_of_files_are_paths() {
        let home = Some(Path::new("/home"));
        for (uri, home, expected) in [
            ("file:///a/b", None, Ok(Some("/a/b"))),
            ("file://localhost/a", None, Ok(Some("/a"))),
            ("file://a/b", home, Err(())),
            ("/a/b", None, Ok(Some("/a/b"))),
            ("a/b", home, Ok(Some("/home/a/b"))),
            ("a/b", None, Err(())),
            ("a/b", Some(Path::new("")), Err(())),
            ("http://a/b", home, Ok(None)),
            ("hdfs://a/b", home, Ok(None)),
        ] {
            let expected = expected.map(|path| path.map(PathBuf::from));
            assert_eq!(uri_to_local_path(uri, home).map_err(drop), expected, "{uri}");
        }
    }

    #[test]
    fn the_basename_is_what_follows_the_last_slash() {
        for (uri, expected) in [
            ("http://1.2.3.4:5050/a/b/d.txt", Ok("d.txt")),
            ("file:///a/c.tar.gz", Ok("c.tar.gz")),
            ("/abs/file", Ok("file")),
            ("plain", Ok("plain")),
            ("lala://nopath", Err(())),
            ("http://host/", Err(())),
            ("", Err(())),
            ("a/..", Err(())),
            ("://x/y", Ok("y")),
        ] {
            assert_eq!(basename(uri).map_err(|_| ()), expected, "{uri:?}");
        }
    }

    #[test]
    fn an_output_file_stays_in_the_sandbox() {
        for (path, valid) in
            [("a", true), ("a/b", true), ("", false), ("/a", false), ("a/../../b", false)]
        {
            assert_eq!(validate_output_file(path).is_ok(), valid, "{path:?}");
        }
    }
}
