//! Networks as JSON, and containers in them.

use super::super::inspect::Inspection;
use super::super::listing::Row;
use super::super::network::{Attached, NetworkView};
use super::container::sandbox;
use serde_json::{Map, Value, json};

/// What a container has in its networks. Before it was ever started it is only known which one it
/// will be in.
pub(super) fn endpoints(networks: &[Attached], mode: &str) -> Value {
    endpoints_with(networks, mode, true)
}

/// The same in a row of a list, which leaves the aliases out.
pub(super) fn endpoint_rows(networks: &[Attached], mode: &str) -> Value {
    endpoints_with(networks, mode, false)
}

fn endpoints_with(networks: &[Attached], mode: &str, aliases: bool) -> Value {
    if networks.is_empty() {
        let name = match mode {
            "" | "default" => "bridge",
            other if other.starts_with("container:") => return json!({}),
            other => other,
        };
        return Value::Object([(name.to_owned(), endpoint(None, aliases))].into_iter().collect());
    }
    let all = networks.iter().map(|one| (one.network.to_string(), endpoint(Some(one), aliases)));
    Value::Object(all.collect())
}

fn endpoint(attached: Option<&Attached>, aliases: bool) -> Value {
    let address = attached.and_then(|one| one.address);
    let text = |text: Option<String>| text.unwrap_or_default();
    let aliases = attached.map(|one| &one.aliases).filter(|all| aliases && !all.is_empty());
    // Without an address it is not connected at the moment.
    let is_there =
        |one: &&Attached| one.address.is_some() || matches!(&*one.network, "host" | "none");
    json!({
        "IPAMConfig": null,
        "Links": null,
        "Aliases": aliases,
        "NetworkID": attached.map(|one| &*one.network_id).unwrap_or_default(),
        "EndpointID": attached.filter(is_there).map(|one| &*one.endpoint).unwrap_or_default(),
        "Gateway": text(address.map(|(_, _, gateway)| gateway.to_string())),
        "IPAddress": text(address.map(|(address, ..)| address.to_string())),
        "IPPrefixLen": address.map_or(0, |(_, length, _)| length),
        "IPv6Gateway": "",
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "MacAddress": text(attached.and_then(Attached::hardware_address)),
        "DriverOpts": null,
    })
}

pub(super) fn settings(one: &Inspection) -> Value {
    let config = &one.settled.config;
    let connected = one.pid.is_some();
    // The fields of before networks had names show the default bridge.
    let bridge = one.networks.iter().find(|attached| &*attached.network == "bridge");
    let old = endpoint(bridge, false);
    let field = |name: &str| old.get(name).cloned().unwrap_or_default();
    // The sandbox of the last run stays known.
    let (id, key) = if one.started.is_some() {
        let id = sandbox(&one.id);
        let key = match config.network_mode.as_str() {
            "host" => "default".to_owned(),
            _ => id[..12].to_owned(),
        };
        (id.to_string(), format!("/var/run/docker/netns/{key}"))
    } else {
        Default::default()
    };
    json!({
        "Bridge": "",
        "SandboxID": id,
        "HairpinMode": false,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "Ports": if connected { ports(one) } else { json!({}) },
        "SandboxKey": key,
        "SecondaryIPAddresses": null,
        "SecondaryIPv6Addresses": null,
        "EndpointID": field("EndpointID"),
        "Gateway": field("Gateway"),
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "IPAddress": field("IPAddress"),
        "IPPrefixLen": field("IPPrefixLen"),
        "IPv6Gateway": "",
        "MacAddress": field("MacAddress"),
        "Networks": endpoints(&one.networks, &config.network_mode),
    })
}

/// The port of the host that stands for none given.
fn host_port(index: usize, given: &str) -> String {
    if given.is_empty() { (49_153 + index).to_string() } else { given.to_owned() }
}

fn addresses(host_ip: &str) -> Vec<&str> {
    if host_ip.is_empty() { vec!["0.0.0.0", "::"] } else { vec![host_ip] }
}

