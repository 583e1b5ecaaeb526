//! Containers from what daemons say, and from what they should not.

use super::*;
use crate::{Image, ImageReference, Version};
use proptest::prelude::*;
use serde_json::Map;

const RUNNING: &str = include_str!("../../tests/data/inspect-running.json");

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

#[test]
fn finds_all_networks() {
    let container = with(
        r#"{"NetworkMode":"one"}"#,
        r#"{"Networks":{"one":{"IPAddress":"1.2.3.4"},"three":null,
                        "two":{"IPAddress":"","GlobalIPv6Address":"::2"}}}"#,
    );
    let networks = container.unwrap().networks;
    assert_eq!(networks["one"].ip_address.as_deref(), Some("1.2.3.4"));
    assert_eq!(networks["two"].ip6_address.as_deref(), Some("::2"));
    assert_eq!(networks["three"], Addresses::default());
    for (settings, place) in [
        (r#"{"Networks":[]}"#, "NetworkSettings.Networks: object"),
        (r#"{"Networks":{"one":7}}"#, "NetworkSettings.Networks.one: object"),
        (r#"{"Networks":{"two":{"IPAddress":7}}}"#, "NetworkSettings.Networks.two.IPAddress"),
    ] {
        let error = with(r#"{"NetworkMode":"host"}"#, settings).unwrap_err().to_string();
        assert!(error.contains(place), "{settings}: {error}");
    }
}

/// Some JSON, nested or not, with numbers that fit nowhere.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("\\PC{0,4}", inner), 0..4)
                .prop_map(|entries| Value::from(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// How many values there are, this one included.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(values) => values.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// Replaces the value of this number, or removes it.
fn damage(value: &mut Value, number: &mut usize, with: &Value) -> bool {
    if *number == 0 {
        *value = with.clone();
        return true;
    }
    *number -= 1;
    match value {
        Value::Array(values) => values.iter_mut().any(|value| damage(value, number, with)),
        Value::Object(map) => map.values_mut().any(|value| damage(value, number, with)),
        _ => false,
    }
}

proptest! {
    #[test]
    fn what_is_cut_off_is_an_error(at in 0..RUNNING.trim_end().len()) {
        if RUNNING.is_char_boundary(at) {
            prop_assert!(Container::from_inspect(&RUNNING[..at]).is_err());
            prop_assert!(Image::from_inspect(&RUNNING[..at]).is_err());
        }
    }

    #[test]
    fn other_values_in_one_place_are_no_panic(place: prop::sample::Index, with in any_json()) {
        let mut value: Value = serde_json::from_str(RUNNING).unwrap();
        let mut number = place.index(count(&value));
        prop_assert!(damage(&mut value, &mut number, &with));
        let text = value.to_string();
        let _ = Image::from_inspect(&text);
        if let Ok(container) = Container::from_inspect(&text) {
            // What it shows is still what the daemon said.
            let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            let (shown, said) = (parse(&container.output), parse(&text));
            let said = if said.is_array() { said } else { Value::Array(vec![said]) };
            prop_assert!(shown == said, "{text}");
        }
    }

    #[test]
    fn any_text_is_no_panic(
        text in "\\PC{0,64}|[\\[\\]{}\",:0-9eE+.-]{0,64}",
        value in any_json(),
    ) {
        for text in [text, value.to_string()] {
            let _ = (Container::from_inspect(&text), Image::from_inspect(&text));
            let _ = (Version::parse(&text), ImageReference::parse(&text));
        }
    }

    #[test]
    fn huge_numbers_are_no_pids(digits in "-?[0-9]{9,400}", exponent in "(e[+-]?[0-9]{1,4})?") {
        let text = format!(
            r#"{{"Id":"i","Name":"/n","State":{{"Pid":{digits}{exponent},"StartedAt":"x"}}}}"#
        );
        if let Ok(container) = Container::from_inspect(&text) {
            prop_assert_eq!(container.pid.unwrap_or(0).to_string(), digits);
        }
    }
}
