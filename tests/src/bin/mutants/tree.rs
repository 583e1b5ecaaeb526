//! A copy of the source tree in which patches are tried, so that nobody's work tree is touched.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What makes the copy's packages others than the work tree's. Cargo identifies a package of a
/// workspace by its path in the workspace, its name and its version: with the same version, the
/// copy's artifacts would take the place of the work tree's in the build directory that both use.
const VERSION_SUFFIX: &str = "-mutant";

/// The source tree as it was when the program started, and a copy of it on disk.
pub struct Tree {
    directory: PathBuf,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Tree {
    /// Reads the source tree at `root`; the copy is to be at `directory`.
    pub fn read(root: &Path, directory: PathBuf) -> io::Result<Tree> {
        let paths = match listed_by_git(root) {
            Some(paths) => paths,
            None => walk(root)?,
        };
        let mut files = BTreeMap::new();
        for path in paths {
            match fs::read(root.join(&path)) {
                Ok(content) => files.insert(path, content),
                // Deleted, but git was not told.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(at(&root.join(&path), &error)),
            };
        }
        for (name, rename) in [
            ("Cargo.toml", rename_in_manifest as fn(&str) -> String),
            ("Cargo.lock", rename_in_lock),
        ] {
            if let Some(content) = files.get_mut(Path::new(name)) {
                *content = rename(&String::from_utf8_lossy(content)).into_bytes();
            }
        }
        Ok(Tree { directory, files })
    }

    /// Where the copy is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes the copy what was read. Files that are right are left alone, with their times, so
    /// that what was built from them stays valid.
    pub fn restore(&self) -> io::Result<()> {
        for (path, content) in &self.files {
            let path = self.directory.join(path);
            if fs::read(&path).is_ok_and(|old| old == *content) {
                continue;
            }
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(|error| at(parent, &error))?;
            }
            fs::write(&path, content).map_err(|error| at(&path, &error))?;
        }
        for path in walk(&self.directory)? {
            if !self.files.contains_key(&path) {
                let path = self.directory.join(path);
                fs::remove_file(&path).map_err(|error| at(&path, &error))?;
            }
        }
        Ok(())
    }

    /// Applies a patch to the copy: with `git apply` if there is a git, else with `patch`. Neither
    /// may guess: all context must fit. An error is their output.
    pub fn apply(&self, patch: &Path) -> Result<(), String> {
        let output = match self.git_apply(patch) {
            Err(error) if error.kind() == ErrorKind::NotFound => self.patch(patch),
            result => result,
        }
        .map_err(|error| format!("neither git nor patch can be run: {error}"))?;
        if !output.status.success() {
            let text = [output.stdout, output.stderr].concat();
            return Err(String::from_utf8_lossy(&text).trim().to_owned());
        }
        if self.is_restored() {
            return Err("it changes nothing".to_owned());
        }
        Ok(())
    }

    fn git_apply(&self, patch: &Path) -> io::Result<Output> {
        let mut git = Command::new("git");
        // The copy lies inside a repository, where git would take the patch's paths for the
        // repository's, and leave out those that are elsewhere, without a word.
        git.env("GIT_CEILING_DIRECTORIES", self.directory.parent().unwrap_or(&self.directory));
        git.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE").env_remove("GIT_INDEX_FILE");
        git.args(["apply", "--whitespace=nowarn"]).arg(patch);
        git.current_dir(&self.directory).output()
    }

    fn patch(&self, patch: &Path) -> io::Result<Output> {
        let mut program = Command::new("patch");
        program.args(["-p1", "--batch", "--forward", "--fuzz=0", "--no-backup-if-mismatch"]);
        program.args(["--reject-file=-", "--input"]).arg(patch);
        program.current_dir(&self.directory).output()
    }

    fn is_restored(&self) -> bool {
        self.files.iter().all(|(path, content)| {
            fs::read(self.directory.join(path)).is_ok_and(|found| found == *content)
        })
    }
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// The files that git knows or would add; `None` where there is no git or no repository.
fn listed_by_git(root: &Path) -> Option<Vec<PathBuf>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let output = git.current_dir(root).output().ok()?;
    let names = output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let paths: Vec<_> = names.map(|name| PathBuf::from(OsStr::from_bytes(name))).collect();
    (output.status.success() && !paths.is_empty()).then_some(paths)
}

