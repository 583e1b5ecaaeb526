//! Where in the sandbox a URI goes.

use std::path::{Component, Path, PathBuf};

/// The file that a URI becomes. Its directory is made if need be, and lies in the sandbox whatever
/// links there are.
pub fn prepare(sandbox: &Path, uri: &str, output_file: Option<&str>) -> Result<PathBuf, String> {
    let relative = match output_file {
        Some(output_file) => {
            containerizer::fetcher::validate_output_file(output_file)?;
            output_file
        }
        None => containerizer::fetcher::basename(uri)?,
    };
    let sandbox = sandbox.canonicalize().map_err(at(sandbox))?;
    let relative = Path::new(relative);
    let Some(name) = relative.file_name() else {
        return Err(format!("'{}' is no name of a file", relative.display()));
    };

    let mut directory = sandbox.clone();
    for part in relative.parent().into_iter().flat_map(Path::components) {
        match part {
            Component::Normal(part) => directory.push(part),
            Component::CurDir => continue,
            _ => return Err("URI output file must be within the sandbox directory".to_owned()),
        }
        match std::fs::create_dir(&directory) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                let directory = directory.display();
                return Err(format!(
                    "Unable to create subdirectory {directory} in sandbox: {error}"
                ));
            }
        }
        // Before anything is made below it.
        directory = directory.canonicalize().map_err(at(&directory))?;
        if !directory.starts_with(&sandbox) {
            return Err("URI output file must be within the sandbox directory".to_owned());
        }
    }
    let path = directory.join(name);
    if path.is_dir() {
        return Err(format!("'{}' is a directory", path.display()));
    }
    Ok(path)
}

/// An error at this path, for people.
pub fn at(path: &Path) -> impl Fn(std::io::Error) -> String + '_ {
    move |error| format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_lands_in_the_sandbox_or_nowhere() {
        let directory = tempfile::tempdir().unwrap();
        let sandbox = directory.path().join("sandbox");
        std::fs::create_dir_all(sandbox.join("sub")).unwrap();
        std::os::unix::fs::symlink(directory.path(), sandbox.join("out")).unwrap();
        let real = sandbox.canonicalize().unwrap();
        let uri = "http://host/a/b.txt";
        for (output_file, expected) in [
            (None, Some("b.txt")),
            (Some("c"), Some("c")),
            (Some("new/er/c"), Some("new/er/c")),
            (Some("./sub//c"), Some("sub/c")),
            (Some("../c"), None),
            (Some("/c"), None),
            (Some("out/c"), None),
            (Some("out/new/c"), None),
            (Some("sub"), None),
            (Some("."), None),
        ] {
            let path = prepare(&sandbox, uri, output_file);
            assert_eq!(path.ok(), expected.map(|path| real.join(path)), "{output_file:?}");
        }
        assert!(!directory.path().join("new").exists(), "nothing is made outside");
    }
}
