//! Networks, and the addresses of containers in them.

use super::config::Settled;
use super::ids::{self, Kind};
use process::Time;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// The body of a request to create a network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkConfig {
    /// Its name.
    pub name: String,
    /// Its driver; `bridge` if empty.
    pub driver: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Options of the driver.
    pub options: BTreeMap<String, String>,
    /// It leads nowhere else.
    pub internal: bool,
    /// Containers can be attached by hand, where that is a question.
    pub attachable: bool,
    /// It has IPv6, too.
    pub ipv6: bool,
    /// Refuse a second one of the same name.
    pub check_duplicate: bool,
    /// Its addresses, `172.18.0.0/16`; chosen by the daemon if not given.
    pub subnet: Option<String>,
    /// The address of its gateway.
    pub gateway: Option<String>,
}

/// A network.
#[derive(Clone, Debug)]
pub(super) struct Network {
    pub(super) id: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) driver: Arc<str>,
    pub(super) created: Time,
    pub(super) config: Arc<NetworkConfig>,
    /// The first address and the length of the prefix; none where containers get no address.
    pub(super) subnet: Option<(Ipv4Addr, u8)>,
    /// Containers in it, with the last part of their address.
    pub(super) members: BTreeMap<u64, u32>,
}

/// A container's place in a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The network's name.
    pub network: Arc<str>,
    /// The network's id.
    pub network_id: Arc<str>,
    /// The id of the place itself.
    pub endpoint: Arc<str>,
    /// The address, the length of its prefix, and the gateway, where it has one.
    pub address: Option<(Ipv4Addr, u8, Ipv4Addr)>,
    /// Names that the container has there.
    pub aliases: Vec<String>,
}

/// A container in a network, as the network shows it.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its id.
    pub id: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its place.
    pub attached: Attached,
}

/// A network, as it is looked at.
#[derive(Clone, Debug)]
pub struct NetworkView {
    /// Its id.
    pub id: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its driver.
    pub driver: Arc<str>,
    /// When it was created.
    pub created: super::stamp::Stamp,
    /// How it was created.
    pub config: Arc<NetworkConfig>,
    /// Its addresses.
    pub subnet: Option<String>,
    /// Its gateway.
    pub gateway: Option<String>,
    /// Containers that run in it.
    pub members: Vec<Member>,
}

/// The networks that are there from the start.
pub(super) const PREDEFINED: [(&str, &str); 3] =
    [("none", "null"), ("host", "host"), ("bridge", "bridge")];

/// All networks, by name. They come into being when somebody first needs one.
#[derive(Default)]
pub(super) struct Networks {
    all: BTreeMap<Arc<str>, Network>,
    made: u64,
}

fn first_of(index: u64) -> Ipv4Addr {
    // As the daemon chooses them: 172.17 to 172.31, then 192.168.0 in steps of 16.
    match u8::try_from(index) {
        Ok(index) if index < 15 => Ipv4Addr::new(172, 17 + index, 0, 0),
        Ok(index) if index < 31 => Ipv4Addr::new(192, 168, (index - 15) * 16, 0),
        _ => Ipv4Addr::from_bits(
            0x0a00_0000 + (u32::try_from(index).unwrap_or(u32::MAX) << 12 & 0x00ff_f000),
        ),
    }
}

fn parse_subnet(text: &str) -> Option<(Ipv4Addr, u8)> {
    let (first, length) = text.split_once('/')?;
    Some((first.parse().ok()?, length.parse().ok().filter(|length| *length <= 30)?))
}

impl Networks {
    fn prepare(&mut self) {
        if !self.all.is_empty() {
            return;
        }
        for (name, driver) in PREDEFINED {
            let config = NetworkConfig { name: name.to_owned(), ..NetworkConfig::default() };
            self.add(config, driver, Time::default());
        }
    }

    /// Makes a network; its configuration was checked.
    pub(super) fn add(&mut self, config: NetworkConfig, driver: &str, now: Time) -> &Network {
        let number = self.made;
        self.made += 1;
        let subnet = match driver {
            "null" | "host" => None,
            _ => config
                .subnet
                .as_deref()
                .and_then(parse_subnet)
                .or_else(|| Some((first_of(number.saturating_sub(2)), 16))),
        };
        let name: Arc<str> = config.name.as_str().into();
        let network = Network {
            id: ids::id(Kind::Network, number),
            name: Arc::clone(&name),
            driver: driver.into(),
            created: now,
            config: Arc::new(config),
            subnet,
            members: BTreeMap::new(),
        };
        self.all.entry(name).insert_entry(network).into_mut()
    }

    pub(super) fn all(&mut self) -> impl Iterator<Item = &Network> {
        self.prepare();
        self.all.values()
    }