/// All files below `root` but git's own, build artifacts and what campaigns leave.
fn walk(root: &Path) -> io::Result<Vec<PathBuf>> {
    const NOT_OURS: [&str; 3] = ["target", ".git", "drydock-out"];
    let mut found = Vec::new();
    let mut left = vec![PathBuf::new()];
    while let Some(directory) = left.pop() {
        let here = root.join(&directory);
        for entry in fs::read_dir(&here).map_err(|error| at(&here, &error))? {
            let entry = entry?;
            let path = directory.join(entry.file_name());
            if !entry.file_type()?.is_dir() {
                found.push(path);
            } else if !NOT_OURS.iter().any(|name| path == Path::new(name)) {
                left.push(path);
            }
        }
    }
    Ok(found)
}

/// Gives the workspace's packages another version. They all have the workspace's.
fn rename_in_manifest(text: &str) -> String {
    let mut renamed = false;
    edit_lines(text, |line| {
        if renamed || !line.starts_with("version = \"") {
            return None;
        }
        renamed = true;
        Some(suffixed(line))
    })
}

/// The same in the lock file: packages without a source are the workspace's.
fn rename_in_lock(text: &str) -> String {
    let packages = text.split("\n\n").map(|package| {
        if package.contains("\nsource = ") || !package.starts_with("[[package]]") {
            return package.to_owned();
        }
        edit_lines(package, |line| line.starts_with("version = \"").then(|| suffixed(line)))
    });
    packages.collect::<Vec<_>>().join("\n\n")
}

fn suffixed(line: &str) -> String {
    let end = line.rfind('"').unwrap_or(line.len());
    format!("{}{VERSION_SUFFIX}{}", &line[..end], &line[end..])
}

fn edit_lines(text: &str, mut edit: impl FnMut(&str) -> Option<String>) -> String {
    let lines = text.split('\n').map(|line| edit(line).unwrap_or_else(|| line.to_owned()));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str =
        "# Title: x\n--- a/b/c.rs\n+++ b/b/c.rs\n@@ -1,2 +1,2 @@\n-one\n+eins\n two\n";

    fn write(path: &Path, content: &str) {
        fs::create_dir_all(path.parent().expect("it lies in a directory")).expect("created");
        fs::write(path, content).expect("written");
    }

    #[test]
    fn a_patch_is_applied_to_the_copy_and_taken_back() {
        let lab = tempfile::tempdir().expect("a directory");
        let (root, patch) = (lab.path().join("root"), lab.path().join("x.patch"));
        write(&root.join("b/c.rs"), "one\ntwo\n");
        write(&root.join("target/old"), "");
        write(&patch, PATCH);
        let tree = Tree::read(&root, root.join("target/tree")).expect("read");
        let copy = root.join("target/tree/b/c.rs");
        for _ in 0..2 {
            tree.restore().expect("copied");
            assert_eq!(fs::read_to_string(&copy).expect("there"), "one\ntwo\n");
            assert!(!tree.directory().join("target").exists());
            tree.apply(&patch).expect("it fits");
            assert_eq!(fs::read_to_string(&copy).expect("there"), "eins\ntwo\n");
            write(&tree.directory().join("new"), "");
        }
        let error = tree.apply(&patch).expect_err("it was applied already");
        assert!(error.contains("b/c.rs"), "{error}");
        assert_eq!(fs::read_to_string(root.join("b/c.rs")).expect("there"), "one\ntwo\n");
    }

    #[test]
    fn the_copys_packages_have_a_version_of_their_own() {
        let manifest = "[workspace.package]\nversion = \"0.1.0\"\n\n[x]\nversion = \"1\"\n";
        let renamed = "[workspace.package]\nversion = \"0.1.0-mutant\"\n\n[x]\nversion = \"1\"\n";
        assert_eq!(rename_in_manifest(manifest), renamed);
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"b\"\nversion = \"1.0.0\"\nsource = \"r\"\n";
        let renamed =
            lock.replace("\"a\"\nversion = \"1.0.0\"", "\"a\"\nversion = \"1.0.0-mutant\"");
        assert_eq!(rename_in_lock(lock), renamed);
    }
}
