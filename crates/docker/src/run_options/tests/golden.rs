//! The recordings of the original (see `tests/golden/README.md`): the same tasks give the same
//! command lines, and create requests that say what the containers' Config and HostConfig say.

use super::super::*;
use crate::create_body::CreateBody;
use mesos::value::Scalar;
use mesos::{CommandInfo, ContainerInfo, Resource, Resources};
use serde_json::{Value, json};

const RECORDED: &str = include_str!("../../../../../tests/golden/containers.jsonl");
const MAPPED: &str = "/mnt/mesos/sandbox";

struct Case {
    json: Value,
    options: RunOptions,
}

impl Case {
    fn read(line: &str) -> Self {
        let json: Value = serde_json::from_str(line).unwrap();
        let container: ContainerInfo = mesos::json::from_value(&json["container"]).unwrap();
        let command: CommandInfo = mesos::json::from_value(&json["command"]).unwrap();
        let resources: Vec<Resource> = json["resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|resource| mesos::json::from_value(resource).unwrap())
            .collect();
        let resources = Resources::from(&resources).allocated_to("*");
        let limits = json["limits"].as_object().unwrap().iter();
        let limits = limits.map(|(name, limit)| {
            (name.clone(), Scalar { value: limit["value"].as_f64().unwrap() })
        });
        let env = json["env"].as_object().unwrap().iter();
        let env = env.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
        let text = |key: &str| json[key].as_str().unwrap();
        let options = RunOptions::create(
            &container,
            &command,
            text("container_name"),
            text("sandbox"),
            MAPPED,
            CreateArguments {
                resource_requests: Some(&resources),
                enable_cfs_quota: json["cfs"] == true,
                env: Some(&env.collect()),
                resource_limits: Some(&limits.collect()),
                // What the recording's score of 995 says of the machine it was made on.
                total_memory: Some(Bytes::gigabytes(25)),
                ..CreateArguments::default()
            },
        );
        let options = options.unwrap_or_else(|error| panic!("{}: {error}", text("name")));
        Case { options, json }
    }

    fn name(&self) -> String {
        format!("{}/{}", self.json["scenario"], self.json["name"])
    }
}

#[test]
fn command_lines_are_those_of_the_original() {
    let mut compared = 0;
    for case in RECORDED.lines().map(Case::read) {
        if let Some(argv) = case.json["argv"].as_array() {
            assert_eq!(json!(case.options.command_line()), json!(argv), "{}", case.name());
            compared += 1;
        }
    }
    assert_eq!(compared, 47);
}

/// What the daemon makes of the body of a request, as far as the recordings show it: it fills in
/// what is empty, from the image and from its own settings.
fn as_the_daemon_shows_it(body: &CreateBody, recorded: &Value) -> Value {
    let mut shown = serde_json::to_value(body).unwrap();
    let config = recorded["Config"].clone();
    let take = |shown: &mut Value, key: &str, empty: &Value| {
        if shown[key] == *empty {
            shown[key] = config[key].clone();
        }
    };
    // The host's name, or the beginning of the id.
    take(&mut shown, "Hostname", &json!(""));
    // From the image.
    take(&mut shown, "WorkingDir", &json!(""));
    take(&mut shown, "Cmd", &json!(null));
    take(&mut shown, "Entrypoint", &json!(null));
    take(&mut shown, "OnBuild", &json!(null));
    shown["Volumes"] = json!(null);
    let own = shown["Env"].as_array().cloned().unwrap_or_default();
    let image = config["Env"].as_array().unwrap().iter().filter(|variable| {
        let name = variable.as_str().unwrap().split('=').next().unwrap();
        matches!(name, "PATH" | "FOO") && !own.contains(variable)
    });
    let mut env: Vec<Value> = own.iter().chain(image).cloned().collect();
    env.sort_by_key(ToString::to_string);
    shown["Env"] = json!(env);

    let host = &mut shown["HostConfig"];
    let host_recorded = &recorded["HostConfig"];
    for (key, empty) in [
        // The daemon's own defaults.
        ("CgroupnsMode", json!("")),
        ("IpcMode", json!("")),
        ("ShmSize", json!(0)),
        ("Runtime", json!(null)),
        ("MaskedPaths", json!(null)),
        ("ReadonlyPaths", json!(null)),
        // Labels are off for privileged containers.
        ("SecurityOpt", json!(null)),
        // Twice the memory.
        ("MemorySwap", json!(0)),
        // -1 and 0 are what it is without them.
        ("MemorySwappiness", json!(-1)),
        ("PidsLimit", json!(0)),
    ] {
        if host[key] == empty || (empty.is_null() && host.get(key).is_none()) {
            host[key] = host_recorded[key].clone();
        }
    }
    if host["LogConfig"]["Type"] == "" {
        host["LogConfig"]["Type"] = json!("json-file");
    }
    // Fields that no option of the tasks sets, and that `docker run` sends with their zero values.
    for key in [
        "ConsoleSize",
        "ContainerIDFile",
        "Cgroup",
        "CpuCount",
        "CpuPercent",
        "IOMaximumIOps",
        "IOMaximumBandwidth",
        "KernelMemory",
        "KernelMemoryTCP",
    ] {
        host[key] = host_recorded[key].clone();
    }
    shown
}

#[test]
fn create_requests_say_what_the_containers_show() {
    let mut compared = 0;
    for case in RECORDED.lines().map(Case::read) {
        for recorded in case.json["inspects"].as_array().unwrap() {
            let request = case.options.create_request().unwrap();
            assert_eq!(request.name.as_deref(), case.json["container_name"].as_str());
            let mut shown = as_the_daemon_shows_it(&request.body, recorded);
            let mut config = recorded["Config"].clone();
            let mut host = recorded["HostConfig"].clone();
            // These come out of a map of Go's: in any order.
            for list in [&mut config["Env"], &mut host["Binds"], &mut shown["HostConfig"]["Binds"]]
            {
                list.as_array_mut().unwrap().sort_by_key(ToString::to_string);
            }
            for (section, recorded, shown) in
                [("Config", &config, &shown), ("HostConfig", &host, &shown["HostConfig"])]
            {
                for (key, value) in recorded.as_object().unwrap() {
                    assert_eq!(&shown[key], value, "{}: {section}.{key}", case.name());
                }
                let others = shown.as_object().unwrap().keys().filter(|key| {
                    !matches!(&***key, "HostConfig" | "NetworkingConfig")
                        && recorded.get(&**key).is_none()
                });
                assert_eq!(others.collect::<Vec<_>>(), Vec::<&String>::new(), "{}", case.name());
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 34);
}
