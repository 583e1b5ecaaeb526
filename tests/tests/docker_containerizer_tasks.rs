//! Twins of upstream's `src/tests/containerizer/docker_containerizer_tests.cpp` about tasks, by
//! `drydock run`: the agent, the docker executor and a real Engine.

#![allow(clippy::disallowed_methods, reason = "a test of a real Engine in real time")]

mod live;
mod stage;

use drydock_tests::{DockerLab, ImageSpec, Network, require_engine};
use live::{LIMIT, Runner, Task, assert_no_container, finish, signal, until, within};
use mesos::container_info::{DockerInfo, Type, docker_info};
use mesos::{ContainerInfo, NetworkInfo, TaskInfo, TaskState};
use serde_json::{Value, json};
use stage::{Seen, Stage};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A command task with this `TaskInfo`, whatever of it is given.
fn task(image: &str, given: Value) -> Value {
    let mut task = json!({
        "name": "test", "task_id": { "value": "t" }, "agent_id": { "value": "" },
        "resources": [
            { "name": "cpus", "type": "SCALAR", "scalar": { "value": 0.5 } },
            { "name": "mem", "type": "SCALAR", "scalar": { "value": 64 } },
        ],
        "container": { "type": "DOCKER", "docker": { "image": image } },
    });
    let (Value::Object(task_fields), Value::Object(given)) = (&mut task, given) else {
        panic!("objects");
    };
    task_fields.extend(given);
    task
}

fn file(runner: &Runner, task: &Value) -> PathBuf {
    let file = runner.work_dir.path().join("task.json");
    std::fs::write(&file, task.to_string()).expect("written");
    file
}

async fn run(spec: &ImageSpec, given: Value) -> Option<Task> {
    let lab = DockerLab::require()?;
    let image = lab.images.load(spec).await.expect("loaded");
    let runner = Runner::new();
    let file = file(&runner, &task(&image.at(&lab.registry.host()), given));
    let mut task = runner.task(&[file.to_str().expect("UTF-8")]).await;
    assert_no_container(&lab).await;
    // The sandbox goes with the runner.
    task.json["stdout"] = json!(std::fs::read_to_string(sandbox(&task).join("stdout")).ok());
    task.json["stderr"] = json!(std::fs::read_to_string(sandbox(&task).join("stderr")).ok());
    Some(task)
}

fn sandbox(task: &Task) -> PathBuf {
    task.json["sandbox"].as_str().expect("a sandbox").into()
}

fn shell(command: &str) -> Value {
    json!({ "command": { "value": command } })
}

#[tokio::test]
async fn root_docker_max_completion_time() {
    let mut given = shell("sleep 1000");
    given["max_completion_time"] = json!({ "nanoseconds": 2_000_000_000_u64 });
    let Some(task) = run(&ImageSpec::busybox(), given).await else { return };
    assert_eq!(task.states().last(), Some(&"TASK_FAILED"));
    assert_eq!(task.reason(), "REASON_MAX_COMPLETION_TIME_REACHED");
}

#[tokio::test]
async fn root_docker_logs() {
    let command = "echo out $((40 + 2)); echo err $((40 + 3)) >&2";
    let Some(task) = run(&ImageSpec::busybox(), shell(command)).await else { return };
    assert_eq!(task.states(), ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]);
    assert_eq!(
        (&task.json["stdout"], &task.json["stderr"]),
        (&json!("out 42\n"), &json!("err 43\n"))
    );
}

#[tokio::test]
async fn root_docker_default_cmd() {
    let given = json!({ "command": { "shell": false } });
    let Some(task) = run(&ImageSpec::entrypoint(), given).await else { return };
    assert_eq!(task.states().last(), Some(&"TASK_FINISHED"), "{}", task.message());
    assert_eq!(task.json["stdout"], "entry dflt1 dflt2\n");
}

#[tokio::test]
async fn root_docker_default_cmd_override() {
    let given = json!({ "command": { "shell": false, "value": "overridden" } });
    let Some(task) = run(&ImageSpec::entrypoint(), given).await else { return };
    assert_eq!(task.states().last(), Some(&"TASK_FINISHED"), "{}", task.message());
    assert_eq!(task.json["stdout"], "entry overridden\n");
}

#[tokio::test]
async fn root_docker_default_cmd_args() {
    let given = json!({ "command": { "shell": false, "arguments": ["uno", "due"] } });
    let Some(task) = run(&ImageSpec::entrypoint(), given).await else { return };
    assert_eq!(task.states().last(), Some(&"TASK_FINISHED"), "{}", task.message());
    assert_eq!(task.json["stdout"], "entry uno due\n");
}

