//! The shape of answers: the same fields, of the same types, as in the answers of an Engine
//! (20.10.24) to the same requests.

use super::Rig;
use crate::environment::daemon::{
    Chunk, ContainerConfig, EventOptions, ExecConfig, Filters, NetworkConfig, Request, Resources,
    Streams, Update, WaitCondition, json,
};
use crate::environment::tests::seconds;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Objects whose keys are names that somebody has chosen, or ids.
const MAPS: [&str; 12] = [
    "Containers",
    "Networks",
    "Ports",
    "Labels",
    "Config.Config",
    "Data",
    "Runtimes",
    "IndexConfigs",
    "Options",
    "ExposedPorts",
    "PortBindings",
    "networks",
];

/// Fields that differ, and why.
const EXPLAINED: [(&str, &str); 10] = [
    ("ContainerConfig", "the recorded image was imported, where this says nothing"),
    ("stats", "the kernel's figures about memory are many, the simulator's are few"),
    ("percpu_usage", "a list of numbers, one for each processor"),
    ("LogConfig.Config", "that Engine was configured to rotate its logs"),
    ("Plugins.Network", "the simulator has fewer drivers"),
    ("Plugins.Log", "the simulator has fewer drivers"),
    ("SecurityOptions", "the simulator has none"),
    ("Components", "the versions of other programs are named otherwise"),
    ("io.containerd", "the simulator has one runtime"),
    ("Error", "an error is an object only where there is one"),
];

/// The type of every field, by its path.
fn shape(value: &Value, path: &str, shapes: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    shapes.entry(path.to_owned()).or_default().insert(kind);
    match value {
        Value::Array(all) => {
            for one in all {
                shape(one, &format!("{path}[]"), shapes);
            }
        }
        Value::Object(object) => {
            let is_map = MAPS.iter().any(|name| path.ends_with(&format!(".{name}")));
            for (key, one) in object {
                let key = if is_map { "*" } else { key };
                shape(one, &format!("{path}.{key}"), shapes);
            }
        }
        _ => {}
    }
}

fn compare(name: &str, recorded: &Value, simulated: &Value, differences: &mut Vec<String>) {
    let (mut theirs, mut ours) = (BTreeMap::new(), BTreeMap::new());
    shape(recorded, "", &mut theirs);
    shape(simulated, "", &mut ours);
    let all: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    for path in all {
        if EXPLAINED.iter().any(|(field, _)| path.contains(field)) {
            continue;
        }
        if ours.get(path) != theirs.get(path) {
            let (ours, theirs) = (ours.get(path), theirs.get(path));
            differences.push(format!("{name}: {path}: ours {ours:?}, the Engine's {theirs:?}"));
        }
    }
}

fn recorded() -> serde_json::Map<String, Value> {
    serde_json::from_str(include_str!("data/answers.json")).unwrap()
}

fn config() -> ContainerConfig {
    let body = json!({
        "Image": "bb:1", "Cmd": ["sleep", "1000"], "Labels": {"k": "v"}, "Env": ["A=b"],
        "ExposedPorts": {"80/tcp": {}},
        "HostConfig": {
            "Binds": ["/tmp:/x:ro", "vol1:/y"], "Memory": 100_000_000,
            "PortBindings": {"80/tcp": [{"HostPort": "18098"}]},
            "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2},
        },
    });
    ContainerConfig::from_json(&body).unwrap()
}

/// The same conversation as was recorded.
fn simulated() -> BTreeMap<&'static str, Value> {
    let rig = Rig::interpreting();
    let container = || "aa".into();
    let mut answers = BTreeMap::new();
    let mut keep = |name, request| {
        let talk = rig.send(request);
        rig.pass(seconds(2));
        answers.insert(name, talk.body());
        answers[name].clone()
    };
    let inspect = || Request::Inspect { container: container(), size: false };
    let list = || {
        let options = crate::environment::daemon::ListOptions { all: true, ..Default::default() };
        Request::List(options)
    };
    let stats = || Request::Stats { container: container(), stream: false, one_shot: false };
    keep("version", Request::Version);
    keep("info", Request::Info);
    keep("created", Request::Create { name: Some(container()), config: Arc::new(config()) });
    keep("inspect-created", inspect());
    keep("list-created", list());
    keep("stats-created", stats());
    rig.start("aa").expect(204);
    keep("inspect-running", inspect());
    keep("list-running", list());
    keep("stats-running", stats());
    keep("top", Request::Top { container: container(), arguments: String::new() });
    let streams = Streams { stdout: true, ..Streams::default() };
    let command = vec!["echo".to_owned(), "hi".to_owned()];
    let exec = ExecConfig { command, streams, ..ExecConfig::default() };
    let created =
        keep("exec-created", Request::ExecCreate { container: container(), config: exec });
    let exec: Arc<str> = created["Id"].as_str().unwrap().into();
    keep("exec-inspect", Request::ExecInspect { exec: Arc::clone(&exec) });
    rig.ask(Request::ExecStart { exec: Arc::clone(&exec), detach: false, tty: false });
    keep("exec-inspect-ended", Request::ExecInspect { exec });
    let labels = [("a".to_owned(), "b".to_owned())].into();
    let net = NetworkConfig { name: "net1".to_owned(), labels, ..NetworkConfig::default() };
    keep("network-created", Request::CreateNetwork { config: net });
    let network = || "net1".into();
    rig.ask(Request::Connect { network: network(), container: container(), aliases: Vec::new() });
    keep("network", Request::InspectNetwork { network: network() });
    keep("networks", Request::Networks { filters: Filters::default() });
    keep("inspect-two-networks", inspect());
    rig.ask(Request::Kill { container: container(), signal: 9 });
    keep("wait", Request::Wait { container: container(), condition: WaitCondition::NotRunning });
    keep("inspect-exited", inspect());
    keep("list-exited", list());
    let resources = Resources { cpu_shares: 7, ..Resources::default() };
    let update = Update { resources, restart: None };
    keep("update", Request::Update { container: container(), update });
    keep("image", Request::InspectImage { image: "bb:1".into() });
    let images = Request::Images { all: false, digests: false, filters: Filters::default() };
    keep("images", images);
    keep("history", Request::History { image: "bb:1".into() });
    keep("df", Request::DiskUsage);
    keep("volumes", Request::Volumes { filters: Filters::default() });
    rig.ask(Request::Remove { container: container(), force: true, volumes: false }).expect(204);
    rig.ask(Request::RemoveNetwork { network: network() }).expect(204);
    keep("volume", Request::InspectVolume { volume: "vol1".into() });
    rig.ask(Request::RemoveVolume { volume: "vol1".into(), force: false }).expect(204);
    rig.ask(Request::Tag { image: "bb:1".into(), repository: "x/y".into(), tag: "1".into() });
    keep("removed-image", Request::RemoveImage { image: "x/y:1".into(), force: false });
    answers.insert("events", events(&rig));
    answers
}

