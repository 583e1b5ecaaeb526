//! `mesos-docker-executor` as a program that a host runs without an exec.
//!
//! Mirrors `src/launcher/docker_executor.cpp`.

use crate::docker_executor::{DockerExecutorProcess, Options};
use crate::driver::ExecutorDriver;
use crate::flags::{Flags, Request};
use crate::links::AgentLink;
use crate::{Die, Environment, Session, Uuids};
use docker::{Docker, Output};
use mesos::Bytes;
use parking_lot::Mutex;
use process::host::{Command, Host, Program, Running};
use process::{Pid, Upid, generate_id, kill, spawn, terminate, wait};
use slog::{Logger, error, info};
use std::sync::Arc;

/// The name under which the agent starts the docker executor.
pub const NAME: &str = "mesos-docker-executor";

/// Makes the docker client of one executor.
pub type DockerFactory = Arc<dyn Fn(&Flags) -> Result<Arc<dyn Docker>, String> + Send + Sync>;

/// Finds the agent at an address; `None` when nobody is there.
pub type AgentResolver = Arc<dyn Fn(&Upid) -> Option<Arc<dyn AgentLink>> + Send + Sync>;

/// Makes the log of one executor; upstream's goes to the standard error in its sandbox.
pub type LoggerFactory = Arc<dyn Fn(&Command) -> Logger + Send + Sync>;

/// The docker executor, to be registered with a host under [`NAME`].
pub struct DockerExecutorProgram {
    /// Docker clients.
    pub docker: DockerFactory,
    /// The way to the agent.
    pub agent: AgentResolver,
    /// The operating system, for watching the container's process.
    pub host: Arc<dyn Host>,
    /// The machine's main memory, if it is known: tasks with a memory limit above their request
    /// need it.
    pub total_memory: Option<Bytes>,
    /// Random uuids for status updates.
    pub uuids: Uuids,
    /// Logs.
    pub logger: LoggerFactory,
}

/// One running executor.
struct Instance {
    running: Arc<dyn Running>,
    session: Arc<Session>,
    /// Its processes; `None` once it has ended.
    pids: Mutex<Option<(Pid<ExecutorDriver>, Pid<DockerExecutorProcess>)>>,
}

impl Instance {
    /// Ends everything on the spot, as the end of an operating-system process does. `spare` names
    /// the process whose handler this is called from.
    fn die(&self, status: i32, spare: Option<&Upid>) {
        let Some((driver, executor)) = self.pids.lock().take() else { return };
        if spare != Some(driver.upid()) {
            kill(&driver);
        }
        if spare != Some(executor.upid()) {
            kill(&executor);
        }
        self.session.hang_up();
        self.running.exit(status);
    }

    /// The driver has stopped: ends the executor, then the program.
    fn finish(self: Arc<Self>) {
        let Some((_, executor)) = self.pids.lock().take() else { return };
        terminate(&executor, true);
        wait(&executor).on_any(move |_| {
            self.session.hang_up();
            self.running.exit(0);
        });
    }
}

impl Program for DockerExecutorProgram {
    fn start(&self, what: &Command, running: Arc<dyn Running>) -> Box<dyn Fn(i32) + Send + Sync> {
        let log = (self.logger)(what);
        match self.run(what, &running, &log) {
            Ok(Some(instance)) => Box::new(move |signal| {
                if is_fatal(signal) {
                    instance.die(signal, None);
                }
            }),
            Ok(None) => {
                running.exit(0);
                Box::new(|_| {})
            }
            Err(problem) => {
                error!(log, "{problem}");
                running.exit(1 << 8);
                Box::new(|_| {})
            }
        }
    }
}

impl DockerExecutorProgram {
    /// Mirrors `main` in `src/launcher/docker_executor.cpp`.
    #[doc(alias = "main")]
    fn run(
        &self,
        what: &Command,
        running: &Arc<dyn Running>,
        log: &Logger,
    ) -> Result<Option<Arc<Instance>>, String> {
        let flags = match Flags::parse(&what.argv)? {
            Request::Run(flags) => *flags,
            Request::Help => {
                info!(log, "Usage: {NAME} [options]; see the documentation of executor::Flags");
                return Ok(None);
            }
        };
        let environment = Environment::read(&what.environment.clone().unwrap_or_default())?;

        // The flag is older than the variable, and counts if it gives more time.
        let shutdown_grace_period =
            environment.shutdown_grace_period.max(flags.stop_timeout.unwrap_or_default());

        let docker = (self.docker)(&flags)
            .map_err(|error| format!("Unable to create docker abstraction: {error}"))?;
        let session = Arc::new(Session::new(docker));
        let instance = Arc::new(Instance {
            running: Arc::clone(running),
            session: Arc::clone(&session),
            pids: Mutex::new(None),
        });
        let die: Die = {
            let instance = Arc::clone(&instance);
            Arc::new(move |status, spare| instance.die(status, Some(spare)))
        };

        // Its own streams, which the container inherits.
        let streams = running.streams();
        let options = Options {
            docker: session,
            host: Arc::clone(&self.host),
            container_name: flags.container,
            sandbox_directory: flags.sandbox_directory,
            mapped_directory: flags.mapped_directory,
            shutdown_grace_period,
            task_environment: flags.task_environment,
            default_container_dns: flags.default_container_dns,
            total_memory: self.total_memory,
            cgroups_enable_cfs: flags.cgroups_enable_cfs,
            stdout: Output::of(&what.stdout, streams.stdout.as_ref())?,
            stderr: Output::of(&what.stderr, streams.stderr.as_ref())?,
            log: log.clone(),
        };
        let agent = (self.agent)(&environment.slave);

        // Locked until both are known: a driver that stops at once must not be missed.
        let mut pids = instance.pids.lock();
        let executor = spawn(
            generate_id("docker-executor"),
            DockerExecutorProcess::new(options, Arc::clone(&die)),
        );
        let driver = ExecutorDriver::new(
            environment,
            agent,
            executor.clone(),
            Arc::clone(&self.uuids),
            die,
            log.clone(),
        );
        let driver = spawn(generate_id("executor"), driver);
        *pids = Some((driver.clone(), executor));
        drop(pids);

        let stopped = Arc::clone(&instance);
        wait(&driver).on_any(move |_| stopped.finish());
        Ok(Some(instance))
    }
}

/// Whether a signal ends a program that does nothing about it. libprocess ignores SIGPIPE.
fn is_fatal(signal: i32) -> bool {
    const HARMLESS: [i32; 10] = [0, 13, 17, 18, 19, 20, 21, 22, 23, 28];
    !HARMLESS.contains(&signal)
}
