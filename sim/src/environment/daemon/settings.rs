//! How fast a daemon and its registry are, and how they behave.

use super::files::HostFiles;
use super::script::Script;
use super::scripts::Pick;
use std::sync::Arc;
use std::time::Duration;

/// What a machine usually has, and what a simulated task may ask for.
const DEVICES: [&str; 19] = [
    "/dev/console",
    "/dev/full",
    "/dev/fuse",
    "/dev/kmsg",
    "/dev/kvm",
    "/dev/loop-control",
    "/dev/loop0",
    "/dev/net/tun",
    "/dev/null",
    "/dev/nvidia-uvm",
    "/dev/nvidia0",
    "/dev/nvidia1",
    "/dev/nvidiactl",
    "/dev/random",
    "/dev/sda",
    "/dev/tty",
    "/dev/ttyS0",
    "/dev/urandom",
    "/dev/zero",
];

/// How long the daemon and its registry take for things, and what they are like.
#[derive(Clone, Debug)]
pub struct DaemonSettings {
    /// A request's way from the client to the daemon, and a reply's way back.
    pub travel: Duration,
    /// Creating a container.
    pub create: Duration,
    /// Starting a container: while it lasts, other requests for the container wait.
    pub start: Duration,
    /// Starting a program in a container.
    pub exec: Duration,
    /// Removing a container that does not run.
    pub remove: Duration,
    /// From the removal of a container until its name is free.
    pub release: Duration,
    /// From the end of a process until the daemon knows.
    pub exit: Duration,
    /// One answer of the registry: the manifest, the configuration.
    pub registry: Duration,
    /// From a client's leaving until a write to it fails, where there is something to write.
    pub notice: Duration,
    /// The registry's silence under [`Fault::ClientUnnoticed`].
    ///
    /// [`Fault::ClientUnnoticed`]: crate::environment::Fault::ClientUnnoticed
    pub silence: Duration,
    /// How many times slower a pull is under [`Fault::PullSlow`].
    ///
    /// [`Fault::PullSlow`]: crate::environment::Fault::PullSlow
    pub slowness: u32,
    /// Bytes a second under [`Fault::PullTrickle`].
    ///
    /// [`Fault::PullTrickle`]: crate::environment::Fault::PullTrickle
    pub trickle: u64,
    /// Bytes a second from the registry, for each layer.
    pub bandwidth: u64,
    /// Bytes a second for extracting a layer.
    pub extraction: u64,
    /// In how many steps a layer is downloaded, each with a line of progress.
    pub ticks: u32,
    /// A step is no larger than this.
    pub tick_at_most: u64,
    /// How many layers are downloaded at the same time.
    pub max_downloads: usize,
    /// Containers go on when the daemon ends.
    pub live_restore: bool,
    /// Command lines of the mini language (`shell.rs`) do what they say.
    pub interpret: bool,
    /// What containers do that fit, in the order of precedence.
    pub scripts: Vec<(Pick, Arc<Script>)>,
    /// The machine's files, for containers that bind them; those of the simulated host if `None`.
    pub host_files: Option<Arc<dyn HostFiles>>,
    /// The machine's devices that containers may be given.
    pub devices: Vec<Arc<str>>,
    /// What time it is when virtual time begins: since the Unix epoch.
    pub epoch: Duration,
    /// The machine's name.
    pub name: Arc<str>,
    /// How many processors the machine has.
    pub processors: u32,
    /// How much memory it has, in bytes.
    pub total_memory: u64,
}

/// What the daemon says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    /// The machine's name.
    pub name: Arc<str>,
    /// Its processors.
    pub processors: u32,
    /// Its memory, in bytes.
    pub total_memory: u64,
}

impl Default for DaemonSettings {
    fn default() -> Self {
        DaemonSettings {
            travel: Duration::from_micros(200),
            create: Duration::from_millis(20),
            start: Duration::from_millis(150),
            exec: Duration::from_millis(30),
            remove: Duration::from_millis(20),
            release: Duration::from_millis(1),
            exit: Duration::from_millis(5),
            registry: Duration::from_millis(100),
            notice: Duration::from_millis(100),
            silence: Duration::from_secs(30),
            slowness: 20,
            trickle: 10_000,
            bandwidth: 10_000_000,
            extraction: 100_000_000,
            ticks: 2,
            tick_at_most: u64::MAX,
            max_downloads: 3,
            live_restore: false,
            interpret: false,
            scripts: Vec::new(),
            host_files: None,
            devices: DEVICES.map(Arc::from).to_vec(),
            // 2024-01-01.
            epoch: Duration::from_secs(1_704_067_200),
            name: "simulated".into(),
            processors: 2,
            total_memory: 8 << 30,
        }
    }
}

impl DaemonSettings {
    /// How many bytes of a layer of this size come at a time.
    pub(super) fn tick(&self, bytes: u64) -> u64 {
        bytes.div_ceil(u64::from(self.ticks.max(1))).min(self.tick_at_most)
    }

    /// What the daemon says it is.
    pub(super) fn engine(&self) -> Engine {
        Engine {
            name: Arc::clone(&self.name),
            processors: self.processors,
            total_memory: self.total_memory,
        }
    }
}

/// The time to move `bytes` at `rate` bytes a second.
pub(super) fn duration(bytes: u64, rate: u64) -> Duration {
    Duration::from_micros(bytes.saturating_mul(1_000_000) / rate.max(1))
}
