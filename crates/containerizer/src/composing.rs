//! Several containerizers as one: each container belongs to the first that launches it.
//!
//! Mirrors `src/slave/containerizer/composing.{hpp,cpp}`.

use crate::containerizer::Connection;
use crate::state::SlaveState;
use crate::{Containerizer, LaunchResult};
use actix::Actor;
use mesos::slave::{ContainerConfig, ContainerTermination};
use mesos::{ContainerId, ContainerStatus, Image, Resource, ResourceStatistics};
use process::{
    Context, Future, Nothing, Pid, collect, defer, defer_any, dispatch, generate_id, spawn,
    terminate,
};
use slog::{Logger, info, warn};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

type Termination = Option<ContainerTermination>;

/// What is known of a container here. There is no state for its end: it is forgotten then.
#[doc(alias = "ComposingContainerizerProcess::State")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Launching,
    Launched,
    Destroying,
}

/// A container, and whose it is: that of the one that was asked last to launch it.
#[doc(alias = "ComposingContainerizerProcess::Container")]
struct Container {
    state: State,
    containerizer: Arc<dyn Containerizer>,
}

/// The arguments of a launch, for the next containerizer that is asked.
#[derive(Clone)]
struct Launch {
    id: ContainerId,
    config: Arc<ContainerConfig>,
    environment: BTreeMap<String, String>,
    pid_checkpoint_path: Option<PathBuf>,
}

impl Launch {
    fn with(&self, containerizer: &dyn Containerizer) -> Future<LaunchResult> {
        containerizer.launch(
            &self.id,
            Arc::clone(&self.config),
            self.environment.clone(),
            self.pid_checkpoint_path.clone(),
        )
    }
}

/// The process behind [`ComposingContainerizer`].
pub struct ComposingContainerizerProcess {
    #[doc(alias = "containerizers_")]
    containerizers: Vec<Arc<dyn Containerizer>>,
    #[doc(alias = "containers_")]
    containers: BTreeMap<ContainerId, Container>,
    log: Logger,
}

impl Actor for ComposingContainerizerProcess {
    type Context = Context<Self>;
}

process::process!(ComposingContainerizerProcess);

/// Several containerizers as one; the process ends with the handle.
pub struct ComposingContainerizer {
    process: Pid<ComposingContainerizerProcess>,
}

impl ComposingContainerizer {
    /// Starts it. Containers are offered to the containerizers in this order.
    ///
    /// # Errors
    ///
    /// When there are none: nobody could launch anything.
    // differs: upstream takes none, too, and is undefined then.
    #[doc(alias = "ComposingContainerizer::create")]
    pub fn create(
        containerizers: Vec<Arc<dyn Containerizer>>,
        log: Logger,
    ) -> Result<Self, String> {
        if containerizers.is_empty() {
            return Err("There are no containerizers to compose".to_owned());
        }
        let process =
            ComposingContainerizerProcess { containerizers, containers: BTreeMap::new(), log };
        Ok(ComposingContainerizer {
            process: spawn(generate_id("composing-containerizer"), process),
        })
    }
}

impl Drop for ComposingContainerizer {
    fn drop(&mut self) {
        terminate(&self.process, true);
    }
}

impl Containerizer for ComposingContainerizer {
    fn recover(&self, state: Option<Arc<SlaveState>>) -> Future<Nothing> {
        dispatch!(self.process, ComposingContainerizerProcess::recover, |this, ctx| {
            this.recover(ctx, state)
        })
    }

    fn launch(
        &self,
        container: &ContainerId,
        config: Arc<ContainerConfig>,
        environment: BTreeMap<String, String>,
        pid_checkpoint_path: Option<PathBuf>,
    ) -> Future<LaunchResult> {
        let launch = Launch { id: container.clone(), config, environment, pid_checkpoint_path };
        dispatch!(self.process, ComposingContainerizerProcess::launch, |this, ctx| {
            this.launch(ctx, launch)
        })
    }