/// All events, one of each kind and action.
fn events(rig: &Rig) -> Value {
    let until = rig.daemon.settings().epoch + rig.simulation.now().since_epoch();
    let options = EventOptions { until: Some(until), ..EventOptions::default() };
    let talk = rig.send(Request::Events(options));
    rig.pass(seconds(1));
    let mut seen = BTreeMap::new();
    for chunk in talk.chunks() {
        assert!(matches!(chunk, Chunk::Event(_)));
        let event: Value = serde_json::from_slice(&json::chunk(&chunk, false)).unwrap();
        let action = event["Action"].as_str().unwrap().split(':').next().unwrap().to_owned();
        seen.insert((event["Type"].to_string(), action), event);
    }
    seen.into_values().collect()
}

#[test]
fn answers_have_the_fields_of_the_engines() {
    let mut differences = Vec::new();
    let (recorded, mut simulated) = (recorded(), simulated());
    let events = simulated.remove("events").unwrap();
    for (name, theirs) in &recorded {
        if name != "events" {
            let ours = simulated.remove(name.as_str());
            let ours = ours.unwrap_or_else(|| panic!("{name} was not asked"));
            compare(name, theirs, &ours, &mut differences);
        }
    }
    assert!(simulated.is_empty(), "not recorded: {:?}", simulated.keys());
    let by_kind = |events: &Value| -> BTreeMap<String, Value> {
        let key = |event: &Value| format!("{} {}", event["Type"], event["Action"]);
        events.as_array().unwrap().iter().map(|event| (key(event), event.clone())).collect()
    };
    let (theirs, ours) = (by_kind(&recorded["events"]), by_kind(&events));
    let mut compared = 0;
    for (kind, event) in &theirs {
        // The recording has events of other conversations, too.
        if let Some(own) = ours.get(kind) {
            compare(kind, event, own, &mut differences);
            compared += 1;
        }
    }
    assert!(compared >= 16, "{compared}");
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn values_that_follow_from_the_request_are_the_engines() {
    let (recorded, simulated) = (recorded(), simulated());
    for (answer, fields) in [
        (
            "inspect-running",
            &["/HostConfig/Binds", "/HostConfig/Memory", "/HostConfig/MemorySwap"][..],
        ),
        ("inspect-running", &["/HostConfig/PortBindings", "/HostConfig/RestartPolicy"]),
        (
            "inspect-running",
            &["/HostConfig/NetworkMode", "/HostConfig/ShmSize", "/HostConfig/Runtime"],
        ),
        (
            "inspect-running",
            &["/Config/Env", "/Config/Cmd", "/Config/Labels", "/Config/ExposedPorts"],
        ),
        ("inspect-running", &["/Path", "/Args", "/Name", "/Mounts", "/NetworkSettings/Ports"]),
        ("inspect-running", &["/State/Status", "/State/ExitCode", "/State/Error"]),
        ("inspect-running", &["/NetworkSettings/IPAddress", "/NetworkSettings/MacAddress"]),
        ("inspect-created", &["/State/StartedAt", "/State/FinishedAt", "/State/Pid", "/LogPath"]),
        ("inspect-exited", &["/State/ExitCode", "/State/Running", "/NetworkSettings/IPAddress"]),
        ("list-running", &["/0/Command", "/0/Ports", "/0/State", "/0/Mounts", "/0/Names"]),
        ("exec-inspect", &["/ExitCode", "/Running", "/ProcessConfig", "/OpenStdout", "/Pid"]),
        ("exec-inspect-ended", &["/ExitCode", "/Running"]),
        ("wait", &["/StatusCode", "/Error"]),
        ("removed-image", &["/0/Untagged"]),
        ("top", &["/Titles"]),
    ] {
        for field in fields {
            let theirs = recorded[answer].pointer(field);
            assert!(theirs.is_some(), "{answer} {field}");
            assert_eq!(simulated[answer].pointer(field), theirs, "{answer} {field}");
        }
    }
}
