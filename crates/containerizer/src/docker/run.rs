//! Running: state RUNNING. Forking the docker executor, and watching it.

use super::container::State;
use super::executor_flags::{MESOS_DOCKER_EXECUTOR, docker_executor_arguments};
use super::launch::ALREADY_DESTROYED;
use super::process::DockerContainerizerProcess;
use crate::logger::ContainerIo;
use ::process::host::{ChildHook, Command, Host, Io, OsPid, ParentHook};
use ::process::{Context, Future, Nothing, defer, defer_any};
use mesos::ContainerId;
use slog::{Logger, debug, info};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

/// The `PATH` of a program that is given none.
#[doc(alias = "os::host_default_path")]
const HOST_DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl DockerContainerizerProcess {
    /// Asks the logger where the executor's output shall go, then forks the executor.
    ///
    /// Mirrors `DockerContainerizerProcess::launchExecutorProcess`.
    #[doc(alias = "DockerContainerizerProcess::launchExecutorProcess")]
    pub(super) fn launch_executor_process(
        &mut self,
        ctx: &mut Context<Self>,
        id: &ContainerId,
    ) -> Future<OsPid> {
        let Some(container) = self.containers.get(id) else {
            return Future::failed(ALREADY_DESTROYED);
        };
        if container.state == State::Destroying {
            return Future::failed(
                "Container is being destroyed during launching executor process",
            );
        }
        self.set_state(id, State::Running);
        let Some(container) = self.containers.get(id) else {
            return Future::failed(ALREADY_DESTROYED);
        };
        let gpus = container.resource_requests.gpus().filter(|gpus| *gpus > 0.0);
        let allocated = match gpus {
            None => Future::ready(Nothing),
            // Scalars have three decimal places.
            Some(gpus) if (gpus * 1000.0) as i64 % 1000 != 0 => {
                return Future::failed("The 'gpus' resource must be an unsigned integer");
            }
            Some(gpus) => self.allocate_gpus(ctx, id, gpus as usize),
        };
        let (to_prepare, id) = (id.clone(), id.clone());
        allocated
            .then(defer!(ctx.pid(), Self::prepare_io, |this, _, _| this.prepare_io(&to_prepare)))
            .then(defer!(ctx.pid(), Self::fork_executor, |this, _, io| {
                this.fork_executor(&id, io)
            }))
    }

    fn prepare_io(&mut self, id: &ContainerId) -> Future<ContainerIo> {
        // differs: upstream uses the pointer it had before the wait for the GPUs.
        let config = self.containers.get(id).and_then(|container| container.config.as_ref());
        let Some(config) = config else { return Future::failed(ALREADY_DESTROYED) };
        self.logger.prepare(id, config)
    }

    /// Forks the docker executor, its pid checkpointed before it runs.
    ///
    /// Mirrors the continuation of `logger->prepare` in `launchExecutorProcess`.
    fn fork_executor(&mut self, id: &ContainerId, io: ContainerIo) -> Future<OsPid> {
        // differs: upstream uses the pointer it had before the wait for the logger.
        let Some(container) = self.containers.get_mut(id) else {
            return Future::failed(ALREADY_DESTROYED);
        };

        let mut environment = container.environment.clone();
        let config = container.config.as_ref();
        let own = config
            .and_then(|config| config.executor_info.as_ref())
            .and_then(|executor| executor.command.as_ref())
            .and_then(|command| command.environment.as_ref());
        for variable in own.map_or(&[][..], |environment| &environment.variables) {
            let value = variable.value.clone().unwrap_or_default();
            if let Some(old) = environment.insert(variable.name.clone(), value) {
                debug!(self.log, "Overwriting environment variable '{}'", variable.name;
                    "original" => old, "container" => %id);
            }
        }
        environment.entry("PATH".to_owned()).or_insert_with(|| HOST_DEFAULT_PATH.to_owned());

        let program = self.flags.launcher_dir.join(MESOS_DOCKER_EXECUTOR);
        let mut argv = vec![MESOS_DOCKER_EXECUTOR.to_owned()];
        argv.extend(docker_executor_arguments(
            &self.flags,
            &container.container_name,
            &container.container_work_dir,
            container.task_environment.as_ref(),
        ));
        let command = Command {
            environment: Some(environment),
            stdin: Io::Pipe,
            stdout: io.out,
            stderr: io.err,
            child_hooks: vec![
                ChildHook::Setsid,
                ChildHook::Chdir(container.container_work_dir.clone()),
            ],
            ..Command::new(program.to_string_lossy(), argv)
        };

        let forked = Arc::new(AtomicI32::new(0));
        let hook = self.checkpoint_hook(id, Arc::clone(&forked));
        let result = self.host.subprocess(command, vec![hook]);
        let pid = forked.load(Ordering::Relaxed);
        if pid != 0
            && let Some(container) = self.containers.get_mut(id)
        {
            // Also after a failed fork: upstream's hook sets it before it can fail.
            container.executor_pid = Some(pid);
        }
        match result {
            Ok(subprocess) => Future::ready(subprocess.pid()),
            Err(error) => Future::failed(format!("Failed to fork executor: {error}")),
        }
    }

    /// A hook that runs while the new child is still blocked: notes its pid, and writes it where a
    /// restarted agent will look for it.
    ///
    /// Mirrors `DockerContainerizerProcess::checkpoint` as a parent hook.
    fn checkpoint_hook(&self, id: &ContainerId, forked: Arc<AtomicI32>) -> ParentHook {
        let path: Option<PathBuf> =
            self.containers.get(id).and_then(|container| container.pid_checkpoint_path.clone());
        let (host, log) = (Arc::clone(&self.host), self.log.clone());
        Box::new(move |pid| {
            forked.store(pid, Ordering::Relaxed);
            write_pid(host.as_ref(), &log, path.as_deref(), pid)
        })
    }

    /// Notes the pid of the executor, and writes it where a restarted agent will look for it.
    ///
    /// Mirrors `DockerContainerizerProcess::checkpoint`.
    #[doc(alias = "DockerContainerizerProcess::checkpoint")]
    pub(super) fn checkpoint(&mut self, id: &ContainerId, pid: OsPid) -> Result<(), String> {
        let Some(container) = self.containers.get_mut(id) else {
            return Err(ALREADY_DESTROYED.to_owned());
        };
        container.executor_pid = Some(pid);
        write_pid(self.host.as_ref(), &self.log, container.pid_checkpoint_path.as_deref(), pid)
    }

    /// Watches the executor. From here on a destroy knows what to wait for.
    ///
    /// Mirrors `DockerContainerizerProcess::reapExecutor`.
    #[doc(alias = "DockerContainerizerProcess::reapExecutor")]
    pub(super) fn reap_executor(
        &mut self,
        ctx: &mut Context<Self>,
        id: &ContainerId,
        executor: OsPid,
    ) -> Future<Nothing> {
        let Some(container) = self.containers.get_mut(id) else {
            return Future::failed(ALREADY_DESTROYED);
        };
        let status = self.host.reap(executor);
        container.status.set(status.clone());

        let id = id.clone();
        status.on_any(defer_any!(ctx.pid(), Self::reaped, |this, ctx, _| this.reaped(ctx, &id)));
        Future::ready(Nothing)
    }

    /// The executor has ended: so does the container.
    ///
    /// Mirrors `DockerContainerizerProcess::reaped`.
    #[doc(alias = "DockerContainerizerProcess::reaped")]
    pub(super) fn reaped(&mut self, ctx: &mut Context<Self>, id: &ContainerId) {
        if !self.containers.contains_key(id) {
            return;
        }
        info!(self.log, "Executor for container '{id}' has exited");
        self.destroy(ctx, id, false);
    }
}

fn write_pid(host: &dyn Host, log: &Logger, path: Option<&Path>, pid: OsPid) -> Result<(), String> {
    let Some(path) = path else { return Ok(()) };
    info!(log, "Checkpointing pid {pid} to '{}'", path.display());
    host.checkpoint(path, pid.to_string().as_bytes())
}
