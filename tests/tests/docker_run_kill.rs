//! `drydock run` against a real Docker Engine: tasks that are ended from outside.

#![allow(clippy::disallowed_methods, reason = "a test of a real Engine in real time")]

mod live;

use drydock_tests::{DockerLab, Fault, ImageSpec, PushedImage, Stats, Target};
use live::{
    LIMIT, Runner, Task, assert_no_container, containers, finish, pull_ended_early, pull_under_way,
    signal, until, within,
};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

/// An image whose pull takes minutes.
async fn slow_image(lab: &DockerLab) -> PushedImage {
    let image = lab.images.push(&ImageSpec::big(8)).await.expect("pushed");
    lab.proxy.limit_total(Some(64 << 10));
    image
}

/// Reads its lines until one holds `text`.
async fn until_it_says(child: &mut Child, text: &str) {
    let stdout = child.stdout.as_mut().expect("it is piped");
    let mut lines = BufReader::new(stdout).lines();
    within(text, LIMIT, async {
        while let Some(line) = lines.next_line().await.expect("it can be read") {
            if line.contains(text) {
                return;
            }
        }
        panic!("it ended without '{text}'");
    })
    .await;
}

#[tokio::test]
async fn ctrl_c_while_pulling_ends_the_pull_at_the_registry() {
    let Some(lab) = DockerLab::require() else { return };
    let image = slow_image(&lab).await;
    let runner = Runner::new();
    let name = lab.proxy_name(&image);
    let child = runner.start(&["--docker_image", &name, "--command", "true", "--json"]);
    pull_under_way(&lab).await;

    signal(&child, "INT");
    pull_ended_early(&lab).await;
    let task = Task::new(&finish(child).await);
    assert_eq!((task.code, task.states()), (Some(1), vec!["TASK_KILLED"]));
    assert_eq!(task.reason(), "REASON_TASK_KILLED_DURING_LAUNCH");
    assert_no_container(&lab).await;
    assert_eq!(lab.engine.inspect_image(&name).await.expect("an answer"), None);
    runner.assert_no_process();
}

#[tokio::test]
async fn a_second_signal_while_pulling_changes_nothing() {
    let Some(lab) = DockerLab::require() else { return };
    let image = slow_image(&lab).await;
    let runner = Runner::new();
    let name = lab.proxy_name(&image);
    let child = runner.start(&["--docker_image", &name, "--command", "true", "--json"]);
    pull_under_way(&lab).await;
    signal(&child, "TERM");
    // It may have ended by now, and then a shell says that there is no such process.
    let pid = child.id().expect("it runs");
    let _ =
        std::process::Command::new("/bin/sh").args(["-c", &format!("kill -TERM {pid}")]).output();
    pull_ended_early(&lab).await;
    assert_eq!(Task::new(&finish(child).await).code, Some(1));
    runner.assert_no_process();
}

#[tokio::test]
async fn ctrl_c_stops_a_running_task_with_its_grace_period() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let name = image.at(&lab.registry.host());
    let runner = Runner::new();
    // It ends by itself on SIGTERM, so nobody has to wait for the grace period.
    let command = "trap 'echo bye; exit 7' TERM; sleep 1000 & wait";
    let mut child = runner.start(&["--docker_image", &name, "--command", command]);
    until_it_says(&mut child, "TASK_RUNNING").await;

    signal(&child, "INT");
    let finished = finish(child).await;
    assert_eq!(finished.code, Some(1));
    let (killing, killed) =
        (finished.stdout.find("TASK_KILLING"), finished.stdout.find("TASK_KILLED"));
    assert!(killing.is_some() && killing < killed, "{}", finished.stdout);
    assert!(finished.stdout.contains("Container exited with status 7"), "{}", finished.stdout);
    assert!(finished.stdout.contains("stdout, 4 bytes: "), "{}", finished.stdout);
    assert!(finished.stderr.contains("killing the task"), "{}", finished.stderr);
    assert_no_container(&lab).await;
    runner.assert_no_process();
}

#[tokio::test]
async fn a_second_ctrl_c_does_not_wait_for_the_grace_period() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let name = image.at(&lab.registry.host());
    let runner = Runner::new();
    let file = runner.work_dir.path().join("task.json");
    let task = serde_json::json!({
        "name": "stubborn",
        "task_id": { "value": "stubborn" },
        "command": { "value": "trap '' TERM; while true; do sleep 1; done" },
        "container": { "type": "DOCKER", "docker": { "image": name } },
        // An hour.
        "kill_policy": { "grace_period": { "nanoseconds": 3_600_000_000_000_i64 } },
    });
    std::fs::write(&file, task.to_string()).expect("written");
    let mut child = runner.start(&[file.to_str().expect("UTF-8")]);
    until_it_says(&mut child, "TASK_RUNNING").await;
    signal(&child, "INT");
    until_it_says(&mut child, "TASK_KILLING").await;
    signal(&child, "INT");
    assert_eq!(finish(child).await.code, Some(1));
    assert_no_container(&lab).await;
    runner.assert_no_process();
}

