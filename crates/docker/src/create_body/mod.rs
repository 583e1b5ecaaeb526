//! The body of a create request: the part of the Engine's schema that a client sets.
//!
//! Serialized it is what `docker run` sends for the same container, zero values included. Lists
//! and maps may be `null` when they are read.

mod host_config;
mod mount;
mod network;
mod null;

pub use host_config::{
    Bindings, DeviceMapping, DeviceRequest, HostConfig, LogConfig, PortBinding, RestartPolicy,
    ThrottleDevice, Ulimit, WeightDevice,
};
pub use mount::{BindOptions, Driver, ImageOptions, Mount, TmpfsOptions, VolumeOptions};
pub use network::{EndpointSettings, IpamConfig, NetworkingConfig};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The value of a key that is all that counts: a port, a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// What a container is made of, and how it runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CreateBody {
    /// Its host name; the daemon makes one up if empty.
    pub hostname: String,
    /// Its domain.
    pub domainname: String,
    /// Who runs the command: `name|uid[:group|gid]`; as the image says if empty.
    pub user: String,
    /// Whether the client attaches to standard input.
    pub attach_stdin: bool,
    /// Whether the client attaches to standard output.
    pub attach_stdout: bool,
    /// Whether the client attaches to standard error.
    pub attach_stderr: bool,
    /// Ports that it may be asked for, `80/tcp`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null::is_default")]
    pub exposed_ports: BTreeMap<String, Empty>,
    /// Whether it gets a terminal.
    pub tty: bool,
    /// Whether its standard input is kept open.
    pub open_stdin: bool,
    /// Whether standard input is closed once the client that was attached to it has gone.
    pub stdin_once: bool,
    /// Its environment: `NAME=value`, or `NAME` for one that the image sets and it shall not have.
    #[serde(serialize_with = "null::if_empty", deserialize_with = "null::is_default")]
    pub env: Vec<String>,
    /// The command, or the arguments of the entry point; the image's own if empty.
    #[serde(
        rename = "Cmd",
        serialize_with = "null::if_empty",
        deserialize_with = "null::is_default"
    )]
    pub command: Vec<String>,
    /// How its health is checked, if not as the image says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// The image that it is made of.
    pub image: String,
    /// Places of anonymous volumes.
    #[serde(deserialize_with = "null::is_default")]
    pub volumes: BTreeMap<String, Empty>,
    /// Where the command starts; as the image says if empty.
    pub working_dir: String,
    /// The entry point, if not the image's.
    pub entrypoint: Option<Vec<String>>,
    /// Its hardware address, for daemons older than 25.0; others want it in the endpoint.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mac_address: String,
    /// Its labels.
    #[serde(deserialize_with = "null::is_default")]
    pub labels: BTreeMap<String, String>,
    /// The signal that asks it to stop.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stop_signal: String,
    /// Seconds from that signal to the kill, if not ten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i64>,
    /// What depends on the machine.
    #[serde(deserialize_with = "null::is_default")]
    pub host_config: HostConfig,
    /// What depends on the networks.
    #[serde(deserialize_with = "null::is_default")]
    pub networking_config: NetworkingConfig,
    /// `os/arch[/variant]`. No part of the body: a parameter of the request.
    #[serde(skip)]
    pub platform: Option<String>,
}

/// A health check by the daemon. Times are in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Healthcheck {
    /// `NONE`, or `CMD-SHELL` and a command; the image's own if empty.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null::is_default")]
    pub test: Vec<String>,
    /// Between two checks.
    #[serde(skip_serializing_if = "null::is_zero")]
    pub interval: i64,
    /// How long one may take.
    #[serde(skip_serializing_if = "null::is_zero")]
    pub timeout: i64,
    /// How long failures do not count at first.
    #[serde(skip_serializing_if = "null::is_zero")]
    pub start_period: i64,
    /// Between two checks in that time.
    #[serde(skip_serializing_if = "null::is_zero")]
    pub start_interval: i64,
    /// How many failures in a row make it unhealthy.
    #[serde(skip_serializing_if = "null::is_zero")]
    pub retries: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nulls_are_empty() {
        let body: CreateBody = serde_json::from_value(json!({
            "Image": "a", "Env": null, "Cmd": null, "Entrypoint": null, "ExposedPorts": null,
            "Volumes": null, "Labels": null, "NetworkingConfig": {"EndpointsConfig": null},
            "HostConfig": {"Binds": null, "PortBindings": {"80/tcp": null}, "Mounts": null,
                "LogConfig": {"Type": "", "Config": null}, "Tmpfs": null, "MaskedPaths": null},
            "Something": "new"
        }))
        .unwrap();
        let mut expected = CreateBody { image: "a".to_owned(), ..CreateBody::default() };
        expected.host_config.port_bindings.insert("80/tcp".to_owned(), Vec::new().into());
        assert_eq!(body, expected);
        assert_eq!(serde_json::from_value::<CreateBody>(json!({})).unwrap(), CreateBody::default());
        let null = json!({"HostConfig": null, "NetworkingConfig": null});
        assert_eq!(serde_json::from_value::<CreateBody>(null).unwrap(), CreateBody::default());
    }

    #[test]
    fn what_is_written_can_be_read() {
        let mut body = CreateBody { image: "a".to_owned(), tty: true, ..CreateBody::default() };
        body.host_config.binds = vec!["/a:/b".to_owned()];
        body.host_config.masked_paths = Some(Vec::new());
        body.host_config.mounts = vec![Mount { r#type: "bind".to_owned(), ..Mount::default() }];
        body.networking_config.endpoints_config.insert(
            "n".to_owned(),
            EndpointSettings { aliases: vec!["x".to_owned()], ..EndpointSettings::default() },
        );
        let written = serde_json::to_value(&body).unwrap();
        assert_eq!(written["HostConfig"]["MaskedPaths"], json!([]));
        assert_eq!(serde_json::from_value::<CreateBody>(written).unwrap(), body);
    }
}
