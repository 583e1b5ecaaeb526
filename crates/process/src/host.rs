//! The `Host` port: the operating system as far as the agent uses it.
//!
//! Live it is the kernel; in the simulator a process table and files in memory. Mirrors what
//! upstream takes from `process/subprocess.hpp`, `process/reap.hpp`, `stout/os/*`.

use crate::future::Future;
use crate::io::Descriptor;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use crate::pstree::{Follow, ProcessInfo, ProcessTree};
pub use crate::subprocess::{
    ChildHook, Command, Ends, FdType, Io, ParentHook, Subprocess, parent_hook_failed,
};

/// An operating-system process id.
pub type OsPid = i32;

/// The operating system. Errors are messages for people, naming the path or pid.
pub trait Host: Send + Sync + 'static {
    /// Forks and executes. The child executes its program only after all `hooks` have succeeded,
    /// in their order.
    ///
    /// Fails when a stream cannot be prepared, the fork, a hook or the exec fails; then nothing is
    /// left of the child: it is killed and collected, and no descriptor stays open.
    ///
    /// The child's end is noticed, and its pid free for others, without anybody asking for it. Its
    /// status stays known to [`reap`](Self::reap), unless the pid has gone to another process or
    /// many children have ended since.
    #[doc(alias = "process::subprocess")]
    fn subprocess(&self, what: Command, hooks: Vec<ParentHook>) -> Result<Subprocess, String>;

    /// Ready with the wait status once the process has ended; with `None` when it is no child of
    /// ours, so that the status cannot be known. At once when it has ended already.
    #[doc(alias = "process::reap")]
    fn reap(&self, pid: OsPid) -> Future<Option<i32>>;

    /// Signals a process and all its descendants, and what else `follow` says; gives the trees
    /// that were signalled, none when there is no such process.
    ///
    /// Mirrors `os::killtree` in `stout/os/posix/killtree.hpp`.
    #[doc(alias = "os::killtree")]
    fn killtree(&self, pid: OsPid, signal: i32, follow: Follow)
    -> Result<Vec<ProcessTree>, String>;

    /// Makes a pipe: the end to read from, and the end to write into.
    #[doc(alias = "os::pipe")]
    fn pipe(&self) -> Result<(Descriptor, Descriptor), String>;

    /// Opens a file for writing to its end; it is created if need be (mode 0644).
    #[doc(alias = "os::open")]
    fn append(&self, path: &Path) -> Result<Descriptor, String>;

    /// Creates a directory and its parents; succeeds when it is there.
    #[doc(alias = "os::mkdir")]
    fn mkdir(&self, path: &Path) -> Result<(), String>;

    /// Replaces a file's content atomically, creating its directory if need be.
    #[doc(alias = "state::checkpoint")]
    fn checkpoint(&self, path: &Path, content: &[u8]) -> Result<(), String>;

    /// Creates a symbolic link at `link` to `original`.
    #[doc(alias = "fs::symlink")]
    fn symlink(&self, original: &Path, link: &Path) -> Result<(), String>;

    /// Removes a file or link.
    #[doc(alias = "os::rm")]
    fn remove(&self, path: &Path) -> Result<(), String>;

    /// Creates an empty file, or sets the owner of the one that is there to `user` when given.
    #[doc(alias = "os::touch")]
    fn touch(&self, path: &Path, user: Option<&str>) -> Result<(), String>;

    /// Targets of all current mounts, in the order of the mount table.
    #[doc(alias = "fs::MountInfoTable::read")]
    fn mounts(&self) -> Result<Vec<PathBuf>, String>;

    /// Bind-mounts `source` on `target`.
    #[doc(alias = "fs::mount")]
    fn mount(&self, source: &Path, target: &Path, read_only: bool) -> Result<(), String>;

    /// Unmounts `target`, detaching it at once if it is busy.
    #[doc(alias = "fs::unmount")]
    fn unmount(&self, target: &Path) -> Result<(), String>;

    /// The content of a file; also of those that the kernel makes up: `/proc`, control groups.
    ///
    /// The default of this and the methods below is a host that cannot do it and says so, for
    /// tests whose subject never asks.
    #[doc(alias = "os::read")]
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        Err(unsupported(path))
    }

    /// Writes into a file that is there, in one piece: what files of control groups want.
    #[doc(alias = "cgroups::write")]
    fn write(&self, path: &Path, content: &[u8]) -> Result<(), String> {
        let _ = content;
        Err(unsupported(path))
    }

    /// Whether something lies at this path, be it a link that leads nowhere.
    #[doc(alias = "os::exists")]
    fn exists(&self, path: &Path) -> bool {
        let _ = path;
        false
    }

    /// The size of a file in bytes; of the file that a link leads to, or of the link itself.
    #[doc(alias = "os::stat::size")]
    fn size(&self, path: &Path, follow_links: bool) -> Result<u64, String> {
        let _ = follow_links;
        Err(unsupported(path))
    }

    /// Removes a directory and all that is in it; of links only the links.
    #[doc(alias = "os::rmdir")]
    fn remove_directory(&self, path: &Path) -> Result<(), String> {
        Err(unsupported(path))
    }

    /// The environment that this program runs in, for its children; variables that are no Unicode
    /// are left out. By default there is none.
    #[doc(alias = "os::environment")]
    fn environment(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// The ids of a file's owner and of its group.
    #[doc(alias = "os::stat")]
    fn owner(&self, path: &Path) -> Result<(u32, u32), String> {
        Err(unsupported(path))
    }

    /// Gives a file or directory, not what is in it, to this user and group.
    #[doc(alias = "os::chown")]
    fn chown(&self, path: &Path, user: u32, group: u32) -> Result<(), String> {
        let _ = (user, group);
        Err(unsupported(path))
    }

    /// How many processors are online.
    #[doc(alias = "os::cpus")]
    fn cpus(&self) -> Result<u32, String> {
        Err(unsupported(Path::new("/sys/devices/system/cpu/online")))
    }

    /// The size of the main memory in bytes.
    #[doc(alias = "os::memory")]
    fn memory(&self) -> Result<u64, String> {
        Err(unsupported(Path::new("/proc/meminfo")))
    }

    /// The size in bytes of the file system that holds this file.
    #[doc(alias = "fs::size")]
    fn disk(&self, path: &Path) -> Result<u64, String> {
        Err(unsupported(path))
    }

    /// Whether somebody accepts connections there; an error says why not. For addresses of this
    /// machine: it waits for the answer.
    #[doc(alias = "network::connect")]
    fn connect(&self, address: SocketAddr) -> Result<(), String> {
        Err(format!("Failed to connect to {address}: this host has no network"))
    }
}

fn unsupported(path: &Path) -> String {
    format!("{}: this host does not support that", path.display())
}

/// A running instance of a [`Program`], as the program sees it.
pub trait Running: Send + Sync + 'static {
    /// Its process id.
    fn pid(&self) -> OsPid;

    /// What its standard streams lead to. Those that it was not given as a pipe or an open file
    /// are `None`: it opens a [`Io::Path`] itself, if it has a use for it. Closed when it ends.
    fn streams(&self) -> Ends;

    /// Ends it with this wait status (`code << 8`, or the signal's number). Only the first call
    /// counts.
    fn exit(&self, status: i32);
}

/// A program that is part of this binary and runs inside a host without an exec: the docker
/// executor, in the simulator and under `drydock run`.
pub trait Program: Send + Sync + 'static {
    /// Starts an instance; the environment in `what` is always given. The returned closure is
    /// called with each signal sent to it; one that is to die of the signal calls
    /// [`Running::exit`].
    fn start(&self, what: &Command, running: Arc<dyn Running>) -> Box<dyn Fn(i32) + Send + Sync>;
}
