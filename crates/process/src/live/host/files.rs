//! Files and mounts of the live host.

use crate::os;
use nix::mount::{MntFlags, MsFlags};
use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

fn at<E: std::fmt::Display>(path: &Path) -> impl Fn(E) -> String + '_ {
    move |error| format!("{}: {error}", path.display())
}

pub(super) fn mkdir(path: &Path) -> Result<(), String> {
    DirBuilder::new().recursive(true).mode(0o755).create(path).map_err(at(path))
}

/// Writes beside the file, synchronises, then renames over it: readers see the old content or the
/// new, also after a crash.
pub(super) fn checkpoint(path: &Path, content: &[u8]) -> Result<(), String> {
    let directory = path.parent().ok_or_else(|| format!("{}: no directory", path.display()))?;
    mkdir(directory)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = directory.join(name);
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&temporary, path))
        .and_then(|()| File::open(directory)?.sync_all())
        .map_err(at(path));
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

pub(super) fn touch(path: &Path, user: Option<&str>) -> Result<(), String> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o644)
        .open(path)
        .map_err(at(path))?;
    let Some(name) = user else { return Ok(()) };
    let user = os::user(name).map_err(at(path))?;
    std::os::unix::fs::chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
        .map_err(at(path))
}

pub(super) fn mounts() -> Result<Vec<PathBuf>, String> {
    let table = Path::new("/proc/self/mountinfo");
    let text = std::fs::read(table).map_err(at(table))?;
    Ok(text.split(|byte| *byte == b'\n').filter_map(target_of).collect())
}

/// The fifth field, in which space, tab, newline and backslash are written in octal.
fn target_of(line: &[u8]) -> Option<PathBuf> {
    let field = line.split(|byte| *byte == b' ').nth(4)?;
    let mut target = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if first == b'\\' => {
                target.push(byte);
                rest = &tail[3..];
            }
            _ => {
                target.push(first);
                rest = tail;
            }
        }
    }
    Some(PathBuf::from(OsString::from_vec(target)))
}

pub(super) fn mount(source: &Path, target: &Path, read_only: bool) -> Result<(), String> {
    let bind = MsFlags::MS_BIND;
    nix::mount::mount(Some(source), target, None::<&str>, bind, None::<&str>)
        .map_err(at(target))?;
    if read_only {
        // The kernel ignores the flag when a bind mount is made; it takes a remount.
        let flags = bind | MsFlags::MS_RDONLY | MsFlags::MS_REMOUNT;
        nix::mount::mount(Some(source), target, None::<&str>, flags, None::<&str>)
            .map_err(at(target))?;
    }
    Ok(())
}

pub(super) fn unmount(target: &Path) -> Result<(), String> {
    nix::mount::umount2(target, MntFlags::MNT_DETACH).map_err(at(target))
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(at(path))
}

/// In one `write`: the kernel takes each as a command of its own.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), String> {
    OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|mut file| file.write_all(content))
        .map_err(at(path))
}

pub(super) fn owner(path: &Path) -> Result<(u32, u32), String> {
    let metadata = std::fs::metadata(path).map_err(at(path))?;
    Ok((metadata.uid(), metadata.gid()))
}

pub(super) fn chown(path: &Path, user: u32, group: u32) -> Result<(), String> {
    std::os::unix::fs::chown(path, Some(user), Some(group)).map_err(at(path))
}

pub(super) fn size(path: &Path, follow_links: bool) -> Result<u64, String> {
    let metadata = if follow_links { path.metadata() } else { path.symlink_metadata() };
    Ok(metadata.map_err(at(path))?.len())
}

pub(super) fn remove_directory(path: &Path) -> Result<(), String> {
    std::fs::remove_dir_all(path).map_err(at(path))
}

/// Mirrors `fs::size` in `stout/os/posix/fs.hpp`.
pub(super) fn disk(path: &Path) -> Result<u64, String> {
    let of = nix::sys::statvfs::statvfs(path).map_err(at(path))?;
    Ok(of.fragment_size().saturating_mul(of.blocks()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_targets_are_unescaped() {
        for (line, expected) in [
            ("36 35 98:0 /m /mnt rw - ext3 /dev/root rw", Some("/mnt")),
            ("36 35 98:0 /m /a\\040b\\134c rw - x y z", Some("/a b\\c")),
            ("36 35 98:0 /m /end\\04 rw", Some("/end\\04")),
            ("short line", None),
        ] {
            assert_eq!(target_of(line.as_bytes()), expected.map(PathBuf::from), "{line}");
        }
    }

    #[test]
    fn files_are_written_in_place_and_never_made() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        assert!(write(&file, b"x").unwrap_err().starts_with(&file.display().to_string()));
        assert!(read(&file).is_err() && owner(&file).is_err() && disk(&file).is_err());
        std::fs::write(&file, "long").unwrap();
        let own = owner(&file).unwrap();
        assert_eq!(write(&file, b"xy"), Ok(()));
        assert_eq!(read(&file).as_deref(), Ok(&b"xyng"[..]));
        assert_eq!(chown(&file, own.0, own.1), Ok(()));
        assert_eq!(owner(&file), Ok(own));
        assert!(disk(&file).unwrap() > 1 << 20);
    }
}
