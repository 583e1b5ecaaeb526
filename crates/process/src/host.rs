//! The `Host` port: the operating system as far as the agent uses it.
//!
//! Live it is the kernel; in the simulator a process table and files in memory. Mirrors what
//! upstream takes from `process/subprocess.hpp`, `process/reap.hpp`, `stout/os/*`.

use crate::future::Future;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An operating-system process id.
pub type OsPid = i32;

/// Where one of a subprocess's standard streams goes.
#[doc(alias = "Subprocess::IO")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Io {
    /// Nowhere: `/dev/null`.
    Null,
    /// Where this program's stream goes.
    Inherit,
    /// To the end of this file, which is created if need be (mode 0644).
    Path(PathBuf),
}

/// What to run, and how: the arguments of libprocess's `subprocess`.
#[doc(alias = "process::subprocess")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subprocess {
    /// The program: a path, or a bare name that the host looks up among its own programs first.
    pub path: String,
    /// Its arguments, the name of the program first.
    pub argv: Vec<String>,
    /// Its whole environment; nothing is inherited.
    pub environment: BTreeMap<String, String>,
    /// Standard input.
    pub stdin: Io,
    /// Standard output.
    pub stdout: Io,
    /// Standard error.
    pub stderr: Io,
    /// Start it in a session of its own.
    pub setsid: bool,
    /// Its working directory; this program's own if not given.
    pub directory: Option<PathBuf>,
}

/// Runs in the parent after the fork, while the child is still blocked before its exec. An error
/// kills the child and fails the launch.
#[doc(alias = "Subprocess::ParentHook")]
pub type ParentHook = Box<dyn FnOnce(OsPid) -> Result<(), String> + Send>;

/// The operating system. Errors are messages for people, naming the path or pid.
pub trait Host: Send + Sync + 'static {
    /// Forks and executes. The child runs on only after all `hooks` have succeeded.
    fn subprocess(&self, what: Subprocess, hooks: Vec<ParentHook>) -> Result<OsPid, String>;

    /// Ready with the wait status once the process has ended; with `None` when it is no child of
    /// ours, so that the status cannot be known. At once when it has ended already.
    #[doc(alias = "process::reap")]
    fn reap(&self, pid: OsPid) -> Future<Option<i32>>;

    /// Signals a process and all its descendants.
    #[doc(alias = "os::killtree")]
    fn killtree(&self, pid: OsPid, signal: i32) -> Result<(), String>;

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
}

/// A running instance of a [`Program`], as the program sees it.
pub trait Running: Send + Sync + 'static {
    /// Its process id.
    fn pid(&self) -> OsPid;

    /// Ends it with this wait status (`code << 8`, or the signal's number). Only the first call
    /// counts.
    fn exit(&self, status: i32);
}

/// A program that is part of this binary and runs inside a host without an exec: the docker
/// executor, in the simulator and under `drydock run`.
pub trait Program: Send + Sync + 'static {
    /// Starts an instance. The returned closure is called with each signal sent to it; one that
    /// is to die of the signal calls [`Running::exit`].
    fn start(&self, what: &Subprocess, running: Arc<dyn Running>)
    -> Box<dyn Fn(i32) + Send + Sync>;
}