#[tokio::test]
async fn root_docker_allocation_role_environment_variable() {
    let mut given = shell("echo $MESOS_ALLOCATION_ROLE");
    given["resources"] = json!([{
        "name": "cpus", "type": "SCALAR", "scalar": { "value": 0.1 },
        "allocation_info": { "role": "role1" },
    }]);
    let Some(task) = run(&ImageSpec::busybox(), given).await else { return };
    assert_eq!(task.json["stdout"], "role1\n", "{}", task.message());
}

/// What a container sees of its control groups of version 1; nothing in version 2, where they have
/// other names.
const LIMITS: &str = "cd /sys/fs/cgroup; test -d memory || exit 0; cat cpu/cpu.shares \
                      cpu/cpu.cfs_quota_us memory/memory.limit_in_bytes \
                      memory/memory.soft_limit_in_bytes; cat /proc/self/oom_score_adj";

#[tokio::test]
async fn root_docker_cgroups_cfs_command_task_limits() {
    let mut given = shell(LIMITS);
    given["limits"] = json!({ "cpus": { "value": 1 }, "mem": { "value": 128 } });
    let Some(task) = run(&ImageSpec::busybox(), given).await else { return };
    assert_eq!(task.states().last(), Some(&"TASK_FINISHED"), "{}", task.message());
    let seen = task.json["stdout"].as_str().expect("text");
    let lines: Vec<&str> = seen.lines().collect();
    if !lines.is_empty() {
        assert_eq!(lines[..4], ["512", "100000", "134217728", "67108864"]);
        let score: i64 = lines[4].parse().expect("a number");
        assert!((1..1000).contains(&score), "burstable: {score}");
    }
}

#[tokio::test]
async fn root_docker_cgroups_cfs_command_task_infinite_limits() {
    let mut given = shell(LIMITS);
    given["limits"] = json!({ "cpus": { "value": "Infinity" }, "mem": { "value": "Infinity" } });
    let Some(task) = run(&ImageSpec::busybox(), given).await else { return };
    assert_eq!(task.states().last(), Some(&"TASK_FINISHED"), "{}", task.message());
    let seen = task.json["stdout"].as_str().expect("text");
    let lines: Vec<&str> = seen.lines().collect();
    if !lines.is_empty() {
        assert_eq!((lines[0], lines[1], lines[3]), ("512", "-1", "67108864"));
        assert!(lines[2].parse::<u64>().expect("a number") > 1 << 60, "{seen}");
    }
}

/// Runs a task, waits until it runs, and asks the program to end it, once.
async fn killed(given: Value) -> Option<Task> {
    let lab = DockerLab::require()?;
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let runner = Runner::new();
    let file = file(&runner, &task(&image.at(&lab.registry.host()), given));
    let mut child = runner.start(&[file.to_str().expect("UTF-8")]);
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut states = Vec::new();
    while let Some(line) = within("a line", LIMIT, lines.next_line()).await.expect("UTF-8") {
        let state = line.split_whitespace().find(|word| word.starts_with("TASK_"));
        states.extend(state.map(str::to_owned));
        if state == Some("TASK_RUNNING") {
            signal(&child, "INT");
        }
    }
    let finished = finish(child).await;
    assert_no_container(&lab).await;
    let updates: Vec<Value> = states.iter().map(|state| json!({ "state": state })).collect();
    Some(Task { code: finished.code, json: json!({ "updates": updates }) })
}

#[tokio::test]
async fn root_docker_kill() {
    let Some(task) = killed(shell("sleep 1000")).await else { return };
    assert_eq!(task.states().last(), Some(&"TASK_KILLED"));
}

#[tokio::test]
async fn root_docker_no_transition_from_killing_to_finished() {
    let command = "trap 'exit 0' TERM; while true; do sleep 1; done";
    let mut given = shell(command);
    given["kill_policy"] = json!({ "grace_period": { "nanoseconds": 20_000_000_000_u64 } });
    let Some(task) = killed(given).await else { return };
    assert_eq!(task.states().last(), Some(&"TASK_KILLED"), "although it ended with 0");
}

