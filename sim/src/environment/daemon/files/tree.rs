//! A tree of files in memory: what a container has written, a volume, `/dev`.

use super::Errno;
use std::collections::BTreeMap;
use std::ops::Bound;

/// More than so many bytes, names included, are not kept in one tree: the disk is full.
const BYTES_AT_MOST: usize = 16 << 20;

/// What reading and writing a device does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    /// Nothing comes, and everything goes.
    Null,
    /// There is never room.
    Full,
    /// It is not modelled.
    Unknown,
}

/// A device, and what the container's control group lets it be opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Device {
    pub(super) read: bool,
    pub(super) write: bool,
    pub(super) behind: Behind,
}

/// What lies at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Directory,
    /// A file; `None`: what is in it is not modelled.
    File(Option<Vec<u8>>),
    Device(Device),
}

/// A tree. Paths are absolute and plain, `/a/b`; the root is the empty one, and always there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Tree {
    nodes: BTreeMap<String, Node>,
    bytes: usize,
}

impl Tree {
    pub(super) fn get(&self, path: &str) -> Option<&Node> {
        if path.is_empty() { Some(&Node::Directory) } else { self.nodes.get(path) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Puts something at a path, and directories above it where there is nothing.
    pub(super) fn put(&mut self, path: &str, node: Node) -> Result<(), Errno> {
        if path.is_empty() {
            return Ok(());
        }
        let added =
            path.len() + if let Node::File(Some(content)) = &node { content.len() } else { 0 };
        if self.bytes + added > BYTES_AT_MOST {
            return Err(Errno::NoSpace);
        }
        for (at, _) in path.match_indices('/').skip(1) {
            let above = &path[..at];
            if !self.nodes.contains_key(above) {
                if self.bytes + added + at > BYTES_AT_MOST {
                    return Err(Errno::NoSpace);
                }
                self.bytes += at;
                self.nodes.insert(above.to_owned(), Node::Directory);
            }
        }
        self.bytes += added;
        if let Some(before) = self.nodes.insert(path.to_owned(), node) {
            self.forget(path, &before);
        }
        Ok(())
    }

    /// A directory, unless something is there.
    pub(super) fn make_directory(&mut self, path: &str) -> Result<(), Errno> {
        if self.get(path).is_some() { Ok(()) } else { self.put(path, Node::Directory) }
    }

    /// Writes to the end of a file that is there.
    pub(super) fn append(&mut self, path: &str, bytes: &[u8]) -> Result<(), Errno> {
        if self.bytes + bytes.len() > BYTES_AT_MOST {
            return Err(Errno::NoSpace);
        }
        match self.nodes.get_mut(path) {
            Some(Node::File(Some(content))) => {
                content.extend_from_slice(bytes);
                self.bytes += bytes.len();
                Ok(())
            }
            Some(Node::File(None)) => Err(Errno::NotModelled),
            _ => Err(Errno::NoEntry),
        }
    }

    /// Takes away what lies at a path, and all that lies below it.
    pub(super) fn remove(&mut self, path: &str) {
        let below: Vec<String> = self.below(path).map(|(path, _)| path.clone()).collect();
        for path in below.iter().map(String::as_str).chain([path]) {
            if let Some(node) = self.nodes.remove(path) {
                self.forget(path, &node);
            }
        }
    }

    fn forget(&mut self, path: &str, node: &Node) {
        let content = if let Node::File(Some(content)) = node { content.len() } else { 0 };
        self.bytes -= path.len() + content;
    }

    /// Everything below a path.
    fn below<'a>(&'a self, path: &str) -> impl Iterator<Item = (&'a String, &'a Node)> + use<'a> {
        let from = format!("{path}/");
        let range = self.nodes.range::<str, _>((Bound::Included(from.as_str()), Bound::Unbounded));
        range.take_while(move |(other, _)| other.starts_with(&from))
    }

    /// The names in a directory, in their order.
    pub(super) fn names<'a>(&'a self, path: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let start = path.len() + 1;
        let names = self.below(path).filter_map(move |(other, _)| other.get(start..));
        names.filter(|name| !name.contains('/'))
    }

    /// The tree below a path, as one of its own.
    pub(super) fn branch(&self, path: &str) -> Tree {
        let mut branch = Tree::default();
        for (other, node) in self.below(path) {
            if let Some(rest) = other.get(path.len()..) {
                // A part of what has room has room.
                let _ = branch.put(rest, node.clone());
            }
        }
        branch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(tree: &Tree, path: &str) -> Vec<String> {
        tree.names(path).map(str::to_owned).collect()
    }

    #[test]
    fn a_tree_has_what_was_put_there_and_what_is_above() {
        let mut tree = Tree::default();
        tree.put("/a/b/c", Node::File(Some(b"x".to_vec()))).unwrap();
        tree.make_directory("/a.b").unwrap();
        tree.make_directory("/a/b").unwrap();
        assert_eq!(tree.get("/a"), Some(&Node::Directory));
        assert_eq!(
            (names(&tree, ""), names(&tree, "/a")),
            (vec!["a".into(), "a.b".into()], vec!["b".into()])
        );
        tree.append("/a/b/c", b"y").unwrap();
        assert_eq!(tree.get("/a/b/c"), Some(&Node::File(Some(b"xy".to_vec()))));
        assert_eq!(names(&tree.branch("/a"), "/b"), ["c"]);
        tree.remove("/a");
        assert_eq!((tree.get("/a/b/c"), names(&tree, "")), (None, vec!["a.b".into()]));
        tree.remove("/a.b");
        assert_eq!(tree, Tree::default());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut tree = Tree::default();
        let much = vec![0; BYTES_AT_MOST - 2];
        tree.put("/a", Node::File(Some(much))).unwrap();
        assert_eq!(tree.append("/a", b"x"), Err(Errno::NoSpace));
        assert_eq!(tree.put("/b", Node::Directory), Err(Errno::NoSpace));
        tree.put("/a", Node::File(Some(Vec::new()))).unwrap_err();
        tree.remove("/a");
        tree.put("/b", Node::Directory).unwrap();
    }
}
