//! `drydock run` against a real Docker Engine: tasks that end by themselves, and wrong input.

#![allow(clippy::disallowed_methods, reason = "a test of a real Engine in real time")]

mod live;

use drydock_tests::{DockerLab, Fault, ImageSpec, Target};
use live::{Runner, assert_no_container};
use serde_json::json;

#[tokio::test]
async fn a_task_is_pulled_and_run_and_its_exit_code_decides() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.push(&ImageSpec::busybox()).await.expect("pushed");
    let name = lab.proxy_name(&image);
    let runner = Runner::new();

    let command = ["--docker_image", &name, "--command", "echo hello; echo oops >&2; exit 3"];
    let task = runner.task(&command).await;
    assert!(lab.proxy.stats().blob_transfers_started() > 0, "it was pulled");
    assert_eq!(task.states(), ["TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"]);
    assert_eq!((task.code, task.message()), (Some(1), "Container exited with status 3"));
    assert_eq!(task.json["exit_status"], 3);
    assert_eq!((task.file("stdout"), task.file("stderr")), ("hello\n".into(), "oops\n".into()));
    assert_no_container(&lab).await;

    let pulled = lab.proxy.stats().blob_transfers_started();
    let task = runner.task(&["--docker_image", &name, "--command", "true"]).await;
    assert_eq!(task.states(), ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]);
    assert_eq!((task.code, task.message()), (Some(0), "Container exited with status 0"));
    assert_eq!(lab.proxy.stats().blob_transfers_started(), pulled, "the image was there");
    assert_no_container(&lab).await;
    runner.assert_no_process();
}

#[tokio::test]
async fn the_status_updates_are_printed_as_lines_for_people() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.push(&ImageSpec::busybox()).await.expect("pushed");
    let name = lab.proxy_name(&image);
    let finished =
        Runner::new().run(&["--docker_image", &name, "--command", "echo hello; exit 3"]).await;
    assert_eq!((finished.code, &*finished.stderr), (Some(1), ""));
    let lines: Vec<_> = finished.stdout.lines().collect();
    let [sandbox, starting, running, failed, stdout] = lines[..] else { panic!("{lines:?}") };
    assert!(sandbox.starts_with("Sandbox: /"), "{sandbox}");
    assert!(starting.ends_with("s  TASK_STARTING  SOURCE_EXECUTOR"), "{starting}");
    assert!(running.ends_with("s  TASK_RUNNING   SOURCE_EXECUTOR"), "{running}");
    let end = "s  TASK_FAILED    SOURCE_EXECUTOR  Container exited with status 3";
    assert!(failed.ends_with(end), "{failed}");
    assert!(stdout.starts_with("stdout, 6 bytes: /") && stdout.ends_with("/stdout"), "{stdout}");
}

#[tokio::test]
async fn a_task_sees_its_environment_and_its_sandbox() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::entrypoint()).await.expect("loaded");
    let name = image.at(&lab.registry.host());
    let command = "echo \"$A $FOO\"; pwd; echo from inside > \"$MESOS_SANDBOX/made\"";
    let arguments =
        ["--docker_image", &name, "--command", command, "--env", "A=one two", "FOO=own"];
    let runner = Runner::new();
    let task = runner.task(&arguments).await;
    assert_eq!(task.code, Some(0), "{}", task.json);
    assert_eq!(task.file("stdout"), "one two own\n/etc\n");
    assert_eq!(task.file("made"), "from inside\n");
}

#[tokio::test]
async fn a_task_from_a_file_runs_as_mesos_execute_would_run_it() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::entrypoint()).await.expect("loaded");
    let runner = Runner::new();
    let file = runner.work_dir.path().join("task.json");
    let task = json!({
        "name": "from-a-file",
        "task_id": { "value": "t-1" },
        "agent_id": { "value": "" },
        "resources": [{ "name": "cpus", "type": "SCALAR", "scalar": { "value": 0.1 } }],
        "command": { "shell": false, "arguments": ["own", "arguments"] },
        "container": {
            "type": "DOCKER",
            "docker": { "image": image.at(&lab.registry.host()), "network": "NONE" },
        },
    });
    std::fs::write(&file, task.to_string()).expect("written");
    let task = runner.task(&[file.to_str().expect("UTF-8")]).await;
    assert_eq!((task.code, &task.json["task_id"]), (Some(0), &json!("t-1")));
    assert_eq!(task.file("stdout"), "entry own arguments\n");
}

