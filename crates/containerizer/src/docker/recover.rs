//! Recovery: which containers in Docker are those of executors that go on, and which are orphans.

use super::container::{Container, DOCKER_NAME_PREFIX, DOCKER_NAME_SEPARATOR, State};
use super::process::DockerContainerizerProcess;
use crate::paths;
use crate::state::{ExecutorState, RunState, SlaveState};
use ::process::{Context, Future, Nothing, Upid, collect, defer, defer_any};
use docker::Container as DockerContainer;
use mesos::{ContainerId, FrameworkId, container_info};
use slog::{debug, info, warn};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use uuid::Uuid;

/// The id of a container that some version of Mesos started; `None` for all others.
///
/// Up to 0.22 and from 1.4 on names are `mesos-<container>`, in between they are
/// `mesos-<agent>.<container>`; `.executor` follows where an executor has a container of its own.
/// All ids of containers are UUIDs.
///
/// Mirrors `parse` in `src/slave/containerizer/docker.cpp`, and its defect: of a name that ends in
/// `.executor` in the shorter form, it takes that word for the id.
#[doc(alias = "DockerContainerizer::parse")]
fn parse(container: &DockerContainer) -> Option<ContainerId> {
    let name = container.name.strip_prefix('/').unwrap_or(&container.name);
    let name = name.strip_prefix(DOCKER_NAME_PREFIX)?;
    let parts: Vec<&str> = name.split(DOCKER_NAME_SEPARATOR).collect();
    let id = match parts[..] {
        [id] | [_, id] | [_, id, _] => id,
        _ => return None,
    };
    // differs: upstream's parser and this one do not accept the same misspelt UUIDs.
    Uuid::parse_str(id).is_ok().then(|| ContainerId::new(id))
}

impl DockerContainerizerProcess {
    /// Finds the containers of checkpointed executors again, and ends those of nobody.
    ///
    /// Mirrors `DockerContainerizerProcess::recover`.
    #[doc(alias = "DockerContainerizerProcess::recover")]
    pub(super) fn recover(
        &mut self,
        ctx: &mut Context<Self>,
        state: Option<Arc<SlaveState>>,
    ) -> Future<Nothing> {
        info!(self.log, "Recovering Docker containers");
        // All containers, also those that have ended: an executor's may have.
        self.docker.ps(true, Some(DOCKER_NAME_PREFIX)).then(defer!(
            ctx.pid(),
            Self::reconcile,
            |this, ctx, found| this.reconcile(ctx, state.as_deref(), found)
        ))
    }

    /// Takes up the latest runs of executors that had registered and have not ended.
    ///
    /// Mirrors `DockerContainerizerProcess::_recover`.
    #[doc(alias = "DockerContainerizerProcess::_recover")]
    fn reconcile(
        &mut self,
        ctx: &mut Context<Self>,
        state: Option<&SlaveState>,
        containers: Vec<DockerContainer>,
    ) -> Future<Nothing> {
        info!(self.log, "Got the list of Docker containers");
        if let Some(state) = state {
            let found = Found::new(&containers);
            for (framework_id, framework) in &state.frameworks {
                for executor in framework.executors.values() {
                    self.recover_executor(ctx, state, framework_id, executor, &found);
                }
            }
        }
        if self.flags.docker_kill_orphans {
            self.stop_orphans(ctx, &containers)
        } else {
            Future::ready(Nothing)
        }
    }

    fn recover_executor(
        &mut self,
        ctx: &mut Context<Self>,
        state: &SlaveState,
        framework_id: &FrameworkId,
        executor: &ExecutorState,
        found: &Found,
    ) {
        let name = format!("executor '{}' of framework {framework_id}", executor.id);
        let Some((id, pid, address)) = self.recoverable(executor, found, &name) else { return };
        info!(self.log, "Recovering container '{id}' for {name}");

        let sandbox =
            paths::executor_run(&self.flags.work_dir, &state.id, framework_id, &executor.id, &id);
        let mut container = Container::recovered(sandbox);
        container.generated_for_command_task = executor.generated_for_command_task;
        container.launches_executor_container = found.executors.contains(&id);
        // One that is gone has no name, as upstream: what is asked of Docker about it fails.
        if let Some(name) = found.names.get(&id) {
            container.container_name.clone_from(name);
        }

        // Only an executor that can be connected to is watched: while the agent was away, its
        // pid may have gone to a process that has nothing to do with us.
        let connected = match address.address().parse::<SocketAddr>() {
            Ok(address) => self.host.connect(address),
            Err(error) => Err(format!("'{address}': {error}")),
        };
        let exit = match connected {
            Ok(()) => self.host.reap(pid),
            Err(error) => {
                warn!(self.log, "Failed to connect to {name}: {error}");
                Future::ready(None)
            }
        };
        container.status.set(exit.clone());
        self.containers.insert(id.clone(), container);
        self.observer.state(&id, None, State::Running);
        exit.on_any(defer_any!(ctx.pid(), Self::reaped, |this, ctx, _| this.reaped(ctx, &id)));
    }

