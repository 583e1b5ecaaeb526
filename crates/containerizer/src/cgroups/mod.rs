//! Control groups, both versions, as far as the Docker containerizer uses them.
//!
//! Mirrors the functions of `src/linux/cgroups.{hpp,cpp}` that `docker.cpp` calls.
// differs: upstream's Docker containerizer knows version 1 only. Where the host mounts version 2, the
// same figures are read from, and the same limits written to, the files that version has for them.

mod control;
mod stat;

pub(crate) use control::Quota;

use process::host::{Host, OsPid};
use std::fmt;
use std::path::{Path, PathBuf};

/// The group of all processes that nobody put into another one. Nobody's limits belong there: a
/// zombie is moved into it for a moment.
pub(crate) const ROOT: &str = "/";

/// Which files a hierarchy has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// A hierarchy for each subsystem, or for several.
    One,
    /// One hierarchy with all subsystems.
    Two,
}

/// Where groups of some subsystem are mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hierarchy {
    pub(crate) version: Version,
    mount: PathBuf,
}

/// One group in its hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cgroup {
    pub(crate) version: Version,
    path: PathBuf,
}

impl fmt::Display for Cgroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.path.display(), f)
    }
}

impl Hierarchy {
    /// The group with this name, as [`of_process`] gives it.
    pub(crate) fn cgroup(&self, name: &str) -> Cgroup {
        let path = self.mount.join(name.trim_start_matches('/'));
        Cgroup { version: self.version, path }
    }
}

impl Cgroup {
    fn read(&self, host: &dyn Host, file: &str) -> Result<String, String> {
        let path = self.path.join(file);
        let content = host.read(&path)?;
        String::from_utf8(content).map_err(|_| format!("{}: not UTF-8", path.display()))
    }

    fn write(&self, host: &dyn Host, file: &str, value: &str) -> Result<(), String> {
        host.write(&self.path.join(file), value.as_bytes())
    }
}

/// The hierarchy with this subsystem; none if it is not mounted.
///
/// Mirrors `cgroups::hierarchy` in `src/linux/cgroups.cpp`.
#[doc(alias = "cgroups::hierarchy")]
pub(crate) fn hierarchy(host: &dyn Host, subsystem: &str) -> Result<Option<Hierarchy>, String> {
    let table = host.read(Path::new("/proc/mounts"))?;
    let table = String::from_utf8_lossy(&table);
    let mut first: Option<Hierarchy> = None;
    for line in table.lines() {
        let mut fields = line.split(' ').skip(1);
        let (Some(mount), Some(kind), Some(options)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let version = match kind {
            "cgroup" if options.split(',').any(|option| option == subsystem) => Version::One,
            "cgroup2" => Version::Two,
            _ => continue,
        };
        let found = Hierarchy { version, mount: PathBuf::from(mount) };
        // Beside hierarchies of version 1, that of version 2 has no subsystems that they have. Of
        // several, the first by name.
        let key = |it: &Hierarchy| (it.version == Version::Two, it.mount.clone());
        if first.as_ref().is_none_or(|first| key(&found) < key(first)) {
            first = Some(found);
        }
    }
    Ok(first)
}

/// The name of the group that a process is in, in the hierarchy with this subsystem. None where no
/// such hierarchy is mounted.
///
/// Mirrors `cgroups::internal::cgroup` in `src/linux/cgroups.cpp`.
#[doc(alias = "cgroups::cpu::cgroup")]
#[doc(alias = "cgroups::cpuacct::cgroup")]
#[doc(alias = "cgroups::memory::cgroup")]
pub(crate) fn of_process(
    host: &dyn Host,
    pid: OsPid,
    subsystem: &str,
) -> Result<Option<String>, String> {
    let path = PathBuf::from(format!("/proc/{pid}/cgroup"));
    let content =
        host.read(&path).map_err(|error| format!("Failed to read {}: {error}", path.display()))?;
    let content = String::from_utf8_lossy(&content);
    let (mut named, mut unified, mut is_legacy) = (None, None, false);
    for line in content.lines().filter(|line| !line.is_empty()) {
        // Number, subsystems, name; a name may have colons.
        let mut fields = line.splitn(3, ':');
        let (Some(number), Some(subsystems), Some(name)) =
            (fields.next(), fields.next(), fields.next())
        else {
            return Err(format!("Unexpected format in {}", path.display()));
        };
        if subsystems.split(',').any(|it| it == subsystem) {
            named = Some(name.to_owned());
        }
        if number == "0" && subsystems.is_empty() {
            unified = Some(name.to_owned());
        }
        is_legacy |= !subsystems.is_empty() && !subsystems.starts_with("name=");
    }
    Ok(named.or(unified.filter(|_| !is_legacy)))
}