    fn attach(&self, container: &ContainerId) -> Future<Connection> {
        let id = container.clone();
        dispatch!(self.process, ComposingContainerizerProcess::attach, |this, _| this.attach(&id))
    }

    fn update(
        &self,
        container: &ContainerId,
        requests: Vec<Resource>,
        limits: BTreeMap<String, f64>,
    ) -> Future<Nothing> {
        let id = container.clone();
        dispatch!(self.process, ComposingContainerizerProcess::update, |this, _| {
            this.update(&id, requests, limits)
        })
    }

    fn usage(&self, container: &ContainerId) -> Future<ResourceStatistics> {
        let id = container.clone();
        dispatch!(self.process, ComposingContainerizerProcess::usage, |this, _| this.usage(&id))
    }

    fn status(&self, container: &ContainerId) -> Future<ContainerStatus> {
        let id = container.clone();
        dispatch!(self.process, ComposingContainerizerProcess::status, |this, _| this.status(&id))
    }

    fn wait(&self, container: &ContainerId) -> Future<Termination> {
        let id = container.clone();
        dispatch!(self.process, ComposingContainerizerProcess::wait, |this, _| this.wait(&id))
    }

    fn destroy(&self, container: &ContainerId) -> Future<Termination> {
        let id = container.clone();
        dispatch!(self.process, ComposingContainerizerProcess::destroy, |this, ctx| {
            this.destroy(ctx, &id)
        })
    }

    fn kill(&self, container: &ContainerId, signal: i32) -> Future<bool> {
        let id = container.clone();
        dispatch!(self.process, ComposingContainerizerProcess::kill, |this, _| {
            this.kill(&id, signal)
        })
    }

    fn containers(&self) -> Future<BTreeSet<ContainerId>> {
        dispatch!(self.process, ComposingContainerizerProcess::containers, |this, _| {
            Future::ready(this.containers())
        })
    }

    fn remove(&self, container: &ContainerId) -> Future<Nothing> {
        let id = container.clone();
        dispatch!(self.process, ComposingContainerizerProcess::remove, |this, _| this.remove(&id))
    }

    fn prune_images(&self, excluded: Vec<Image>) -> Future<Nothing> {
        dispatch!(self.process, ComposingContainerizerProcess::prune_images, |this, _| {
            this.prune_images(&excluded)
        })
    }
}

impl ComposingContainerizerProcess {
    /// All at the same time; afterwards each one's containers are noted as its.
    ///
    /// Mirrors `ComposingContainerizerProcess::recover`.
    #[doc(alias = "ComposingContainerizerProcess::recover")]
    fn recover(
        &mut self,
        ctx: &mut Context<Self>,
        state: Option<Arc<SlaveState>>,
    ) -> Future<Nothing> {
        let recovering: Vec<_> =
            self.containerizers.iter().map(|one| one.recover(state.clone())).collect();
        collect(recovering)
            .then(defer!(ctx.pid(), Self::take_stock, |this, ctx, _| { this.take_stock(ctx) }))
    }

    /// Mirrors `ComposingContainerizerProcess::_recover`, `___recover`.
    #[doc(alias = "ComposingContainerizerProcess::_recover")]
    #[doc(alias = "ComposingContainerizerProcess::___recover")]
    fn take_stock(&mut self, ctx: &mut Context<Self>) -> Future<Nothing> {
        let pid = ctx.pid();
        let noted: Vec<_> = self
            .containerizers
            .iter()
            .map(|one| {
                let owner = Arc::clone(one);
                one.containers().then(defer!(pid, Self::note_recovered, |this, ctx, containers| {
                    this.note_recovered(ctx, &owner, containers)
                }))
            })
            .collect();
        let log = self.log.clone();
        collect(noted).map(move |_| {
            info!(log, "Finished recovering all containerizers");
            Nothing
        })
    }

