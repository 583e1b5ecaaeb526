//! What was unpacked moves into the sandbox.

use crate::target::at;
use std::fs::{self, DirEntry, FileType};
use std::path::Path;

/// What is in a place where something shall be.
enum Place {
    /// It can be moved there: nothing, or a file or link that it replaces.
    Free,
    /// Both are directories.
    Directory,
}

/// Whether everything can be moved from one directory to another.
///
/// # Errors
///
/// When a directory would take the place of something else, or something else that of a directory
/// with something in it. Nothing has been moved then.
pub fn check(from: &Path, to: &Path) -> Result<(), String> {
    each(from, to, &mut |_, _| Ok(()))
}

/// Moves everything.
pub fn merge(from: &Path, to: &Path) -> Result<(), String> {
    each(from, to, &mut |from, to| fs::rename(from, to).map_err(at(to)))
}

fn each(
    from: &Path,
    to: &Path,
    act: &mut dyn FnMut(&Path, &Path) -> Result<(), String>,
) -> Result<(), String> {
    for entry in fs::read_dir(from).map_err(at(from))? {
        let entry = entry.map_err(at(from))?;
        let target = to.join(entry.file_name());
        match place(&entry, &target)? {
            Place::Free => act(&entry.path(), &target)?,
            Place::Directory => each(&entry.path(), &target, act)?,
        }
    }
    Ok(())
}

fn place(entry: &DirEntry, target: &Path) -> Result<Place, String> {
    let kind = entry.file_type().map_err(at(target))?;
    let there = match target.symlink_metadata() {
        Ok(there) => there.file_type(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Place::Free),
        Err(error) => return Err(at(target)(error)),
    };
    match (kind.is_dir(), there.is_dir()) {
        (true, true) => Ok(Place::Directory),
        (false, false) => Ok(Place::Free),
        (true, false) => Err(format!(
            "it has a directory where the sandbox has {}: '{}'",
            name(there),
            target.display()
        )),
        (false, true) => Err(format!(
            "it has {} where the sandbox has a directory: '{}'",
            name(kind),
            target.display()
        )),
    }
}

fn name(kind: FileType) -> &'static str {
    if kind.is_symlink() { "a link" } else { "a file" }
}
