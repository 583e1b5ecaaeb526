//! Run options against the command lines that the original wrote for the same tasks.

use super::*;
use crate::CreateBody;
use mesos::TaskInfo;
use mesos::value::Scalar;
use serde_json::Value;

const GOLDEN: &str = include_str!("../../tests/data/run-golden.jsonl");
const MAPPED: &str = "/mnt/mesos/sandbox";

struct Case {
    task: TaskInfo,
    cfs: bool,
    argv: Vec<String>,
}

fn golden() -> Vec<Case> {
    let case = |line: &str| {
        let json: Value = serde_json::from_str(line).unwrap();
        let argv = json["argv"].as_array().unwrap();
        Case {
            task: mesos::json::from_value(&json["task"]).unwrap(),
            cfs: json["cfs"] == true,
            argv: argv.iter().map(|word| word.as_str().unwrap().to_owned()).collect(),
        }
    };
    GOLDEN.lines().map(case).collect()
}

fn following<'a>(argv: &'a [String], option: &str) -> &'a str {
    let index = argv.iter().position(|word| word == option).unwrap();
    &argv[index + 1]
}

fn create(case: &Case) -> Result<RunOptions, RunOptionsError> {
    let sandbox = case.argv.iter().find_map(|word| word.strip_suffix(&format!(":{MAPPED}")));
    let resources = Resources::from(&case.task.resources).allocated_to("*");
    RunOptions::create(
        case.task.container.as_ref().unwrap(),
        case.task.command.as_ref().unwrap(),
        following(&case.argv, "--name"),
        sandbox.unwrap(),
        MAPPED,
        CreateArguments {
            resource_requests: Some(&resources),
            enable_cfs_quota: case.cfs,
            resource_limits: Some(&case.task.limits),
            // What the recording's score of 995 says of the machine it was made on.
            total_memory: Some(Bytes::gigabytes(25)),
            ..CreateArguments::default()
        },
    )
}

#[test]
fn command_lines_are_those_of_the_original() {
    let mut compared = 0;
    for case in golden() {
        let name = case.task.name.as_str();
        let result = create(&case);
        match name {
            "bridge" | "params" => {
                let field = if name == "bridge" { "port_mappings" } else { "parameters" };
                let error = result.unwrap_err().to_string();
                assert!(error.contains(&format!("ContainerInfo.docker.{field}")), "{error}");
            }
            _ => {
                let mut expected = case.argv.clone();
                // `-H` and the socket are the client's affair.
                expected.drain(1..3);
                assert_eq!(result.unwrap().command_line(), expected, "{name}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 14);
}

#[test]
fn create_bodies_say_the_same() {
    let cases = golden();
    let find = |name: &str| cases.iter().find(|case| case.task.name == name).unwrap();
    let body = create(find("limits")).unwrap().create_body();
    let expected = CreateBody {
        image: "bb:1".to_owned(),
        command: vec!["-c".to_owned(), body.command[1].clone()],
        entrypoint: Some(vec!["/bin/sh".to_owned()]),
        env: vec![
            "MESOS_ALLOCATION_ROLE=*".to_owned(),
            format!("MESOS_CONTAINER_NAME={}", following(&find("limits").argv, "--name")),
            "MESOS_SANDBOX=/mnt/mesos/sandbox".to_owned(),
        ],
        cpu_shares: Some(1536),
        cpu_quota: Some(200_000),
        memory_reservation: Some(128 << 20),
        memory: Some(256 << 20),
        oom_score_adj: Some(995),
        binds: body.binds.clone(),
        network: Some("host".to_owned()),
        ..CreateBody::default()
    };
    assert_eq!(body, expected);
    let body = create(find("entrypoint-default")).unwrap().create_body();
    assert!(body.command.is_empty() && body.entrypoint.is_none());
}

/// A task as JSON, changed in one place; the error or the options that come of it.
fn of(container: &str, command: &str) -> Result<RunOptions, RunOptionsError> {
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let container: ContainerInfo = mesos::json::from_value(&parse(container)).unwrap();
    let command: CommandInfo = mesos::json::from_value(&parse(command)).unwrap();
    RunOptions::create(&container, &command, "n", "/sb", "/m", CreateArguments::default())
}

const COMMAND: &str = r#"{"value":"true"}"#;

#[test]
fn contradictions_are_errors() {
    let docker = r#""type":"DOCKER","docker":{"image":"a"}"#;
    let user = r#""type":"DOCKER","docker":{"image":"a","network":"USER"}"#;
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
        (
            format!(
                r#"{{{docker},"volumes":[{{"mode":"RW","container_path":"a","host_path":"b"}}]}}"#
            ),
            COMMAND,
            "are relative",
        ),
        (
            format!(r#"{{{docker},"volumes":[{{"mode":"RW","container_path":"/a"}}]}}"#),
            COMMAND,
            "Host path or volume source",
        ),
        (
            format!(
                r#"{{{docker},"volumes":[{{"mode":"RW","container_path":"/a","source":{{"type":"DOCKER_VOLUME","docker_volume":{{"name":"v"}}}}}}]}}"#
            ),
            COMMAND,
            "ContainerInfo.volumes.source.docker_volume is not supported yet: v",
        ),
        (
            r#"{"type":"DOCKER","docker":{"image":"a","volume_driver":"d"}}"#.to_owned(),
            COMMAND,
            "ContainerInfo.docker.volume_driver is not supported yet: d",
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
fn environments_have_an_order_of_precedence() {
    let container = ContainerInfo {
        docker: Some(DockerInfo { image: "a".to_owned(), ..DockerInfo::default() }),
        ..ContainerInfo::default()
    };
    let text = r#"{"value":"x","environment":{"variables":[
        {"name":"A","value":"command"},{"name":"B","value":"command"},
        {"name":"MESOS_SANDBOX","value":"command"}]}}"#;
    let command: CommandInfo =
        mesos::json::from_value(&serde_json::from_str(text).unwrap()).unwrap();
    let env = BTreeMap::from([("B".to_owned(), "given".to_owned())]);
    let arguments = CreateArguments { env: Some(&env), ..CreateArguments::default() };
    let options = RunOptions::create(&container, &command, "n", "/sb", "/m", arguments).unwrap();
    let value = |name: &str| options.env.get(name).map(String::as_str);
    assert_eq!(value("A"), Some("command"));
    assert_eq!(value("B"), Some("given"));
    assert_eq!(value("MESOS_SANDBOX"), Some("/m"));
    assert_eq!(value("MESOS_CONTAINER_NAME"), Some("n"));
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
    assert_eq!(calculate_oom_score_adj(Bytes::gigabytes(2), Bytes::gigabytes(1)), 0);
    assert_eq!(calculate_oom_score_adj(Bytes::ZERO, Bytes::ZERO), 1000);
}
