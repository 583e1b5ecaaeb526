//! What a container is to be: the body of a create request, and what becomes of it together with
//! its image.

use super::image::ImageSpec;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Limits and shares; 0 stands for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// `Memory`, bytes.
    pub memory: i64,
    /// `MemorySwap`, bytes.
    pub memory_swap: i64,
    /// `MemoryReservation`, bytes.
    pub memory_reservation: i64,
    /// `CpuShares`.
    pub cpu_shares: i64,
    /// `CpuQuota`, microseconds a period.
    pub cpu_quota: i64,
    /// `CpuPeriod`, microseconds.
    pub cpu_period: i64,
    /// `NanoCpus`: billionths of a processor.
    pub nano_cpus: i64,
    /// `PidsLimit`.
    pub pids_limit: i64,
}

/// When a container is restarted by the daemon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    /// Never.
    #[default]
    No,
    /// Whenever it ends, and when the daemon starts.
    Always,
    /// The same, unless it was stopped.
    UnlessStopped,
    /// When it fails, at most so often if not 0.
    OnFailure(u32),
}

impl Restart {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Restart::No => "no",
            Restart::Always => "always",
            Restart::UnlessStopped => "unless-stopped",
            Restart::OnFailure(_) => "on-failure",
        }
    }
}

/// A port that is published on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortBinding {
    /// The container's, `80/tcp`.
    pub port: String,
    /// The host's address; empty for all.
    pub host_ip: String,
    /// The host's port; empty for one that the daemon chooses.
    pub host_port: String,
}

/// A network that the container is connected to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointConfig {
    /// Its name or id.
    pub network: String,
    /// Names that the container has there.
    pub aliases: Vec<String>,
    /// Its address there, if it is to be a certain one.
    pub ipv4: Option<String>,
}

/// A device of the machine that the container gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceMapping {
    /// `PathOnHost`.
    pub host: String,
    /// `PathInContainer`.
    pub container: String,
    /// `CgroupPermissions`: letters of `rwm`.
    pub permissions: String,
}

/// The fields of a create request's body, as they were given, behind those that mean something
/// here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given {
    /// Those of the container.
    pub config: Map<String, Value>,
    /// Those of `HostConfig`.
    pub host: Map<String, Value>,
}

/// The body of a create request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerConfig {
    /// `Image`.
    pub image: String,
    /// `Cmd`; the image's own if empty.
    pub command: Vec<String>,
    /// `Entrypoint`, if overridden.
    pub entrypoint: Option<Vec<String>>,
    /// `Env`: `NAME=value`.
    pub env: Vec<String>,
    /// `Labels`.
    pub labels: BTreeMap<String, String>,
    /// `Hostname`; the start of the id if empty.
    pub hostname: String,
    /// `User`.
    pub user: String,
    /// `WorkingDir`.
    pub working_dir: String,
    /// `Tty`.
    pub tty: bool,
    /// `OpenStdin`.
    pub open_stdin: bool,
    /// `StdinOnce`.
    pub stdin_once: bool,
    /// `StopSignal`; SIGTERM if empty.
    pub stop_signal: String,
    /// `StopTimeout`, seconds.
    pub stop_timeout: Option<i64>,
    /// The keys of `ExposedPorts`.
    pub exposed_ports: Vec<String>,
    /// `HostConfig`: limits.
    pub resources: Resources,
    /// `HostConfig.OomScoreAdj`.
    pub oom_score_adj: i64,
    /// `HostConfig.Privileged`.
    pub privileged: bool,
    /// `HostConfig.Binds`: `host:container[:mode]`.
    pub binds: Vec<String>,
    /// `HostConfig.Devices`.
    pub devices: Vec<DeviceMapping>,
    /// `HostConfig.NetworkMode`; the default bridge if empty.
    pub network_mode: String,
    /// `HostConfig.AutoRemove`.
    pub auto_remove: bool,
    /// `HostConfig.RestartPolicy`.
    pub restart: Restart,
    /// `HostConfig.PortBindings`.
    pub ports: Vec<PortBinding>,
    /// `HostConfig.Init`: an init is the first process, and passes signals on.
    pub init: bool,
    /// `HostConfig.LogConfig.Type`; the daemon's own if empty.
    pub log_driver: String,
    /// `NetworkingConfig.EndpointsConfig`.
    pub endpoints: Vec<EndpointConfig>,
    /// All fields as they were given, for the echo in an inspection; empty when they were given
    /// in another form than JSON.
    pub given: Given,
}

