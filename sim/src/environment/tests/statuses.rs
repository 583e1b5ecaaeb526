//! The status table: what each request is answered in each state of a container, word for word as
//! an Engine (20.10.24) answered the same requests, and what state it leaves.

use super::Rig;
use crate::environment::daemon::rules::Rule;
use crate::environment::daemon::{
    ContainerConfig, ContainerState, ExecConfig, LogOptions, Method, Reply, Request, Resources,
    Restart, Shutdown, Streams, Update, WaitCondition, json,
};
use crate::environment::tests::{millis, seconds};
use serde::Deserialize;

/// One recorded row.
#[derive(Debug, Deserialize)]
struct Row {
    state: String,
    request: String,
    status: u16,
    message: Option<String>,
    after: Option<String>,
}

const NAME: &str = "row";

fn rows() -> Vec<Row> {
    serde_json::from_str(include_str!("data/statuses.json")).unwrap()
}

fn command(words: &[&str]) -> ContainerConfig {
    ContainerConfig {
        image: "bb:1".to_owned(),
        command: words.iter().map(|word| (*word).to_owned()).collect(),
        ..ContainerConfig::default()
    }
}

/// Brings a container into a state.
fn bring(rig: &Rig, state: &str) {
    let config = match state {
        "missing" => return,
        "refused" => command(&["nosuch"]),
        "exited" => command(&["sh", "-c", "exit 3"]),
        "restarting" => ContainerConfig { restart: Restart::Always, ..command(&["false"]) },
        _ => command(&["sleep", "1000"]),
    };
    rig.create_as(NAME, config).expect(201);
    if state == "created" {
        return;
    }
    let started = rig.start(NAME);
    match state {
        "refused" => {
            started.expect(400);
        }
        "paused" => {
            rig.ask(Request::Pause { container: NAME.into() }).expect(204);
        }
        "restarting" => {
            // Until the pause between two restarts is long enough to be met.
            while rig.inspect(NAME)["RestartCount"].as_u64() < Some(6) {}
            assert_eq!(rig.inspect(NAME)["State"]["Status"], "restarting");
        }
        _ => {
            started.expect(204);
            rig.pass(seconds(1));
        }
    }
}

fn request(name: &str) -> Request {
    let container = || NAME.into();
    match name {
        "start" => Request::Start { container: container() },
        "stop" => Request::Stop { container: container(), seconds: Some(0) },
        "restart" => Request::Restart { container: container(), seconds: Some(0) },
        "kill" => Request::Kill { container: container(), signal: 0 },
        "kill-term" => Request::Kill { container: container(), signal: 15 },
        "pause" => Request::Pause { container: container() },
        "unpause" => Request::Unpause { container: container() },
        "rename" => Request::Rename { container: container(), name: "row-new".into() },
        "remove" => Request::Remove { container: container(), force: false, volumes: false },
        "remove-force" => Request::Remove { container: container(), force: true, volumes: false },
        "inspect" => Request::Inspect { container: container(), size: false },
        "wait" => Request::Wait { container: container(), condition: WaitCondition::NotRunning },
        "logs" => {
            let streams = Streams { stdout: true, ..Streams::default() };
            let options = LogOptions { streams, ..LogOptions::default() };
            Request::Logs { container: container(), options }
        }
        "top" => Request::Top { container: container(), arguments: String::new() },
        "exec" => {
            let config = ExecConfig { command: vec!["true".to_owned()], ..ExecConfig::default() };
            Request::ExecCreate { container: container(), config }
        }
        "update" => {
            let resources = Resources { cpu_shares: 7, ..Resources::default() };
            let update = Update { resources, restart: None };
            Request::Update { container: container(), update }
        }
        "stats" => Request::Stats { container: container(), stream: false, one_shot: true },
        "resize" => Request::Resize { container: container() },
        "attach" => Request::Attach {
            container: container(),
            streams: Streams::default(),
            logs: false,
            stream: false,
        },
        other => panic!("no request {other}"),
    }
}

