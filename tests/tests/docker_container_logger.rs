//! `drydock run` with the logrotate container logger, over a real Engine.

#![allow(clippy::disallowed_methods, reason = "a test of a real Engine in real time")]

mod live;

use drydock_tests::{DockerLab, ImageSpec};
use live::{LIMIT, Runner, assert_no_container, until};
use std::path::{Path, PathBuf};

#[tokio::test]
async fn a_tasks_output_is_rotated() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let image = image.at(&lab.registry.host());
    let runner = Runner::new();
    let spam =
        "echo error >&2; i=0; while [ $i -lt 300 ]; do printf '%-1023d\\n' $i; i=$((i+1)); done";
    let task = runner
        .task(&[
            "--docker_image",
            &image,
            "--container_logger",
            "logrotate",
            "--container_logger_parameters",
            "max_stdout_size=128KB",
            "logrotate_stdout_options=rotate 1",
            "--command",
            spam,
        ])
        .await;
    assert_eq!(task.states(), ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]);
    let sandbox = PathBuf::from(task.json["sandbox"].as_str().expect("a sandbox"));
    // The companions may not have written the last of it yet.
    until("the end of the output", LIMIT, async || {
        let text = std::fs::read_to_string(sandbox.join("stdout")).unwrap_or_default();
        text.trim_end().ends_with("299") && sandbox.join("stdout.1").exists()
    })
    .await;
    until("no companion", LIMIT, async || companions(&sandbox) == 0).await;
    let size = |name: &str| std::fs::metadata(sandbox.join(name)).map_or(0, |it| it.len() >> 10);
    assert!(size("stdout") <= 128 && (120..=128).contains(&size("stdout.1")));
    assert!(!sandbox.join("stdout.2").exists());
    assert_eq!(task.file("stderr"), "error\n");
    assert_no_container(&lab).await;
}

/// How many processes' arguments name this directory.
fn companions(directory: &Path) -> usize {
    let needle = directory.to_str().expect("UTF-8").as_bytes();
    let entries = std::fs::read_dir("/proc").expect("proc").flatten();
    let named = entries.filter(|entry| {
        let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        words.windows(needle.len()).any(|window| window == needle)
    });
    named.count()
}

#[tokio::test]
async fn bad_parameters_are_refused_before_anything_is_done() {
    let Some(_lab) = DockerLab::require() else { return };
    let runner = Runner::new();
    let finished = runner
        .run(&[
            "--docker_image",
            "busybox",
            "--container_logger",
            "logrotate",
            "--container_logger_parameters",
            "max_stdout_size=1B",
        ])
        .await;
    assert_eq!(finished.code, Some(2));
    let expected = "--container_logger_parameters: Expected --max_stdout_size";
    assert!(finished.stderr.contains(expected), "{}", finished.stderr);
    let finished = runner.run(&["--docker_image", "busybox", "--hooks", "mine"]).await;
    assert_eq!(finished.code, Some(2));
    let expected = "--hooks: Error installing hooks: No hook module named 'mine' available";
    assert!(finished.stderr.contains(expected), "{}", finished.stderr);
}
