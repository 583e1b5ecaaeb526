//! The command line of the docker executor.

use mesos::internal::ContainerDnsInfo;
use mesos::{duration, json};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The flags of the docker executor; see [`Flags::parse`].
#[doc(alias = "docker::Flags")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flags {
    /// `--container`: the name of the container.
    pub container: String,
    /// `--docker`: the docker program.
    pub docker: String,
    /// `--docker_socket`: where the daemon listens.
    pub docker_socket: String,
    /// `--sandbox_directory`: the sandbox, on the host.
    pub sandbox_directory: String,
    /// `--mapped_directory`: the sandbox, in the container.
    pub mapped_directory: String,
    /// `--launcher_dir`: where Mesos's programs are.
    pub launcher_dir: String,
    /// `--task_environment`: more environment for the task.
    pub task_environment: BTreeMap<String, String>,
    /// `--default_container_dns`: DNS for containers in a bridge or a network that somebody made.
    pub default_container_dns: Option<ContainerDnsInfo>,
    /// `--cgroups_enable_cfs`: whether CPU limits are hard.
    pub cgroups_enable_cfs: bool,
    /// `--stop_timeout`, deprecated: a lower bound for the grace period of a shutdown.
    pub stop_timeout: Option<Duration>,
}

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// To run.
    Run(Box<Flags>),
    /// To say what the flags are.
    Help,
}

const BOOLEANS: [&str; 4] = ["cgroups_enable_cfs", "help", "initialize_driver_logging", "quiet"];

const VALUES: [&str; 13] = [
    "container",
    "default_container_dns",
    "docker",
    "docker_socket",
    "external_log_file",
    "launcher_dir",
    "log_dir",
    "logbufsecs",
    "logging_level",
    "mapped_directory",
    "sandbox_directory",
    "stop_timeout",
    "task_environment",
];

impl Flags {
    /// Parses a command line, the program's name first. An error is a line for people; the program
    /// then exits with 1. As upstream: `--name=value`, `--name` and `--no-name` for booleans,
    /// everything behind `--` and everything that does not start with `--` is ignored.
    ///
    /// Mirrors `main` in `src/launcher/docker_executor.cpp` and `FlagsBase::load` in
    /// `3rdparty/stout/include/stout/flags/flags.hpp`.
    #[doc(alias = "FlagsBase::load")]
    pub fn parse(argv: &[String]) -> Result<Request, String> {
        let Loaded { mut values, booleans } = load(argv)?;
        if booleans.get("help") == Some(&true) {
            return Ok(Request::Help);
        }
        let mut required = |name: &str| {
            values.remove(name).ok_or_else(|| format!("Missing required option --{name}"))
        };
        // In this order: the first one missing is the one that is named.
        let docker = required("docker")?;
        let container = required("container")?;
        let sandbox_directory = required("sandbox_directory")?;
        let mapped_directory = required("mapped_directory")?;
        let launcher_dir = required("launcher_dir")?;
        let docker_socket = required("docker_socket")?;

        let task_environment = match values.get("task_environment") {
            Some(text) => task_environment(text)?,
            None => BTreeMap::new(),
        };
        let default_container_dns = match values.get("default_container_dns") {
            Some(text) => Some(
                json::parse(text)
                    .map_err(|error| format!("Failed to parse --default_container_dns: {error}"))?,
            ),
            None => None,
        };
        let stop_timeout = match values.get("stop_timeout") {
            Some(text) => Some(duration::parse(text).map_err(|error| {
                format!(
                    "Failed to load flag 'stop_timeout': Failed to load value '{text}': {error}"
                )
            })?),
            None => None,
        };
        Ok(Request::Run(Box::new(Flags {
            container,
            docker,
            docker_socket,
            sandbox_directory,
            mapped_directory,
            launcher_dir,
            task_environment,
            default_container_dns,
            cgroups_enable_cfs: booleans.get("cgroups_enable_cfs") == Some(&true),
            stop_timeout,
        })))
    }
}

struct Loaded {
    values: BTreeMap<String, String>,
    booleans: BTreeMap<String, bool>,
}

fn load(argv: &[String]) -> Result<Loaded, String> {
    let mut loaded = Loaded { values: BTreeMap::new(), booleans: BTreeMap::new() };
    let mut seen = BTreeSet::new();
    for argument in argv.iter().skip(1).map(|argument| argument.trim()) {
        if argument == "--" {
            break;
        }
        let Some(flag) = argument.strip_prefix("--") else { continue };
        let (written, value) = match flag.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (flag, None),
        };
        let name = written.strip_prefix("no-").unwrap_or(written);
        let negated = written != name;
        if !seen.insert(name.to_owned()) {
            return Err(format!("Flag '{name}' is already loaded via command line"));
        }

        if BOOLEANS.contains(&name) {
            let value = match value {
                None => !negated,
                Some(_) if negated => {
                    return Err(format!(
                        "Failed to load boolean flag '{name}' via '{written}' with a value"
                    ));
                }
                Some("true" | "1") => true,
                Some("false" | "0") => false,
                Some(value) => {
                    return Err(format!(
                        "Failed to load flag '{name}': Failed to load value '{value}': Expecting \
                         a boolean (e.g., true or false)"
                    ));
                }
            };
            loaded.booleans.insert(name.to_owned(), value);
        } else if VALUES.contains(&name) {
            let Some(value) = value.filter(|_| !negated) else {
                return Err(format!("Failed to load non-boolean flag '{name}': Missing value"));
            };
            loaded.values.insert(name.to_owned(), value.to_owned());
        } else {
            return Err(format!("Failed to load unknown flag '{name}'"));
        }
    }
    Ok(loaded)
}

fn task_environment(text: &str) -> Result<BTreeMap<String, String>, String> {
    let object: serde_json::Map<String, Value> = serde_json::from_str(text)
        .map_err(|error| format!("Failed to parse --task_environment: {error}"))?;
    let variable = |(key, value): (String, Value)| match value {
        Value::String(value) => Ok((key, value)),
        _ => Err(format!("Value of key '{key}' in --task_environment is not a string")),
    };
    object.into_iter().map(variable).collect()
}
