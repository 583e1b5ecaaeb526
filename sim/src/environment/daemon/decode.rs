//! Bodies of requests, from JSON.
//!
//! As Go's decoder does it: names of fields are matched without regard to case, unknown fields are
//! ignored, `null` is as good as nothing.

use super::answer::Refusal;
use super::config::{
    ContainerConfig, DeviceMapping, EndpointConfig, Given, PortBinding, Resources, Restart, Update,
};
use super::network::NetworkConfig;
use super::request::{ExecConfig, Streams};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A field that has another type than it should.
struct Wrong<'a> {
    found: &'a Value,
    field: String,
    wanted: &'static str,
}

impl Wrong<'_> {
    fn refusal(&self, of: &str) -> Refusal {
        let found = match self.found {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let (field, wanted) = (&self.field, self.wanted);
        // The innermost struct is named, then the whole path.
        let of = match field.rsplit('.').nth(1) {
            Some(inner) if !of.is_empty() => inner,
            _ => of,
        };
        Refusal::new(
            500,
            format!(
                "json: cannot unmarshal {found} into Go struct field {of}.{field} of type {wanted}"
            ),
        )
    }
}

type Read<'a, T> = Result<T, Wrong<'a>>;

/// What Go calls the type of the object in this field.
fn go_type(field: &str) -> &'static str {
    match field {
        "HostConfig" => "container.HostConfig",
        "RestartPolicy" => "container.RestartPolicy",
        "LogConfig" => "container.LogConfig",
        "NetworkingConfig" => "network.NetworkingConfig",
        "PortBindings" => "nat.PortMap",
        "ExposedPorts" => "nat.PortSet",
        "IPAM" => "network.IPAM",
        _ => "map[string]string",
    }
}

/// An object and the path to it.
#[derive(Clone, Copy)]
struct Fields<'a> {
    object: Option<&'a Map<String, Value>>,
    path: &'a str,
}

impl<'a> Fields<'a> {
    fn get(self, name: &str) -> Option<&'a Value> {
        let object = self.object?;
        let exact = object.get(name);
        let found = exact.or_else(|| {
            object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        });
        found.filter(|value| !value.is_null())
    }

    fn wrong(self, name: &str, found: &'a Value, wanted: &'static str) -> Wrong<'a> {
        Wrong { found, field: format!("{}{name}", self.path), wanted }
    }

    fn object(self, name: &str, path: &'a str) -> Read<'a, Fields<'a>> {
        match self.get(name) {
            None => Ok(Fields { object: None, path }),
            Some(Value::Object(object)) => Ok(Fields { object: Some(object), path }),
            Some(other) => Err(self.wrong(name, other, go_type(name))),
        }
    }

    fn string(self, name: &str) -> Read<'a, String> {
        match self.get(name) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Err(self.wrong(name, other, "string")),
        }
    }

    fn flag(self, name: &str) -> Read<'a, bool> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(self.wrong(name, other, "bool")),
        }
    }

    fn number(self, name: &str) -> Read<'a, i64> {
        Ok(self.optional_number(name)?.unwrap_or(0))
    }

    fn optional_number(self, name: &str) -> Read<'a, Option<i64>> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => {
                let wanted = match name {
                    "StopTimeout" | "OomScoreAdj" | "MaximumRetryCount" => "int",
                    _ => "int64",
                };
                value.as_i64().map(Some).ok_or_else(|| self.wrong(name, value, wanted))
            }
        }
    }

    /// A list of strings.
    fn strings(self, name: &str) -> Read<'a, Vec<String>> {
        match self.get(name) {
            Some(found) if !found.is_array() => Err(self.wrong(name, found, "[]string")),
            _ => self.words(name),
        }
    }

    /// The same as [`optional_strings`](Self::optional_strings), of which none is an empty one.
    fn words(self, name: &str) -> Read<'a, Vec<String>> {
        Ok(self.optional_strings(name)?.unwrap_or_default())
    }

    /// A list of strings, or a string that stands for a list of one.
    fn optional_strings(self, name: &str) -> Read<'a, Option<Vec<String>>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(one)) => Ok(Some(vec![one.clone()])),
            Some(Value::Array(all)) => {
                let strings = all.iter().map(|one| match one {
                    Value::String(text) => Ok(text.clone()),
                    other => Err(self.wrong(name, other, "string")),
                });
                strings.collect::<Result<_, _>>().map(Some)
            }
            Some(other) => Err(self.wrong(name, other, "string")),
        }
    }

    fn map(self, name: &str) -> Read<'a, BTreeMap<String, String>> {
        let path = "";
        let fields = self.object(name, path)?;
        let entries = fields.object.into_iter().flatten().map(|(key, value)| match value {
            Value::String(text) => Ok((key.clone(), text.clone())),
            Value::Null => Ok((key.clone(), String::new())),
            other => Err(self.wrong(name, other, "string")),
        });
        entries.collect()
    }

    fn keys(self, name: &str) -> Read<'a, Vec<String>> {
        let fields = self.object(name, "")?;
        Ok(fields.object.into_iter().flatten().map(|(key, _)| key.clone()).collect())
    }
}

