//! A container as `docker inspect` shows it. Mirrors `Docker::Container` of
//! `src/docker/docker.hpp`.

use crate::json::{self, ParseError};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// When a container that was never started claims to have started.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// A device of the host inside a container.
#[doc(alias = "Docker::Device")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Its path on the host.
    pub host_path: String,
    /// Its path in the container.
    pub container_path: String,
    /// Whether the container may read it.
    pub read: bool,
    /// Whether the container may write it.
    pub write: bool,
    /// Whether the container may make such devices.
    pub mknod: bool,
}

impl Device {
    /// What the container may do with it, as `--device` has it: some of `rwm`.
    pub fn permissions(&self) -> String {
        let letters = [(self.read, 'r'), (self.write, 'w'), (self.mknod, 'm')];
        letters.into_iter().filter_map(|(allowed, letter)| allowed.then_some(letter)).collect()
    }
}

/// A container's addresses in one network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// IPv4, if it has one.
    pub ip_address: Option<String>,
    /// IPv6, if it has one.
    pub ip6_address: Option<String>,
}

/// A container, at the moment of an inspect.
#[doc(alias = "Docker::Container")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// What `docker inspect` prints for it: an array with one object, indented. Status updates
    /// carry it to frameworks, which parse it.
    pub output: Arc<str>,
    /// Its full id.
    pub id: String,
    /// Its name, with the leading `/`.
    pub name: String,
    /// The pid of its first process, while it runs.
    pub pid: Option<i32>,
    /// Whether it was ever started; still true once it has ended, when there is no pid.
    pub started: bool,
    /// Its IPv4 address, if it has one of its own.
    pub ip_address: Option<String>,
    /// Its IPv6 address, if it has one.
    pub ip6_address: Option<String>,
    /// All networks that it is in, by name.
    pub networks: BTreeMap<String, Addresses>,
    /// Devices given to it.
    pub devices: Vec<Device>,
    /// Name servers set for it.
    pub dns: Vec<String>,
    /// Resolver options set for it.
    pub dns_options: Vec<String>,
    /// Search domains set for it.
    pub dns_search: Vec<String>,
}

impl Container {
    /// Parses the answer to an inspect: an object, as the Engine's API gives it, or an array with
    /// one object, as the command line prints it.
    #[doc(alias = "Docker::Container::create")]
    pub fn from_inspect(text: &str) -> Result<Self, ParseError> {
        let value = json::parse(text)?;
        let mut container = Self::from_value(json::single(&value, "container")?)?;
        let array = if value.is_array() { text.to_owned() } else { format!("[{text}]") };
        container.output = format!("{}\n", json::indent(&array)?).into();
        Ok(container)
    }

    /// Parses one inspected object; `output` is left empty.
    fn from_value(json: &Value) -> Result<Self, ParseError> {
        let id = json::string(json, &["Id"])?;
        let name = json::string(json, &["Name"])?;
        json::required(json, &["State"])?;
        let pid = json::required(json, &["State", "Pid"])?
            .as_i64()
            .and_then(|pid| i32::try_from(pid).ok())
            .filter(|pid| *pid >= 0)
            .ok_or_else(|| json::unexpected(&["State", "Pid"], "process id"))?;
        let started = json::string(json, &["State", "StartedAt"])? != NEVER;
        let (ip_address, ip6_address) = addresses(json)?;
        Ok(Container {
            output: Arc::default(),
            id,
            name,
            pid: (pid != 0).then_some(pid),
            started,
            ip_address,
            ip6_address,
            networks: networks(json)?,
            devices: devices(json)?,
            dns: json::strings(json, &["HostConfig", "Dns"])?,
            dns_options: json::strings(json, &["HostConfig", "DnsOptions"])?,
            dns_search: json::strings(json, &["HostConfig", "DnsSearch"])?,
        })
    }
}

fn assigned(address: Option<String>) -> Option<String> {
    address.filter(|address| !address.is_empty())
}

fn networks(json: &Value) -> Result<BTreeMap<String, Addresses>, ParseError> {
    let path = ["NetworkSettings", "Networks"];
    let Some(networks) = json::find(json, &path) else { return Ok(BTreeMap::new()) };
    let networks = networks.as_object().ok_or_else(|| json::unexpected(&path, "object"))?;
    let addresses = |(name, network): (&String, &Value)| {
        if !network.is_object() && !network.is_null() {
            return Err(json::unexpected(&[path[0], path[1], name], "object"));
        }
        let field = |field| json::optional_string(json, &[path[0], path[1], name, field]);
        let ip_address = assigned(field("IPAddress")?);
        let ip6_address = assigned(field("GlobalIPv6Address")?);
        Ok((name.clone(), Addresses { ip_address, ip6_address }))
    };
    networks.iter().map(addresses).collect()
}

/// The addresses in the network that the container was made for, which is the one that was asked
/// for when it was run; else the address in the field of before networks had names.
fn addresses(json: &Value) -> Result<(Option<String>, Option<String>), ParseError> {
    let deprecated = || json::optional_string(json, &["NetworkSettings", "IPAddress"]);

    let Some(mode) = json::optional_string(json, &["HostConfig", "NetworkMode"])? else {
        return Ok((assigned(deprecated()?), None));
    };
    let network = ["NetworkSettings", "Networks", &mode];
    let field = |name| {
        let path = [network[0], network[1], network[2], name];
        json::optional_string(json, &path)
    };
    // differs: where neither field is there upstream fails; Engines of API 1.52 and later have
    // dropped the old one, and a container without an address is nothing wrong.
    let ip_address = match field("IPAddress")? {
        Some(address) => Some(address),
        None => deprecated()?,
    };
    Ok((assigned(ip_address), assigned(field("GlobalIPv6Address")?)))
}

fn devices(json: &Value) -> Result<Vec<Device>, ParseError> {
    let path = ["HostConfig", "Devices"];
    let device = |(index, entry): (usize, &Value)| {
        let field = |name: &str| match entry.get(name).and_then(Value::as_str) {
            Some(text) => Ok(text.to_owned()),
            None => Err(ParseError::Unexpected {
                path: format!("HostConfig.Devices[{index}].{name}"),
                expected: "string",
            }),
        };
        let permissions = field("CgroupPermissions")?;
        Ok(Device {
            host_path: field("PathOnHost")?,
            container_path: field("PathInContainer")?,
            read: permissions.contains('r'),
            write: permissions.contains('w'),
            mknod: permissions.contains('m'),
        })
    };
    json::array(json, &path)?.iter().enumerate().map(device).collect()
}

#[cfg(test)]
mod tests;