/// Ids differ; what does not is compared.
fn without_ids(message: &str) -> String {
    let mut text = String::new();
    for word in message.split_inclusive(' ') {
        let plain = word.trim_end_matches([' ', '.', ',']);
        let is_id = plain.len() == 64 && plain.bytes().all(|digit| digit.is_ascii_hexdigit());
        text.push_str(&if is_id { word.replace(plain, "<id>") } else { word.to_owned() });
    }
    text
}

#[test]
fn every_row_of_the_status_table_is_as_recorded() {
    let rows = rows();
    assert!(rows.len() > 120, "{}", rows.len());
    for row in rows {
        let rig = Rig::interpreting();
        bring(&rig, &row.state);
        let id = rig.daemon.container(NAME).map(|container| container.id);
        let request = request(&row.request);
        let method = request.method();
        let talk = rig.ask(request);
        let row_name = format!("{} a container that is {}", row.request, row.state);
        assert_eq!(talk.status(method), Some(row.status), "{row_name}: {:?}", talk.replies());
        let message = match talk.replies().first() {
            Some(Reply::Answer(Err(refusal))) => Some(without_ids(&refusal.message)),
            _ => None,
        };
        let recorded = row.message.as_deref().map(|message| message.trim_end().to_owned());
        assert_eq!(message, recorded, "{row_name}");
        let after = id.and_then(|id| {
            let inspected = rig.ask(Request::Inspect { container: id, size: false });
            let Some(Reply::Answer(Ok(answer))) = inspected.replies().pop() else { return None };
            let body = json::value(&answer)?;
            Some(body["State"]["Status"].as_str()?.to_owned())
        });
        // How soon the next restart comes is a matter of time.
        if (row.state.as_str(), row.request.as_str()) != ("restarting", "restart") {
            assert_eq!(after, row.after, "{row_name}");
        }
    }
}

#[test]
fn a_container_that_is_being_removed_or_is_dead_refuses_most() {
    let rig = Rig::interpreting();
    let rule: Rule = "remove:half-way*1".parse().unwrap();
    rig.daemon.set_rules(vec![rule]);
    rig.create(NAME, &["sleep", "9"]).expect(201);
    let remove =
        || rig.send(Request::Remove { container: NAME.into(), force: true, volumes: true });
    let (first, second) = (remove(), remove());
    rig.pass(millis(1));
    assert!(!first.is_over());
    assert_eq!(second.refusal().message, "removal of container row is already in progress");
    let start = rig.send(request("start"));
    rig.pass(millis(5));
    assert_eq!(
        (start.refusal().status, start.refusal().message.as_ref()),
        (409, "container is marked for removal and cannot be started")
    );
    rig.pass(millis(100));
    let stuck = first.refusal();
    assert_eq!(stuck.status, 500);
    assert!(stuck.message.contains("device or resource busy"), "{}", stuck.message);
    assert_eq!(rig.daemon.container(NAME).map(|one| one.state), Some(ContainerState::Dead));
    let state = &rig.inspect(NAME)["State"];
    assert_eq!((&state["Status"], &state["Dead"]), (&"dead".into(), &true.into()));
    rig.ask(request("start")).expect(409);
    rig.ask(request("logs")).expect(409);
    rig.ask(request("stop")).expect(304);
    // The next attempt succeeds.
    remove();
    rig.pass(millis(100));
    assert!(rig.daemon.container(NAME).is_none());
}

#[test]
fn a_daemon_that_is_not_there_answers_nothing() {
    let rig = Rig::interpreting();
    rig.daemon.restart(Shutdown::Killed, seconds(5));
    let talk = rig.ask(Request::Ping);
    assert!(matches!(talk.replies().as_slice(), [Reply::Unreachable]), "{:?}", talk.replies());
    rig.pass(seconds(5));
    rig.ask(Request::Ping).expect(200);
}

#[test]
fn every_request_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<_> =
        Method::ALL.iter().map(|method| method.name()).collect();
    assert_eq!(names.len(), Method::ALL.len());
}
