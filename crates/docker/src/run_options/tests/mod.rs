//! Run options from tasks: the rules one by one, and all of it against the original's recordings.

mod golden;

use super::limits::MIN_MEMORY;
use super::*;
use mesos::container_info::DockerInfo;
use mesos::internal::ContainerDnsInfo;
use mesos::value::Scalar;
use mesos::{CommandInfo, ContainerInfo, Resources};
use serde_json::Value;

/// A protobuf from its JSON.
macro_rules! parse {
    ($text:expr $(,)?) => {
        mesos::json::from_value(&serde_json::from_str::<Value>($text).unwrap()).unwrap()
    };
}

/// A task as JSON; the error or the options that come of it.
fn of(container: &str, command: &str) -> Result<RunOptions, RunOptionsError> {
    with(container, command, CreateArguments::default())
}

fn with(
    container: &str,
    command: &str,
    arguments: CreateArguments<'_>,
) -> Result<RunOptions, RunOptionsError> {
    let (container, command): (ContainerInfo, CommandInfo) = (parse!(container), parse!(command));
    RunOptions::create(&container, &command, "n", "/sb", "/m", arguments)
}

const COMMAND: &str = r#"{"value":"true"}"#;

#[test]
fn contradictions_are_errors() {
    let docker = r#""type":"DOCKER","docker":{"image":"a"}"#;
    let user = r#""type":"DOCKER","docker":{"image":"a","network":"USER"}"#;
    let volume = |text: &str| format!(r#"{{{docker},"volumes":[{{"mode":"RW",{text}}}]}}"#);
    for (container, command, message) in [
        (r#"{"type":"MESOS"}"#.to_owned(), COMMAND, "No docker info"),
        (format!("{{{docker}}}"), "{}", "no command value"),
        (format!(r#"{{{docker},"hostname":"h"}}"#), COMMAND, "hostname with host network"),
        (format!("{{{user}}}"), COMMAND, "No network info"),
        (format!(r#"{{{user},"network_infos":[{{}}]}}"#), COMMAND, "No network name"),
        (
            format!(r#"{{{user},"network_infos":[{{"name":"a"}},{{"name":"b"}}]}}"#),
            COMMAND,
            "Only a single network",
        ),
        (volume(r#""container_path":"a","host_path":"b""#), COMMAND, "are relative"),
        (volume(r#""container_path":"/a""#), COMMAND, "Host path or volume source"),
        (
            volume(r#""container_path":"/a","host_path":"/b:c:d:e""#),
            COMMAND,
            "--volume=/b:c:d:e:/a:rw: too many colons",
        ),
    ] {
        let error = of(&container, command).unwrap_err().to_string();
        assert!(error.contains(message), "{container}: {error}");
    }
}

#[test]
fn names_networks_and_volumes_find_their_place() {
    let options = of(
        r#"{"type":"DOCKER","hostname":"h","network_infos":[{"name":"net"}],
            "docker":{"image":"a","network":"USER"},
            "volumes":[{"mode":"RO","container_path":"rel","host_path":"/abs"},
                       {"mode":"RW","container_path":"/s","source":{"type":"SANDBOX_PATH"}}]}"#,
        COMMAND,
    );
    let options = options.unwrap();
    assert_eq!(options.network.as_deref(), Some("net"));
    assert_eq!(options.hostname.as_deref(), Some("h"));
    assert_eq!(options.volumes, ["/abs:/m/rel:ro", "/sb:/m"]);
    // No resources: no limits, and no role.
    assert_eq!((options.cpu_shares, options.memory), (None, None));
    assert!(!options.env.contains_key("MESOS_ALLOCATION_ROLE"));
}

#[test]
fn drivers_have_volumes_with_names() {
    let volumes = |docker: &str, volumes: &[(&str, &str)]| {
        let volumes: Vec<_> = volumes
            .iter()
            .map(|(name, driver)| {
                let driver = if driver.is_empty() {
                    String::new()
                } else {
                    format!(r#","driver":"{driver}""#)
                };
                format!(
                    r#"{{"mode":"RW","container_path":"/c","source":{{"type":"DOCKER_VOLUME",
                        "docker_volume":{{"name":"{name}"{driver}}}}}}}"#
                )
            })
            .collect();
        of(
            &format!(
                r#"{{"type":"DOCKER","docker":{{"image":"a"{docker}}},"volumes":[{}]}}"#,
                volumes.join(",")
            ),
            COMMAND,
        )
    };
    let options = volumes("", &[("one", "d"), ("two", "")]).unwrap();
    assert_eq!(options.volumes, ["one:/c:rw", "two:/c:rw", "/sb:/m"]);
    assert_eq!(options.volume_driver.as_deref(), Some("d"));
    let body = options.create_request().unwrap().body;
    assert_eq!(body.host_config.volume_driver, "d");
    assert_eq!(body.host_config.binds, options.volumes);

    let options = volumes(r#","volume_driver":"d""#, &[("one", "d")]).unwrap();
    assert_eq!(options.volume_driver.as_deref(), Some("d"));
    let error = volumes("", &[("one", "d"), ("two", "e")]).unwrap_err().to_string();
    assert!(error.contains("Only one volume driver is supported"), "{error}");
    let error = volumes(r#","volume_driver":"e""#, &[("one", "d")]).unwrap_err().to_string();
    assert!(error.contains("Only one volume driver per task"), "{error}");

    // With a driver, a relative path of the host is the name of a volume.
    let relative = r#""volumes":[{"mode":"RO","container_path":"/c","host_path":"rel"}]"#;
    let container = format!(r#"{{"type":"DOCKER","docker":{{"image":"a"}},{relative}}}"#);
    assert_eq!(of(&container, COMMAND).unwrap().volumes[0], "/sb/rel:/c:ro");
    let container = container.replace(r#""a""#, r#""a","volume_driver":"d""#);
    assert_eq!(of(&container, COMMAND).unwrap().volumes[0], "rel:/c:ro");
}

#[test]
fn ports_must_be_among_the_resources() {
    let container = |network: &str| {
        format!(
            r#"{{"type":"DOCKER","network_infos":[{{"name":"mine"}}],"docker":{{"image":"a",
                "network":"{network}","port_mappings":[{{"host_port":31000,"container_port":80}},
                {{"host_port":31002,"container_port":53,"protocol":"UDP"}}]}}}}"#
        )
    };
    let map = |network: &str, resources: Option<&str>| {
        let resources = resources.map(|text| Resources::parse(text).unwrap());
        let arguments =
            CreateArguments { resource_requests: resources.as_ref(), ..CreateArguments::default() };
        with(&container(network), COMMAND, arguments)
    };
    for (network, resources, message) in [
        ("HOST", Some("ports:[31000-31010]"), "bridge and user-defined"),
        ("NONE", Some("ports:[31000-31010]"), "bridge and user-defined"),
        ("BRIDGE", None, "require resources"),
        ("BRIDGE", Some("cpus:1"), "require port resources"),
        ("BRIDGE", Some("ports:[31000-31001]"), "Port [31002] not included"),
        ("USER", Some("ports:[31001-31009]"), "Port [31000] not included"),
    ] {
        let error = map(network, resources).unwrap_err().to_string();
        assert!(error.contains(message), "{network} {resources:?}: {error}");
    }
    for network in ["BRIDGE", "USER"] {
        let options = map(network, Some("ports:[31000-31000, 31002-31002]")).unwrap();
        let line = options.command_line().join(" ");
        assert!(line.contains(" -p 31000:80 -p 31002:53/udp "), "{line}");
        let host = options.create_request().unwrap().body.host_config;
        assert_eq!(host.port_bindings["80/tcp"].0[0].host_port, "31000");
        assert_eq!(host.port_bindings["53/udp"].0[0].host_port, "31002");
    }
}

#[test]
fn parameters_are_options_or_errors() {
    let parameters = |parameters: &[(&str, &str)]| {
        let docker = DockerInfo {
            image: "a".to_owned(),
            parameters: parameters
                .iter()
                .map(|(key, value)| mesos::Parameter {
                    key: (*key).to_owned(),
                    value: (*value).to_owned(),
                })
                .collect(),
            ..DockerInfo::default()
        };
        let container = ContainerInfo { docker: Some(docker), ..ContainerInfo::default() };
        let arguments = CreateArguments::default();
        RunOptions::create(&container, &parse!(COMMAND), "n", "/sb", "/m", arguments)
    };
    let options = parameters(&[("user", "1000"), ("label", "a=b"), ("restart", "on-failure:3")]);
    let options = options.unwrap();
    assert_eq!(
        options.additional_options,
        ["--user=1000", "--label=a=b", "--restart=on-failure:3"]
    );
    let body = options.create_request().unwrap().body;
    assert_eq!((&*body.user, &*body.labels["a"]), ("1000", "b"));
    assert_eq!(body.host_config.restart_policy.maximum_retry_count, 3);

    // The first network replaces the container's, another one is an option like any other.
    let options = parameters(&[("network", "one"), ("net", "two")]).unwrap();
    assert_eq!(options.network.as_deref(), Some("one"));
    assert_eq!(options.additional_options, ["--net=two"]);
    // Of an option that counts once, the last one counts.
    let options =
        parameters(&[("memory", "64m"), ("entrypoint", "/x"), ("name", "other")]).unwrap();
    let request = options.create_request().unwrap();
    assert_eq!(request.name.as_deref(), Some("other"));
    assert_eq!(request.body.host_config.memory, 64 << 20);
    assert_eq!(request.body.entrypoint, Some(vec!["/x".to_owned()]));

    for (key, value, message) in [
        ("no-such", "x", "Option '--no-such=x' of docker run: docker run has no such option"),
        ("memory", "much", "Option '--memory=much' of docker run: not a size"),
        ("env", "SECRET", "Option '--env=SECRET' of docker run: without a value"),
        ("v", "/a:/b", "no such option"),
        ("", "x", "Option '--=x' of docker run: not of the form"),
        ("-x", "y", "not of the form"),
        ("env-file", "/etc/secrets", "no file is read"),
        ("detach", "true", "cannot be left alone"),
        ("rm\u{0}", "true", "no such option"),
    ] {
        let error = parameters(&[(key, value)]).unwrap_err().to_string();
        assert!(error.contains(message), "{key}={value}: {error}");
    }
    // What may be secret is not shown.
    let error = parameters(&[("env", "=password")]).unwrap_err().to_string();
    assert!(!error.contains("password"), "{error}");
}

#[test]
fn devices_need_a_path_and_a_right() {
    let device = |host: &str, read| Device {
        host_path: host.to_owned(),
        container_path: "/dev/b".to_owned(),
        read,
        ..Device::default()
    };
    let options = |device: Device| {
        let devices = [device];
        let arguments = CreateArguments { devices: Some(&devices), ..CreateArguments::default() };
        with(r#"{"type":"DOCKER","docker":{"image":"a"}}"#, COMMAND, arguments)
    };
    let options_of_one = options(device("/dev/a", true)).unwrap();
    assert!(options_of_one.command_line().contains(&"--device=/dev/a:/dev/b:r".to_owned()));
    let mapping = &options_of_one.create_request().unwrap().body.host_config.devices[0];
    assert_eq!(mapping.cgroup_permissions, "r");
    let error = options(device("dev/a", true)).unwrap_err().to_string();
    assert_eq!(error, "Device path 'dev/a' is not an absolute path");
    let error = options(device("/dev/a", false)).unwrap_err().to_string();
    assert!(error.contains("At least one access required"), "{error}");
}

#[test]
fn the_agents_name_servers_are_for_whoever_has_none() {
    let default: ContainerDnsInfo = parse!(
        r#"{"docker":[
            {"network_mode":"BRIDGE","dns":{"nameservers":["10.0.0.9"]}},
            {"network_mode":"BRIDGE","dns":{"nameservers":["10.0.0.1"],"search":["a.example"],
                                            "options":["ndots:2"]}},
            {"network_mode":"USER","dns":{"nameservers":["10.0.0.2"]}},
            {"network_mode":"USER","network_name":"mine","dns":{"nameservers":["10.0.0.3"]}},
            {"network_mode":"HOST","dns":{"nameservers":["10.0.0.4"]}}]}"#,
    );
    let dns = |network: &str, name: &str, parameter: &str| {
        let parameter = match parameter.split_once('=') {
            Some((key, value)) => format!(r#"{{"key":"{key}","value":"{value}"}}"#),
            None => String::new(),
        };
        let container = format!(
            r#"{{"type":"DOCKER","network_infos":[{{"name":"{name}"}}],"docker":{{"image":"a",
                "network":"{network}","parameters":[{parameter}]}}}}"#
        );
        let arguments =
            CreateArguments { default_container_dns: Some(&default), ..CreateArguments::default() };
        with(&container, COMMAND, arguments).unwrap()
    };
    for (network, name, parameter, expected) in [
        ("BRIDGE", "", "", &["10.0.0.1"][..]),
        ("USER", "mine", "", &["10.0.0.3"]),
        ("USER", "other", "", &["10.0.0.2"]),
        ("HOST", "", "", &[]),
        ("NONE", "", "", &[]),
        ("BRIDGE", "", "dns=1.1.1.1", &[]),
        ("BRIDGE", "", "dns-search=b.example", &[]),
        ("BRIDGE", "", "dns-opt=rotate", &[]),
        ("BRIDGE", "", "dns-option=rotate", &[]),
        ("BRIDGE", "", "label=dns=x", &["10.0.0.1"]),
        // The parameter's network is looked up, by the rules of the container's own kind.
        ("USER", "other", "network=mine", &["10.0.0.3"]),
    ] {
        assert_eq!(dns(network, name, parameter).dns, expected, "{network} {name} {parameter}");
    }
    let options = dns("BRIDGE", "", "");
    let line = options.command_line().join(" ");
    let expected = " --net bridge --dns 10.0.0.1 --dns-search a.example --dns-opt ndots:2 ";
    assert!(line.contains(expected), "{line}");
    let host = options.create_request().unwrap().body.host_config;
    assert_eq!((host.dns.len(), host.dns_search.len(), host.dns_options.len()), (1, 1, 1));
}

#[test]
fn environments_have_an_order_of_precedence() {
    let text = r#"{"value":"x","environment":{"variables":[
        {"name":"A","value":"command"},{"name":"B","value":"command"},
        {"name":"MESOS_SANDBOX","value":"command"}]}}"#;
    let env = BTreeMap::from([("B".to_owned(), "given".to_owned())]);
    let arguments = CreateArguments { env: Some(&env), ..CreateArguments::default() };
    let options = with(r#"{"type":"DOCKER","docker":{"image":"a"}}"#, text, arguments).unwrap();
    let value = |name: &str| options.env.get(name).map(String::as_str);
    assert_eq!(value("A"), Some("command"));
    assert_eq!(value("B"), Some("given"));
    assert_eq!(value("MESOS_SANDBOX"), Some("/m"));
    assert_eq!(value("MESOS_CONTAINER_NAME"), Some("n"));
    let secret = r#"{"value":"x","environment":{"variables":[{"name":"S","type":"SECRET",
        "secret":{"type":"VALUE","value":{"data":"eA=="}}}]}}"#;
    let error = of(r#"{"type":"DOCKER","docker":{"image":"a"}}"#, secret).unwrap_err().to_string();
    assert_eq!(error, "CommandInfo.environment.variables.secret is not supported yet: S");
}

