//! CPU and memory of a container, from what its task asks for and is limited to.

use super::RunOptions;
use super::create::{CreateArguments, RunOptionsError, invalid};
use mesos::{Bytes, Resources};
use std::time::Duration;

/// `slave/containerizer/mesos/isolators/cgroups/constants.hpp` has these.
const CPU_SHARES_PER_CPU: f64 = 1024.0;
const MIN_CPU_SHARES: u64 = 2;
const CPU_CFS_PERIOD: Duration = Duration::from_millis(100);
const MIN_CPU_CFS_QUOTA: Duration = Duration::from_millis(1);
pub(super) const MIN_MEMORY: Bytes = Bytes::megabytes(32);

/// The OOM score adjustment of a burstable task: the less of the machine it asked for, the sooner
/// it is killed. Mirrors `slave/containerizer/mesos/utils.cpp`.
#[doc(alias = "calculateOOMScoreAdj")]
pub fn calculate_oom_score_adj(request: Bytes, total: Bytes) -> i32 {
    let share = u128::from(request.as_u64()) * 1000 / u128::from(total.as_u64().max(1));
    1000 - i32::try_from(share.min(1000)).unwrap_or(1000)
}

impl RunOptions {
    /// Mirrors the first part of `Docker::RunOptions::create` in `src/docker/docker.cpp`.
    pub(super) fn limit_resources(
        &mut self,
        arguments: &CreateArguments<'_>,
    ) -> Result<(), RunOptionsError> {
        let cpu_request = arguments.resource_requests.and_then(Resources::cpus);
        let mem_request = arguments.resource_requests.and_then(Resources::mem);
        let limit = |name: &str| {
            let limit = arguments.resource_limits.and_then(|limits| limits.get(name));
            limit.map(|limit| limit.value)
        };
        let (cpu_limit, mem_limit) = (limit("cpus"), limit("mem"));

        // Float to integer casts saturate: a negative or absurd number gives a bound, not
        // nonsense.
        self.cpu_shares =
            cpu_request.map(|cpus| ((CPU_SHARES_PER_CPU * cpus) as u64).max(MIN_CPU_SHARES));

        let quota = |cpus: f64| {
            let period = CPU_CFS_PERIOD.as_nanos() as f64;
            (((period * cpus) as u64) / 1000).max(MIN_CPU_CFS_QUOTA.as_micros() as u64)
        };
        // An infinite limit is one that is not set at all, even with the flag.
        self.cpu_quota = match cpu_limit {
            Some(cpus) => (!cpus.is_infinite()).then(|| quota(cpus)),
            None => cpu_request.filter(|_| arguments.enable_cfs_quota).map(quota),
        };

        let Some(mem_limit) = mem_limit else {
            self.memory = mem_request.map(|memory| memory.max(MIN_MEMORY));
            return Ok(());
        };
        let limit = (!mem_limit.is_infinite()).then(|| Bytes::megabytes(mem_limit as u64));
        self.memory = limit.map(|limit| limit.max(MIN_MEMORY));
        if let Some(request) = mem_request {
            self.memory_reservation = Some(request.max(MIN_MEMORY));
            if limit.is_none_or(|limit| request < limit) {
                let total = arguments.total_memory.ok_or_else(|| {
                    invalid(
                        "Failed to calculate OOM score adjustment: the size of main memory is \
                         not known",
                    )
                })?;
                self.oom_score_adj = Some(calculate_oom_score_adj(request, total));
            }
        }
        Ok(())
    }
}
