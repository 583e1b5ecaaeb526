//! Twins of upstream's `src/tests/container_logger_tests.cpp`: the container loggers on a real host,
//! with the companion program. The container is a shell, which writes as a task does.

#![allow(clippy::disallowed_methods, reason = "a test of real processes in real time")]

mod live;

use containerizer::logger::logrotate::{Flags, Machine, rotate::NAME};
use containerizer::logger::{
    ContainerIo, ContainerLogger, LogrotateContainerLogger, SandboxContainerLogger,
};
use live::{LIMIT, drydock};
use mesos::slave::ContainerConfig;
use mesos::{CommandInfo, Environment, environment::Variable};
use process::Outcome;
use process::host::{Command, Host, OsPid};
use process::live::LocalHost;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

struct Stage {
    host: Arc<LocalHost>,
    sandbox: TempDir,
    logger: Arc<dyn ContainerLogger>,
}

impl Stage {
    /// With the parameters of upstream's fixture: five files of 2 MB.
    fn new() -> Stage {
        let companion = vec![drydock().display().to_string(), NAME.to_owned()];
        let host = Arc::new(LocalHost::new().with_command(NAME, companion));
        let machine = Machine { page: logger::page_size(), has: &|_| true, runs: &logger::runs };
        let parameters = [
            ("launcher_dir", "/no/mesos/here"),
            ("max_stdout_size", "2MB"),
            ("logrotate_stdout_options", "rotate 4"),
        ];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let flags = Flags::load(&parameters.into(), &machine).expect("valid");
        let own: BTreeMap<String, String> = std::env::vars().collect();
        let logger = LogrotateContainerLogger::spawn(flags, Arc::clone(&host) as _, own);
        Stage { host, sandbox: tempfile::tempdir().expect("a directory"), logger: Arc::new(logger) }
    }

    fn prepare(&self, given: ContainerConfig) -> ContainerIo {
        let directory = self.sandbox.path().display().to_string();
        let config = ContainerConfig { directory, ..given };
        match self.logger.prepare(&"c".into(), &Arc::new(config)).wait(LIMIT) {
            Some(Outcome::Ready(io)) => io,
            other => panic!("{other:?}"),
        }
    }

    /// The companions that write into the sandbox.
    fn companions(&self) -> Vec<OsPid> {
        let needle = format!("--log_filename={}/", self.sandbox.path().display());
        let own = format!("PPid:\t{}", std::process::id());
        let entries = std::fs::read_dir("/proc").expect("proc").flatten();
        let found = entries.filter(|entry| {
            let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            // A companion that is about to start a program looks like two for a moment.
            let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
            let is_child = status.lines().any(|line| line == own);
            is_child && words.split(|byte| *byte == 0).any(|it| it.starts_with(needle.as_bytes()))
        });
        found.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
    }

    /// Runs a shell's command as the container, then waits for the companions to end.
    fn run(&self, given: ContainerConfig, command: &str) {
        let io = self.prepare(given);
        let companions = self.companions();
        assert_eq!(companions.len(), 2);
        let command = Command { stdout: io.out, stderr: io.err, ..Command::shell(command) };
        let container = self.host.subprocess(command, Vec::new()).expect("started");
        assert_eq!(container.status().wait(LIMIT), Some(Outcome::Ready(Some(0))));
        for companion in companions {
            // Nobody else has the pipes: they come to their end.
            assert_eq!(self.host.reap(companion).wait(LIMIT), Some(Outcome::Ready(Some(0))));
        }
    }

    /// The size of a file of the sandbox, in KB.
    fn kilobytes(&self, name: &str) -> Option<u64> {
        let metadata = std::fs::metadata(self.sandbox.path().join(name)).ok()?;
        Some(metadata.len() / 1024)
    }
}

/// Writes so many lines of 1 KB.
fn spam(lines: u32) -> String {
    format!("i=0; while [ $i -lt {lines} ]; do printf '%-1023d\\n' $i; i=$((i+1)); done")
}

#[test]
fn default_to_sandbox() {
    let mut stage = Stage::new();
    stage.logger = Arc::new(SandboxContainerLogger::spawn());
    let io = stage.prepare(ContainerConfig::default());
    let echo = Command { stdout: io.out, stderr: io.err, ..Command::shell("echo 'Hello World!'") };
    let container = stage.host.subprocess(echo, Vec::new()).expect("started");
    assert_eq!(container.status().wait(LIMIT), Some(Outcome::Ready(Some(0))));
    let stdout = std::fs::read_to_string(stage.sandbox.path().join("stdout"));
    assert_eq!(stdout.expect("written"), "Hello World!\n");
}

#[test]
fn logrotate_rotate_in_sandbox() {
    let stage = Stage::new();
    stage.run(ContainerConfig::default(), &format!("echo >&2 error; {}", spam(11_264)));
    let leading = stage.kilobytes("stdout").expect("the leading file");
    assert!((1024..=1050).contains(&leading), "{leading}");
    for number in 1..5 {
        let old = stage.kilobytes(&format!("stdout.{number}")).expect("an old file");
        assert!((2040..=2048).contains(&old), "{number}: {old}");
    }
    assert_eq!(stage.kilobytes("stdout.5"), None);
    let stderr = std::fs::read_to_string(stage.sandbox.path().join("stderr"));
    assert_eq!(stderr.expect("written"), "error\n");
}

