//! Containers as JSON.

use super::super::config::{ContainerConfig, PortBinding, Resources, Restart};
use super::super::exec::ExecView;
use super::super::ids::{self, Kind};
use super::super::inspect::Inspection;
use super::super::listing::Row;
use super::super::stamp::or_never;
use super::super::volumes;
use super::network;
use serde_json::{Map, Value, json};

/// What `null` stands for in lists that were given as nothing.
fn list(values: &[String]) -> Value {
    if values.is_empty() { Value::Null } else { json!(values) }
}

pub(super) fn inspection(one: &Inspection) -> Value {
    let settled = &one.settled;
    let argv = settled.argv();
    let (path, arguments) = argv.split_first().map_or(("", &[][..]), |(p, a)| (p.as_str(), a));
    let root = format!("/var/lib/docker/containers/{}", one.id);
    let file = |name: &str| {
        if one.started.is_some() { format!("{root}/{name}") } else { String::new() }
    };
    let mut value = json!({
        "Id": one.id,
        "Created": one.created.to_string(),
        "Path": path,
        "Args": arguments,
        "State": state(one),
        "Image": one.image,
        "ResolvConfPath": file("resolv.conf"),
        "HostnamePath": file("hostname"),
        "HostsPath": file("hosts"),
        "LogPath": file(&format!("{}-json.log", one.id)),
        "Name": format!("/{}", one.name),
        "RestartCount": one.restart_count,
        "Driver": "overlay2",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": if one.execs.is_empty() { Value::Null } else { json!(one.execs) },
        "HostConfig": host_config(one),
        "GraphDriver": {
            "Data": {
                "LowerDir": layer(&one.id, "-init/diff"),
                "MergedDir": layer(&one.id, "/merged"),
                "UpperDir": layer(&one.id, "/diff"),
                "WorkDir": layer(&one.id, "/work"),
            },
            "Name": "overlay2",
        },
        "Mounts": mounts(&settled.config.binds),
        "Config": config(one),
        "NetworkSettings": network::settings(one),
    });
    if let (Some(object), Some(size)) = (value.as_object_mut(), one.size) {
        object.insert("SizeRw".to_owned(), json!(0));
        object.insert("SizeRootFs".to_owned(), json!(size));
    }
    value
}

fn layer(id: &str, part: &str) -> String {
    format!("/var/lib/docker/overlay2/{id}{part}")
}

fn state(one: &Inspection) -> Value {
    json!({
        "Status": one.state,
        "Running": one.running,
        "Paused": one.state == "paused",
        "Restarting": one.state == "restarting",
        "OOMKilled": one.oom_killed,
        "Dead": one.state == "dead",
        "Pid": one.pid.unwrap_or(0),
        "ExitCode": one.exit_code,
        "Error": one.error.as_deref().unwrap_or_default(),
        "StartedAt": or_never(one.started),
        "FinishedAt": or_never(one.finished),
    })
}

/// Puts what was given over what is so by default.
fn overlay(defaults: Value, given: &Map<String, Value>) -> Map<String, Value> {
    let mut object = match defaults {
        Value::Object(object) => object,
        _ => Map::new(),
    };
    for (name, value) in given {
        let known = object.keys().find(|known| known.eq_ignore_ascii_case(name)).cloned();
        object.insert(known.unwrap_or_else(|| name.clone()), value.clone());
    }
    object
}

fn host_config(one: &Inspection) -> Value {
    let config = &one.settled.config;
    let mut object = overlay(host_defaults(), &config.given.host);
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    put("Binds", list(&config.binds));
    let mode = config.network_mode.as_str();
    put("NetworkMode", json!(if mode.is_empty() { "default" } else { mode }));
    put("PortBindings", bindings(&config.ports));
    put("RestartPolicy", restart(one.restart, config));
    put("AutoRemove", json!(config.auto_remove));
    put("OomScoreAdj", json!(config.oom_score_adj));
    put("Privileged", json!(config.privileged));
    // It is settled when anything at all is asked of the host, at the start at the latest.
    if one.started.is_some() || !config.given.host.is_empty() {
        put("Runtime", json!("runc"));
    }
    let Resources {
        memory,
        memory_swap,
        memory_reservation,
        cpu_shares,
        cpu_quota,
        cpu_period,
        nano_cpus,
        pids_limit,
    } = one.resources;
    put("Memory", json!(memory));
    put("MemorySwap", json!(memory_swap));
    put("MemoryReservation", json!(memory_reservation));
    put("CpuShares", json!(cpu_shares));
    put("CpuQuota", json!(cpu_quota));
    put("CpuPeriod", json!(cpu_period));
    put("NanoCpus", json!(nano_cpus));
    put("PidsLimit", if pids_limit == 0 { Value::Null } else { json!(pids_limit) });
    if let Some(log) = object.get_mut("LogConfig").and_then(Value::as_object_mut) {
        if log.get("Type").is_none_or(|kind| kind == "") {
            log.insert("Type".to_owned(), json!("json-file"));
        }
        let options = log.entry("Config").or_insert(Value::Null);
        if options.is_null() {
            *options = json!({});
        }
    }
    Value::Object(object)
}