#[tokio::test]
async fn an_image_that_does_not_exist_fails_the_task_with_the_registrys_reason() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.push(&ImageSpec::busybox()).await.expect("pushed");
    let missing = lab.proxy_name(&image).replace("bb:1", "bb:2");
    let runner = Runner::new();
    let task = runner.task(&["--docker_image", &missing, "--command", "true"]).await;
    assert_eq!((task.code, task.states()), (Some(1), vec!["TASK_FAILED"]));
    assert_eq!(task.reason(), "REASON_CONTAINER_LAUNCH_FAILED");
    let message = task.message();
    assert!(
        message.starts_with("Failed to launch container: Failed to run 'docker -H "),
        "{message}"
    );
    assert!(message.contains(&format!("pull {missing}'")), "{message}");
    assert!(message.contains("manifest unknown"), "{message}");
    assert_no_container(&lab).await;
}

#[tokio::test]
async fn a_registry_that_refuses_for_its_rate_limit_fails_the_task_and_says_so() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.push(&ImageSpec::busybox()).await.expect("pushed");
    let _refusal = lab.proxy.inject(Target::Manifests, Fault::Answer(429));
    let name = lab.proxy_name(&image);
    let task = Runner::new().task(&["--docker_image", &name, "--command", "true"]).await;
    assert_eq!((task.code, task.states()), (Some(1), vec!["TASK_FAILED"]));
    assert_eq!(task.reason(), "REASON_CONTAINER_LAUNCH_FAILED");
    assert!(task.message().contains("toomanyrequests"), "{}", task.message());
}

#[tokio::test]
async fn a_command_that_is_not_in_the_image_fails_the_task() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let name = image.at(&lab.registry.host());
    let runner = Runner::new();
    let task = runner.task(&["--docker_image", &name, "--command", "nosuch"]).await;
    assert_eq!((task.code, &task.json["exit_status"]), (Some(1), &json!(127)));
    assert!(task.file("stderr").contains("nosuch: not found"), "{}", task.file("stderr"));
    assert_no_container(&lab).await;
}

#[tokio::test]
async fn a_kept_container_is_still_there_after_the_run() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let name = image.at(&lab.registry.host());
    let task = Runner::new().task(&["--docker_image", &name, "--command", "true", "--keep"]).await;
    let container = task.json["container"].as_str().expect("a name").to_owned();
    assert_eq!(live::containers(&lab).await, std::slice::from_ref(&container));
    lab.engine.remove_container(&container).await.expect("removed");
}

#[tokio::test]
async fn without_a_docker_socket_the_socket_and_what_to_do_are_named() {
    let arguments = ["-H", "unix:///nonexistent/docker.sock", "--docker_image", "x", "--json"];
    let finished = Runner::new().run(&arguments).await;
    assert_eq!((finished.code, &*finished.stdout), (Some(2), ""));
    for part in ["unix:///nonexistent/docker.sock", "DOCKER_HOST", "--docker_socket"] {
        assert!(finished.stderr.contains(part), "{}", finished.stderr);
    }
    assert_eq!(finished.stderr.lines().count(), 1, "{}", finished.stderr);
}

#[tokio::test]
async fn wrong_input_is_refused_with_file_and_field() {
    let runner = Runner::new();
    let file = runner.work_dir.path().join("task.json");
    let path = file.to_str().expect("UTF-8");
    for (content, expected) in [
        ("{", "not JSON"),
        ("{\"name\": \"x\"}", "task_id: is required"),
        ("{\"name\": 7, \"task_id\": {\"value\": \"x\"}}", "name: expected a string, found"),
        ("{\"name\": \"x\", \"task_id\": {\"value\": \"x\"}}", "command: is required"),
        ("{\"nam\": \"x\"}", "nam: "),
    ] {
        std::fs::write(&file, content).expect("written");
        let finished = runner.run(&[path]).await;
        assert_eq!((finished.code, &*finished.stdout), (Some(2), ""), "{content}");
        let line = format!("drydock: {path}: {expected}");
        assert!(finished.stderr.starts_with(&line), "{content}: {}", finished.stderr);
    }
    for (arguments, expected) in [
        (&[][..], "--docker_image"),
        (&["--docker_image", "x", "--resources", "cpus:x"][..], "--resources 'cpus:x'"),
        (&["--docker_image", "x", "--name", "a/b"][..], "--name: "),
        (&["--docker_image", "x", "--kill_after", "soon"][..], "--kill_after"),
        (&["--docker_image", "x", path][..], "cannot be used with"),
    ] {
        let finished = runner.run(arguments).await;
        assert_eq!((finished.code, &*finished.stdout), (Some(2), ""), "{arguments:?}");
        assert!(finished.stderr.contains(expected), "{arguments:?}: {}", finished.stderr);
    }
}
