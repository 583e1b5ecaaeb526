//! Files in memory: directories, files with owners, symbolic links.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What lies at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A directory; its parents are directories without being listed.
    Directory,
    /// A file.
    File {
        /// Its content.
        content: Vec<u8>,
        /// Its owner, if it was set.
        owner: Option<String>,
    },
    /// A symbolic link to this path.
    Link(PathBuf),
}

/// A file system. Paths are taken as they are written: no `..`, no links followed.
#[derive(Default)]
pub(super) struct Files {
    nodes: BTreeMap<Box<str>, Node>,
}

fn key(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| format!("'{}' is not UTF-8", path.display()))
}

impl Files {
    pub(super) fn get(&self, path: &Path) -> Option<&Node> {
        self.nodes.get(path.to_str()?)
    }

    fn is_directory(&self, path: &str) -> bool {
        if let Some(node) = self.nodes.get(path) {
            return *node == Node::Directory;
        }
        let below = self
            .nodes
            .range::<str, _>((std::ops::Bound::Excluded(path), std::ops::Bound::Unbounded));
        // Siblings such as `a.b` sort between `a` and `a/b`; there are few of them.
        below
            .map(|(other, _)| other)
            .take_while(|other| other.starts_with(path))
            .any(|other| other.as_bytes().get(path.len()) == Some(&b'/'))
    }

    pub(super) fn mkdir(&mut self, path: &Path) -> Result<(), String> {
        let wanted = key(path)?;
        if self.is_directory(wanted) {
            return Ok(());
        }
        let blocked = path
            .ancestors()
            .filter_map(Path::to_str)
            .any(|above| matches!(self.nodes.get(above), Some(Node::File { .. })));
        if blocked {
            return Err(format!("Failed to create directory '{wanted}': Not a directory"));
        }
        self.nodes.insert(wanted.into(), Node::Directory);
        Ok(())
    }

    pub(super) fn write(&mut self, path: &Path, content: &[u8]) -> Result<(), String> {
        if let Some(parent) = path.parent() {
            self.mkdir(parent)?;
        }
        let wanted = key(path)?;
        if let Some(Node::File { content: old, .. }) = self.nodes.get_mut(wanted) {
            content.clone_into(old);
            return Ok(());
        }
        if self.is_directory(wanted) {
            return Err(format!("Failed to rename to '{wanted}': Is a directory"));
        }
        let node = Node::File { content: content.to_vec(), owner: None };
        self.nodes.insert(wanted.into(), node);
        Ok(())
    }

    pub(super) fn symlink(&mut self, original: &Path, link: &Path) -> Result<(), String> {
        let wanted = key(link)?;
        if self.nodes.contains_key(wanted) {
            return Err(format!("Failed to symlink '{wanted}': File exists"));
        }
        if !link.parent().and_then(Path::to_str).is_some_and(|parent| self.is_directory(parent)) {
            return Err(format!("Failed to symlink '{wanted}': No such file or directory"));
        }
        self.nodes.insert(wanted.into(), Node::Link(original.to_owned()));
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> Result<(), String> {
        let wanted = key(path)?;
        match self.nodes.get(wanted) {
            Some(Node::File { .. } | Node::Link(_)) => {
                self.nodes.remove(wanted);
                Ok(())
            }
            _ if self.is_directory(wanted) => {
                Err(format!("Failed to remove '{wanted}': Is a directory"))
            }
            _ => Err(format!("Failed to remove '{wanted}': No such file or directory")),
        }
    }

    pub(super) fn touch(&mut self, path: &Path, user: Option<&str>) -> Result<(), String> {
        let wanted = key(path)?;
        if !self.nodes.contains_key(wanted) {
            if !path.parent().and_then(Path::to_str).is_some_and(|parent| self.is_directory(parent))
            {
                return Err(format!("Failed to open '{wanted}': No such file or directory"));
            }
            let node = Node::File { content: Vec::new(), owner: None };
            self.nodes.insert(wanted.into(), node);
        }
        if let (Some(Node::File { owner, .. }), Some(user)) = (self.nodes.get_mut(wanted), user) {
            *owner = Some(user.to_owned());
        }
        Ok(())
    }

    /// Succeeds for what is there.
    pub(super) fn stat(&self, path: &Path) -> Result<(), String> {
        let wanted = key(path)?;
        if self.nodes.contains_key(wanted) || self.is_directory(wanted) {
            return Ok(());
        }
        Err(format!("Failed to stat '{wanted}': No such file or directory"))
    }

    pub(super) fn read(&self, path: &Path) -> Result<&[u8], String> {
        let wanted = key(path)?;
        match self.nodes.get(wanted) {
            Some(Node::File { content, .. }) => Ok(content),
            Some(Node::Link(target)) if target != path => self.read(target),
            _ if self.is_directory(wanted) => {
                Err(format!("Failed to read '{wanted}': Is a directory"))
            }
            _ => Err(format!("Failed to open '{wanted}': No such file or directory")),
        }
    }

    pub(super) fn size(&self, path: &Path, follow_links: bool) -> Result<u64, String> {
        if !follow_links && let Some(Node::Link(target)) = self.get(path) {
            return Ok(target.as_os_str().len() as u64);
        }
        Ok(self.read(path)?.len() as u64)
    }

    /// Removes a directory and all that is in it.
    pub(super) fn remove_directory(&mut self, path: &Path) -> Result<(), String> {
        let wanted = key(path)?;
        if !self.is_directory(wanted) {
            return Err(format!("Failed to remove '{wanted}': Not a directory"));
        }
        self.nodes.retain(|other, _| !Path::new(&**other).starts_with(path));
        Ok(())
    }

    /// Whether a process can have it as its working directory: also by a link.
    pub(super) fn is_working_directory(&self, path: &Path) -> bool {
        let target = match self.get(path) {
            Some(Node::Link(target)) => target,
            _ => path,
        };
        target.to_str().is_some_and(|target| self.is_directory(target))
    }

    /// Writes to the end of a file, which is created if need be.
    pub(super) fn append(&mut self, path: &Path, data: &[u8]) -> Result<(), String> {
        let wanted = key(path)?;
        if self.is_directory(wanted) {
            return Err(format!("Failed to open '{wanted}': Is a directory"));
        }
        self.touch(path, None)?;
        if let Some(Node::File { content, .. }) = self.nodes.get_mut(key(path)?) {
            content.extend_from_slice(data);
        }
        Ok(())
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (&**path, node))
    }
}