#[tokio::test]
async fn a_task_is_killed_when_its_time_is_up() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let name = image.at(&lab.registry.host());
    let runner = Runner::new();
    let command = "trap 'exit 0' TERM; sleep 1000 & wait";
    let arguments = ["--docker_image", &name, "--command", command, "--kill_after", "1secs"];
    let task = runner.task(&arguments).await;
    let states = task.states();
    assert_eq!(states, ["TASK_STARTING", "TASK_RUNNING", "TASK_KILLING", "TASK_KILLED"]);
    assert_eq!((task.code, task.message()), (Some(1), "Container exited with status 0"));
    assert_no_container(&lab).await;
    runner.assert_no_process();
}

/// As Mesos itself (M9), but the pull is not left alone.
#[tokio::test]
async fn a_kill_while_pulling_reports_at_once_and_ends_the_pull() {
    let Some(lab) = DockerLab::require() else { return };
    let image = slow_image(&lab).await;
    let runner = Runner::new();
    let name = lab.proxy_name(&image);
    let arguments =
        ["--docker_image", &name, "--command", "true", "--kill_after", "4secs", "--json"];
    let finished = runner.run(&arguments).await;
    assert!(!finished.stderr.contains("go on pulling"), "{}", finished.stderr);
    let task = Task::new(&finished);
    pull_ended_early(&lab).await;
    assert!(lab.proxy.stats().requests_matching("/manifests/") > 0, "it had begun");
    assert_eq!((task.code, task.states()), (Some(1), vec!["TASK_KILLED"]));
    assert_eq!(task.message(), "Killed before delivery to the executor");
    runner.assert_no_process();
}

/// The golden recording `destroy-during-pull`.
#[tokio::test]
async fn a_pull_that_outlasts_the_registration_timeout_fails_the_task_as_in_mesos() {
    let Some(lab) = DockerLab::require() else { return };
    let image = slow_image(&lab).await;
    let runner = Runner::new();
    let name = lab.proxy_name(&image);
    let limit = ["--registration_timeout", "4secs"];
    let arguments =
        [&["--docker_image", &name, "--command", "true", "--json"][..], &limit].concat();
    let task = Task::new(&runner.run(&arguments).await);
    pull_ended_early(&lab).await;
    assert!(lab.proxy.stats().requests_matching("/manifests/") > 0, "it had begun");
    assert_eq!((task.code, task.states()), (Some(1), vec!["TASK_FAILED"]));
    assert_eq!(task.reason(), "REASON_CONTAINER_LAUNCH_FAILED");
    let message = "Failed to launch container: discarded; \
                   Abnormal executor termination: unknown container";
    assert_eq!(task.message(), message);
    assert_no_container(&lab).await;
    runner.assert_no_process();
}

/// M3: the Engine does not notice that the client has gone; the task ends all the same.
#[tokio::test]
async fn ctrl_c_while_the_registry_is_silent_ends_the_task_at_once() {
    let Some(lab) = DockerLab::require() else { return };
    let image = slow_image(&lab).await;
    let hold = lab.proxy.inject(Target::Manifests, Fault::Hold);
    let runner = Runner::new();
    let name = lab.proxy_name(&image);
    let child = runner.start(&["--docker_image", &name, "--command", "true", "--json"]);
    lab.expect("a held request", LIMIT, |stats: &Stats| stats.held > 0).await;
    signal(&child, "INT");
    let ended = within("the end", Duration::from_secs(5), finish(child)).await;
    assert_eq!(Task::new(&ended).states(), ["TASK_KILLED"]);
    let left = format!("Docker may go on pulling {name} until the registry answers");
    assert!(ended.stderr.contains(&left), "{}", ended.stderr);
    runner.assert_no_process();

    hold.release();
    let none = |stats: &Stats| stats.held == 0 && stats.blob_transfers_in_flight() == 0;
    lab.expect("the Engine gives up", LIMIT, none).await;
    until("no image", LIMIT, async || {
        lab.engine.inspect_image(&name).await.expect("an answer").is_none()
    })
    .await;
    assert_eq!(containers(&lab).await.len(), 0);
}