fn body<'a>(value: &'a Value, of: &str) -> Result<Fields<'a>, Refusal> {
    match value {
        Value::Object(object) => Ok(Fields { object: Some(object), path: "" }),
        Value::Null => Ok(Fields { object: None, path: "" }),
        other => Err(Wrong { found: other, field: String::new(), wanted: "object" }.refusal(of)),
    }
}

fn resources(host: Fields<'_>) -> Read<'_, Resources> {
    Ok(Resources {
        memory: host.number("Memory")?,
        memory_swap: host.number("MemorySwap")?,
        memory_reservation: host.number("MemoryReservation")?,
        cpu_shares: host.number("CpuShares")?,
        cpu_quota: host.number("CpuQuota")?,
        cpu_period: host.number("CpuPeriod")?,
        nano_cpus: host.number("NanoCpus")?,
        pids_limit: host.number("PidsLimit")?.max(0),
    })
}

fn restart(host: Fields<'_>) -> Read<'_, Result<Option<Restart>, Refusal>> {
    let path = if host.path.is_empty() { "RestartPolicy." } else { "HostConfig.RestartPolicy." };
    let policy = host.object("RestartPolicy", path)?;
    let most = policy.number("MaximumRetryCount")?;
    let retries = u32::try_from(most).unwrap_or(0);
    let name = policy.string("Name")?;
    Ok(match name.as_str() {
        "no" | "always" | "unless-stopped" if most != 0 => Err(Refusal::new(
            400,
            format!("maximum retry count cannot be used with restart policy '{name}'"),
        )),
        "on-failure" if most < 0 => {
            Err(Refusal::new(400, "maximum retry count cannot be negative"))
        }
        "" => Ok(None),
        "no" => Ok(Some(Restart::No)),
        "always" => Ok(Some(Restart::Always)),
        "unless-stopped" => Ok(Some(Restart::UnlessStopped)),
        "on-failure" => Ok(Some(Restart::OnFailure(retries))),
        other => Err(Refusal::new(400, format!("invalid restart policy '{other}'"))),
    })
}

fn ports(host: Fields<'_>) -> Read<'_, Vec<PortBinding>> {
    let bindings = host.object("PortBindings", "PortBindings.")?;
    let mut ports = Vec::new();
    for (port, targets) in bindings.object.into_iter().flatten() {
        let port = if port.contains('/') { port.clone() } else { format!("{port}/tcp") };
        let Value::Array(targets) = targets else { continue };
        for target in targets {
            let target = Fields { object: target.as_object(), path: "PortBindings." };
            ports.push(PortBinding {
                port: port.clone(),
                host_ip: target.string("HostIp")?,
                host_port: target.string("HostPort")?,
            });
        }
    }
    Ok(ports)
}

fn devices<'a>(host: Fields<'a>) -> Read<'a, Vec<DeviceMapping>> {
    let devices = match host.get("Devices") {
        None => return Ok(Vec::new()),
        Some(Value::Array(devices)) => devices,
        Some(other) => return Err(host.wrong("Devices", other, "[]container.DeviceMapping")),
    };
    let mapping = |device: &'a Value| {
        let device = Fields { object: device.as_object(), path: "HostConfig.Devices." };
        Ok(DeviceMapping {
            host: device.string("PathOnHost")?,
            container: device.string("PathInContainer")?,
            permissions: device.string("CgroupPermissions")?,
        })
    };
    devices.iter().map(mapping).collect()
}

