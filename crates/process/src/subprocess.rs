//! `subprocess`: what to run and how, and the handle to what runs.
//!
//! Mirrors `3rdparty/libprocess/include/process/subprocess.hpp`; what starts a [`Command`] is a
//! [`Host`](crate::host::Host). The options that cannot exist here: `clone` (a function in place of
//! `fork`), and Windows's job objects.

use crate::future::Future;
use crate::host::OsPid;
use crate::io::Descriptor;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What becomes of a descriptor that is given to a child.
#[doc(alias = "Subprocess::IO::FDType")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FdType {
    /// It stays open here.
    #[doc(alias = "Subprocess::IO::DUPLICATED")]
    Duplicated,
    /// It is closed here by the start of the child, for all who share it, also if that fails.
    #[doc(alias = "Subprocess::IO::OWNED")]
    Owned,
}

/// Where one of a child's standard streams goes.
#[doc(alias = "Subprocess::IO")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Io {
    /// Nowhere: `/dev/null`.
    Null,
    /// Where this program's stream goes: upstream's default, `FD(STDOUT_FILENO)` and the like.
    Inherit,
    /// From the beginning of this file, or to the end of this file, which is created if need be
    /// (mode 0644).
    #[doc(alias = "Subprocess::PATH")]
    Path(PathBuf),
    /// Into a pipe, whose other end the handle has: [`Subprocess::stdin`] and so on.
    #[doc(alias = "Subprocess::PIPE")]
    Pipe,
    /// To an open file of the same host.
    #[doc(alias = "Subprocess::FD")]
    Fd(Descriptor, FdType),
}

/// Something that the child does after all parent hooks and before its exec. When it cannot, the
/// child ends and the start fails.
#[doc(alias = "Subprocess::ChildHook")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChildHook {
    /// Changes to this working directory.
    #[doc(alias = "Subprocess::ChildHook::CHDIR")]
    Chdir(PathBuf),
    /// Starts a session of its own, so that signals to this program's group do not reach it.
    #[doc(alias = "Subprocess::ChildHook::SETSID")]
    Setsid,
    /// Makes an open file known under another number as well.
    #[doc(alias = "Subprocess::ChildHook::DUP2")]
    Dup2 {
        /// The open file.
        from: Descriptor,
        /// Its additional number in the child.
        to: i32,
    },
    /// Puts a process in between that leads a group of its own, waits for the child, ends with its
    /// exit code, and kills the group when the thread that started it ends. The pid of the
    /// handle is that of the supervisor. No [`Setsid`](Self::Setsid) must follow.
    #[doc(alias = "Subprocess::ChildHook::SUPERVISOR")]
    Supervisor,
}

/// Runs in the parent after the fork, while the child is still blocked before its exec. An error
/// kills the child and fails the start.
#[doc(alias = "Subprocess::ParentHook")]
pub type ParentHook = Box<dyn FnOnce(OsPid) -> Result<(), String> + Send>;

/// What to run, and how: the arguments of libprocess's `subprocess`, except for the parent hooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program: a path, or a bare name that is looked for in the child's `PATH`. A host looks
    /// among its own programs first.
    pub path: String,
    /// Its arguments, the name of the program first.
    pub argv: Vec<String>,
    /// Its whole environment; this program's own if not given.
    pub environment: Option<BTreeMap<String, String>>,
    /// Standard input.
    pub stdin: Io,
    /// Standard output.
    pub stdout: Io,
    /// Standard error.
    pub stderr: Io,
    /// What the child does before its exec, in this order.
    pub child_hooks: Vec<ChildHook>,
    /// Open files that the child inherits under their own numbers besides its standard streams.
    /// It inherits nothing else.
    pub whitelist: Vec<Descriptor>,
}

impl Command {
    /// Runs the program at `path` with upstream's defaults: this program's streams, its
    /// environment, no hooks.
    pub fn new<A: Into<String>>(
        path: impl Into<String>,
        argv: impl IntoIterator<Item = A>,
    ) -> Self {
        Command {
            path: path.into(),
            argv: argv.into_iter().map(Into::into).collect(),
            environment: None,
            stdin: Io::Inherit,
            stdout: Io::Inherit,
            stderr: Io::Inherit,
            child_hooks: Vec::new(),
            whitelist: Vec::new(),
        }
    }

