//! The logger that keeps logs small: companion processes that rotate.
//!
//! Mirrors `src/slave/container_loggers/lib_logrotate.cpp`. [`rotate`] is what the agent and the
//! companion program agree on; the program itself is the crate `logger`.

mod flags;
pub mod rotate;

pub use flags::{Flags, LoggerFlags, Logrotate, Machine};

use super::{ContainerIo, ContainerLogger, Prepare};
use actix::{Actor, Handler};
use mesos::slave::ContainerConfig;
use mesos::{Bytes, ContainerId};
use process::host::{Command, FdType, Follow, Host, Io, Subprocess};
use process::io::Descriptor;
use process::{Context, Future, Pid, generate_id, spawn};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const SIGKILL: i32 = 9;

struct LogrotateContainerLoggerProcess {
    flags: Flags,
    host: Arc<dyn Host>,
    environment: BTreeMap<String, String>,
}

impl Actor for LogrotateContainerLoggerProcess {
    type Context = Context<Self>;
}

process::process!(LogrotateContainerLoggerProcess);

impl Handler<Prepare> for LogrotateContainerLoggerProcess {
    type Result = Future<ContainerIo>;

    fn handle(&mut self, message: Prepare, _: &mut Context<Self>) -> Future<ContainerIo> {
        self.prepare(&message.config).into()
    }
}

impl LogrotateContainerLoggerProcess {
    /// Starts two companions, which read a pipe each and write to `stdout` and `stderr` in the
    /// sandbox; gives the pipes' other ends.
    ///
    /// Mirrors `LogrotateContainerLoggerProcess::prepare`.
    // differs: on a machine with systemd upstream puts the companions into a slice of their own, so
    // that they outlive the agent's unit.
    fn prepare(&self, config: &ContainerConfig) -> Result<ContainerIo, String> {
        let settings = self
            .flags
            .overridden(&config.command_info)
            .map_err(|error| format!("Failed to load container logger settings: {error}"))?;

        let (out, out_process) = self.start(
            config,
            "stdout",
            settings.max_stdout_size,
            settings.logrotate_stdout_options.as_deref(),
        )?;
        let err = self.start(
            config,
            "stderr",
            settings.max_stderr_size,
            settings.logrotate_stderr_options.as_deref(),
        );
        let (err, _) = err.inspect_err(|_| {
            out.close();
            // It would end by itself, now that nobody can write to it; upstream does not wait.
            let _ = self.host.killtree(out_process.pid(), SIGKILL, Follow::default());
        })?;

        // Closed here when the last one who was given them lets go.
        Ok(ContainerIo {
            out: Io::Fd(out, FdType::Duplicated),
            err: Io::Fd(err, FdType::Duplicated),
        })
    }

    /// Starts the companion for one stream; gives the end of its pipe to write into.
    fn start(
        &self,
        config: &ContainerConfig,
        stream: &str,
        max_size: Bytes,
        options: Option<&str>,
    ) -> Result<(Descriptor, Subprocess), String> {
        let (read, write) =
            self.host.pipe().map_err(|error| format!("Failed to create pipe: {error}"))?;
        let flags = rotate::Flags {
            max_size,
            logrotate_options: options.map(str::to_owned),
            log_filename: Path::new(&config.directory).join(stream),
            logrotate: self.flags.logrotate.clone(),
            user: config.user.clone(),
        };
        let program = Path::new(&self.flags.launcher_dir).join(rotate::NAME);
        let command = Command {
            environment: Some(self.companion_environment()),
            stdin: Io::Fd(read, FdType::Owned),
            stdout: Io::Null,
            stderr: Io::Inherit,
            ..Command::new(program.to_string_lossy(), [rotate::NAME])
        };
        let flags = flags.values();
        let command = command.with_flags(flags.iter().map(|(name, it)| (*name, it.clone())));
        match self.host.subprocess(command, Vec::new()) {
            Ok(companion) => Ok((write, companion)),
            Err(error) => {
                write.close();
                Err(format!("Failed to create logger process: {error}"))
            }
        }
    }

    /// The agent's environment without what is meant for Mesos's programs.
    fn companion_environment(&self) -> BTreeMap<String, String> {
        let inherited = self
            .environment
            .iter()
            .filter(|(name, _)| !name.starts_with("LIBPROCESS_") && !name.starts_with("MESOS_"));
        let mut environment: BTreeMap<_, _> =
            inherited.map(|(name, value)| (name.clone(), value.clone())).collect();
        // Ours needs neither; a companion of upstream's in the launcher directory does.
        environment.insert("LIBPROCESS_IP".to_owned(), "127.0.0.1".to_owned());
        let threads = self.flags.libprocess_num_worker_threads.to_string();
        environment.insert("LIBPROCESS_NUM_WORKER_THREADS".to_owned(), threads);
        environment
    }
}

/// Hands containers the ends of pipes from which companion processes write files of limited size.
/// The companions outlive the agent, and end when nobody can write to them any more.
#[doc(alias = "mesos::internal::logger::LogrotateContainerLogger")]
pub struct LogrotateContainerLogger {
    process: Pid<LogrotateContainerLoggerProcess>,
}

impl LogrotateContainerLogger {
    /// Starts the logger's process. `environment` is the agent's own.
    pub fn spawn(flags: Flags, host: Arc<dyn Host>, environment: BTreeMap<String, String>) -> Self {
        let process = LogrotateContainerLoggerProcess { flags, host, environment };
        LogrotateContainerLogger { process: spawn(generate_id("logrotate-logger"), process) }
    }
}

impl ContainerLogger for LogrotateContainerLogger {
    fn prepare(
        &self,
        container: &ContainerId,
        config: &Arc<ContainerConfig>,
    ) -> Future<ContainerIo> {
        let (container, config) = (container.clone(), Arc::clone(config));
        self.process.dispatch(Prepare { container, config })
    }
}