/// A policy that nobody has named has no name.
fn restart(restart: Restart, config: &ContainerConfig) -> Value {
    let given =
        config.given.host.iter().find(|(name, _)| name.eq_ignore_ascii_case("RestartPolicy"));
    let unnamed = restart == Restart::No
        && given.is_none_or(|(_, policy)| policy.get("Name").is_none_or(|name| name == ""));
    let retries = match restart {
        Restart::OnFailure(retries) => retries,
        _ => 0,
    };
    let name = if unnamed { "" } else { restart.name() };
    json!({ "Name": name, "MaximumRetryCount": retries })
}

fn bindings(ports: &[PortBinding]) -> Value {
    let mut object = Map::new();
    for port in ports {
        let targets = object.entry(port.port.clone()).or_insert_with(|| json!([]));
        if let Some(targets) = targets.as_array_mut() {
            targets.push(json!({ "HostIp": port.host_ip, "HostPort": port.host_port }));
        }
    }
    super::or_null(object)
}

/// `HostConfig` of a container for which nothing was given.
fn host_defaults() -> Value {
    let mut object = json!({
        "Binds": null, "ContainerIDFile": "",
        "LogConfig": { "Type": "json-file", "Config": {} },
        "NetworkMode": "default", "PortBindings": null,
        "RestartPolicy": { "Name": "", "MaximumRetryCount": 0 },
        "AutoRemove": false, "VolumeDriver": "", "VolumesFrom": null, "CapAdd": null,
        "CapDrop": null, "CgroupnsMode": "host", "Dns": null, "DnsOptions": null,
        "DnsSearch": null, "ExtraHosts": null, "GroupAdd": null, "IpcMode": "private",
        "Cgroup": "", "Links": null, "OomScoreAdj": 0, "PidMode": "", "Privileged": false,
        "PublishAllPorts": false, "ReadonlyRootfs": false, "SecurityOpt": null, "UTSMode": "",
        "UsernsMode": "", "ShmSize": 67_108_864, "ConsoleSize": [0, 0], "Isolation": "",
    });
    let resources = json!({
        "CpuShares": 0, "Memory": 0, "NanoCpus": 0, "CgroupParent": "", "BlkioWeight": 0,
        "BlkioWeightDevice": null, "BlkioDeviceReadBps": null, "BlkioDeviceWriteBps": null,
        "BlkioDeviceReadIOps": null, "BlkioDeviceWriteIOps": null, "CpuPeriod": 0, "CpuQuota": 0,
        "CpuRealtimePeriod": 0, "CpuRealtimeRuntime": 0, "CpusetCpus": "", "CpusetMems": "",
        "Devices": null, "DeviceCgroupRules": null, "DeviceRequests": null, "KernelMemory": 0,
        "KernelMemoryTCP": 0, "MemoryReservation": 0, "MemorySwap": 0, "MemorySwappiness": null,
        "OomKillDisable": false, "PidsLimit": null, "Ulimits": null, "CpuCount": 0,
        "CpuPercent": 0, "IOMaximumIOps": 0, "IOMaximumBandwidth": 0,
        "MaskedPaths": [
            "/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
            "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi",
            "/sys/firmware",
        ],
        "ReadonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    });
    if let (Some(object), Value::Object(resources)) = (object.as_object_mut(), resources) {
        object.extend(resources);
    }
    object
}

fn config(one: &Inspection) -> Value {
    let settled = &one.settled;
    let given = &settled.config;
    let defaults = json!({
        "Hostname": "", "Domainname": "", "User": "", "AttachStdin": false,
        "AttachStdout": false, "AttachStderr": false, "Tty": false, "OpenStdin": false,
        "StdinOnce": false, "Env": null, "Cmd": null, "Image": "", "Volumes": null,
        "WorkingDir": "", "Entrypoint": null, "OnBuild": null, "Labels": {},
    });
    let mut object = overlay(defaults, &given.given.config);
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    let hostname = match given.hostname.as_str() {
        "" if given.network_mode == "host" => "simulated",
        "" => ids::short(&one.id),
        own => own,
    };
    put("Hostname", json!(hostname));
    put("User", json!(settled.user));
    put("Tty", json!(given.tty));
    put("OpenStdin", json!(given.open_stdin));
    put("StdinOnce", json!(given.stdin_once));
    put("Env", list(&settled.env));
    put("Cmd", list(&settled.command));
    put("Image", json!(given.image));
    put("WorkingDir", json!(settled.working_dir));
    put("Entrypoint", json!(settled.entrypoint));
    put("Labels", json!(settled.labels()));
    if !settled.exposed_ports.is_empty() {
        let ports = settled.exposed_ports.iter().map(|port| (port.clone(), json!({})));
        put("ExposedPorts", Value::Object(ports.collect()));
    }
    Value::Object(object)
}

fn mounts(binds: &[String]) -> Value {
    let mount = |bind: &String| {
        let mut parts = bind.split(':');
        let source = parts.next().unwrap_or_default();
        let target = parts.next().unwrap_or(source);
        let mode = parts.next().unwrap_or_default();
        let writable = !mode.split(',').any(|word| word == "ro");
        match volumes::name_in(bind) {
            Some(name) => json!({
                "Type": "volume", "Name": name,
                "Source": format!("/var/lib/docker/volumes/{name}/_data"),
                "Destination": target, "Driver": "local",
                "Mode": if mode.is_empty() { "z" } else { mode },
                "RW": writable, "Propagation": "",
            }),
            None => json!({
                "Type": "bind", "Source": source, "Destination": target, "Mode": mode,
                "RW": writable, "Propagation": "rprivate",
            }),
        }
    };
    binds.iter().map(mount).collect()
}

pub(super) fn row(row: &Row) -> Value {
    let config = &row.settled.config;
    let mode = config.network_mode.as_str();
    let mut value = json!({
        "Id": row.id,
        "Names": [format!("/{}", row.name)],
        "Image": row.image,
        "ImageID": row.image_id,
        "Command": row.command(),
        "Created": row.created.seconds(),
        "Ports": network::port_rows(row),
        "Labels": row.settled.labels(),
        "State": row.state,
        "Status": row.status,
        "HostConfig": { "NetworkMode": if mode.is_empty() { "default" } else { mode } },
        "NetworkSettings": { "Networks": network::endpoint_rows(&row.networks, mode) },
        "Mounts": mounts(&config.binds),
    });
    // What it has written itself is nothing, and left out.
    if let (Some(object), Some(size)) = (value.as_object_mut(), row.size) {
        object.insert("SizeRootFs".to_owned(), json!(size));
    }
    value
}

pub(super) fn exec(exec: &ExecView) -> Value {
    let config = &exec.config;
    let (program, arguments) = match config.command.split_first() {
        Some((program, arguments)) => (program.as_str(), arguments),
        None => ("", &[][..]),
    };
    let mut process = json!({
        "tty": config.tty,
        "entrypoint": program,
        "arguments": arguments,
        "privileged": config.privileged,
    });
    if let Some(process) = process.as_object_mut().filter(|_| !config.user.is_empty()) {
        process.insert("user".to_owned(), json!(config.user));
    }
    json!({
        "ID": exec.id,
        "Running": exec.running,
        "ExitCode": exec.exit_code,
        "ProcessConfig": process,
        "OpenStdin": config.streams.stdin,
        "OpenStderr": config.streams.stderr,
        "OpenStdout": config.streams.stdout,
        "CanRemove": false,
        "ContainerID": exec.container,
        "DetachKeys": config.detach_keys,
        "Pid": exec.pid,
    })
}

/// The id of the sandbox that a container's network is in.
pub(super) fn sandbox(id: &str) -> std::sync::Arc<str> {
    ids::id(Kind::Sandbox, ids::number_in(id).unwrap_or_default())
}
