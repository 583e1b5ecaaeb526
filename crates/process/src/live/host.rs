//! The live `Host`: the kernel.

mod child;
mod descriptor;
mod files;
mod inner;
mod machine;
mod readiness;
mod spawn;
mod table;
mod watch;

use crate::future::Future;
use crate::host::{Command, Follow, Host, OsPid, ParentHook, ProcessTree, Program, Subprocess};
use crate::io::Descriptor;
use crate::pstree::killtree;
use inner::InnerPrograms;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The operating system this program runs on, plus the programs that are part of this binary.
pub struct LocalHost {
    inner: InnerPrograms,
    programs: BTreeMap<String, Arc<dyn Program>>,
    commands: BTreeMap<String, Vec<String>>,
}

impl Default for LocalHost {
    fn default() -> Self {
        Self::new()
    }
}

impl LocalHost {
    /// A host without programs of its own.
    pub fn new() -> Self {
        LocalHost {
            inner: InnerPrograms::default(),
            programs: BTreeMap::new(),
            commands: BTreeMap::new(),
        }
    }

    /// Runs `program` inside this one whenever a path that ends in `name` is to be executed.
    #[must_use]
    pub fn with_program(mut self, name: &str, program: Arc<dyn Program>) -> Self {
        self.programs.insert(name.to_owned(), program);
        self
    }

    /// Executes `command` (a program and its first arguments) whenever a path that ends in `name`
    /// is to be executed and does not exist.
    #[must_use]
    pub fn with_command(mut self, name: &str, command: Vec<String>) -> Self {
        self.commands.insert(name.to_owned(), command);
        self
    }

    /// A handle to a descriptor of the kernel, to be given to children or read and written. From
    /// the first read or write on it is non-blocking, for all who share the open file.
    pub fn descriptor(fd: impl Into<OwnedFd>) -> Descriptor {
        descriptor::descriptor(fd.into())
    }

    /// The command with which a command of this binary's is put in its place, if one is.
    fn resolve(&self, mut what: Command) -> Command {
        if let Some(command) = self.commands.get(base_name(&what.path))
            && !Path::new(&what.path).exists()
        {
            what.path = command.first().cloned().unwrap_or_default();
            what.argv = command.iter().cloned().chain(what.argv.into_iter().skip(1)).collect();
        }
        what
    }
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl Host for LocalHost {
    fn subprocess(&self, what: Command, hooks: Vec<ParentHook>) -> Result<Subprocess, String> {
        if let Some(program) = self.programs.get(base_name(&what.path)) {
            return self.inner.start(program.as_ref(), what, hooks);
        }
        let (pid, ends) = spawn::spawn(&self.resolve(what), hooks)?;
        Ok(Subprocess::new(pid, ends, watch::started(pid)))
    }

    fn reap(&self, pid: OsPid) -> Future<Option<i32>> {
        if inner::is_inner(pid) { self.inner.reap(pid) } else { watch::reap(pid) }
    }

    fn killtree(
        &self,
        pid: OsPid,
        signal: i32,
        follow: Follow,
    ) -> Result<Vec<ProcessTree>, String> {
        if rustix::process::Signal::from_named_raw(signal).is_none() {
            return Err(format!("Failed to signal process {pid}: {signal} is no signal"));
        }
        if inner::is_inner(pid) {
            return self.inner.killtree(pid, signal);
        }
        killtree(&mut table::Kernel::default(), pid, signal, follow)
    }

    fn pipe(&self) -> Result<(Descriptor, Descriptor), String> {
        let (read, write) = descriptor::pipe()?;
        Ok((Self::descriptor(read), Self::descriptor(write)))
    }

    fn append(&self, path: &Path) -> Result<Descriptor, String> {
        descriptor::append(path).map(Self::descriptor)
    }

    fn mkdir(&self, path: &Path) -> Result<(), String> {
        files::mkdir(path)
    }

    fn checkpoint(&self, path: &Path, content: &[u8]) -> Result<(), String> {
        files::checkpoint(path, content)
    }

    fn symlink(&self, original: &Path, link: &Path) -> Result<(), String> {
        std::os::unix::fs::symlink(original, link)
            .map_err(|error| format!("{}: {error}", link.display()))
    }

    fn remove(&self, path: &Path) -> Result<(), String> {
        std::fs::remove_file(path).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn touch(&self, path: &Path, user: Option<&str>) -> Result<(), String> {
        files::touch(path, user)
    }

    fn mounts(&self) -> Result<Vec<PathBuf>, String> {
        files::mounts()
    }

    fn mount(&self, source: &Path, target: &Path, read_only: bool) -> Result<(), String> {
        files::mount(source, target, read_only)
    }

    fn unmount(&self, target: &Path) -> Result<(), String> {
        files::unmount(target)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        files::read(path)
    }

    fn write(&self, path: &Path, content: &[u8]) -> Result<(), String> {
        files::write(path, content)
    }

    fn exists(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok()
    }

    fn size(&self, path: &Path, follow_links: bool) -> Result<u64, String> {
        files::size(path, follow_links)
    }

    fn remove_directory(&self, path: &Path) -> Result<(), String> {
        files::remove_directory(path)
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let text = |text: OsString| text.into_string().ok();
        std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect()
    }

    fn owner(&self, path: &Path) -> Result<(u32, u32), String> {
        files::owner(path)
    }

    fn chown(&self, path: &Path, user: u32, group: u32) -> Result<(), String> {
        files::chown(path, user, group)
    }

    fn cpus(&self) -> Result<u32, String> {
        machine::cpus()
    }

    fn memory(&self) -> Result<u64, String> {
        machine::memory()
    }

    fn disk(&self, path: &Path) -> Result<u64, String> {
        files::disk(path)
    }

    fn connect(&self, address: SocketAddr) -> Result<(), String> {
        machine::connect(address)
    }
}