fn endpoints(config: Fields<'_>) -> Read<'_, Vec<EndpointConfig>> {
    let networking = config.object("NetworkingConfig", "NetworkingConfig.")?;
    let endpoints = networking.object("EndpointsConfig", "NetworkingConfig.EndpointsConfig.")?;
    let mut all = Vec::new();
    for (network, endpoint) in endpoints.object.into_iter().flatten() {
        let endpoint = Fields { object: endpoint.as_object(), path: "EndpointsConfig." };
        let address = endpoint.object("IPAMConfig", "IPAMConfig.")?.string("IPv4Address")?;
        all.push(EndpointConfig {
            network: network.clone(),
            aliases: endpoint.strings("Aliases")?,
            ipv4: Some(address).filter(|address| !address.is_empty()),
        });
    }
    Ok(all)
}

impl ContainerConfig {
    /// From the body of a create request.
    ///
    /// # Errors
    ///
    /// The daemon's refusal of a field that has the wrong type, or an impossible value.
    pub fn from_json(value: &Value) -> Result<Self, Refusal> {
        let of = "ContainerConfigWrapper";
        let fields = body(value, of)?;
        let host = fields.object("HostConfig", "HostConfig.").map_err(|wrong| wrong.refusal(of))?;
        let policy = restart(host).map_err(|wrong| wrong.refusal(of))??;
        let mut config = container(fields, host).map_err(|wrong| wrong.refusal(of))?;
        config.restart = policy.unwrap_or_default();
        config.given.config = fields.object.cloned().unwrap_or_default();
        config.given.config.retain(|name, _| {
            !name.eq_ignore_ascii_case("HostConfig")
                && !name.eq_ignore_ascii_case("NetworkingConfig")
        });
        config.given.host = host.object.cloned().unwrap_or_default();
        Ok(config)
    }
}

fn container<'a>(fields: Fields<'a>, host: Fields<'a>) -> Read<'a, ContainerConfig> {
    Ok(ContainerConfig {
        image: fields.string("Image")?,
        command: fields.words("Cmd")?,
        entrypoint: fields.optional_strings("Entrypoint")?,
        env: fields.strings("Env")?,
        labels: fields.map("Labels")?,
        hostname: fields.string("Hostname")?,
        user: fields.string("User")?,
        working_dir: fields.string("WorkingDir")?,
        tty: fields.flag("Tty")?,
        open_stdin: fields.flag("OpenStdin")?,
        stdin_once: fields.flag("StdinOnce")?,
        stop_signal: fields.string("StopSignal")?,
        stop_timeout: fields.optional_number("StopTimeout")?,
        exposed_ports: fields.keys("ExposedPorts")?,
        resources: resources(host)?,
        oom_score_adj: host.number("OomScoreAdj")?,
        privileged: host.flag("Privileged")?,
        binds: host.strings("Binds")?,
        devices: devices(host)?,
        network_mode: host.string("NetworkMode")?,
        auto_remove: host.flag("AutoRemove")?,
        restart: Restart::No,
        ports: ports(host)?,
        init: host.flag("Init")?,
        log_driver: host.object("LogConfig", "LogConfig.")?.string("Type")?,
        endpoints: endpoints(fields)?,
        given: Given::default(),
    })
}

impl Update {
    /// From the body of an update request.
    ///
    /// # Errors
    ///
    /// The daemon's refusal of a field that has the wrong type, or an impossible value.
    pub fn from_json(value: &Value) -> Result<Self, Refusal> {
        let of = "UpdateConfig";
        let fields = body(value, of)?;
        let resources = resources(fields).map_err(|wrong| wrong.refusal(of))?;
        let restart = restart(fields).map_err(|wrong| wrong.refusal(of))??;
        Ok(Update { resources, restart })
    }
}

impl ExecConfig {
    /// From the body of an exec request.
    ///
    /// # Errors
    ///
    /// The daemon's refusal of a field that has the wrong type.
    pub fn from_json(value: &Value) -> Result<Self, Refusal> {
        let of = "ExecConfig";
        let fields = body(value, of)?;
        let read = || {
            Ok(ExecConfig {
                command: fields.strings("Cmd")?,
                env: fields.strings("Env")?,
                streams: Streams {
                    stdin: fields.flag("AttachStdin")?,
                    stdout: fields.flag("AttachStdout")?,
                    stderr: fields.flag("AttachStderr")?,
                },
                tty: fields.flag("Tty")?,
                user: fields.string("User")?,
                working_dir: fields.string("WorkingDir")?,
                privileged: fields.flag("Privileged")?,
                detach_keys: fields.string("DetachKeys")?,
            })
        };
        read().map_err(|wrong: Wrong<'_>| Refusal { status: 400, ..wrong.refusal(of) })
    }
}

impl NetworkConfig {
    /// From the body of a request to create a network.
    ///
    /// # Errors
    ///
    /// The daemon's refusal of a field that has the wrong type.
    pub fn from_json(value: &Value) -> Result<Self, Refusal> {
        let of = "NetworkCreateRequest";
        let fields = body(value, of)?;
        let read = || {
            let ipam = fields.object("IPAM", "IPAM.")?;
            let pools = ipam.get("Config").and_then(Value::as_array).and_then(|all| all.first());
            let pool = Fields { object: pools.and_then(Value::as_object), path: "IPAM.Config." };
            let given = |text: String| Some(text).filter(|text| !text.is_empty());
            Ok(NetworkConfig {
                name: fields.string("Name")?,
                driver: fields.string("Driver")?,
                labels: fields.map("Labels")?,
                options: fields.map("Options")?,
                internal: fields.flag("Internal")?,
                attachable: fields.flag("Attachable")?,
                ipv6: fields.flag("EnableIPv6")?,
                check_duplicate: fields.flag("CheckDuplicate")?,
                subnet: given(pool.string("Subnet")?),
                gateway: given(pool.string("Gateway")?),
            })
        };
        read().map_err(|wrong: Wrong<'_>| wrong.refusal(of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_body_is_read_as_the_daemon_reads_it() {
        let body = json!({
            "image": "bb", "Cmd": "true", "Env": null, "Labels": {"a": "b"},
            "HostConfig": {
                "Memory": 7, "PidsLimit": -1, "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2},
                "PortBindings": {"80": [{"HostPort": "8080"}]}, "Unknown": [1],
            },
            "NetworkingConfig": {"EndpointsConfig": {"net": {"Aliases": ["web"]}}},
        });
        let config = ContainerConfig::from_json(&body).unwrap();
        assert_eq!(
            (config.image.as_str(), config.command.as_slice()),
            ("bb", &["true".to_owned()][..])
        );
        assert_eq!((config.resources.memory, config.resources.pids_limit), (7, 0));
        assert_eq!(config.restart, Restart::OnFailure(2));
        assert_eq!(config.ports[0].port, "80/tcp");
        assert_eq!(config.endpoints[0].aliases, ["web"]);
        assert_eq!(config.given.host["Unknown"], json!([1]));
        assert!(!config.given.config.contains_key("HostConfig"));
    }

    #[test]
    fn a_wrong_type_is_named_as_the_daemon_names_it() {
        let refusal = ContainerConfig::from_json(&json!({"Image": "a", "Cmd": 5})).unwrap_err();
        assert_eq!(
            (refusal.status, &*refusal.message),
            (
                500,
                "json: cannot unmarshal number into Go struct field ContainerConfigWrapper.Cmd of \
                 type string"
            )
        );
        for wrong in [
            json!([]),
            json!({"HostConfig": 1}),
            json!({"HostConfig": {"Memory": "much"}}),
            json!({"Labels": {"a": 1}}),
            json!({"HostConfig": {"RestartPolicy": {"Name": "sometimes"}}}),
        ] {
            assert!(ContainerConfig::from_json(&wrong).is_err(), "{wrong}");
        }
        assert_eq!(ExecConfig::from_json(&json!({"Cmd": 1})).unwrap_err().status, 400);
        assert!(Update::from_json(&json!({"Memory": true})).is_err());
        assert!(NetworkConfig::from_json(&json!({"Name": 1})).is_err());
        assert!(NetworkConfig::from_json(&json!({"Name": "n", "Labels": null})).is_ok());
    }
}
