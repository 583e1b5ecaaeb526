//! The containers that the original agent made, made again: our create request for the same task
//! gives the same Config and HostConfig on a real Docker Engine.
//!
//! The recordings are in `tests/golden`. Names, the sandbox and images are those of this test; what
//! else may differ, and why, is in [`EXPLAINED`].

use docker::{Api, Bollard, CreateArguments, RunOptions};
use drydock_tests::{DockerLab, ImageSpec, names};
use mesos::value::Scalar;
use mesos::{Bytes, CommandInfo, ContainerInfo, Resource, Resources};
use process::Outcome;
use serde_json::Value;
use std::time::Duration;
use tempfile::TempDir;

const RECORDED: &str = include_str!("../golden/containers.jsonl");
const MAPPED: &str = "/mnt/mesos/sandbox";
const LIMIT: Duration = Duration::from_secs(60);

/// Fields that differ although nothing is wrong.
const EXPLAINED: [(&str, &str); 2] = [
    ("Config.Hostname", "the machine's name with the host's network, else a part of the id"),
    ("HostConfig.LogConfig", "the daemon's own default"),
];

/// Fields that differ with another version of the Engine than the recordings', 20.10.
const OF_THE_VERSION: [(&str, &str); 8] = [
    ("HostConfig.CgroupnsMode", "private where there is version 2 of cgroups"),
    ("HostConfig.MaskedPaths", "newer Engines mask more"),
    ("HostConfig.ReadonlyPaths", "newer Engines protect more"),
    ("HostConfig.KernelMemory", "newer Engines do not show it"),
    ("HostConfig.KernelMemoryTCP", "newer Engines do not show it"),
    ("HostConfig.Isolation", "newer Engines do not show it"),
    ("HostConfig.OomKillDisable", "unknown to version 2 of cgroups"),
    ("HostConfig.MemorySwap", "as the kernel can"),
];

