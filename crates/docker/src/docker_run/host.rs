//! Options about the container's relation to the machine: mounts, namespaces, rights, devices.

use super::Parser;
use super::devices::{self, Device};
use super::mount::mount;
use super::numbers::{Problem, boolean, bytes, decimal};
use super::text::{key_value, sysctl};
use crate::create_body::RestartPolicy;

impl Parser {
    pub(super) fn set_host(&mut self, option: &str, value: &str) -> Result<bool, Problem> {
        let text = || value.to_owned();
        let host = &mut self.body.host_config;
        match option {
            "volume" if self.volumes.iter().any(|other| other == value) => {}
            "volume" => self.volumes.push(text()),
            "volume-driver" => host.volume_driver = text(),
            "volumes-from" => host.volumes_from.push(text()),
            "mount" => host.mounts.push(mount(value)?),
            "tmpfs" => {
                let (path, options) = value.split_once(':').unwrap_or((value, ""));
                host.tmpfs.insert(path.to_owned(), options.to_owned());
            }
            "storage-opt" => {
                if !value.contains('=') {
                    return Err("not of the form key=value".to_owned());
                }
                host.storage_opt.extend([key_value(value)]);
            }
            "log-driver" => host.log_config.r#type = text(),
            "log-opt" => host.log_config.config.extend([key_value(value)]),
            "restart" => host.restart_policy = restart_policy(value)?,
            "rm" => host.auto_remove = boolean(value)?,
            "read-only" => host.readonly_rootfs = boolean(value)?,
            "init" => host.init = Some(boolean(value)?),
            "runtime" => host.runtime = text(),
            "shm-size" => host.shm_size = bytes(value)?,
            "sysctl" => host.sysctls.extend([sysctl(value)?]),
            "gpus" => host.device_requests.push(devices::gpus(value)?),
            "device" => match devices::device(value)? {
                Device::Mapping(mapping) => host.devices.push(mapping),
                Device::Qualified(name) => self.qualified_devices.push(name),
            },
            "device-cgroup-rule" => host.device_cgroup_rules.push(devices::cgroup_rule(value)?),
            _ => return self.set_isolation(option, value),
        }
        Ok(true)
    }

    fn set_isolation(&mut self, option: &str, value: &str) -> Result<bool, Problem> {
        let host = &mut self.body.host_config;
        let text = || value.to_owned();
        let container = value.strip_prefix("container:").is_some_and(|name| !name.is_empty());
        let one_of = |allowed: &[&str]| {
            if value.is_empty() || allowed.contains(&value) {
                Ok(text())
            } else {
                Err(format!("'{value}' is no mode"))
            }
        };
        match option {
            "privileged" => host.privileged = boolean(value)?,
            "cap-add" => host.cap_add.push(text()),
            "cap-drop" => host.cap_drop.push(text()),
            "group-add" => host.group_add.push(text()),
            "security-opt" => self.set_security(value)?,
            "userns" => host.userns_mode = one_of(&["host"])?,
            "uts" => host.uts_mode = one_of(&["host"])?,
            "cgroupns" => host.cgroupns_mode = one_of(&["host", "private"])?,
            "pid" if container => host.pid_mode = text(),
            "pid" => host.pid_mode = one_of(&["host"])?,
            // The daemon says what it thinks of it.
            "ipc" => host.ipc_mode = text(),
            "isolation" => host.isolation = text(),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn set_security(&mut self, value: &str) -> Result<(), Problem> {
        let host = &mut self.body.host_config;
        if value == "systempaths=unconfined" {
            host.masked_paths = Some(Vec::new());
            host.readonly_paths = Some(Vec::new());
            return Ok(());
        }
        let split = value.split_once('=');
        let bare = value == "no-new-privileges";
        let (key, setting) = match split.or_else(|| value.split_once(':')) {
            Some(split) => split,
            None if bare => (value, ""),
            None => return Err("not of the form key=value".to_owned()),
        };
        if setting.is_empty() && key != "no-new-privileges" {
            return Err("not of the form key=value".to_owned());
        }
        // differs: the `docker` program reads the file and sends what is in it.
        if key == "seccomp" && !matches!(setting, "unconfined" | "builtin") {
            return Err("no file is read: a profile can only be unconfined or builtin".to_owned());
        }
        host.security_opt.push(value.to_owned());
        Ok(())
    }
}

/// `name[:retries]`.
fn restart_policy(text: &str) -> Result<RestartPolicy, Problem> {
    let (name, retries) = text.split_once(':').unwrap_or((text, ""));
    if name.is_empty() && text.contains(':') {
        return Err("there is no policy before the colon".to_owned());
    }
    let count = if retries.is_empty() { Ok(0) } else { decimal(retries) };
    let maximum_retry_count = count.map_err(|_| "the number of retries is no number".to_owned())?;
    Ok(RestartPolicy { name: name.to_owned(), maximum_retry_count })
}
