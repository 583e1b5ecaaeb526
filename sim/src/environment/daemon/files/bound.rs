//! What containers see of the machine's own files, through binds.

use super::tree::{Node, Tree};
use super::{Errno, Kind};
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

/// What lies at a path of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostFile {
    /// A directory.
    Directory,
    /// A file.
    File,
    /// Something else: a device, a socket.
    Other,
}

/// The machine's files, for looking only: what containers write below a bind stays with the daemon.
///
/// In a simulated world these are the files of the
/// [`SimHost`](crate::environment::SimHost). A server of the simulated daemon may
/// show real ones.
pub trait HostFiles: fmt::Debug + Send + Sync {
    /// What lies at this absolute path, links followed; `None` if that is nothing, or nobody's
    /// business.
    fn look(&self, path: &Path) -> Option<HostFile>;

    /// The names in a directory, in any order.
    fn names(&self, path: &Path) -> Vec<String>;

    /// What is in a file; `None` if it cannot be read, or is too long.
    fn read(&self, path: &Path) -> Option<Vec<u8>>;
}

/// The machine's files and what containers have made of them.
#[derive(Default)]
pub(in super::super) struct Bound {
    written: Tree,
    /// Paths of the machine that containers have removed, with all below.
    gone: BTreeSet<String>,
}

impl Bound {
    fn is_gone(&self, path: &str) -> bool {
        let above = path.match_indices('/').map(|(at, _)| &path[..at]);
        !self.gone.is_empty() && above.chain([path]).any(|path| self.gone.contains(path))
    }

    /// The machine's file, unless a container has removed it.
    fn of_host(&self, host: &dyn HostFiles, path: &str) -> Option<HostFile> {
        if self.is_gone(path) { None } else { host.look(Path::new(path)) }
    }

    pub(super) fn look(&self, host: &dyn HostFiles, path: &str) -> Option<Kind> {
        if let Some(node) = self.written.get(path) {
            return Some(node.into());
        }
        self.of_host(host, path).map(|file| match file {
            HostFile::Directory => Kind::Directory,
            HostFile::File => Kind::File,
            HostFile::Other => Kind::Unknown,
        })
    }

    pub(super) fn names(&self, host: &dyn HostFiles, path: &str) -> Vec<String> {
        let mut names = BTreeSet::new();
        if !self.is_gone(path) {
            let of_host = host.names(Path::new(if path.is_empty() { "/" } else { path }));
            let there = |name: &String| !self.gone.contains(&format!("{path}/{name}"));
            names.extend(of_host.into_iter().filter(there));
        }
        names.extend(self.written.names(path).map(str::to_owned));
        names.into_iter().collect()
    }

    pub(super) fn read(&self, host: &dyn HostFiles, path: &str) -> Result<Vec<u8>, Errno> {
        match self.written.get(path) {
            Some(Node::File(Some(content))) => Ok(content.clone()),
            _ => host.read(Path::new(path)).ok_or(Errno::NotModelled),
        }
    }

    pub(super) fn put(&mut self, path: &str, node: Node) -> Result<(), Errno> {
        self.written.put(path, node)
    }

    /// Writes to the end of a file; the machine's own is copied first.
    pub(super) fn append(
        &mut self,
        host: &dyn HostFiles,
        path: &str,
        bytes: &[u8],
    ) -> Result<(), Errno> {
        if self.written.get(path).is_none() {
            let content = self.read(host, path)?;
            self.written.put(path, Node::File(Some(content)))?;
        }
        self.written.append(path, bytes)
    }

    pub(super) fn remove(&mut self, host: &dyn HostFiles, path: &str) {
        self.written.remove(path);
        if self.of_host(host, path).is_some() {
            self.gone.insert(path.to_owned());
        }
    }
}
