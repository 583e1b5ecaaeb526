//! The resource limits of an executor's container, from those of its tasks.

use mesos::value::Scalar;
use mesos::{Resource, Resources};
use std::collections::BTreeMap;

type Limits = BTreeMap<String, Scalar>;

/// What a task asks for and how far it may go.
pub(crate) type Demand<'a> = (&'a [Resource], &'a Limits);

/// Adds up the limits of `tasks`, and the requests of those that have none, the executor's own
/// included: a limit below the request would make no sense. Without any limit there is none.
///
/// Mirrors `Slave::computeExecutorLimits` in `src/slave/slave.cpp`.
#[doc(alias = "Slave::computeExecutorLimits")]
pub(crate) fn compute_executor_limits(
    executor: &[Resource],
    tasks: &[Demand<'_>],
    cgroups_enable_cfs: bool,
) -> Limits {
    let executor = Resources::from(executor);
    let mut limits = Limits::new();
    for name in ["cpus", "mem"] {
        let mut limit = None;
        let mut request = 0.0;
        for (resources, limits) in tasks {
            match limits.get(name) {
                Some(more) => add(&mut limit, more.value),
                None => request += Resources::from(*resources).scalar(name).unwrap_or(0.0),
            }
        }
        if limit.is_some() {
            if let Some(own) = executor.scalar(name) {
                add(&mut limit, own);
            }
            if request > 0.0 {
                if name == "cpus" && !cgroups_enable_cfs {
                    // Tasks without a limit are not to be throttled by the sum.
                    limit = None;
                } else {
                    add(&mut limit, request);
                }
            }
        }
        if let Some(value) = limit {
            limits.insert(name.to_owned(), Scalar { value });
        }
    }
    limits
}

/// Adds as scalar resources are added, in thousandths; infinity stays infinity.
///
/// Mirrors `setLimit` in `src/slave/slave.cpp`.
#[doc(alias = "setLimit")]
fn add(limit: &mut Option<f64>, more: f64) {
    let thousandths = |value: f64| (value * 1000.0).round();
    *limit = Some((thousandths(limit.unwrap_or(0.0)) + thousandths(more)) / 1000.0);
}