fn ports(one: &Inspection) -> Value {
    let settled = &one.settled;
    let mut object: Map<String, Value> =
        settled.exposed_ports.iter().map(|port| (port.clone(), Value::Null)).collect();
    for (index, port) in settled.config.ports.iter().enumerate() {
        let host_port = host_port(index, &port.host_port);
        let targets = addresses(&port.host_ip);
        let targets = targets.iter().map(|ip| json!({ "HostIp": ip, "HostPort": host_port }));
        let entry = object.entry(port.port.clone()).or_insert(Value::Null);
        if entry.is_null() {
            *entry = json!([]);
        }
        if let Some(list) = entry.as_array_mut() {
            list.extend(targets);
        }
    }
    Value::Object(object)
}

pub(super) fn port_rows(row: &Row) -> Value {
    if !row.running {
        return json!([]);
    }
    let mut rows = Vec::new();
    let number = |text: &str| text.parse::<u16>().unwrap_or(0);
    for exposed in &row.settled.exposed_ports {
        let (private, protocol) = exposed.split_once('/').unwrap_or((exposed, "tcp"));
        let bindings = row.settled.config.ports.iter().enumerate();
        let mut published = false;
        for (index, binding) in bindings.filter(|(_, one)| one.port == *exposed) {
            published = true;
            let public = number(&host_port(index, &binding.host_port));
            for ip in addresses(&binding.host_ip) {
                rows.push(json!({
                    "IP": ip, "PrivatePort": number(private), "PublicPort": public,
                    "Type": protocol,
                }));
            }
        }
        if !published {
            rows.push(json!({ "PrivatePort": number(private), "Type": protocol }));
        }
    }
    Value::Array(rows)
}

pub(super) fn inspection(network: &NetworkView) -> Value {
    let members = network.members.iter().map(|member| {
        let attached = &member.attached;
        let address = attached.address.map(|(address, length, _)| format!("{address}/{length}"));
        let value = json!({
            "Name": member.name,
            "EndpointID": attached.endpoint,
            "MacAddress": attached.hardware_address().unwrap_or_default(),
            "IPv4Address": address.unwrap_or_default(),
            "IPv6Address": "",
        });
        (member.id.to_string(), value)
    });
    with_members(network, Value::Object(members.collect()))
}

/// In a list the members are left out.
pub(super) fn row(network: &NetworkView) -> Value {
    with_members(network, json!({}))
}

fn with_members(network: &NetworkView, members: Value) -> Value {
    let config = &network.config;
    let pools = network.subnet.as_ref().map(|subnet| match &*network.name {
        "bridge" => json!([{ "Subnet": subnet }]),
        _ => json!([{ "Subnet": subnet, "Gateway": network.gateway }]),
    });
    let mut options = config.options.clone();
    if &*network.name == "bridge" {
        for (name, value) in [
            ("com.docker.network.bridge.default_bridge", "true"),
            ("com.docker.network.bridge.enable_icc", "true"),
            ("com.docker.network.bridge.enable_ip_masquerade", "true"),
            ("com.docker.network.bridge.host_binding_ipv4", "0.0.0.0"),
            ("com.docker.network.bridge.name", "docker0"),
            ("com.docker.network.driver.mtu", "1500"),
        ] {
            options.insert(name.to_owned(), value.to_owned());
        }
    }
    json!({
        "Name": network.name,
        "Id": network.id,
        "Created": network.created.to_string(),
        "Scope": "local",
        "Driver": network.driver,
        "EnableIPv6": config.ipv6,
        "IPAM": { "Driver": "default", "Options": null, "Config": pools.unwrap_or(json!([])) },
        "Internal": config.internal,
        "Attachable": config.attachable,
        "Ingress": false,
        "ConfigFrom": { "Network": "" },
        "ConfigOnly": false,
        "Containers": members,
        "Options": options,
        "Labels": config.labels,
    })
}
