//! GPUs: which there are, and who has which. A port; the agent has it where there is a driver.

use process::{Future, Nothing};
use std::collections::BTreeSet;

/// A GPU, by the numbers of its device.
#[doc(alias = "mesos::Gpu")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gpu {
    /// The device's major number.
    pub major: u32,
    /// The device's minor number.
    pub minor: u32,
}

/// Hands out GPUs, each to one container at a time.
///
/// Mirrors `src/slave/containerizer/mesos/isolators/gpu/allocator.hpp`.
#[doc(alias = "NvidiaGpuAllocator")]
pub trait GpuAllocator: Send + Sync + 'static {
    /// Takes so many GPUs; fails when fewer are free.
    #[doc(alias = "NvidiaGpuAllocator::allocate")]
    fn allocate(&self, count: usize) -> Future<BTreeSet<Gpu>>;

    /// Gives them back.
    #[doc(alias = "NvidiaGpuAllocator::deallocate")]
    fn deallocate(&self, gpus: BTreeSet<Gpu>) -> Future<Nothing>;
}