    /// Mirrors `ComposingContainerizerProcess::__recover`.
    #[doc(alias = "ComposingContainerizerProcess::__recover")]
    fn note_recovered(
        &mut self,
        ctx: &mut Context<Self>,
        owner: &Arc<dyn Containerizer>,
        containers: BTreeSet<ContainerId>,
    ) -> Future<Nothing> {
        for id in containers {
            let container = Container { state: State::Launched, containerizer: Arc::clone(owner) };
            self.containers.insert(id.clone(), container);
            Self::forget_at_end(ctx, &id, owner.as_ref());
        }
        Future::ready(Nothing)
    }

    fn forget_at_end(ctx: &mut Context<Self>, id: &ContainerId, owner: &dyn Containerizer) {
        Self::forget_after(ctx, id, &owner.wait(id));
    }

    fn forget_after(ctx: &mut Context<Self>, id: &ContainerId, end: &Future<Termination>) {
        let id = id.clone();
        end.on_any(defer_any!(ctx.pid(), Self::forget, |this, _, _| {
            this.forget(&id);
        }));
    }

    fn forget(&mut self, id: &ContainerId) {
        self.containers.remove(id);
    }

    /// Offers a container to one containerizer after the other; a nested one belongs to whoever
    /// has its root.
    ///
    /// Mirrors `ComposingContainerizerProcess::launch`.
    #[doc(alias = "ComposingContainerizerProcess::launch")]
    fn launch(&mut self, ctx: &mut Context<Self>, launch: Launch) -> Future<LaunchResult> {
        if self.containers.contains_key(&launch.id) {
            return Future::ready(LaunchResult::AlreadyLaunched);
        }
        if launch.id.parent.is_some() {
            let root = launch.id.root();
            let Some(container) = self.containers.get(root) else {
                return Future::failed(format!("Root container {root} not found"));
            };
            let owner = Arc::clone(&container.containerizer);
            return self.offer(ctx, launch, owner, None);
        }
        let Some(first) = self.containerizers.first() else {
            return Future::ready(LaunchResult::NotSupported);
        };
        let first = Arc::clone(first);
        self.offer(ctx, launch, first, Some(0))
    }

    /// Asks one containerizer, the `index`th of those that are asked; `None` for the only one.
    fn offer(
        &mut self,
        ctx: &mut Context<Self>,
        launch: Launch,
        containerizer: Arc<dyn Containerizer>,
        index: Option<usize>,
    ) -> Future<LaunchResult> {
        let launching = launch.with(containerizer.as_ref());
        let container = Container { state: State::Launching, containerizer };
        self.containers.insert(launch.id.clone(), container);
        launching.then(defer!(ctx.pid(), Self::answered, |this, ctx, result| {
            this.answered(ctx, launch, index, result)
        }))
    }

    /// A containerizer has launched the container, or does not want it.
    ///
    /// Mirrors both `ComposingContainerizerProcess::_launch`.
    #[doc(alias = "ComposingContainerizerProcess::_launch")]
    fn answered(
        &mut self,
        ctx: &mut Context<Self>,
        launch: Launch,
        index: Option<usize>,
        result: LaunchResult,
    ) -> Future<LaunchResult> {
        let Some(container) = self.containers.get_mut(&launch.id) else {
            // Destroyed from beginning to end in the meantime.
            return Future::ready(result);
        };
        if result == LaunchResult::Success {
            // Whether a destroy is under way makes no difference for who launched it.
            if container.state == State::Launching {
                container.state = State::Launched;
                let owner = Arc::clone(&container.containerizer);
                Self::forget_at_end(ctx, &launch.id, owner.as_ref());
            }
            return Future::ready(LaunchResult::Success);
        }
        let next = index.and_then(|index| Some((index + 1, self.containerizers.get(index + 1)?)));
        let Some((index, next)) = next else {
            self.containers.remove(&launch.id);
            return Future::ready(LaunchResult::NotSupported);
        };
        if container.state == State::Destroying {
            // The next one might have been able to, but is not asked any more.
            return Future::failed("Container was destroyed while launching");
        }
        let next = Arc::clone(next);
        self.offer(ctx, launch, next, Some(index))
    }

