//! The networks of a container.

use super::null;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a container takes part in networks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NetworkingConfig {
    /// By the name of the network; the network mode's one needs no entry.
    #[serde(deserialize_with = "null::is_default")]
    pub endpoints_config: BTreeMap<String, EndpointSettings>,
}

/// What is wanted of one network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EndpointSettings {
    /// Addresses.
    #[serde(rename = "IPAMConfig")]
    pub ipam_config: Option<IpamConfig>,
    /// Other containers that it can reach by name, `container[:alias]`.
    #[serde(serialize_with = "null::if_empty", deserialize_with = "null::is_default")]
    pub links: Vec<String>,
    /// Its further names.
    #[serde(serialize_with = "null::if_empty", deserialize_with = "null::is_default")]
    pub aliases: Vec<String>,
    /// Its hardware address.
    pub mac_address: String,
    /// For the network's driver.
    #[serde(deserialize_with = "null::is_default")]
    pub driver_opts: BTreeMap<String, String>,
    /// Of several networks, the one with the highest has the default gateway.
    pub gw_priority: i64,
}

/// Addresses that a container wants to have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IpamConfig {
    /// IPv4.
    #[serde(rename = "IPv4Address", skip_serializing_if = "String::is_empty")]
    pub ipv4_address: String,
    /// IPv6.
    #[serde(rename = "IPv6Address", skip_serializing_if = "String::is_empty")]
    pub ipv6_address: String,
    /// Link-local.
    #[serde(
        rename = "LinkLocalIPs",
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null::is_default"
    )]
    pub link_local_ips: Vec<String>,
}
