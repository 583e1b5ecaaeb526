//! The daemon itself as JSON.

use super::super::system::{DiskUsage, Info};
use super::super::volumes::Volume;
use super::{API_VERSION, MIN_API_VERSION, container, image, volume};
use serde_json::{Value, json};

const VERSION: &str = "20.10.24";
const KERNEL: &str = "6.1.0-simulated";
const COMMIT: &str = "simulated";
const GO: &str = "go1.19.8";
const BUILT: &str = "2023-04-04T18:16:06.000000000+00:00";

pub(super) fn version() -> Value {
    json!({
        "Platform": { "Name": "" },
        "Components": [
            {
                "Name": "Engine",
                "Version": VERSION,
                "Details": {
                    "ApiVersion": API_VERSION,
                    "Arch": "amd64",
                    "BuildTime": BUILT,
                    "Experimental": "false",
                    "GitCommit": COMMIT,
                    "GoVersion": GO,
                    "KernelVersion": KERNEL,
                    "MinAPIVersion": MIN_API_VERSION,
                    "Os": "linux",
                },
            },
            { "Name": "containerd", "Version": "1.6.20", "Details": { "GitCommit": COMMIT } },
            { "Name": "runc", "Version": "1.1.5", "Details": { "GitCommit": COMMIT } },
            { "Name": "docker-init", "Version": "0.19.0", "Details": { "GitCommit": "" } },
        ],
        "Version": VERSION,
        "ApiVersion": API_VERSION,
        "MinAPIVersion": MIN_API_VERSION,
        "GitCommit": COMMIT,
        "GoVersion": GO,
        "Os": "linux",
        "Arch": "amd64",
        "KernelVersion": KERNEL,
        "BuildTime": BUILT,
    })
}

pub(super) fn info(info: &Info) -> Value {
    let mut value = json!({
        "ID": "SIMU:LATE:DDRY:DOCK:DAEM:ONXX:SIMU:LATE:DDRY:DOCK:DAEM:ONXX",
        "Containers": info.containers,
        "ContainersRunning": info.running,
        "ContainersPaused": info.paused,
        "ContainersStopped": info.containers - info.running - info.paused,
        "Images": info.images,
        "Driver": "overlay2",
        "DriverStatus": null,
        "Plugins": {
            "Volume": ["local"],
            "Network": ["bridge", "host", "ipvlan", "macvlan", "null"],
            "Authorization": null,
            "Log": ["json-file", "none"],
        },
        "MemoryLimit": true, "SwapLimit": true, "KernelMemory": true, "KernelMemoryTCP": true,
        "CpuCfsPeriod": true, "CpuCfsQuota": true, "CPUShares": true, "CPUSet": true,
        "PidsLimit": true, "IPv4Forwarding": true, "BridgeNfIptables": true,
        "BridgeNfIp6tables": true, "Debug": false, "NFd": 25, "OomKillDisable": true,
        "NGoroutines": 39,
        "SystemTime": info.time.to_string(),
        "LoggingDriver": "json-file",
        "CgroupDriver": "cgroupfs",
        "CgroupVersion": "1",
        "NEventsListener": info.listeners,
        "KernelVersion": KERNEL,
        "OperatingSystem": "Drydock's simulator",
        "OSVersion": "",
        "OSType": "linux",
        "Architecture": "x86_64",
        "IndexServerAddress": "https://index.docker.io/v1/",
    });
    let rest = json!({
        "RegistryConfig": {
            "AllowNondistributableArtifactsCIDRs": [],
            "AllowNondistributableArtifactsHostnames": [],
            "InsecureRegistryCIDRs": ["127.0.0.0/8"],
            "IndexConfigs": {
                "docker.io": {
                    "Name": "docker.io", "Mirrors": [], "Secure": true, "Official": true,
                },
            },
            "Mirrors": [],
        },
        "NCPU": info.engine.processors,
        "MemTotal": info.engine.total_memory,
        "GenericResources": null,
        "DockerRootDir": "/var/lib/docker",
        "HttpProxy": "", "HttpsProxy": "", "NoProxy": "",
        "Name": info.engine.name,
        "Labels": [],
        "ExperimentalBuild": false,
        "ServerVersion": VERSION,
        "Runtimes": { "runc": { "path": "runc" } },
        "DefaultRuntime": "runc",
        "Swarm": {
            "NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive",
            "ControlAvailable": false, "Error": "", "RemoteManagers": null,
        },
        "LiveRestoreEnabled": info.live_restore,
        "Isolation": "",
        "InitBinary": "docker-init",
        "ContainerdCommit": { "ID": COMMIT, "Expected": COMMIT },
        "RuncCommit": { "ID": COMMIT, "Expected": COMMIT },
        "InitCommit": { "ID": "", "Expected": "" },
        "SecurityOptions": [],
        "Warnings": null,
    });
    if let (Some(value), Value::Object(rest)) = (value.as_object_mut(), rest) {
        value.extend(rest);
    }
    value
}

fn used_volume((one, users): &(Volume, usize)) -> Value {
    let mut value = volume(one);
    if let Some(object) = value.as_object_mut() {
        object.insert("UsageData".to_owned(), json!({ "RefCount": users, "Size": 0 }));
    }
    value
}

pub(super) fn disk_usage(usage: &DiskUsage) -> Value {
    let images = usage.images.iter().map(|one| image::row(one, one.containers as i64, 0));
    json!({
        "LayersSize": usage.layers,
        "Images": images.collect::<Vec<_>>(),
        "Containers": usage.containers.iter().map(container::row).collect::<Vec<_>>(),
        "Volumes": usage.volumes.iter().map(used_volume).collect::<Vec<_>>(),
        "BuildCache": null,
        "BuilderSize": 0,
    })
}