#[test]
fn limits_have_bounds() {
    let limited = |resources: &str, limits: &[(&str, f64)], cfs, total| {
        let resources = Resources::parse(resources).unwrap();
        let limits =
            limits.iter().map(|(name, value)| ((*name).to_owned(), Scalar { value: *value }));
        let limits = limits.collect();
        let mut options = RunOptions::default();
        let arguments = CreateArguments {
            resource_requests: Some(&resources),
            enable_cfs_quota: cfs,
            resource_limits: Some(&limits),
            total_memory: total,
            ..CreateArguments::default()
        };
        options.limit_resources(&arguments).map(|()| options)
    };
    let options = limited("cpus:0.001;mem:1", &[], true, None).unwrap();
    assert_eq!((options.cpu_shares, options.cpu_quota), (Some(2), Some(1000)));
    assert_eq!(options.memory, Some(MIN_MEMORY));

    let infinite = [("cpus", f64::INFINITY), ("mem", f64::INFINITY)];
    let options = limited("cpus:1;mem:64", &infinite, true, Some(Bytes::megabytes(640))).unwrap();
    assert_eq!((options.cpu_shares, options.cpu_quota, options.memory), (Some(1024), None, None));
    assert_eq!(options.memory_reservation, Some(Bytes::megabytes(64)));
    assert_eq!(options.oom_score_adj, Some(900));

    let options = limited("cpus:1;mem:64", &[("mem", 64.0)], false, None).unwrap();
    assert_eq!((options.cpu_quota, options.oom_score_adj), (None, None));
    assert!(limited("cpus:1;mem:64", &[("mem", 128.0)], false, None).is_err());
    // Nonsense saturates.
    let options = limited("cpus:1", &[("cpus", f64::NAN), ("mem", -5.0)], false, None).unwrap();
    assert_eq!((options.cpu_quota, options.memory), (Some(1000), Some(MIN_MEMORY)));
    let options = limited("cpus:1e300", &[("mem", 1e300)], false, None).unwrap();
    assert!(options.create_request().is_err(), "{options:?}");
    assert_eq!(calculate_oom_score_adj(Bytes::gigabytes(2), Bytes::gigabytes(1)), 0);
    assert_eq!(calculate_oom_score_adj(Bytes::ZERO, Bytes::ZERO), 1000);
}