    fn owner(&self, id: &ContainerId) -> Result<&dyn Containerizer, &'static str> {
        match self.containers.get(id) {
            Some(container) => Ok(container.containerizer.as_ref()),
            None => Err("Container not found"),
        }
    }

    /// Mirrors `ComposingContainerizerProcess::attach`.
    #[doc(alias = "ComposingContainerizerProcess::attach")]
    fn attach(&self, id: &ContainerId) -> Future<Connection> {
        self.owner(id).map_or_else(Future::failed, |owner| owner.attach(id))
    }

    /// Mirrors `ComposingContainerizerProcess::update`.
    #[doc(alias = "ComposingContainerizerProcess::update")]
    fn update(
        &self,
        id: &ContainerId,
        requests: Vec<Resource>,
        limits: BTreeMap<String, f64>,
    ) -> Future<Nothing> {
        self.owner(id).map_or_else(Future::failed, |owner| owner.update(id, requests, limits))
    }

    /// Mirrors `ComposingContainerizerProcess::usage`.
    #[doc(alias = "ComposingContainerizerProcess::usage")]
    fn usage(&self, id: &ContainerId) -> Future<ResourceStatistics> {
        self.owner(id).map_or_else(Future::failed, |owner| owner.usage(id))
    }

    /// Mirrors `ComposingContainerizerProcess::status`.
    #[doc(alias = "ComposingContainerizerProcess::status")]
    fn status(&self, id: &ContainerId) -> Future<ContainerStatus> {
        self.owner(id).map_or_else(Future::failed, |owner| owner.status(id))
    }

    /// Asks whoever has the root: it may know the end of a nested container that is forgotten here.
    ///
    /// Mirrors `ComposingContainerizerProcess::wait`.
    #[doc(alias = "ComposingContainerizerProcess::wait")]
    fn wait(&self, id: &ContainerId) -> Future<Termination> {
        self.owner(id.root()).map_or_else(|_| Future::ready(None), |owner| owner.wait(id))
    }

    /// Between two offers nobody knows the container; the result is `None` then.
    ///
    /// Mirrors `ComposingContainerizerProcess::destroy`.
    #[doc(alias = "ComposingContainerizerProcess::destroy")]
    fn destroy(&mut self, ctx: &mut Context<Self>, id: &ContainerId) -> Future<Termination> {
        let Some(container) = self.containers.get_mut(id) else {
            warn!(self.log, "Attempted to destroy unknown container {id}");
            return self.wait(id);
        };
        container.state = State::Destroying;
        let end = container.containerizer.destroy(id);
        Self::forget_after(ctx, id, &end);
        end
    }

    /// Mirrors `ComposingContainerizerProcess::kill`.
    #[doc(alias = "ComposingContainerizerProcess::kill")]
    fn kill(&self, id: &ContainerId, signal: i32) -> Future<bool> {
        self.owner(id).map_or_else(|_| Future::ready(false), |owner| owner.kill(id, signal))
    }

    /// Mirrors `ComposingContainerizerProcess::containers`.
    #[doc(alias = "ComposingContainerizerProcess::containers")]
    fn containers(&self) -> BTreeSet<ContainerId> {
        self.containers.keys().cloned().collect()
    }

    /// Asks whoever has the root: the nested container has ended, and is forgotten here.
    ///
    /// Mirrors `ComposingContainerizerProcess::remove`.
    #[doc(alias = "ComposingContainerizerProcess::remove")]
    fn remove(&self, id: &ContainerId) -> Future<Nothing> {
        let root = id.root();
        match self.owner(root) {
            Ok(owner) => owner.remove(id),
            Err(_) => Future::failed(format!("Root container {root} not found")),
        }
    }

    /// Mirrors `ComposingContainerizerProcess::pruneImages`.
    #[doc(alias = "ComposingContainerizerProcess::pruneImages")]
    fn prune_images(&self, excluded: &[Image]) -> Future<Nothing> {
        let pruning: Vec<_> =
            self.containerizers.iter().map(|one| one.prune_images(excluded.to_vec())).collect();
        collect(pruning).map(|_| Nothing)
    }
}
