//! The file system as the programs of one container have it.

use super::bound::{Bound, HostFiles};
use super::mounts::{self, Mount, Source};
use super::tree::{Behind, Node, Tree};
use super::{Errno, Kind, Own};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A container's file system, for one command. Paths are plain: absolute, without `.` and `..`, the
/// root empty.
pub(super) struct View<'a> {
    pub(super) mounts: Vec<Mount>,
    pub(super) own: &'a mut Own,
    pub(super) volumes: &'a mut BTreeMap<Arc<str>, Tree>,
    pub(super) bound: &'a mut Bound,
    pub(super) host: &'a dyn HostFiles,
    /// Its programs may write wherever that is possible at all.
    pub(super) is_root: bool,
}

impl View<'_> {
    fn find<'p>(&self, path: &'p str) -> Result<(Mount, &'p str), Errno> {
        if !super::is_short(path) {
            return Err(Errno::NameTooLong);
        }
        let found = mounts::find(&self.mounts, path).ok_or(Errno::NoEntry)?;
        Ok((found.0.clone(), found.1))
    }

    /// The tree in memory that this mount shows, if it does.
    fn tree(&self, source: &Source) -> Option<&Tree> {
        match source {
            Source::Layer => Some(&self.own.layer),
            Source::Devices => Some(&self.own.devices),
            Source::Volume(name) => self.volumes.get(name),
            Source::Processes | Source::System | Source::Bind(_) => None,
        }
    }

    fn tree_mut(&mut self, source: &Source) -> Option<&mut Tree> {
        match source {
            Source::Layer => Some(&mut self.own.layer),
            Source::Devices => Some(&mut self.own.devices),
            Source::Volume(name) => Some(self.volumes.entry(Arc::clone(name)).or_default()),
            Source::Processes | Source::System | Source::Bind(_) => None,
        }
    }

    /// What lies at a path.
    pub(super) fn look(&self, path: &str) -> Result<Kind, Errno> {
        let mut nearest = path;
        let mut found = self.found(path)?;
        while found.is_none() {
            let Some((above, _)) = nearest.rsplit_once('/') else { return Err(Errno::NoEntry) };
            nearest = above;
            found = self.found(above)?;
        }
        match found {
            Some(kind) if nearest.len() == path.len() => Ok(kind),
            Some(Kind::Directory) | None => Err(Errno::NoEntry),
            Some(_) => Err(Errno::NotDirectory),
        }
    }

    /// The same, whatever there is above.
    fn found(&self, path: &str) -> Result<Option<Kind>, Errno> {
        let (mount, rest) = self.find(path)?;
        Ok(match &mount.source {
            _ if rest.is_empty() && !matches!(mount.source, Source::Bind(_)) => {
                Some(Kind::Directory)
            }
            Source::Processes | Source::System => return Err(Errno::NotModelled),
            Source::Bind(source) => self.bound.look(self.host, &format!("{source}{rest}")),
            source => self.tree(source).and_then(|tree| tree.get(rest)).map(Kind::from),
        })
    }

    /// The names in a directory, in their order.
    pub(super) fn names(&self, path: &str) -> Result<Vec<String>, Errno> {
        let (mount, rest) = self.find(path)?;
        let mut names: BTreeSet<String> = match &mount.source {
            Source::Processes | Source::System => return Err(Errno::NotModelled),
            Source::Bind(source) => {
                self.bound.names(self.host, &format!("{source}{rest}")).into_iter().collect()
            }
            source => {
                let tree = self.tree(source);
                tree.into_iter().flat_map(|tree| tree.names(rest)).map(str::to_owned).collect()
            }
        };
        let mounted = self.mounts.iter().filter_map(|mount| mount.target.rsplit_once('/'));
        names.extend(mounted.filter(|(above, _)| *above == path).map(|(_, name)| name.to_owned()));
        Ok(names.into_iter().collect())
    }

    /// What is in a file.
    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, Errno> {
        match self.look(path)? {
            Kind::Directory => return Err(Errno::IsDirectory),
            Kind::Device(device) if !device.read => return Err(Errno::NotPermitted),
            Kind::Device(device) if device.behind == Behind::Null => return Ok(Vec::new()),
            Kind::Device(_) | Kind::Unknown => return Err(Errno::NotModelled),
            Kind::File => {}
        }
        let (mount, rest) = self.find(path)?;
        if let Source::Bind(source) = &mount.source {
            return self.bound.read(self.host, &format!("{source}{rest}"));
        }
        match self.tree(&mount.source).and_then(|tree| tree.get(rest)) {
            Some(Node::File(Some(content))) => Ok(content.clone()),
            _ => Err(Errno::NotModelled),
        }
    }

    fn may_write(&self, mount: &Mount) -> Result<(), Errno> {
        match mount.source {
            Source::Processes => Err(Errno::NoEntry),
            _ if mount.read_only => Err(Errno::ReadOnly),
            _ if !self.is_root => Err(Errno::NotModelled),
            _ => Ok(()),
        }
    }

    fn put(&mut self, path: &str, node: Node) -> Result<(), Errno> {
        let (mount, rest) = self.find(path)?;
        self.may_write(&mount)?;
        match &mount.source {
            Source::Bind(source) => self.bound.put(&format!("{source}{rest}"), node),
            source => self.tree_mut(source).ok_or(Errno::NoEntry)?.put(rest, node),
        }
    }

    /// Something new, in a directory that is there.
    fn add(&mut self, path: &str, node: Node) -> Result<(), Errno> {
        let above = path.rsplit_once('/').map_or("", |(above, _)| above);
        match self.look(above)? {
            Kind::Directory => self.put(path, node),
            _ => Err(Errno::NotDirectory),
        }
    }

    /// Sets the time of what is there, or makes an empty file if it `creates`.
    pub(super) fn touch(&mut self, path: &str, creates: bool) -> Result<(), Errno> {
        match self.find_kind(path) {
            Ok(_) => self.may_write(&self.find(path)?.0),
            Err(Errno::NoEntry) if creates => self.add(path, Node::File(Some(Vec::new()))),
            Err(Errno::NoEntry) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// As [`look`](Self::look), but what is not modelled of `/proc` and `/sys` is not there:
    /// nothing can be made there either.
    fn find_kind(&self, path: &str) -> Result<Kind, Errno> {
        let (mount, _) = self.find(path)?;
        match (self.look(path), mount.source) {
            (Err(Errno::NotModelled), Source::Processes | Source::System) => Err(Errno::NoEntry),
            (found, _) => found,
        }
    }

    /// Opens a file for writing; it is there, and empty unless `append`, afterwards.
    pub(super) fn open(&mut self, path: &str, append: bool) -> Result<(), Errno> {
        match self.find_kind(path) {
            Ok(Kind::Directory) => Err(Errno::IsDirectory),
            Ok(Kind::Device(device)) if !device.write => Err(Errno::NotPermitted),
            Ok(Kind::Device(device)) if device.behind != Behind::Unknown => Ok(()),
            Ok(Kind::Device(_) | Kind::Unknown) => Err(Errno::NotModelled),
            Ok(Kind::File) if append => self.may_write(&self.find(path)?.0),
            Ok(Kind::File) => self.put(path, Node::File(Some(Vec::new()))),
            Err(Errno::NoEntry) => self.add(path, Node::File(Some(Vec::new()))),
            Err(errno) => Err(errno),
        }
    }

    /// Writes to the end of a file that was opened.
    pub(super) fn append(&mut self, path: &str, bytes: &[u8]) -> Result<(), Errno> {
        match self.look(path)? {
            Kind::Device(device) if device.behind == Behind::Null => return Ok(()),
            Kind::Device(_) => return Err(Errno::NoSpace),
            _ => {}
        }
        let (mount, rest) = self.find(path)?;
        match &mount.source {
            Source::Bind(source) => self.bound.append(self.host, &format!("{source}{rest}"), bytes),
            source => self.tree_mut(source).ok_or(Errno::NoEntry)?.append(rest, bytes),
        }
    }

    /// A new directory.
    pub(super) fn make_directory(&mut self, path: &str) -> Result<(), Errno> {
        match self.find_kind(path) {
            Ok(_) => Err(Errno::Exists),
            Err(Errno::NoEntry) => self.add(path, Node::Directory),
            Err(errno) => Err(errno),
        }
    }

    /// Takes away what lies at a path, and all below.
    pub(super) fn remove(&mut self, path: &str) -> Result<(), Errno> {
        self.look(path)?;
        let below = format!("{path}/");
        if self.mounts.iter().any(|mount| mount.target == path) {
            return Err(Errno::Busy);
        }
        if self.mounts.iter().any(|mount| mount.target.starts_with(&below)) {
            return Err(Errno::NotModelled);
        }
        let (mount, rest) = self.find(path)?;
        self.may_write(&mount)?;
        match &mount.source {
            Source::Bind(source) => self.bound.remove(self.host, &format!("{source}{rest}")),
            source => {
                if let Some(tree) = self.tree_mut(source) {
                    tree.remove(rest);
                }
            }
        }
        Ok(())
    }
}
