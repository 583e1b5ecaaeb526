//! What is read from a control group.

use super::{Cgroup, Version};
use process::host::Host;
use std::collections::BTreeMap;
use std::time::Duration;

/// In which the kernel counts time towards programs, whatever its own ticks are: `_SC_CLK_TCK`.
const TICKS_PER_SECOND: u64 = 100;

/// Processor time used.
#[doc(alias = "cgroups::cpuacct::Stats")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CpuTime {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
}

/// What limiting the processor time has cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Throttling {
    pub(crate) periods: Option<u64>,
    pub(crate) throttled: Option<u64>,
    pub(crate) time: Option<Duration>,
}

impl Cgroup {
    /// The lines of a file of figures, each a name and a number.
    ///
    /// Mirrors `cgroups::stat` in `src/linux/cgroups.cpp`.
    #[doc(alias = "cgroups::stat")]
    fn stat(&self, host: &dyn Host, file: &str) -> Result<BTreeMap<String, u64>, String> {
        let content = self.read(host, file)?;
        let mut stats = BTreeMap::new();
        for line in content.lines().filter(|line| !line.trim().is_empty()) {
            let mut words = line.split_whitespace();
            let (name, value) = (words.next(), words.next().and_then(|value| value.parse().ok()));
            let (Some(name), Some(value)) = (name, value) else {
                return Err(format!("Unexpected line format in {file}: {line}"));
            };
            stats.insert(name.to_owned(), value);
        }
        Ok(stats)
    }

    /// The processor time that its processes have used.
    ///
    /// Mirrors `cgroups::cpuacct::stat` in `src/linux/cgroups.cpp`.
    #[doc(alias = "cgroups::cpuacct::stat")]
    pub(crate) fn cpu_time(&self, host: &dyn Host) -> Result<CpuTime, String> {
        let (file, names) = match self.version {
            Version::One => ("cpuacct.stat", ["user", "system"]),
            Version::Two => ("cpu.stat", ["user_usec", "system_usec"]),
        };
        let stats = self.stat(host, file)?;
        let [Some(user), Some(system)] = names.map(|name| stats.get(name).copied()) else {
            return Err(format!("Failed to get user/system value from {file}"));
        };
        let [user, system] = [user, system].map(|value| match self.version {
            // Seconds and the rest apart: a product could overflow.
            Version::One => Duration::new(
                value / TICKS_PER_SECOND,
                (value % TICKS_PER_SECOND) as u32 * (1_000_000_000 / TICKS_PER_SECOND as u32),
            ),
            Version::Two => Duration::from_micros(value),
        });
        Ok(CpuTime { user, system })
    }

    /// The anonymous memory that its processes have, in bytes. `None` where it is not said.
    pub(crate) fn resident_memory(&self, host: &dyn Host) -> Result<Option<u64>, String> {
        let name = match self.version {
            Version::One => "rss",
            Version::Two => "anon",
        };
        Ok(self.stat(host, "memory.stat")?.get(name).copied())
    }

    /// How often, and for how long, its processes had to wait for their next share.
    pub(crate) fn throttling(&self, host: &dyn Host) -> Result<Throttling, String> {
        let stats = self.stat(host, "cpu.stat")?;
        let time = match self.version {
            Version::One => stats.get("throttled_time").copied().map(Duration::from_nanos),
            Version::Two => stats.get("throttled_usec").copied().map(Duration::from_micros),
        };
        Ok(Throttling {
            periods: stats.get("nr_periods").copied(),
            throttled: stats.get("nr_throttled").copied(),
            time,
        })
    }
}