    /// The network of this name, id, or start of an id.
    pub(super) fn find(&mut self, name: &str) -> Option<&mut Network> {
        self.prepare();
        let name = if name.is_empty() || name == "default" { "bridge" } else { name };
        let found = self.all.get(name).map(|network| Arc::clone(&network.name)).or_else(|| {
            let mut matching = self.all.values().filter(|network| network.id.starts_with(name));
            match (matching.next(), matching.next()) {
                (Some(network), None) => Some(Arc::clone(&network.name)),
                _ => None,
            }
        })?;
        self.all.get_mut(&found)
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.all.remove(name);
    }
}

impl Network {
    /// The address of the gateway.
    pub(super) fn gateway(&self) -> Option<Ipv4Addr> {
        let given = self.config.gateway.as_deref().and_then(|text| text.parse().ok());
        given.or_else(|| Some(Ipv4Addr::from_bits(self.subnet?.0.to_bits() + 1)))
    }

    /// The addresses, as they are written.
    pub(super) fn subnet_text(&self) -> Option<String> {
        self.subnet.map(|(first, length)| format!("{first}/{length}"))
    }

    /// Gives a container a place, with the lowest free address or the one that it wants.
    pub(super) fn join(
        &mut self,
        number: u64,
        settled: &Settled,
        id: &str,
        aliases: Vec<String>,
    ) -> Attached {
        let wanted =
            settled.config.endpoints.iter().find(|endpoint| *endpoint.network == *self.name);
        let wanted_host = wanted
            .and_then(|endpoint| endpoint.ipv4.as_deref()?.parse::<Ipv4Addr>().ok())
            .zip(self.subnet)
            .and_then(|(address, (first, _))| address.to_bits().checked_sub(first.to_bits()));
        let gateway = self.gateway();
        let address = self.subnet.zip(gateway).map(|((first, length), gateway)| {
            let taken = |host: u32| self.members.values().any(|other| *other == host);
            let host =
                wanted_host.unwrap_or_else(|| (2..).find(|host| !taken(*host)).unwrap_or(u32::MAX));
            self.members.insert(number, host);
            (Ipv4Addr::from_bits(first.to_bits().wrapping_add(host)), length, gateway)
        });
        if address.is_none() {
            self.members.insert(number, 0);
        }
        let mut aliases = aliases;
        let is_default = PREDEFINED.iter().any(|(name, _)| **name == *self.name);
        if !is_default {
            aliases.extend(wanted.iter().flat_map(|endpoint| endpoint.aliases.iter().cloned()));
            aliases.push(ids::short(id).to_owned());
        }
        Attached {
            network: Arc::clone(&self.name),
            network_id: Arc::clone(&self.id),
            endpoint: ids::id(Kind::Endpoint, number << 8 | self.members.len() as u64),
            address,
            aliases,
        }
    }
}

impl Attached {
    /// The hardware address that goes with the address.
    pub fn hardware_address(&self) -> Option<String> {
        let [a, b, c, d] = self.address?.0.octets();
        Some(format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::daemon::config::ContainerConfig;
    use crate::environment::daemon::image::ImageSpec;

    #[test]
    fn addresses_are_given_in_order_and_given_again() {
        let mut networks = Networks::default();
        let image = ImageSpec::new("app", &[]);
        let settled = Settled::new(Arc::new(ContainerConfig::default()), &image);
        let bridge = networks.find("").unwrap();
        assert_eq!(
            (&*bridge.name, bridge.subnet_text().unwrap()),
            ("bridge", "172.17.0.0/16".to_owned())
        );
        let one = bridge.join(1, &settled, "0123456789abcdef", Vec::new());
        let two = bridge.join(2, &settled, "0123456789abcdef", Vec::new());
        assert_eq!(one.address.unwrap().0, Ipv4Addr::new(172, 17, 0, 2));
        assert_eq!(two.hardware_address().unwrap(), "02:42:ac:11:00:03");
        assert!(one.aliases.is_empty());
        bridge.members.remove(&1);
        let three = bridge.join(3, &settled, "0123456789abcdef", Vec::new());
        assert_eq!(three.address, one.address);

        let config = NetworkConfig { name: "net".to_owned(), ..NetworkConfig::default() };
        let id = Arc::clone(&networks.add(config, "bridge", Time::default()).id);
        let net = networks.find(&id[..10]).unwrap();
        assert_eq!(net.subnet_text().as_deref(), Some("172.18.0.0/16"));
        assert_eq!(net.join(1, &settled, "0123456789abcdef", Vec::new()).aliases, ["0123456789ab"]);
        assert!(networks.find("host").unwrap().join(1, &settled, "", Vec::new()).address.is_none());
        assert!(networks.find("nothing").is_none());
    }

    #[test]
    fn every_network_has_addresses_of_its_own() {
        let firsts: std::collections::BTreeSet<_> = (0..100).map(first_of).collect();
        assert_eq!(firsts.len(), 100);
        assert_eq!(parse_subnet("10.1.0.0/24"), Some((Ipv4Addr::new(10, 1, 0, 0), 24)));
        assert_eq!(parse_subnet("10.1.0.0"), None);
    }
}