    /// Runs `command` by the shell: `sh -c command`.
    #[doc(alias = "os::Shell")]
    pub fn shell(command: &str) -> Self {
        Self::new("sh", ["sh", "-c", command])
    }

    /// Appends an argument `--name=value` for each flag that has a value.
    #[must_use]
    pub fn with_flags<'a>(
        mut self,
        flags: impl IntoIterator<Item = (&'a str, Option<String>)>,
    ) -> Self {
        let given = flags.into_iter().filter_map(|(name, value)| {
            let value = value?;
            Some(format!("--{name}={value}"))
        });
        self.argv.extend(given);
        self
    }

    /// The working directory that the child hooks end up in, if one of them changes it.
    pub fn directory(&self) -> Option<&Path> {
        self.child_hooks.iter().rev().find_map(|hook| match hook {
            ChildHook::Chdir(directory) => Some(directory.as_path()),
            _ => None,
        })
    }
}

/// The error of a start whose parent hook failed.
pub fn parent_hook_failed(pid: OsPid, error: &str) -> String {
    format!("Failed to execute Subprocess::ParentHook in parent for child '{pid}': {error}")
}

/// What a child's standard streams lead to, on one side: for this program its ends of the pipes,
/// for a [`Program`](crate::host::Program) the child's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Of standard input.
    pub stdin: Option<Descriptor>,
    /// Of standard output.
    pub stdout: Option<Descriptor>,
    /// Of standard error.
    pub stderr: Option<Descriptor>,
}

impl Ends {
    /// Closes them all.
    pub fn close(&self) {
        for end in [&self.stdin, &self.stdout, &self.stderr].into_iter().flatten() {
            end.close();
        }
    }
}

/// A child that was started. Clones are handles to the same one.
///
/// Its pipes' ends are closed when the child has ended *and* no handle is left: dropping the
/// handle does not cut the child off, and a handle can be read from after the child's end. To end
/// the child's input, [`close`](Descriptor::close) it.
#[doc(alias = "process::Subprocess")]
#[derive(Clone)]
pub struct Subprocess(Arc<Data>);

struct Data {
    pid: OsPid,
    ends: Ends,
    status: Future<Option<i32>>,
}

impl Subprocess {
    /// The handle to the child `pid` whose end `status` will tell: for hosts.
    pub fn new(pid: OsPid, ends: Ends, status: Future<Option<i32>>) -> Self {
        if ends != Ends::default() {
            let held = ends.clone();
            status.on_any(move |_| drop(held));
        }
        Subprocess(Arc::new(Data { pid, ends, status }))
    }

    /// Its process id.
    #[doc(alias = "Subprocess::pid")]
    pub fn pid(&self) -> OsPid {
        self.0.pid
    }

    /// The end of the pipe into its standard input, if it was given one.
    #[doc(alias = "Subprocess::in")]
    pub fn stdin(&self) -> Option<&Descriptor> {
        self.0.ends.stdin.as_ref()
    }

    /// The end of the pipe from its standard output, if it was given one.
    #[doc(alias = "Subprocess::out")]
    pub fn stdout(&self) -> Option<&Descriptor> {
        self.0.ends.stdout.as_ref()
    }

    /// The end of the pipe from its standard error, if it was given one.
    #[doc(alias = "Subprocess::err")]
    pub fn stderr(&self) -> Option<&Descriptor> {
        self.0.ends.stderr.as_ref()
    }

    /// Ready with the wait status once the child has ended; never fails. Discarding it has no
    /// effect on the child.
    #[doc(alias = "Subprocess::status")]
    pub fn status(&self) -> Future<Option<i32>> {
        self.0.status.clone()
    }
}

impl fmt::Debug for Subprocess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subprocess")
            .field("pid", &self.0.pid)
            .field("ends", &self.0.ends)
            .field("status", &self.0.status)
            .finish()
    }
}
