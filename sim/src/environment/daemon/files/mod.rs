//! What the programs in a container see of files: a small model, of what tests look at.
//!
//! ```text
//! /               what every image has (usual.rs); what the container writes is its own, and
//!                 goes with it
//! /dev            the usual devices, and those of HostConfig.Devices; anew at each start
//! /proc  /sys     are there; what is in them is not modelled
//! a volume        a tree of its own, for all containers that mount it; one that is empty when a
//!                 container is created gets what the image has at that place
//! a bind          the machine's files, through a port for looking only (HostFiles); what
//!                 containers write there is kept above them, for all containers, and never
//!                 reaches the machine. A source that is not there is an empty directory, as the
//!                 Engine would make it
//! ```
//!
//! What cannot be answered by this is refused with a message and status 2, never guessed: what is
//! in files of the image, or in `/proc`; other devices than `/dev/null`; whether somebody who is not
//! root may write; the files of containers with tmpfs, `Mounts`, `VolumesFrom` or a read-only root.
//! There are no links, owners, modes and times; `/etc/hostname`, `hosts` and `resolv.conf` are files
//! like others, where the Engine mounts them.

mod bound;
mod commands;
mod mounts;
mod tree;
mod usual;
mod view;

#[cfg(test)]
mod tests;

pub(super) use bound::Bound;
pub use bound::{HostFile, HostFiles};
pub(super) use commands::{Asked, Command, Output};
pub(super) use tree::Tree;
pub(super) use usual::is_no_program;

use super::Shared;
use super::config::{ContainerConfig, Settled};
use super::program::Key;
use super::script::Stream;
use super::state::State;
use mounts::Source;
use serde_json::Value;
use std::fmt;
use tree::{Device, Node};
use view::View;

/// Why something cannot be done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Errno {
    NoEntry,
    NotDirectory,
    IsDirectory,
    Exists,
    ReadOnly,
    NotPermitted,
    NameTooLong,
    NoSpace,
    Busy,
    /// It is not known whether it can.
    NotModelled,
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Errno::NoEntry => "No such file or directory",
            Errno::NotDirectory => "Not a directory",
            Errno::IsDirectory => "Is a directory",
            Errno::Exists => "File exists",
            Errno::ReadOnly => "Read-only file system",
            Errno::NotPermitted => "Operation not permitted",
            Errno::NameTooLong => "File name too long",
            Errno::NoSpace => "No space left on device",
            Errno::Busy => "Device or resource busy",
            Errno::NotModelled => "not modelled by this simulator",
        })
    }
}

/// What lies at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Directory,
    File,
    Device(Device),
    /// Something of the machine's.
    Unknown,
}

impl From<&Node> for Kind {
    fn from(node: &Node) -> Kind {
        match node {
            Node::Directory => Kind::Directory,
            Node::File(_) => Kind::File,
            Node::Device(device) => Kind::Device(*device),
        }
    }
}

/// The files of one container that are nobody else's.
#[derive(Default)]
pub(super) struct Own {
    layer: Tree,
    devices: Tree,
    /// They were made: nobody asks about the files of most containers.
    ready: bool,
    /// The devices belong to this start.
    started: bool,
}

impl Own {
    /// The container is started again: `/dev` is made anew.
    pub(super) fn restart(&mut self) {
        self.started = false;
    }
}

/// An absolute path without `.`, `..` and slashes at its end; empty for the root.
fn plain(directory: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let relative = !path.starts_with('/');
    let above = directory.split('/').filter(|_| relative);
    for part in above.chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.iter().map(|part| format!("/{part}")).collect()
}

/// The kernel's limits for a path, and for each name in it.
fn is_short(path: &str) -> bool {
    path.len() < 4096 && path.split('/').all(|name| name.len() < 256)
}

/// A container is created: a volume that it mounts, and that is empty, gets what the image has
/// there.
pub(super) fn created(state: &mut State, config: &ContainerConfig) {
    let nocopy = |target: &str| {
        let mode = |bind: &String| {
            let mut parts = bind.split(':').skip(1);
            let same = parts.next().is_some_and(|other| plain("", other) == target);
            same && parts.next().is_some_and(|mode| mode.split(',').any(|word| word == "nocopy"))
        };
        config.binds.iter().any(mode)
    };
    for mount in mounts::of(config) {
        let Source::Volume(name) = mount.source else { continue };
        let volume = state.volume_files.entry(name).or_default();
        if volume.is_empty() && !nocopy(&mount.target) {
            *volume = usual::image().branch(&mount.target);
        }
    }
}

/// Which option of a container makes its files something that is not modelled.
fn not_modelled(config: &ContainerConfig) -> Option<&'static str> {
    let given = |name: &str, fields: &serde_json::Map<String, Value>| {
        let mut fields = fields.iter();
        fields.any(|(field, value)| {
            let empty = match value {
                Value::Null => true,
                Value::Bool(flag) => !flag,
                Value::Array(all) => all.is_empty(),
                Value::Object(all) => all.is_empty(),
                _ => false,
            };
            !empty && field.eq_ignore_ascii_case(name)
        })
    };
    let host = ["Mounts", "Tmpfs", "VolumesFrom", "ReadonlyRootfs"];
    let host = host.into_iter().find(|name| given(name, &config.given.host));
    host.or_else(|| given("Volumes", &config.given.config).then_some("Volumes"))
}

/// Does what a program asks of files.
pub(super) fn perform(
    daemon: &Shared,
    state: &mut State,
    key: Key,
    directory: &str,
    command: &Command,
) -> Output {
    let State { containers, execs, volume_files, bound, .. } = state;
    let number = match key {
        Key::Container(number) => Some(number),
        Key::Exec(exec) => execs.get(&exec).map(super::exec::Exec::container),
    };
    let Some(container) = number.and_then(|number| containers.get_mut(&number)) else {
        return Output { status: 1, ..Output::default() };
    };
    let settled = std::sync::Arc::clone(&container.settled);
    if let Some(option) = not_modelled(&settled.config) {
        let words = format!("files of a container with {option}: not modelled by this simulator\n");
        return Output { written: vec![(Stream::Stderr, words.into_bytes())], status: 2 };
    }
    let host: &dyn HostFiles = match &daemon.settings.host_files {
        Some(files) => &**files,
        None => &daemon.host,
    };
    let mut view = View {
        mounts: mounts::of(&settled.config),
        own: &mut container.files,
        volumes: volume_files,
        bound,
        host,
        is_root: matches!(settled.user.split(':').next(), Some("" | "0" | "root")),
    };
    prepare(&mut view, &settled, &container.id, &daemon.settings.devices);
    commands::run(&mut view, directory, command)
}

/// Makes what is there before any program writes.
fn prepare(view: &mut View<'_>, settled: &Settled, id: &str, devices: &[std::sync::Arc<str>]) {
    for mount in &view.mounts {
        if let Source::Bind(source) = &mount.source
            && view.bound.look(view.host, source).is_none()
        {
            // Without room for it there is nothing: a program that looks will see.
            let _ = view.bound.put(source, Node::Directory);
        }
    }
    if !std::mem::replace(&mut view.own.ready, true) {
        view.own.layer = usual::layer(settled, id, &view.mounts);
    }
    if !std::mem::replace(&mut view.own.started, true) {
        view.own.devices = usual::devices(&settled.config, devices);
    }
}