    /// The container, the pid and the address of an executor that is to be taken up.
    fn recoverable(
        &self,
        executor: &ExecutorState,
        found: &Found,
        name: &str,
    ) -> Option<(ContainerId, i32, Upid)> {
        let skip = |why: &str| {
            warn!(self.log, "Skipping recovery of {name} because {why}");
            None
        };
        let Some(info) = &executor.info else {
            return skip("its info could not be recovered");
        };
        let Some(id) = &executor.latest else {
            return skip("its latest run could not be recovered");
        };
        // differs: upstream aborts.
        let Some(run) = executor.runs.get(id) else {
            return skip("its latest run is not among its runs");
        };
        // Whoever had not got so far is told to wait for a container that is unknown, which
        // cleans up; the executor, not knowing its agent, ends by itself.
        let RunState { forked_pid: Some(pid), libprocess_pid: Some(address), .. } = run else {
            return None;
        };
        if run.completed {
            debug!(
                self.log,
                "Skipping recovery of {name} because its latest run {id} is completed"
            );
            return None;
        }
        match &info.container {
            Some(container) if container.r#type() != container_info::Type::Docker => {
                skip("it was not launched from docker containerizer")
            }
            // Before 0.23 the kind of an executor's container was not checkpointed.
            None if !found.names.contains_key(id) => {
                skip("its executor is not marked as docker and the docker container doesn't exist")
            }
            _ => Some((id.clone(), *pid, address.clone())),
        }
    }

    /// Stops and removes the containers that are ours and belong to no executor, then unmounts
    /// what was mounted for them.
    ///
    /// Mirrors `DockerContainerizerProcess::__recover`.
    #[doc(alias = "DockerContainerizerProcess::__recover")]
    fn stop_orphans(
        &mut self,
        ctx: &mut Context<Self>,
        found: &[DockerContainer],
    ) -> Future<Nothing> {
        let (mut orphans, mut stops) = (Vec::new(), Vec::new());
        for container in found {
            debug!(
                self.log,
                "Checking if Docker container named '{}' was started by Mesos", container.name
            );
            let Some(id) = parse(container) else { continue };
            debug!(self.log, "Checking if Mesos container with ID '{id}' has been orphaned");
            if !self.containers.contains_key(&id) {
                let timeout = self.flags.docker_stop_timeout;
                stops.push(self.docker.stop(&container.id, timeout, true));
                orphans.push(id);
            }
        }
        collect(stops).then(defer!(ctx.pid(), Self::unmount_orphans, |this, _, _| {
            this.unmount_orphans(&orphans)
        }))
    }

    fn unmount_orphans(&mut self, orphans: &[ContainerId]) -> Future<Nothing> {
        for id in orphans {
            if let Err(error) = self.unmount_persistent_volumes(id) {
                return Future::failed(format!(
                    "Unable to unmount volumes for Docker container '{id}': {error}"
                ));
            }
        }
        info!(self.log, "Finished processing orphaned Docker containers");
        Future::ready(Nothing)
    }
}

/// Our containers among those in Docker.
struct Found {
    /// What they are called now: how names are made has changed twice.
    names: BTreeMap<ContainerId, String>,
    /// Those with an executor in a container of its own.
    executors: BTreeSet<ContainerId>,
}

impl Found {
    fn new(containers: &[DockerContainer]) -> Self {
        let mut found = Found { names: BTreeMap::new(), executors: BTreeSet::new() };
        for container in containers {
            let Some(id) = parse(container) else { continue };
            if container.name.contains(".executor") {
                found.executors.insert(id.clone());
            }
            // Inspects prepend a slash that no command expects.
            let name = container.name.strip_prefix('/').unwrap_or(&container.name);
            found.names.insert(id, name.to_owned());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "c1c1c1c1-0000-4000-8000-000000000001";

    fn named(name: &str) -> DockerContainer {
        DockerContainer { name: name.to_owned(), ..DockerContainer::default() }
    }

    #[test]
    fn ids_are_read_from_the_names_of_all_versions() {
        for name in [
            format!("/mesos-{ID}"),
            format!("mesos-{ID}"),
            format!("/mesos-20150101-S0.{ID}"),
            format!("/mesos-20150101-S0.{ID}.executor"),
        ] {
            assert_eq!(parse(&named(&name)), Some(ContainerId::new(ID)), "{name}");
        }
        for name in [
            "/mesos-malformedUUID".to_owned(),
            format!("/{ID}"),
            format!("/mesos-{ID}.executor"),
            format!("/mesos-S0.{ID}.executor.more"),
            "/mesos-".to_owned(),
            String::new(),
        ] {
            assert_eq!(parse(&named(&name)), None, "{name}");
        }
    }

    #[test]
    fn containers_are_found_by_id_with_the_name_they_have() {
        let name = format!("/mesos-S0.{ID}");
        let found = Found::new(&[named(&name), named("/other")]);
        assert_eq!(found.names, BTreeMap::from([(ContainerId::new(ID), name[1..].to_owned())]));
        assert!(found.executors.is_empty());
        let found = Found::new(&[named(&format!("{name}.executor"))]);
        assert!(found.executors.contains(&ContainerId::new(ID)));
    }
}