/// What a container is: its configuration, completed from its image.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) config: Arc<ContainerConfig>,
    pub(super) entrypoint: Option<Vec<String>>,
    pub(super) command: Vec<String>,
    pub(super) env: Vec<String>,
    /// Those of the image, where the configuration has no others of the same name.
    pub(super) image_labels: BTreeMap<String, String>,
    pub(super) user: String,
    pub(super) working_dir: String,
    pub(super) exposed_ports: Vec<String>,
}

impl Settled {
    pub(super) fn new(config: Arc<ContainerConfig>, image: &ImageSpec) -> Self {
        let own_entrypoint = config.entrypoint.as_ref().is_some_and(|words| !words.is_empty());
        // An entry point of one's own does not get the image's arguments.
        let command = if config.command.is_empty() && !own_entrypoint {
            image.command.clone()
        } else {
            config.command.clone()
        };
        let entrypoint = match &config.entrypoint {
            // An empty word stands for none at all.
            Some(words) => Some(words.clone()).filter(|words| *words != [""]),
            None => image.entrypoint.clone(),
        };
        let mut env = config.env.clone();
        for (name, value) in &image.environment {
            let is_set = |line: &String| line.split('=').next() == Some(name);
            if !config.env.iter().any(is_set) {
                env.push(format!("{name}={value}"));
            }
        }
        // A name without a value takes the image's variable away.
        env.retain(|line| line.contains('='));
        let image_labels =
            image.labels.iter().filter(|(name, _)| !config.labels.contains_key(*name));
        let or =
            |own: &String, image: &String| if own.is_empty() { image.clone() } else { own.clone() };
        let mut exposed_ports = config.exposed_ports.clone();
        exposed_ports.extend(config.ports.iter().map(|binding| binding.port.clone()));
        exposed_ports.extend(image.exposed_ports.iter().cloned());
        exposed_ports.sort();
        exposed_ports.dedup();
        Settled {
            image_labels: image_labels.map(|(name, value)| (name.clone(), value.clone())).collect(),
            user: or(&config.user, &image.user),
            working_dir: or(&config.working_dir, &image.working_dir),
            entrypoint,
            command,
            env,
            exposed_ports,
            config,
        }
    }

    /// The program and its arguments.
    pub(super) fn argv(&self) -> Vec<String> {
        self.entrypoint.iter().flatten().chain(&self.command).cloned().collect()
    }

    pub(super) fn label(&self, name: &str) -> Option<&str> {
        let own = self.config.labels.get(name);
        own.or_else(|| self.image_labels.get(name)).map(String::as_str)
    }

    /// All labels, by name.
    pub(super) fn labels(&self) -> BTreeMap<&str, &str> {
        let all = self.image_labels.iter().chain(&self.config.labels);
        all.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

/// The body of an update request: what is 0 or none stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// Limits.
    pub resources: Resources,
    /// The restart policy.
    pub restart: Option<Restart>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn settled(config: ContainerConfig) -> Settled {
        let mut image = ImageSpec::new("app", &[]);
        image.entrypoint = Some(words("/entry"));
        image.command = words("default");
        image.environment.insert("PATH".to_owned(), "/bin".to_owned());
        image.environment.insert("HOME".to_owned(), "/root".to_owned());
        image.labels.insert("from".to_owned(), "image".to_owned());
        image.labels.insert("kept".to_owned(), "yes".to_owned());
        Settled::new(Arc::new(config), &image)
    }

    #[test]
    fn a_command_takes_the_place_of_the_images_own() {
        let none = ContainerConfig::default();
        assert_eq!(settled(none).argv(), words("/entry default"));
        let command = ContainerConfig { command: words("a b"), ..ContainerConfig::default() };
        assert_eq!(settled(command).argv(), words("/entry a b"));
        let entry =
            ContainerConfig { entrypoint: Some(words("/own")), ..ContainerConfig::default() };
        assert_eq!(settled(entry).argv(), words("/own"));
        let reset = ContainerConfig {
            entrypoint: Some(Vec::new()),
            command: words("a"),
            ..ContainerConfig::default()
        };
        assert_eq!(settled(reset).argv(), words("a"));
    }

    #[test]
    fn environment_and_labels_are_merged() {
        let config = ContainerConfig {
            env: words("A=b PATH=/sbin HOME"),
            labels: [("from".to_owned(), "me".to_owned())].into(),
            ..ContainerConfig::default()
        };
        let settled = settled(config);
        assert_eq!(settled.env, words("A=b PATH=/sbin"));
        assert_eq!((settled.label("from"), settled.label("kept")), (Some("me"), Some("yes")));
        assert_eq!(settled.labels().len(), 2);
    }
}
