//! The directory that an archive becomes. Nothing that an archive says leads out of it.

use crate::target::at;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{self, AtFlags, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// How deep an archive may be: every level is an open file for whoever walks through it.
const MAX_DEPTH: usize = 200;

const FOLLOW_NOTHING: OFlags =
    OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::RDONLY).union(OFlags::CLOEXEC);

/// What an archive says of an entry.
#[derive(Clone, Copy)]
pub struct Attributes {
    /// Its permissions; the umask is taken off. Nothing else in here counts, so no archive makes a
    /// file that runs as somebody else.
    pub mode: u32,
    /// When it was changed, in seconds after the epoch.
    pub modified: Option<u64>,
}

/// A directory that is being filled. It opens one directory after the other, and no link.
pub struct Tree {
    root: OwnedFd,
    /// Where something was made last: the next is mostly there, too.
    last: Option<(PathBuf, OwnedFd)>,
    /// What can be given to a directory only at the end.
    directories: Vec<(PathBuf, Attributes)>,
    buffer: Vec<u8>,
}

impl Tree {
    /// Fills an empty directory.
    pub fn new(path: &Path) -> Result<Self, String> {
        let root = fs::open(path, FOLLOW_NOTHING, Mode::empty());
        let root = root.map_err(io::Error::from).map_err(at(path))?;
        let buffer = vec![0; 128 << 10];
        Ok(Tree { root, last: None, directories: Vec::new(), buffer })
    }

    /// Why an entry is refused.
    pub fn refused(&self, path: &[u8], why: &str) -> String {
        format!("entry '{}' is refused: {why}", String::from_utf8_lossy(path))
    }

    /// Makes a directory, if it is not there.
    pub fn directory(&mut self, path: &[u8], attributes: Attributes) -> Result<(), String> {
        let Some(parts) = self.parts(path)? else { return Ok(()) };
        // It can be filled whatever the archive says.
        let opened = self.open(&parts).map_err(|error| self.failed(path, error))?;
        self.last = Some((parts.clone(), opened));
        self.directories.push((parts, attributes));
        Ok(())
    }

