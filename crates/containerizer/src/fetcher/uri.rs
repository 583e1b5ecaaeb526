//! What a URI must look like before it is handed to the fetcher program.
//!
//! Mirrors the static functions of `Fetcher` in `src/slave/containerizer/fetcher.cpp`.

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

#[cfg(test)]
mod tests {
    use super::*;

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
