//! What is written into a control group.

use super::{Cgroup, Version};
use mesos::Bytes;
use process::host::Host;
use std::time::Duration;

/// A limit of processor time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quota {
    /// So much in each period.
    Each(Duration),
    /// As much as there is.
    Unlimited,
}

impl Cgroup {
    /// The file that [`set_shares`](Self::set_shares) writes.
    pub(crate) fn shares_file(&self) -> &'static str {
        self.file("cpu.shares", "cpu.weight")
    }

    /// The file with the soft limit.
    pub(crate) fn soft_limit_file(&self) -> &'static str {
        self.file("memory.soft_limit_in_bytes", "memory.low")
    }

    /// The file with the hard limit.
    pub(crate) fn hard_limit_file(&self) -> &'static str {
        self.file("memory.limit_in_bytes", "memory.max")
    }

    fn file(&self, one: &'static str, two: &'static str) -> &'static str {
        match self.version {
            Version::One => one,
            Version::Two => two,
        }
    }

    /// Its share of the processors when they are short, in version 1's units.
    #[doc(alias = "cgroups::cpu::shares")]
    pub(crate) fn set_shares(&self, host: &dyn Host, shares: u64) -> Result<(), String> {
        let value = match self.version {
            Version::One => shares,
            // As runc translates what `docker run --cpu-shares` says, so that containers that are
            // limited this way and that get the same.
            Version::Two => 1 + shares.clamp(2, 262_144).saturating_sub(2) * 9999 / 262_142,
        };
        self.write(host, self.shares_file(), &value.to_string())
    }

    /// How much processor time it may use. An error names the file.
    #[doc(alias = "cgroups::cpu::cfs_period_us")]
    #[doc(alias = "cgroups::cpu::cfs_quota_us")]
    pub(crate) fn set_quota(
        &self,
        host: &dyn Host,
        period: Duration,
        quota: Quota,
    ) -> Result<(), String> {
        let period = period.as_micros().to_string();
        let wrong =
            |file: &'static str| move |error: String| format!("Failed to update '{file}': {error}");
        match self.version {
            Version::One => {
                const PERIOD: &str = "cpu.cfs_period_us";
                const QUOTA: &str = "cpu.cfs_quota_us";
                self.write(host, PERIOD, &period).map_err(wrong(PERIOD))?;
                let quota = match quota {
                    Quota::Each(time) => time.as_micros().to_string(),
                    Quota::Unlimited => "-1".to_owned(),
                };
                self.write(host, QUOTA, &quota).map_err(wrong(QUOTA))
            }
            Version::Two => {
                let quota = match quota {
                    Quota::Each(time) => time.as_micros().to_string(),
                    Quota::Unlimited => "max".to_owned(),
                };
                self.write(host, "cpu.max", &format!("{quota} {period}")).map_err(wrong("cpu.max"))
            }
        }
    }

    /// How much memory it is left when memory is short.
    #[doc(alias = "cgroups::memory::soft_limit_in_bytes")]
    pub(crate) fn set_soft_limit(&self, host: &dyn Host, limit: Bytes) -> Result<(), String> {
        self.write(host, self.soft_limit_file(), &limit.as_u64().to_string())
    }

    /// The memory beyond which its processes are killed; the largest number is none.
    #[doc(alias = "cgroups::memory::limit_in_bytes")]
    pub(crate) fn hard_limit(&self, host: &dyn Host) -> Result<Bytes, String> {
        let file = self.hard_limit_file();
        let text = self.read(host, file)?;
        match text.trim() {
            "max" => Ok(Bytes::new(u64::MAX)),
            number => number.parse().map(Bytes::new).map_err(|_| format!("{file}: '{number}'")),
        }
    }

    /// Sets it; `None` for no limit.
    pub(crate) fn set_hard_limit(
        &self,
        host: &dyn Host,
        limit: Option<Bytes>,
    ) -> Result<(), String> {
        let value = match (limit, self.version) {
            (Some(limit), _) => limit.as_u64().to_string(),
            (None, Version::One) => "-1".to_owned(),
            (None, Version::Two) => "max".to_owned(),
        };
        self.write(host, self.hard_limit_file(), &value)
    }
}