#[test]
fn logrotate_custom_rotate_options() {
    let stage = Stage::new();
    let touched = stage.sandbox.path().join("CustomRotateOptions");
    let variable = Variable {
        name: "CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS".to_owned(),
        value: Some(format!("postrotate\n touch {}\nendscript", touched.display())),
        ..Variable::default()
    };
    let command = CommandInfo {
        environment: Some(Environment { variables: vec![variable] }),
        ..CommandInfo::default()
    };
    stage.run(ContainerConfig { command_info: command, ..Default::default() }, &spam(2048 + 64));
    assert!(touched.exists());
}

#[test]
fn a_container_with_bad_settings_gets_no_output() {
    let stage = Stage::new();
    let variable = Variable {
        name: "CONTAINER_LOGGER_COLOUR".to_owned(),
        value: Some("red".to_owned()),
        ..Variable::default()
    };
    let command = CommandInfo {
        environment: Some(Environment { variables: vec![variable] }),
        ..CommandInfo::default()
    };
    let config = ContainerConfig { command_info: command, ..ContainerConfig::default() };
    let prepared = stage.logger.prepare(&"c".into(), &Arc::new(config)).wait(LIMIT);
    let expected = "Failed to load container logger settings: Failed to load unknown flag 'colour'";
    assert_eq!(prepared, Some(Outcome::Failed(expected.to_owned())));
}

#[test]
fn logrotate_module_fd_ownership() {
    let stage = Stage::new();
    let io = stage.prepare(ContainerConfig::default());
    let companions = stage.companions();
    let sleep = Command { stdout: io.out, stderr: io.err, ..Command::shell("exec sleep 1000") };
    let container = stage.host.subprocess(sleep, Vec::new()).expect("started");
    // So many that they get the numbers that the logger had.
    let files: Vec<File> = (0..50).map(|_| File::open("/dev/null").expect("there")).collect();
    stage.host.killtree(container.pid(), 9, Default::default()).expect("killed");
    assert_eq!(container.status().wait(LIMIT), Some(Outcome::Ready(Some(9))));
    for companion in companions {
        assert_eq!(stage.host.reap(companion).wait(LIMIT), Some(Outcome::Ready(Some(0))));
    }
    for file in files {
        assert!(file.metadata().expect("open").file_type().is_char_device());
    }
}

#[test]
fn companions_end_with_the_last_writer() {
    let stage = Stage::new();
    let io = stage.prepare(ContainerConfig::default());
    let companions = stage.companions();
    // A container that is destroyed between the logger's answer and its start.
    drop(io);
    for companion in companions {
        assert_eq!(stage.host.reap(companion).wait(LIMIT), Some(Outcome::Ready(Some(0))));
    }
}

/// So that neither a signal to the agent's session nor its terminal's end reaches them.
#[test]
fn companions_are_in_sessions_of_their_own() {
    let stage = Stage::new();
    let io = stage.prepare(ContainerConfig::default());
    let echo = "echo out; echo error >&2";
    let command =
        Command { stdout: io.out.clone(), stderr: io.err.clone(), ..Command::shell(echo) };
    let container = stage.host.subprocess(command, Vec::new()).expect("started");
    assert_eq!(container.status().wait(LIMIT), Some(Outcome::Ready(Some(0))));
    // What they have written they wrote after they had set themselves up.
    let deadline = Instant::now() + LIMIT;
    let written =
        |name| std::fs::metadata(stage.sandbox.path().join(name)).map_or(0, |it| it.len());
    while written("stdout") == 0 || written("stderr") == 0 {
        assert!(Instant::now() < deadline, "nothing was written");
        std::thread::sleep(Duration::from_millis(2));
    }
    let companions = stage.companions();
    assert_eq!(companions.len(), 2);
    for companion in companions {
        let pid = nix::unistd::Pid::from_raw(companion);
        assert_eq!(nix::unistd::getsid(Some(pid)), Ok(pid));
    }
}

fn rotate_as(switch_user: bool) {
    if std::fs::metadata("/proc/self").expect("proc").uid() != 0 {
        eprintln!("skipped: only root can become somebody else");
        return;
    }
    let stage = Stage::new();
    // As the agent does: the sandbox is the user's, and the user in the configuration, only when it
    // switches. (A sandbox that everybody may write to is one that `logrotate` does not touch.)
    let user = switch_user.then(|| "nobody".to_owned());
    if switch_user {
        let user = nix::unistd::User::from_name("nobody").expect("users").expect("there is one");
        nix::unistd::chown(stage.sandbox.path(), Some(user.uid), Some(user.gid)).expect("root");
    }
    stage.run(ContainerConfig { user, ..ContainerConfig::default() }, &spam(3072));
    let owner = |path: &Path| std::fs::metadata(path).expect("there").uid();
    let nobody = {
        let passwd = std::fs::read_to_string("/etc/passwd").expect("users");
        let line = passwd.lines().find(|line| line.starts_with("nobody:")).expect("nobody");
        line.split(':').nth(2).and_then(|id| id.parse().ok()).expect("an id")
    };
    let expected: u32 = if switch_user { nobody } else { 0 };
    assert_eq!(owner(&stage.sandbox.path().join("stdout")), expected);
    let (leading, old) = (stage.kilobytes("stdout"), stage.kilobytes("stdout.1"));
    assert!(leading.is_some_and(|size| (1024..=1050).contains(&size)), "{leading:?}");
    assert!(old.is_some_and(|size| (2040..=2048).contains(&size)), "{old:?}");
    assert_eq!(stage.kilobytes("stdout.2"), None);
}

#[test]
fn root_logrotate_unprivileged_user_rotate_with_switch_user_true_or_false() {
    for switch_user in [true, false] {
        rotate_as(switch_user);
    }
}
