//! GPUs of containers: taken before the executor is forked, given back after its end.

use super::launch::ALREADY_DESTROYED;
use super::process::DockerContainerizerProcess;
use crate::gpu::Gpu;
use ::process::{Context, Future, Nothing, defer};
use mesos::ContainerId;
use std::collections::BTreeSet;

impl DockerContainerizerProcess {
    /// Takes `count` GPUs for a container.
    ///
    /// Mirrors `DockerContainerizerProcess::allocateNvidiaGpus`.
    #[doc(alias = "DockerContainerizerProcess::allocateNvidiaGpus")]
    pub(super) fn allocate_gpus(
        &mut self,
        ctx: &mut Context<Self>,
        id: &ContainerId,
        count: usize,
    ) -> Future<Nothing> {
        let Some(allocator) = &self.gpus else {
            return Future::failed("Attempted to allocate GPUs without Nvidia libraries available");
        };
        if !self.containers.contains_key(id) {
            return Future::failed(ALREADY_DESTROYED);
        }
        let id = id.clone();
        allocator.allocate(count).then(defer!(ctx.pid(), Self::gpus_allocated, |this, _, gpus| {
            this.gpus_allocated(&id, gpus)
        }))
    }

    /// Mirrors `DockerContainerizerProcess::_allocateNvidiaGpus`.
    #[doc(alias = "DockerContainerizerProcess::_allocateNvidiaGpus")]
    fn gpus_allocated(&mut self, id: &ContainerId, gpus: BTreeSet<Gpu>) -> Future<Nothing> {
        match (self.containers.get_mut(id), &self.gpus) {
            (Some(container), _) => {
                container.gpus.extend(gpus);
                Future::ready(Nothing)
            }
            (None, Some(allocator)) => allocator.deallocate(gpus),
            (None, None) => Future::ready(Nothing),
        }
    }

    /// Gives back all GPUs of a container.
    ///
    /// Mirrors `DockerContainerizerProcess::deallocateNvidiaGpus`.
    #[doc(alias = "DockerContainerizerProcess::deallocateNvidiaGpus")]
    pub(super) fn deallocate_gpus(
        &mut self,
        ctx: &mut Context<Self>,
        id: &ContainerId,
    ) -> Future<Nothing> {
        let Some(allocator) = &self.gpus else {
            return Future::failed(
                "Attempted to deallocate GPUs without Nvidia libraries available",
            );
        };
        let Some(container) = self.containers.get(id) else { return Future::ready(Nothing) };
        let (id, gpus) = (id.clone(), container.gpus.clone());
        allocator.deallocate(gpus.clone()).then(defer!(
            ctx.pid(),
            Self::gpus_deallocated,
            |this, _, _| this.gpus_deallocated(&id, &gpus)
        ))
    }

    /// Mirrors `DockerContainerizerProcess::_deallocateNvidiaGpus`.
    #[doc(alias = "DockerContainerizerProcess::_deallocateNvidiaGpus")]
    fn gpus_deallocated(&mut self, id: &ContainerId, gpus: &BTreeSet<Gpu>) -> Future<Nothing> {
        if let Some(container) = self.containers.get_mut(id) {
            container.gpus.retain(|gpu| !gpus.contains(gpu));
        }
        Future::ready(Nothing)
    }
}
