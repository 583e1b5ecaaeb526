//! What is in a container before its programs write anything.

use super::mounts::Mount;
use super::tree::{Behind, Device, Node, Tree};
use super::{is_short, plain};
use crate::environment::daemon::config::{ContainerConfig, DeviceMapping, Settled};
use crate::environment::daemon::ids;
use crate::environment::daemon::shell::PROGRAMS;
use std::sync::Arc;

const DIRECTORIES: [&str; 10] =
    ["/bin", "/dev", "/etc", "/home", "/proc", "/root", "/sys", "/tmp", "/usr", "/var"];

/// Files of every image, and those that the Engine puts there: what is in them is not modelled.
const FILES: [&str; 6] =
    ["/etc/group", "/etc/hostname", "/etc/hosts", "/etc/mtab", "/etc/passwd", "/etc/resolv.conf"];

const DEVICES: [(&str, Behind); 7] = [
    ("/full", Behind::Full),
    ("/null", Behind::Null),
    ("/ptmx", Behind::Unknown),
    ("/random", Behind::Unknown),
    ("/tty", Behind::Unknown),
    ("/urandom", Behind::Unknown),
    ("/zero", Behind::Unknown),
];

const STREAMS: [&str; 3] = ["/stderr", "/stdin", "/stdout"];

/// What every image has: nothing in which there is not room for it.
pub(super) fn image() -> Tree {
    let mut tree = Tree::default();
    for path in DIRECTORIES {
        let _ = tree.put(path, Node::Directory);
    }
    for path in FILES {
        let _ = tree.put(path, Node::File(None));
    }
    for program in PROGRAMS {
        let _ = tree.put(&format!("/bin/{program}"), Node::File(None));
    }
    tree
}

/// Whether every image has something at this path that is no program.
pub(in super::super) fn is_no_program(path: &str) -> bool {
    let path = plain("", path);
    !path.starts_with("/bin/") && image().get(&path).is_some()
}

/// A new container's files: those of its image, and where something is mounted.
pub(super) fn layer(settled: &Settled, id: &str, mounts: &[Mount]) -> Tree {
    let mut tree = image();
    let config = &settled.config;
    // In others' networks it has others' names.
    if !config.network_mode.contains(':') && config.network_mode != "host" {
        let name = if config.hostname.is_empty() { ids::short(id) } else { &config.hostname };
        let _ = tree.put("/etc/hostname", Node::File(Some(format!("{name}\n").into_bytes())));
    }
    for device in &config.devices {
        let path = plain("", &device.container);
        if !path.starts_with("/dev/") && is_short(&path) {
            let _ = tree.put(&path, Node::Device(device_of(config, device)));
        }
    }
    let targets = mounts.iter().map(|mount| mount.target.clone());
    let all = targets.chain([plain("", &settled.working_dir)]);
    for path in all.filter(|path| is_short(path)) {
        let _ = tree.make_directory(&path);
    }
    tree
}

fn device_of(config: &ContainerConfig, device: &DeviceMapping) -> Device {
    let may = |word| device.permissions.contains(word) || config.privileged;
    Device { read: may('r'), write: may('w'), behind: Behind::Unknown }
}

/// `/dev`; a privileged container has all of the machine's devices.
pub(super) fn devices(config: &ContainerConfig, machine: &[Arc<str>]) -> Tree {
    let mut tree = Tree::default();
    for directory in ["/fd", "/mqueue", "/pts", "/shm"] {
        let _ = tree.put(directory, Node::Directory);
    }
    let all = Device { read: true, write: true, behind: Behind::Unknown };
    if config.privileged {
        for path in machine.iter().filter_map(|path| path.strip_prefix("/dev")) {
            let _ = tree.put(path, Node::Device(all));
        }
    }
    for (path, behind) in DEVICES {
        let _ = tree.put(path, Node::Device(Device { behind, ..all }));
    }
    for path in STREAMS.into_iter().chain(config.tty.then_some("/console")) {
        let _ = tree.put(path, Node::Device(all));
    }
    for device in &config.devices {
        let path = plain("", &device.container);
        if let Some(path) = path.strip_prefix("/dev").filter(|path| is_short(path)) {
            let _ = tree.put(path, Node::Device(device_of(config, device)));
        }
    }
    tree
}
