//! The options of `drydock run`.

use clap::ArgGroup;
use std::path::PathBuf;
use std::time::Duration;

/// What `drydock run --help` ends with.
pub const AFTER_HELP: &str = "\
Examples:
  drydock run --docker_image busybox --command 'echo hello; exit 3'
  drydock run --docker_image busybox --command 'cat motd' --uris /etc/motd
  drydock run task.json --json

Files: everything lies below the work directory, by default drydock-out/run in the current
directory, and stays there: the sandbox with the task's stdout and stderr (its path is printed),
and agent.log, to which each run adds. Messages of the docker executor go to agent.log, too.

Ctrl-C kills the task, with the grace period of its kill policy (5secs by default); while its
image is still being pulled it ends the pull. Ctrl-C again removes the container at once.

Images are pulled with the credentials in the sandbox's .docker/config.json or .dockercfg (bring the
latter with --uris), else with your own, in DOCKER_CONFIG/config.json or ~/.docker/config.json.

With --container_logger logrotate a companion program for each of stdout and stderr outlives this
one until all is written; what it keeps is limited by the parameters max_stdout_size and
max_stderr_size (10MB a file) and logrotate_stdout_options and logrotate_stderr_options ('rotate 4'
keeps four old files; none by default). It uses the program logrotate (logrotate_path) where there
is one; without, it rotates itself, and understands 'rotate N', prerotate and postrotate only. A task
overrides them in its environment: CONTAINER_LOGGER_MAX_STDOUT_SIZE=1MB.

Exit code: 0 the task finished; 1 it failed, was killed or was lost; 2 bad usage or input, or no
Docker Engine.

Unlike an agent, `run` gives a task ten minutes to be fetched, pulled and started (Mesos: one),
removes the container when it ends (Mesos: six hours later; see --keep), and does not extract
archives given with --uris.";

/// Run one docker task on an agent inside this program, as mesos-execute does on a cluster
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
#[command(group(ArgGroup::new("what").required(true).args(["task", "docker_image"])))]
pub struct Arguments {
    /// A file with a TaskInfo in JSON, as `mesos-execute --task` takes it
    #[arg(
        value_name = "TASK.json",
        conflicts_with_all = [
            "docker_image", "command", "name", "resources", "env", "network", "uris", "force_pull",
        ]
    )]
    pub task: Option<PathBuf>,
    /// The image to run
    #[arg(long = "docker_image", alias = "docker-image", value_name = "IMAGE")]
    pub docker_image: Option<String>,
    /// The command line, for the shell in the image [default: what the image runs by itself]
    #[arg(long, value_name = "CMD")]
    pub command: Option<String>,
    /// The task's name and id
    #[arg(long, value_name = "NAME", default_value = "task")]
    pub name: String,
    /// The task's resources, as in cpus:0.5;mem:64
    #[arg(long, value_name = "RESOURCES", default_value = "cpus:0.5;mem:64")]
    pub resources: String,
    /// Environment variables of the task
    #[arg(long, value_name = "NAME=VALUE", num_args = 1.., value_parser = variable)]
    pub env: Vec<(String, String)>,
    /// The container's network; Mesos's default is the host's
    #[arg(long, value_parser = ["host", "bridge", "none"], default_value = "host")]
    pub network: String,
    /// Files to bring into the sandbox: file:// and http:// URIs, and paths
    #[arg(long, value_name = "URI", num_args = 1..)]
    pub uris: Vec<String>,
    /// Pull the image even if it is there
    #[arg(long = "force_pull", alias = "force-pull")]
    pub force_pull: bool,
    /// Where sandboxes and logs are kept
    #[arg(
        long = "work_dir",
        alias = "work-dir",
        value_name = "DIR",
        default_value = "drydock-out/run"
    )]
    pub work_dir: PathBuf,
    /// Where the Docker Engine listens: unix:///path or tcp://host:port [default: DOCKER_HOST, else
    /// unix:///var/run/docker.sock]
    #[arg(short = 'H', long = "docker_socket", alias = "docker-socket", value_name = "HOST")]
    pub docker_socket: Option<String>,
    /// How long fetching, pulling and starting may take together
    #[arg(
        long = "registration_timeout",
        alias = "registration-timeout",
        value_name = "DURATION",
        value_parser = duration,
        default_value = "10mins"
    )]
    pub registration_timeout: Duration,
    /// Where the task's output goes: to files that grow (sandbox), or to files that are rotated
    /// (logrotate)
    #[arg(
        long = "container_logger",
        alias = "container-logger",
        value_parser = ["sandbox", "logrotate"],
        default_value = "sandbox"
    )]
    pub container_logger: String,
    /// Parameters of the container logger, as Mesos's module has them
    #[arg(
        long = "container_logger_parameters",
        alias = "container-logger-parameters",
        value_name = "NAME=VALUE",
        num_args = 1..,
        value_parser = variable
    )]
    pub container_logger_parameters: Vec<(String, String)>,
    /// Names of hooks, separated by commas; this program has none of its own
    #[arg(long, value_name = "NAMES")]
    pub hooks: Option<String>,
    /// Kill the task after so long, counted from its launch
    #[arg(
        long = "kill_after",
        alias = "kill-after",
        value_name = "DURATION",
        value_parser = duration
    )]
    pub kill_after: Option<Duration>,
    /// Keep the container when the task has ended
    #[arg(long)]
    pub keep: bool,
    /// Show warnings of the agent on stderr
    #[arg(long, short)]
    pub verbose: bool,
    /// Print one JSON object at the end and nothing else
    #[arg(long)]
    pub json: bool,
}

/// `NAME=VALUE`.
fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// `30s`, `10m`, `2h`, or as Mesos writes it: `10secs`, `1.5hrs`.
fn duration(text: &str) -> Result<Duration, String> {
    const SHORT: [(&str, &str); 3] = [("s", "secs"), ("m", "mins"), ("h", "hrs")];
    let short = SHORT.iter().find_map(|(short, long)| {
        let number = text.strip_suffix(short)?;
        number.ends_with(|last: char| last.is_ascii_digit()).then(|| format!("{number}{long}"))
    });
    let text = short.as_deref().unwrap_or(text);
    mesos::duration::parse(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_may_be_short() {
        for (text, expected) in
            [("30s", 30), ("10m", 600), ("2h", 7200), ("10secs", 10), ("1.5mins", 90)]
        {
            assert_eq!(duration(text), Ok(Duration::from_secs(expected)), "{text}");
        }
        for bad in ["", "s", "10", "-1s", "ten"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_variable_has_a_name() {
        assert_eq!(variable("A=b=c"), Ok(("A".to_owned(), "b=c".to_owned())));
        assert_eq!(variable("A="), Ok(("A".to_owned(), String::new())));
        for bad in ["A", "=b", ""] {
            assert!(variable(bad).is_err(), "{bad}");
        }
    }
}