/// What is sent to the host's port arrives in the container, whose `nc` writes it down.
#[tokio::test]
async fn root_docker_nc_port_mapping() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let port = {
        let free = std::net::TcpListener::bind("0.0.0.0:0").expect("a port");
        free.local_addr().expect("it is bound").port()
    };
    let runner = Runner::new();
    let mut task = task(&image.at(&lab.registry.host()), shell("exec nc -l -p 1000"));
    task["container"]["docker"]["network"] = json!("BRIDGE");
    task["container"]["docker"]["port_mappings"] =
        json!([{ "host_port": port, "container_port": 1000 }]);
    let ports = json!({ "name": "ports", "type": "RANGES",
        "ranges": { "range": [{ "begin": port, "end": port }] } });
    task["resources"].as_array_mut().expect("an array").push(ports);
    let file = file(&runner, &task);
    let mut child = runner.start(&[file.to_str().expect("UTF-8")]);
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let (mut sandbox, mut last) = (PathBuf::new(), String::new());
    while let Some(line) = within("a line", LIMIT, lines.next_line()).await.expect("UTF-8") {
        if let Some(path) = line.strip_prefix("Sandbox: ") {
            sandbox = path.into();
        }
        if line.contains("TASK_RUNNING") {
            // Docker accepts for the container before that listens, and then hangs up; and once
            // `nc` has what it wants nobody accepts, maybe before its output is in the file.
            until("the data to arrive", LIMIT, async || {
                if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await {
                    let _ = stream.write_all(b"hello docker").await;
                    let _ = stream.shutdown().await;
                    let mut rest = Vec::new();
                    let _ = stream.read_to_end(&mut rest).await;
                }
                std::fs::read(sandbox.join("stdout")).is_ok_and(|it| it == b"hello docker")
            })
            .await;
        }
        last = line;
    }
    assert_eq!(finish(child).await.code, Some(0), "{last}");
}

/// The log files of a task belong to its user.
#[tokio::test]
async fn root_docker_unprivileged_user_non_root_sandbox() {
    let given = json!({ "command": { "value": "echo out; echo err >&2", "user": "nobody" } });
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let runner = Runner::new();
    let file = file(&runner, &task(&image.at(&lab.registry.host()), given));
    let task = runner.task(&[file.to_str().expect("UTF-8")]).await;
    assert_eq!(task.states().last(), Some(&"TASK_FINISHED"), "{}", task.message());
    let passwd = std::fs::read_to_string("/etc/passwd").expect("there are users");
    let nobody = passwd.lines().find_map(|line| line.strip_prefix("nobody:x:"));
    let nobody: u32 = nobody.and_then(|it| it.split(':').next()?.parse().ok()).expect("a uid");
    for (name, content) in [("stdout", "out\n"), ("stderr", "err\n")] {
        assert_eq!(task.file(name), content);
        let metadata = std::fs::metadata(sandbox(&task).join(name)).expect("it is there");
        assert_eq!(metadata.uid(), nobody, "{name}");
        assert_ne!(metadata.mode() & 0o200, 0, "its user can write to it");
    }
    assert_no_container(&lab).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn root_docker_usernetwork_launch_ipv6_container() {
    // Before the lab, so that it goes after the containers.
    let Some(engine) = require_engine() else { return };
    let network = Network::create_ipv6(&engine).await.expect("a network");
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let docker = DockerInfo {
        image: image.at(&lab.registry.host()),
        network: Some(docker_info::Network::User.into()),
        ..DockerInfo::default()
    };
    let wanted = NetworkInfo { name: Some(network.name.clone()), ..NetworkInfo::default() };
    let container = ContainerInfo {
        r#type: Type::Docker.into(),
        docker: Some(docker),
        network_infos: vec![wanted],
        ..ContainerInfo::default()
    };
    let given = TaskInfo { container: Some(container), ..TaskInfo::default() };
    let mut stage = Stage::new(&lab).await;
    stage.run_task("", "sleep 1000", &[], given);
    let running =
        |seen: &Seen| seen.updates.iter().any(|(state, _)| *state == TaskState::TaskRunning);
    let seen = stage.wait("TASK_RUNNING", running).await;
    let name = stage.destroy(&lab, "Container killed").await;
    assert!(name.starts_with("mesos-"));
    let (v6, v4): (Vec<_>, Vec<_>) = seen.addresses.into_iter().partition(|(_, is_v6)| *is_v6);
    assert_eq!((v4.len(), v6.len()), (1, 1), "{v4:?} {v6:?}");
    assert!(v4[0].0.parse::<std::net::Ipv4Addr>().is_ok(), "{v4:?}");
    assert!(v6[0].0.starts_with("fddc:"), "{v6:?}");
}
