//! `PushGauge` and `PullGauge`: numbers that go up and down, told or asked for.

use super::metric::{Kind, Metric};
use crate::future::Future;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that its owner keeps up to date, so that a snapshot need not ask for it. Prefer it to
/// a [`PullGauge`]: a snapshot with many of those fills the mailboxes of busy processes.
///
/// Mirrors `PushGauge` in `3rdparty/libprocess/include/process/metrics/push_gauge.hpp`.
#[doc(alias = "process::metrics::PushGauge")]
#[derive(Clone)]
pub struct PushGauge(Arc<Pushed>);

struct Pushed {
    name: String,
    /// An `f64`.
    bits: AtomicU64,
}

impl PushGauge {
    /// A gauge at zero.
    pub fn new(name: impl Into<String>) -> Self {
        PushGauge(Arc::new(Pushed { name: name.into(), bits: AtomicU64::new(0.0_f64.to_bits()) }))
    }

    /// Replaces the number.
    #[doc(alias = "PushGauge::operator=")]
    pub fn set(&self, value: f64) {
        self.0.bits.store(value.to_bits(), Ordering::Relaxed);
    }

    /// Adds to the number; a negative one is subtracted.
    #[doc(alias = "PushGauge::operator+=")]
    #[doc(alias = "PushGauge::operator-=")]
    pub fn add(&self, difference: f64) {
        let mut before = self.0.bits.load(Ordering::Relaxed);
        loop {
            let after = (f64::from_bits(before) + difference).to_bits();
            let exchanged = self.0.bits.compare_exchange_weak(
                before,
                after,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match exchanged {
                Ok(_) => return,
                Err(now) => before = now,
            }
        }
    }

    /// Adds one.
    #[doc(alias = "PushGauge::operator++")]
    pub fn increment(&self) {
        self.add(1.0);
    }

    /// Subtracts one.
    #[doc(alias = "PushGauge::operator--")]
    pub fn decrement(&self) {
        self.add(-1.0);
    }

    /// The number.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.bits.load(Ordering::Relaxed))
    }
}

impl Metric for PushGauge {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn value(&self) -> Future<f64> {
        Future::ready(self.get())
    }

    fn kind(&self) -> Kind {
        Kind::Gauge
    }
}

impl fmt::Debug for PushGauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PushGauge({} = {})", self.0.name, self.get())
    }
}

/// A number that is asked for when somebody wants to know it.
///
/// Mirrors `PullGauge` in `3rdparty/libprocess/include/process/metrics/pull_gauge.hpp`.
#[doc(alias = "process::metrics::PullGauge")]
#[derive(Clone)]
pub struct PullGauge(Arc<Pulled>);

struct Pulled {
    name: String,
    ask: Box<dyn Fn() -> Future<f64> + Send + Sync>,
}

impl PullGauge {
    /// A gauge that asks `ask`, which is called in the context of whoever makes the snapshot and
    /// must not block. What a process knows is asked for by
    /// `move || dispatch!(pid, Slave::uptime, |this, _| this.uptime())`. If that process has ended,
    /// the future is abandoned, and snapshots leave the gauge out.
    pub fn new(
        name: impl Into<String>,
        ask: impl Fn() -> Future<f64> + Send + Sync + 'static,
    ) -> Self {
        PullGauge(Arc::new(Pulled { name: name.into(), ask: Box::new(ask) }))
    }
}

impl Metric for PullGauge {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn value(&self) -> Future<f64> {
        (self.0.ask)()
    }

    fn kind(&self) -> Kind {
        Kind::Gauge
    }
}

impl fmt::Debug for PullGauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PullGauge({})", self.0.name)
    }
}
