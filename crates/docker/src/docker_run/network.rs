//! `--network` and the options about addresses and names in it.

use super::numbers::{Problem, decimal};
use super::text::{comma_separated, is_mac_address};
use crate::create_body::{EndpointSettings, IpamConfig, NetworkingConfig};
use std::collections::BTreeMap;

/// All options about networks, as they were given.
#[derive(Debug, Default)]
pub(super) struct Networks {
    /// `--network`, each.
    pub(super) attachments: Vec<Attachment>,
    /// `--network-alias`.
    pub(super) aliases: Vec<String>,
    /// `--link`.
    pub(super) links: Vec<String>,
    /// `--ip`.
    pub(super) ipv4_address: String,
    /// `--ip6`.
    pub(super) ipv6_address: String,
    /// `--link-local-ip`.
    pub(super) link_local_ips: Vec<String>,
    /// `--mac-address`.
    pub(super) mac_address: String,
}

/// One network and what is wanted of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attachment {
    target: String,
    aliases: Vec<String>,
    driver_opts: BTreeMap<String, String>,
    links: Vec<String>,
    ipv4_address: String,
    ipv6_address: String,
    link_local_ips: Vec<String>,
    mac_address: String,
    gw_priority: i64,
}

/// Reads `--network`: a name, or `name=...` and more in comma-separated fields, all in lower case.
pub(super) fn attachment(text: &str) -> Result<Attachment, Problem> {
    let word = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let bytes = text.as_bytes();
    let long = bytes.iter().enumerate().any(|(index, byte)| {
        *byte == b'=' && index > 0 && word(bytes.get(index - 1)) && word(bytes.get(index + 1))
    });
    if !long {
        return Ok(Attachment { target: text.to_owned(), ..Attachment::default() });
    }
    let mut network = Attachment::default();
    for field in comma_separated(text)? {
        let field = field.to_lowercase();
        let (key, value) = field
            .split_once('=')
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| format!("'{field}' is not of the form key=value"))?;
        let value = value.trim().to_owned();
        match key.trim() {
            "name" => network.target = value,
            "alias" => network.aliases.push(value),
            "ip" => network.ipv4_address = value,
            "ip6" => network.ipv6_address = value,
            "mac-address" => network.mac_address = value,
            "link-local-ip" => network.link_local_ips.push(value),
            "driver-opt" => {
                let (key, value) = value
                    .split_once('=')
                    .filter(|(key, _)| !key.is_empty())
                    .ok_or_else(|| format!("'{field}' is not of the form driver-opt=key=value"))?;
                network.driver_opts.insert(key.trim().to_owned(), value.trim().to_owned());
            }
            "gw-priority" => {
                network.gw_priority =
                    decimal(&value).map_err(|problem| format!("'{field}': {problem}"))?;
            }
            _ => return Err(format!("unknown field '{field}'")),
        }
    }
    if network.target.is_empty() {
        return Err("no network is named".to_owned());
    }
    Ok(network)
}

/// Whether somebody has made the network of this mode.
pub(crate) fn is_user_defined(mode: &str) -> bool {
    !matches!(mode, "default" | "bridge" | "host" | "none") && !mode.starts_with("container:")
}

impl Networks {
    /// The network mode: the first network.
    pub(super) fn mode(&self) -> String {
        self.attachments.first().map_or("default", |network| &network.target).to_owned()
    }

    /// The endpoints; the options without a network of their own belong to the first one.
    pub(super) fn config(&self) -> Result<NetworkingConfig, Problem> {
        let mut config = NetworkingConfig::default();
        let mut networks = self.attachments.clone();
        if networks.is_empty() {
            networks.push(Attachment { target: "default".to_owned(), ..Attachment::default() });
        }
        let single = networks.len() == 1 && !self.attachments.is_empty();
        let user_defined = networks.iter().filter(|it| is_user_defined(&it.target)).count();
        for (index, mut network) in networks.into_iter().enumerate() {
            if index == 0 {
                self.complete(&mut network)?;
            }
            let target = network.target.clone();
            let endpoint = endpoint(network)?;
            if config.endpoints_config.contains_key(&target) {
                return Err(format!("network '{target}' is named more than once"));
            }
            // One that wants nothing needs no entry.
            if !single || endpoint != EndpointSettings::default() {
                config.endpoints_config.insert(target, endpoint);
            }
        }
        if user_defined > 0 && user_defined < self.attachments.len() {
            return Err("networks that somebody made and others cannot be combined".to_owned());
        }
        Ok(config)
    }

    /// Adds the options that name no network.
    fn complete(&self, network: &mut Attachment) -> Result<(), Problem> {
        let text = |option: &str, given: &String, wanted: &mut String| {
            if given.is_empty() {
                return Ok(());
            }
            if !wanted.is_empty() {
                return Err(conflict(option));
            }
            wanted.clone_from(given);
            Ok(())
        };
        let list = |option: &str, given: &Vec<String>, wanted: &mut Vec<String>| {
            if given.is_empty() {
                return Ok(());
            }
            if !wanted.is_empty() {
                return Err(conflict(option));
            }
            wanted.clone_from(given);
            Ok(())
        };
        list("--network-alias", &self.aliases, &mut network.aliases)?;
        text("--ip", &self.ipv4_address, &mut network.ipv4_address)?;
        text("--ip6", &self.ipv6_address, &mut network.ipv6_address)?;
        text("--mac-address", &self.mac_address, &mut network.mac_address)?;
        list("--link-local-ip", &self.link_local_ips, &mut network.link_local_ips)?;
        // In the default bridge a link is an option of the container.
        if is_user_defined(&network.target) {
            list("--link", &self.links, &mut network.links)?;
        }
        Ok(())
    }
}

fn conflict(option: &str) -> Problem {
    format!("both {option} and the same in --network")
}

fn endpoint(network: Attachment) -> Result<EndpointSettings, Problem> {
    if network.target.trim().is_empty() {
        return Err("no name for the network".to_owned());
    }
    if !is_user_defined(&network.target) {
        if !network.aliases.is_empty() {
            return Err("only networks that somebody made know aliases".to_owned());
        }
        if !network.links.is_empty() {
            return Err("only networks that somebody made know links".to_owned());
        }
    }
    if !network.mac_address.is_empty() && !is_mac_address(&network.mac_address) {
        return Err(format!("'{}' is no hardware address", network.mac_address));
    }
    let ipam = IpamConfig {
        ipv4_address: network.ipv4_address,
        ipv6_address: network.ipv6_address,
        link_local_ips: network.link_local_ips,
    };
    Ok(EndpointSettings {
        ipam_config: (ipam != IpamConfig::default()).then_some(ipam),
        links: network.links,
        aliases: network.aliases,
        mac_address: network.mac_address,
        driver_opts: network.driver_opts,
        gw_priority: network.gw_priority,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_panics(
            texts in prop::collection::vec("(name=|alias=|driver-opt=|[a-cA=,:\" ]){0,8}", 0..3),
            alias in "[a-b]{0,2}",
        ) {
            let attachments = texts.iter().filter_map(|text| attachment(text).ok()).collect();
            let networks =
                Networks { attachments, aliases: vec![alias], ..Networks::default() };
            let _ = (networks.mode(), networks.config());
        }
    }
}
