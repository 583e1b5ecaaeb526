//! Options about limits, and about networks.

use super::Parser;
use super::devices::{throttle_bytes, throttle_operations, weight};
use super::network::attachment;
use super::numbers::{Problem, boolean, bytes, decimal, integer, nano_cpus, unsigned};
use super::ports::{expose, publish};
use super::text::{extra_host, ip_address, link, search_domain};
use crate::create_body::Ulimit;

impl Parser {
    pub(super) fn set_network(&mut self, option: &str, value: &str) -> Result<bool, Problem> {
        let text = || value.to_owned();
        let host = &mut self.body.host_config;
        match option {
            "net" | "network" => self.networks.attachments.push(attachment(value)?),
            "net-alias" | "network-alias" => self.networks.aliases.push(text()),
            "link" => self.networks.links.push(link(value)?),
            "ip" => self.networks.ipv4_address = text(),
            "ip6" => self.networks.ipv6_address = text(),
            "link-local-ip" => self.networks.link_local_ips.push(text()),
            "mac-address" => self.networks.mac_address = text(),
            "publish" => publish(&mut self.body, value)?,
            "expose" => expose(&mut self.body, value)?,
            "publish-all" => host.publish_all_ports = boolean(value)?,
            "add-host" => host.extra_hosts.push(extra_host(value)?),
            "dns" => host.dns.push(ip_address(value)?),
            "dns-search" => host.dns_search.push(search_domain(value)?),
            "dns-opt" | "dns-option" => host.dns_options.push(text()),
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn set_resource(&mut self, option: &str, value: &str) -> Result<bool, Problem> {
        let host = &mut self.body.host_config;
        match option {
            "cpu-shares" => host.cpu_shares = integer(value)?,
            "cpu-quota" => host.cpu_quota = integer(value)?,
            "cpu-period" => host.cpu_period = integer(value)?,
            "cpu-rt-period" => host.cpu_realtime_period = integer(value)?,
            "cpu-rt-runtime" => host.cpu_realtime_runtime = integer(value)?,
            "cpus" => host.nano_cpus = nano_cpus(value)?,
            "cpuset-cpus" => host.cpuset_cpus = value.to_owned(),
            "cpuset-mems" => host.cpuset_mems = value.to_owned(),
            "cgroup-parent" => host.cgroup_parent = value.to_owned(),
            "memory" => host.memory = bytes(value)?,
            "memory-reservation" => host.memory_reservation = bytes(value)?,
            "memory-swap" => host.memory_swap = if value == "-1" { -1 } else { bytes(value)? },
            "kernel-memory" => host.kernel_memory = bytes(value)?,
            "memory-swappiness" => match integer(value)? {
                swappiness @ -1..=100 => host.memory_swappiness = Some(swappiness),
                _ => return Err("not between 0 and 100".to_owned()),
            },
            "oom-kill-disable" => host.oom_kill_disable = Some(boolean(value)?),
            "oom-score-adj" => host.oom_score_adj = integer(value)?,
            "pids-limit" => host.pids_limit = Some(integer(value)?),
            "ulimit" => {
                let limit = ulimit(value)?;
                // By name, and the last one counts.
                match host.ulimits.binary_search_by(|other| other.name.cmp(&limit.name)) {
                    Ok(index) => host.ulimits[index] = limit,
                    Err(index) => host.ulimits.insert(index, limit),
                }
            }
            "blkio-weight" => {
                host.blkio_weight =
                    u16::try_from(unsigned(value)?).map_err(|_| "out of range".to_owned())?;
            }
            "blkio-weight-device" => host.blkio_weight_device.push(weight(value)?),
            "device-read-bps" => host.blkio_device_read_bps.push(throttle_bytes(value)?),
            "device-write-bps" => host.blkio_device_write_bps.push(throttle_bytes(value)?),
            "device-read-iops" => host.blkio_device_read_iops.push(throttle_operations(value)?),
            "device-write-iops" => host.blkio_device_write_iops.push(throttle_operations(value)?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// `name=soft[:hard]`.
fn ulimit(text: &str) -> Result<Ulimit, Problem> {
    const NAMES: [&str; 15] = [
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ];
    let (name, limits) = text.split_once('=').ok_or("not of the form name=soft:hard")?;
    if !NAMES.contains(&name) {
        return Err(format!("there is no limit '{name}'"));
    }
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    let (soft, hard) = (decimal(soft)?, decimal(hard)?);
    if hard != -1 && (soft == -1 || soft > hard) {
        return Err("the soft limit is above the hard one".to_owned());
    }
    Ok(Ulimit { name: name.to_owned(), hard, soft })
}