    /// Makes a file. It takes the place of a file or link of its name.
    pub fn file(
        &mut self,
        path: &[u8],
        attributes: Attributes,
        content: &mut dyn Read,
    ) -> Result<(), String> {
        let (parent, name) = self.place(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(attributes.mode & 0o777);
        let file = fs::openat(&parent, &name, flags, mode);
        let mut file = File::from(file.map_err(|error| self.failed(path, error))?);
        let copied = copy(content, &mut file, &mut self.buffer);
        copied.map_err(|error| self.refused(path, &error))?;
        if let Some(times) = times(attributes) {
            fs::futimens(&file, &times).map_err(|error| self.failed(path, error))?;
        }
        self.keep(path, parent);
        Ok(())
    }

    /// Makes a symbolic link to somewhere within the tree.
    pub fn symlink(
        &mut self,
        path: &[u8],
        target: &[u8],
        attributes: Attributes,
    ) -> Result<(), String> {
        let depth = self.parts(path)?.map_or(0, |parts| parts.components().count());
        if !stays_within(target, depth.saturating_sub(1)) {
            let target = String::from_utf8_lossy(target);
            return Err(self.refused(
                path,
                &format!("it is a link to '{target}', which may be outside of the sandbox"),
            ));
        }
        let (parent, name) = self.place(path)?;
        fs::symlinkat(OsStr::from_bytes(target), &parent, &name)
            .map_err(|error| self.failed(path, error))?;
        if let Some(times) = times(attributes) {
            fs::utimensat(&parent, &name, &times, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| self.failed(path, error))?;
        }
        self.keep(path, parent);
        Ok(())
    }

    /// Makes another name of a file that came earlier in the archive.
    pub fn hard_link(&mut self, path: &[u8], target: &[u8]) -> Result<(), String> {
        let shown = String::from_utf8_lossy(target).into_owned();
        let outside = |tree: &Tree| {
            tree.refused(path, &format!("it is a hard link to '{shown}', outside of the sandbox"))
        };
        let from = self.parts(target).map_err(|_| outside(self))?;
        let from = from.ok_or_else(|| outside(self))?;
        let missing = |tree: &Tree| {
            tree.refused(
                path,
                &format!("it is a hard link to '{shown}', which is no file that came before it"),
            )
        };
        let (Some(directory), Some(file)) = (from.parent(), from.file_name()) else {
            return Err(outside(self));
        };
        let source = self.walk(directory, false).map_err(|_| missing(self))?;
        let found = fs::statat(&source, file, AtFlags::SYMLINK_NOFOLLOW);
        if !found.is_ok_and(|found| fs::FileType::from_raw_mode(found.st_mode).is_file()) {
            return Err(missing(self));
        }
        if self.parts(path)?.as_ref() == Some(&from) {
            return Ok(());
        }
        let (parent, name) = self.place(path)?;
        fs::linkat(&source, file, &parent, &name, AtFlags::empty())
            .map_err(|error| self.failed(path, error))?;
        self.keep(path, parent);
        Ok(())
    }

    /// Gives the directories what belongs to them, where they are now.
    pub fn finish(self, directory: &Path) -> Result<(), String> {
        let failed = |path: &Path, error: io::Error| at(path)(error);
        // So that one that is closed is closed after those in it.
        for (path, attributes) in self.directories.iter().rev() {
            let path = directory.join(path);
            let mode = attributes.mode & 0o777;
            // As made, with the umask taken off.
            let made = path.symlink_metadata().map_err(|error| failed(&path, error))?;
            if !made.is_dir() {
                continue;
            }
            if let Some(times) = times(*attributes) {
                fs::utimensat(fs::CWD, &path, &times, AtFlags::SYMLINK_NOFOLLOW)
                    .map_err(|error| failed(&path, error.into()))?;
            }
            let made = made.permissions().mode() & 0o777;
            if made & mode != made {
                let permissions = std::fs::Permissions::from_mode(made & mode);
                std::fs::set_permissions(&path, permissions)
                    .map_err(|error| failed(&path, error))?;
            }
        }
        Ok(())
    }

    /// A path within the tree, without what means nothing; `None` for the tree itself.
    fn parts(&self, path: &[u8]) -> Result<Option<PathBuf>, String> {
        if path.is_empty() {
            return Err(self.refused(path, "it has no name"));
        }
        if path.starts_with(b"/") {
            return Err(self.refused(path, "its path is absolute"));
        }
        let mut parts = PathBuf::new();
        let mut depth = 0;
        for part in path.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => continue,
                b".." => return Err(self.refused(path, "its path leads upwards ('..')")),
                part if part.contains(&0) => {
                    return Err(self.refused(path, "its path has a zero in it"));
                }
                part => parts.push(OsStr::from_bytes(part)),
            }
            depth += 1;
        }
        if depth > MAX_DEPTH {
            return Err(self.refused(path, &format!("it is deeper than {MAX_DEPTH} directories")));
        }
        Ok((depth > 0).then_some(parts))
    }

    /// The directory of an entry, and its name there, where nothing is now.
    fn place(&mut self, path: &[u8]) -> Result<(OwnedFd, OsString), String> {
        let parts = self.parts(path)?;
        let parts = parts.ok_or_else(|| self.refused(path, "it has no name"))?;
        let name = parts.file_name().unwrap_or_default().to_owned();
        let parent = parts.parent().unwrap_or(Path::new(""));
        let opened = match self.last.take() {
            Some((last, opened)) if last == parent => opened,
            _ => self.open(parent).map_err(|error| self.failed(path, error))?,
        };
        match fs::unlinkat(&opened, &name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::ISDIR | Errno::PERM) => {
                fs::unlinkat(&opened, &name, AtFlags::REMOVEDIR)
                    .map_err(|error| self.failed(path, error))?;
            }
            Err(error) => return Err(self.failed(path, error)),
        }
        Ok((opened, name))
    }

    /// Remembers the directory of an entry.
    fn keep(&mut self, path: &[u8], parent: OwnedFd) {
        if let Ok(Some(parts)) = self.parts(path) {
            let directory = parts.parent().unwrap_or(Path::new("")).to_owned();
            self.last = Some((directory, parent));
        }
    }

    fn open(&self, path: &Path) -> Result<OwnedFd, Errno> {
        self.walk(path, true)
    }

    /// Opens a directory of the tree, one part after the other, and makes what is missing.
    fn walk(&self, path: &Path, make: bool) -> Result<OwnedFd, Errno> {
        let mut directory = self
            .root
            .try_clone()
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        for part in path {
            directory = match enter(directory.as_fd(), part) {
                Err(Errno::NOENT) if make => {
                    fs::mkdirat(&directory, part, Mode::from_raw_mode(0o777))?;
                    enter(directory.as_fd(), part)?
                }
                entered => entered?,
            };
        }
        Ok(directory)
    }

    fn failed(&self, path: &[u8], error: Errno) -> String {
        match error {
            // What NOFOLLOW says of a link, and DIRECTORY of a file.
            Errno::LOOP | Errno::NOTDIR => {
                self.refused(path, "its path leads through a link or a file")
            }
            error => {
                let path = String::from_utf8_lossy(path);
                format!("Failed to write '{path}': {error}")
            }
        }
    }
}

fn enter(directory: BorrowedFd<'_>, part: &OsStr) -> Result<OwnedFd, Errno> {
    fs::openat(directory, part, FOLLOW_NOTHING, Mode::empty())
}

fn copy(content: &mut dyn Read, file: &mut File, buffer: &mut [u8]) -> Result<(), String> {
    loop {
        match content.read(buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                file.write_all(&buffer[..length])
                    .map_err(|error| format!("Failed to write archive data block: {error}"))?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(format!("Failed to read archive data block: {error}")),
        }
    }
}

fn times(attributes: Attributes) -> Option<Timestamps> {
    let seconds = i64::try_from(attributes.modified?).ok()?;
    Some(Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: seconds, tv_nsec: 0 },
    })
}

/// Whether a link that is so many directories deep stays within the tree. Upwards it may go only at
/// its beginning: what is upwards of a directory that it has entered depends on links that may
/// come later.
fn stays_within(target: &[u8], depth: usize) -> bool {
    if target.is_empty() || target.starts_with(b"/") || target.contains(&0) {
        return false;
    }
    let mut upwards = 0;
    let mut entered = false;
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if entered => return false,
            b".." => upwards += 1,
            _ => entered = true,
        }
    }
    upwards <= depth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_upwards_at_its_beginning_and_not_too_far() {
        for (target, depth, stays) in [
            ("a", 0, true),
            ("./a/b", 0, true),
            ("..", 0, false),
            ("..", 1, true),
            ("../../a", 2, true),
            ("../../../a", 2, false),
            ("a/..", 5, false),
            ("/a", 5, false),
            ("", 5, false),
        ] {
            assert_eq!(stays_within(target.as_bytes(), depth), stays, "{target} at {depth}");
        }
    }
}