/// A recording with this test's names in place of its own.
fn renamed(
    line: &str,
    lab: &DockerLab,
    sandbox: &TempDir,
    image: impl Fn(&str) -> String,
) -> Value {
    let json: Value = serde_json::from_str(line).expect("a recording is JSON");
    let text = |key: &str| json[key].as_str().expect("a text").to_owned();
    let directory = sandbox.path().to_str().expect("an ASCII path");
    let mut line = line
        .replace(&text("container_name"), &names::unique("mesos-golden"))
        .replace(&text("sandbox"), directory)
        .replace("/var/lib/mesos/hostvol", &format!("{directory}/hostvol"))
        // What the images with Mesos's programs say; here they are busybox as well.
        .replace("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "PATH=/bin");
    for name in ["bb:1", "ep:1", "mesos:1", "mesos:2"] {
        let name_here = format!("\"{}/{}\"", lab.registry.host(), image(name));
        line = line.replace(&format!("\"{name}\""), &name_here);
    }
    serde_json::from_str(&line).expect("still JSON")
}

fn options(json: &Value) -> RunOptions {
    let container: ContainerInfo = mesos::json::from_value(&json["container"]).expect("container");
    let command: CommandInfo = mesos::json::from_value(&json["command"]).expect("command");
    let resources = json["resources"].as_array().expect("resources").iter();
    let resources: Vec<Resource> =
        resources.map(|one| mesos::json::from_value(one).expect("a resource")).collect();
    let resources = Resources::from(&resources).allocated_to("*");
    let limits = json["limits"].as_object().expect("limits").iter();
    let limits = limits.map(|(name, limit)| {
        (name.clone(), Scalar { value: limit["value"].as_f64().expect("a number") })
    });
    let env = json["env"].as_object().expect("env").iter();
    let env = env.map(|(name, value)| (name.clone(), value.as_str().expect("a text").to_owned()));
    let text = |key: &str| json[key].as_str().expect("a text");
    let arguments = CreateArguments {
        resource_requests: Some(&resources),
        enable_cfs_quota: json["cfs"] == true,
        env: Some(&env.collect()),
        resource_limits: Some(&limits.collect()),
        // The machine's that the recordings were made on.
        total_memory: Some(Bytes::gigabytes(25)),
        ..CreateArguments::default()
    };
    let (name, sandbox) = (text("container_name"), text("sandbox"));
    RunOptions::create(&container, &command, name, sandbox, MAPPED, arguments).expect("options")
}

/// Fields of a section that differ and are not explained.
fn differences(explained: &[&str], section: &str, recorded: &Value, here: &Value) -> Vec<String> {
    let mut names: Vec<&String> =
        [recorded, here].iter().filter_map(|it| it.as_object()).flat_map(|it| it.keys()).collect();
    names.sort();
    names.dedup();
    let different = |name: &&&String| {
        let field = format!("{section}.{name}");
        let sorted = |value: &Value| match value.as_array() {
            // These come out of maps of Go's, in any order.
            Some(values) if matches!(&*field, "Config.Env" | "HostConfig.Binds") => {
                let mut values = values.clone();
                values.sort_by_key(ToString::to_string);
                Value::from(values)
            }
            _ => value.clone(),
        };
        !explained.contains(&&*field)
            && sorted(&recorded[name.as_str()]) != sorted(&here[name.as_str()])
    };
    let show = |name: &&String| {
        let (recorded, here) = (&recorded[name.as_str()], &here[name.as_str()]);
        format!("{section}.{name}: recorded {recorded}, here {here}")
    };
    names.iter().filter(|name| different(name)).map(show).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn golden_containers_are_reproduced() {
    let Some(lab) = DockerLab::require() else { return };
    let mut images = Vec::new();
    for (name, spec) in [
        ("bb:1", ImageSpec::busybox()),
        ("ep:1", ImageSpec::entrypoint()),
        ("mesos:1", ImageSpec { name: "mesos".into(), command: vec![], ..ImageSpec::busybox() }),
        (
            "mesos:2",
            ImageSpec {
                name: "mesos".into(),
                tag: "2".into(),
                command: vec![],
                ..ImageSpec::busybox()
            },
        ),
    ] {
        let image = lab.images.load(&spec).await.expect("loaded");
        images.push((name, image.path));
    }
    let image = |name: &str| {
        let found = images.iter().find(|(known, _)| *known == name);
        found.expect("one of the images").1.clone()
    };
    let api = Bollard::connect(Some(&lab.engine.host())).expect("the Engine of the lab");
    let sandbox = tempfile::tempdir().expect("a directory");

    let mut explained: Vec<&str> = EXPLAINED.iter().map(|(field, _)| *field).collect();
    let version = lab.engine.version().await.expect("an answer")["Version"].clone();
    if !version.as_str().is_some_and(|version| version.starts_with("20.10.")) {
        explained.extend(OF_THE_VERSION.iter().map(|(field, _)| *field));
    }

    let mut compared = 0;
    let mut wrong = Vec::new();
    for line in RECORDED.lines() {
        let json = renamed(line, &lab, &sandbox, image);
        for recorded in json["inspects"].as_array().expect("inspects") {
            let request = options(&json).create_request().expect("a request");
            let name = request.name.expect("a name");
            let created = api.create_container(&name, &request.body).wait(LIMIT);
            let Some(Outcome::Ready(Ok(id))) = created else { panic!("{name}: {created:?}") };
            let here = lab.engine.inspect_container(&id).await.expect("an answer").expect("it");
            for section in ["Config", "HostConfig"] {
                let found = differences(&explained, section, &recorded[section], &here[section]);
                wrong.extend(found.iter().map(|it| format!("{}: {it}", json["name"])));
            }
            // Image and options together: what would be executed.
            for field in ["Path", "Args"] {
                if recorded[field] != here[field] {
                    wrong.push(format!("{}: {field}: {}", json["name"], here[field]));
                }
            }
            lab.engine.remove_container(&id).await.expect("removed");
            compared += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(compared, 34);
}
