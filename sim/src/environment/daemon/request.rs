//! Requests: what a client can ask of the daemon.

use super::config::{ContainerConfig, Update};
use super::filters::Filters;
use super::network::NetworkConfig;
use std::sync::Arc;
use std::time::Duration;

/// When a wait ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitCondition {
    /// At once when the container is not running.
    #[default]
    NotRunning,
    /// At its next exit, also when it has not been started yet.
    NextExit,
    /// When it is removed.
    Removed,
}

/// Which of a container's streams, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streams {
    /// Standard input, from the client.
    pub stdin: bool,
    /// Standard output.
    pub stdout: bool,
    /// Standard error.
    pub stderr: bool,
}

/// What is wanted of a container's log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Which streams; `stdin` means nothing here.
    pub streams: Streams,
    /// Go on with what is written from now on.
    pub follow: bool,
    /// Each line with its time.
    pub timestamps: bool,
    /// Each line with the labels and variables that the log's options name: an empty list here.
    pub details: bool,
    /// Only lines from this time on, since the Unix epoch.
    pub since: Option<Duration>,
    /// Only lines up to this time.
    pub until: Option<Duration>,
    /// Only so many of the last lines.
    pub tail: Option<usize>,
}

/// Which containers are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// Also those that do not run.
    pub all: bool,
    /// At most so many of the newest; implies `all`.
    pub limit: usize,
    /// With the size of their files.
    pub size: bool,
    /// Only those that match.
    pub filters: Filters,
}

/// Which events are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventOptions {
    /// Those from this time on that the daemon still knows, since the Unix epoch.
    pub since: Option<Duration>,
    /// Up to this time, then the stream ends.
    pub until: Option<Duration>,
    /// Only those that match.
    pub filters: Filters,
}

/// A program to be run in a container that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecConfig {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Additional environment, `NAME=value`.
    pub env: Vec<String>,
    /// Which streams the client will be attached to.
    pub streams: Streams,
    /// It gets a terminal.
    pub tty: bool,
    /// Whose program it is.
    pub user: String,
    /// Where it starts.
    pub working_dir: String,
    /// It has all privileges.
    pub privileged: bool,
    /// The keys that detach a client.
    pub detach_keys: String,
}

/// A name or an id, as the client wrote it.
pub type Name = Arc<str>;

/// A request.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each field is the parameter of that name in the Engine's API")]
pub enum Request {
    /// `GET /_ping`.
    Ping,
    /// `GET /version`.
    Version,
    /// `GET /info`.
    Info,
    /// `GET /system/df`.
    DiskUsage,
    /// `GET /events`.
    Events(EventOptions),
    /// `POST /containers/create`. Without a name the daemon makes one up.
    Create { name: Option<Name>, config: Arc<ContainerConfig> },
    /// `POST /containers/{}/start`.
    Start { container: Name },
    /// `POST /containers/{}/attach`.
    Attach { container: Name, streams: Streams, logs: bool, stream: bool },
    /// `POST /containers/{}/wait`.
    Wait { container: Name, condition: WaitCondition },
    /// `POST /containers/{}/stop`. Without a time it is the container's own; a negative one never
    /// ends.
    Stop { container: Name, seconds: Option<i64> },
    /// `POST /containers/{}/restart`.
    Restart { container: Name, seconds: Option<i64> },
    /// `POST /containers/{}/kill`.
    Kill { container: Name, signal: i32 },
    /// `POST /containers/{}/pause`.
    Pause { container: Name },
    /// `POST /containers/{}/unpause`.
    Unpause { container: Name },
    /// `POST /containers/{}/rename`.
    Rename { container: Name, name: Name },
    /// `POST /containers/{}/update`.
    Update { container: Name, update: Update },
    /// `POST /containers/{}/resize`.
    Resize { container: Name },
    /// `DELETE /containers/{}`.
    Remove { container: Name, force: bool, volumes: bool },
    /// `GET /containers/{}/json`.
    Inspect { container: Name, size: bool },
    /// `GET /containers/json`.
    List(ListOptions),
    /// `GET /containers/{}/logs`.
    Logs { container: Name, options: LogOptions },
    /// `GET /containers/{}/top`.
    Top { container: Name, arguments: String },
    /// `GET /containers/{}/stats`.
    Stats { container: Name, stream: bool, one_shot: bool },
    /// `POST /containers/{}/exec`.
    ExecCreate { container: Name, config: ExecConfig },
    /// `POST /exec/{}/start`.
    ExecStart { exec: Name, detach: bool, tty: bool },
    /// `GET /exec/{}/json`.
    ExecInspect { exec: Name },
    /// `POST /exec/{}/resize`.
    ExecResize { exec: Name },
    /// `POST /images/create`. The reference is one from [`reference::join`].
    ///
    /// [`reference::join`]: super::reference::join
    Pull { reference: Name, credentials: Option<Credentials> },
    /// `POST /images/{}/tag`.
    Tag { image: Name, repository: Name, tag: Name },
    /// `DELETE /images/{}`.
    RemoveImage { image: Name, force: bool },
    /// `GET /images/json`.
    Images { all: bool, digests: bool, filters: Filters },
    /// `GET /images/{}/json`.
    InspectImage { image: Name },
    /// `GET /images/{}/history`.
    History { image: Name },
    /// `GET /networks`.
    Networks { filters: Filters },
    /// `GET /networks/{}`.
    InspectNetwork { network: Name },
    /// `POST /networks/create`.
    CreateNetwork { config: NetworkConfig },
    /// `DELETE /networks/{}`.
    RemoveNetwork { network: Name },
    /// `POST /networks/{}/connect`.
    Connect { network: Name, container: Name, aliases: Vec<String> },
    /// `POST /networks/{}/disconnect`.
    Disconnect { network: Name, container: Name, force: bool },
    /// `GET /volumes`.
    Volumes { filters: Filters },
    /// `POST /volumes/create`. Without a name the daemon makes one up.
    CreateVolume { name: Option<Name>, driver: String, labels: Vec<(String, String)> },
    /// `GET /volumes/{}`.
    InspectVolume { volume: Name },
    /// `DELETE /volumes/{}`.
    RemoveVolume { volume: Name, force: bool },
}

