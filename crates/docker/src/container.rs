//! A container as `docker inspect` shows it. Mirrors `Docker::Container` of
//! `src/docker/docker.hpp`.

use crate::json::{self, ParseError};
use serde_json::Value;
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
        let output =
            if value.is_array() { json::indent(text) } else { json::indent(&format!("[{text}]")) };
        container.output = format!("{output}\n").into();
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
            devices: devices(json)?,
            dns: json::strings(json, &["HostConfig", "Dns"])?,
            dns_options: json::strings(json, &["HostConfig", "DnsOptions"])?,
            dns_search: json::strings(json, &["HostConfig", "DnsSearch"])?,
        })
    }
}

/// The addresses in the network that the container was made for, which is the one that was asked
/// for when it was run; else the address in the field of before networks had names.
fn addresses(json: &Value) -> Result<(Option<String>, Option<String>), ParseError> {
    let assigned = |address: Option<String>| address.filter(|address| !address.is_empty());
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
mod tests {
    use super::*;

    const RUNNING: &str = include_str!("../tests/data/inspect-running.json");

    #[test]
    fn parses_the_golden_inspect() {
        let container = Container::from_inspect(RUNNING).unwrap();
        assert_eq!(container.name, "/mesos-8e7648c6-9c67-4cae-a430-873fbafd70cd");
        assert_eq!(container.id.len(), 64);
        assert!(container.pid.is_some() && container.started);
        assert_eq!(container.ip_address, None);
        // What the command line printed comes out again, byte for byte.
        assert_eq!(&*container.output, RUNNING);
        // So it does from the object alone, without any layout, as the API sends it.
        let value: Value = serde_json::from_str(RUNNING).unwrap();
        assert_eq!(Container::from_inspect(&value[0].to_string()).unwrap(), container);
    }

    fn with(host_config: &str, network_settings: &str) -> Result<Container, ParseError> {
        Container::from_inspect(&format!(
            r#"{{"Id":"i","Name":"/n","State":{{"Pid":0,"StartedAt":"{NEVER}"}},
               "HostConfig":{host_config},"NetworkSettings":{network_settings}}}"#
        ))
    }

    #[test]
    fn finds_addresses() {
        for (mode, networks, ip, ip6) in [
            (
                r#"{"NetworkMode":"bridge"}"#,
                r#"{"Networks":{"bridge":{"IPAddress":"1.2.3.4"}}}"#,
                Some("1.2.3.4"),
                None,
            ),
            (
                r#"{"NetworkMode":"my.net"}"#,
                r#"{"Networks":{"my.net":{"IPAddress":"","GlobalIPv6Address":"::1"}}}"#,
                None,
                Some("::1"),
            ),
            (
                r#"{"NetworkMode":"default"}"#,
                r#"{"IPAddress":"1.2.3.4","Networks":{"bridge":{}}}"#,
                Some("1.2.3.4"),
                None,
            ),
            ("{}", r#"{"IPAddress":"1.2.3.4"}"#, Some("1.2.3.4"), None),
            ("{}", "{}", None, None),
            ("null", "null", None, None),
        ] {
            let container = with(mode, networks).unwrap();
            assert_eq!(container.ip_address.as_deref(), ip, "{mode}");
            assert_eq!(container.ip6_address.as_deref(), ip6, "{mode}");
            assert!(!container.started && container.pid.is_none());
        }
    }

    #[test]
    fn finds_devices_and_dns() {
        let container = with(
            r#"{"Dns":["8.8.8.8"],"DnsOptions":["a"],"DnsSearch":[],"Devices":
                [{"PathOnHost":"/dev/a","PathInContainer":"/dev/b","CgroupPermissions":"rm"}]}"#,
            "{}",
        );
        let container = container.unwrap();
        assert_eq!((container.dns.len(), container.dns_options.len()), (1, 1));
        let device = &container.devices[0];
        assert!(device.read && !device.write && device.mknod);
        assert_eq!((&*device.host_path, &*device.container_path), ("/dev/a", "/dev/b"));
    }

    #[test]
    fn hostile_answers_are_errors_that_name_the_place() {
        let valid = r#"{"Id":"i","Name":"/n","State":{"Pid":1,"StartedAt":"x"}}"#;
        assert!(Container::from_inspect(valid).is_ok());
        for (text, place) in [
            ("", "JSON"),
            ("[]", "container"),
            ("[{},{}]", "2 found"),
            ("7", "container"),
            ("{}", "Id"),
            (&valid[..20], "JSON"),
            (&valid.replace("\"i\"", "3"), "Id"),
            (&valid.replace("\"/n\"", "[]"), "Name"),
            (&valid.replace("\"Pid\":1", "\"Pid\":99999999999"), "State.Pid"),
            (&valid.replace("\"Pid\":1", "\"Pid\":-1"), "State.Pid"),
            (&valid.replace("\"Pid\":1", "\"Pid\":1.5"), "State.Pid"),
            (&valid.replace("\"x\"", "{}"), "State.StartedAt"),
            (&valid.replace("\"State\"", "\"Stats\""), "State"),
        ] {
            let error = Container::from_inspect(text).unwrap_err().to_string();
            assert!(error.contains(place), "{text}: {error}");
        }
        let deep = "[".repeat(100_000);
        assert!(Container::from_inspect(&deep).is_err());
        for (config, place) in [
            (r#"{"Dns":["a",1]}"#, "HostConfig.Dns[1]"),
            (r#"{"DnsSearch":{}}"#, "HostConfig.DnsSearch"),
            (
                r#"{"Devices":[{"PathOnHost":"/x","CgroupPermissions":""}]}"#,
                "Devices[0].PathInContainer",
            ),
            (r#"{"Devices":[1]}"#, "HostConfig.Devices[0]"),
            (r#"{"NetworkMode":1}"#, "HostConfig.NetworkMode"),
        ] {
            let error = with(config, "{}").unwrap_err().to_string();
            assert!(error.contains(place), "{config}: {error}");
        }
    }
}