/// Who asks a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub user: Arc<str>,
    /// The password.
    pub password: Arc<str>,
}

macro_rules! methods {
    ($($(#[$doc:meta])* $method:ident = $name:literal,)*) => {
        /// The kind of a request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Method { $($(#[$doc])* $method,)* }

        impl Method {
            /// All of them.
            pub const ALL: &'static [Method] = &[$(Method::$method,)*];

            /// Its name for people, which is also the label of its op at the daemon.
            pub fn name(self) -> &'static str {
                match self { $(Method::$method => $name,)* }
            }
        }
    };
}

methods! {
    /// Is it there?
    Ping = "ping",
    /// The daemon's version.
    Version = "version",
    /// What the daemon is and has.
    Info = "info",
    /// What is stored.
    DiskUsage = "disk usage",
    /// Follow what happens.
    Events = "events",
    /// Create a container.
    Create = "create",
    /// Follow a container's output.
    Attach = "attach",
    /// Start a container.
    Start = "start",
    /// Wait for a container to exit.
    Wait = "wait",
    /// Stop a container.
    Stop = "stop",
    /// Stop a container and start it again.
    Restart = "restart",
    /// Send a container a signal.
    Kill = "kill",
    /// Freeze a container.
    Pause = "pause",
    /// Thaw a container.
    Unpause = "unpause",
    /// Rename a container.
    Rename = "rename",
    /// Change a container's limits.
    Update = "update",
    /// Change the size of a terminal.
    Resize = "resize",
    /// Remove a container.
    Remove = "remove",
    /// Look at a container.
    InspectContainer = "inspect",
    /// List containers.
    List = "list",
    /// Read a container's log.
    Logs = "logs",
    /// List a container's processes.
    Top = "top",
    /// Follow what a container uses.
    Stats = "stats",
    /// Prepare a program for a container.
    ExecCreate = "exec create",
    /// Run a program in a container.
    ExecStart = "exec start",
    /// Look at a program in a container.
    ExecInspect = "exec inspect",
    /// Look at an image.
    InspectImage = "inspect image",
    /// Pull an image.
    Pull = "pull",
    /// Name an image.
    Tag = "tag",
    /// Remove an image, or a name of it.
    RemoveImage = "remove image",
    /// List images.
    Images = "images",
    /// Where an image's layers come from.
    History = "history",
    /// List networks.
    Networks = "networks",
    /// Look at a network.
    InspectNetwork = "inspect network",
    /// Create a network.
    CreateNetwork = "create network",
    /// Remove a network.
    RemoveNetwork = "remove network",
    /// Connect a container to a network.
    Connect = "connect",
    /// Disconnect a container from a network.
    Disconnect = "disconnect",
    /// List volumes.
    Volumes = "volumes",
    /// Create a volume.
    CreateVolume = "create volume",
    /// Look at a volume.
    InspectVolume = "inspect volume",
    /// Remove a volume.
    RemoveVolume = "remove volume",
}

impl Request {
    /// Its kind.
    pub fn method(&self) -> Method {
        match self {
            Request::Ping => Method::Ping,
            Request::Version => Method::Version,
            Request::Info => Method::Info,
            Request::DiskUsage => Method::DiskUsage,
            Request::Events(_) => Method::Events,
            Request::Create { .. } => Method::Create,
            Request::Start { .. } => Method::Start,
            Request::Attach { .. } => Method::Attach,
            Request::Wait { .. } => Method::Wait,
            Request::Stop { .. } => Method::Stop,
            Request::Restart { .. } => Method::Restart,
            Request::Kill { .. } => Method::Kill,
            Request::Pause { .. } => Method::Pause,
            Request::Unpause { .. } => Method::Unpause,
            Request::Rename { .. } => Method::Rename,
            Request::Update { .. } => Method::Update,
            Request::Resize { .. } | Request::ExecResize { .. } => Method::Resize,
            Request::Remove { .. } => Method::Remove,
            Request::Inspect { .. } => Method::InspectContainer,
            Request::List(_) => Method::List,
            Request::Logs { .. } => Method::Logs,
            Request::Top { .. } => Method::Top,
            Request::Stats { .. } => Method::Stats,
            Request::ExecCreate { .. } => Method::ExecCreate,
            Request::ExecStart { .. } => Method::ExecStart,
            Request::ExecInspect { .. } => Method::ExecInspect,
            Request::Pull { .. } => Method::Pull,
            Request::Tag { .. } => Method::Tag,
            Request::RemoveImage { .. } => Method::RemoveImage,
            Request::Images { .. } => Method::Images,
            Request::InspectImage { .. } => Method::InspectImage,
            Request::History { .. } => Method::History,
            Request::Networks { .. } => Method::Networks,
            Request::InspectNetwork { .. } => Method::InspectNetwork,
            Request::CreateNetwork { .. } => Method::CreateNetwork,
            Request::RemoveNetwork { .. } => Method::RemoveNetwork,
            Request::Connect { .. } => Method::Connect,
            Request::Disconnect { .. } => Method::Disconnect,
            Request::Volumes { .. } => Method::Volumes,
            Request::CreateVolume { .. } => Method::CreateVolume,
            Request::InspectVolume { .. } => Method::InspectVolume,
            Request::RemoveVolume { .. } => Method::RemoveVolume,
        }
    }

    /// The container's name, the image's reference, or whatever else it is about; empty where
    /// there is nothing.
    pub fn subject(&self) -> Name {
        match self {
            Request::Create { name, .. } | Request::CreateVolume { name, .. } => {
                name.clone().unwrap_or_default()
            }
            Request::ExecStart { exec, .. }
            | Request::ExecInspect { exec }
            | Request::ExecResize { exec } => Arc::clone(exec),
            Request::Pull { reference, .. } => Arc::clone(reference),
            Request::Tag { image, .. }
            | Request::RemoveImage { image, .. }
            | Request::InspectImage { image }
            | Request::History { image } => Arc::clone(image),
            Request::InspectNetwork { network }
            | Request::RemoveNetwork { network }
            | Request::Connect { network, .. }
            | Request::Disconnect { network, .. } => Arc::clone(network),
            Request::CreateNetwork { config } => config.name.as_str().into(),
            Request::InspectVolume { volume } | Request::RemoveVolume { volume, .. } => {
                Arc::clone(volume)
            }
            Request::Ping
            | Request::Version
            | Request::Info
            | Request::DiskUsage
            | Request::Events(_)
            | Request::List(_)
            | Request::Images { .. }
            | Request::Networks { .. }
            | Request::Volumes { .. } => Name::default(),
            _ => self.container().cloned().unwrap_or_default(),
        }
    }

    /// The container that it is about.
    fn container(&self) -> Option<&Name> {
        match self {
            Request::Start { container }
            | Request::Attach { container, .. }
            | Request::Wait { container, .. }
            | Request::Stop { container, .. }
            | Request::Restart { container, .. }
            | Request::Kill { container, .. }
            | Request::Pause { container }
            | Request::Unpause { container }
            | Request::Rename { container, .. }
            | Request::Update { container, .. }
            | Request::Resize { container }
            | Request::Remove { container, .. }
            | Request::Inspect { container, .. }
            | Request::Logs { container, .. }
            | Request::Top { container, .. }
            | Request::Stats { container, .. }
            | Request::ExecCreate { container, .. } => Some(container),
            _ => None,
        }
    }

    /// The container whose lock it takes first of all: while that container is being started, it
    /// waits.
    pub(super) fn locks(&self) -> Option<&Name> {
        match self {
            Request::Logs { .. } | Request::Resize { .. } => None,
            _ => self.container(),
        }
    }
}
