//! `drydock run` against a real Docker Engine: what a task has fetched into its sandbox.

#![allow(clippy::disallowed_methods, reason = "a test of a real Engine in real time")]

mod live;

use drydock_tests::{DockerLab, ImageSpec};
use live::{LIMIT, Runner, Task, assert_no_container, finish, signal, within};
use serde_json::json;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A server for `/small` and `/hang`, which sends half of what it promises and then nothing.
async fn server() -> (SocketAddr, watch::Receiver<u32>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a loopback port");
    let address = listener.local_addr().expect("it is bound");
    let (hanging, watched) = watch::channel(0);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let hanging = hanging.clone();
            tokio::spawn(async move {
                let mut request = [0; 1024];
                let length = stream.read(&mut request).await.unwrap_or(0);
                let answer = match request[..length].split(|byte| *byte == b' ').nth(1) {
                    Some(b"/small") => "200 OK\r\nContent-Length: 5\r\n\r\nsmall",
                    Some(b"/moved") => "302 Found\r\nLocation: /small\r\nContent-Length: 0\r\n\r\n",
                    Some(b"/hang") => "200 OK\r\nContent-Length: 10\r\n\r\nhalf.",
                    _ => "404 Not Found\r\nContent-Length: 0\r\n\r\n",
                };
                let _ = stream.write_all(format!("HTTP/1.1 {answer}").as_bytes()).await;
                if answer.ends_with("half.") {
                    hanging.send_modify(|count| *count += 1);
                    // Until the client has gone.
                    let _ = stream.read(&mut request).await;
                    hanging.send_modify(|count| *count -= 1);
                }
            });
        }
    });
    (address, watched)
}

async fn local_image(lab: &DockerLab) -> String {
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    image.at(&lab.registry.host())
}

#[tokio::test]
async fn files_are_fetched_into_the_sandbox() {
    let Some(lab) = DockerLab::require() else { return };
    let image = local_image(&lab).await;
    let (server, _) = server().await;
    let runner = Runner::new();
    let source = runner.work_dir.path().join("source.sh");
    std::fs::write(&source, "#!/bin/sh\necho fetched\n").expect("written");
    let source = source.to_str().expect("UTF-8");
    let file = runner.work_dir.path().join("task.json");
    let task = json!({
        "name": "fetch",
        "task_id": { "value": "fetch" },
        "command": {
            "value": "cd $MESOS_SANDBOX; ./source.sh; cat small sub/dir/own moved",
            "uris": [
                { "value": format!("file://{source}"), "executable": true },
                { "value": source, "output_file": "sub/dir/own" },
                { "value": format!("http://{server}/small"), "cache": true },
                { "value": format!("http://{server}/moved") },
            ],
        },
        "container": { "type": "DOCKER", "docker": { "image": image } },
    });
    std::fs::write(&file, task.to_string()).expect("written");
    let task = runner.task(&[file.to_str().expect("UTF-8")]).await;
    assert_eq!(task.code, Some(0), "{}", task.json);
    assert_eq!(task.file("stdout"), "fetched\nsmall#!/bin/sh\necho fetched\nsmall");
    let log = task.file("stderr");
    assert!(log.contains("] Fetcher Info: {"), "{log}");
    assert!(log.contains("Successfully fetched all URIs into '"), "{log}");
    // A cache of the run's own, which goes with it.
    assert!(log.contains("\"DOWNLOAD_AND_CACHE\""), "{log}");
    let cache = runner.work_dir.path().join("fetch-").display().to_string();
    assert!(log.contains(&format!("\"cache_directory\":\"{cache}")), "{log}");
    let left = std::fs::read_dir(runner.work_dir.path()).expect("it is there").flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("fetch-")), "{left:?}");
}

#[tokio::test]
async fn a_file_that_is_missing_fails_the_task_before_its_image_is_pulled() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.push(&ImageSpec::busybox()).await.expect("pushed");
    let name = lab.proxy_name(&image);
    let (server, _) = server().await;
    let gone = format!("http://{server}/gone");
    for (uri, problem) in [
        ("file:///nonexistent/file", "No such file or directory"),
        (&gone, "received HTTP return code 404"),
        ("ftp://127.0.0.1/x", "FTP is not supported"),
    ] {
        let runner = Runner::new();
        let arguments = ["--docker_image", &name, "--command", "true", "--uris", uri];
        let task = runner.task(&arguments).await;
        assert_eq!((task.code, task.states()), (Some(1), vec!["TASK_FAILED"]), "{uri}");
        assert_eq!(task.reason(), "REASON_CONTAINER_LAUNCH_FAILED");
        let container = task.json["container"].as_str().unwrap_or_default();
        let id = container.strip_prefix("mesos-").expect("the prefix");
        let message = format!(
            "Failed to launch container: Failed to fetch all URIs for container '{id}': exited \
             with status 1"
        );
        assert!(task.message().starts_with(&message), "{}", task.message());
        let log = task.file("stderr");
        let line = format!("Failed to fetch '{uri}': ");
        assert!(log.contains(&line) && log.contains(problem), "{log}");
    }
    assert_eq!(lab.proxy.stats().requests.len(), 0, "nothing was pulled");
    assert_no_container(&lab).await;
}

#[tokio::test]
async fn ctrl_c_while_fetching_ends_the_fetcher() {
    let Some(lab) = DockerLab::require() else { return };
    let image = local_image(&lab).await;
    let (server, mut hanging) = server().await;
    let runner = Runner::new();
    let uri = format!("http://{server}/hang");
    let arguments = ["--docker_image", &image, "--command", "true", "--uris", &uri, "--json"];
    let child = runner.start(&arguments);
    within("half a file", LIMIT, hanging.wait_for(|count| *count == 1)).await.expect("a server");
    signal(&child, "INT");
    let task = Task::new(&finish(child).await);
    assert_eq!((task.code, task.states()), (Some(1), vec!["TASK_KILLED"]));
    within("its end", LIMIT, hanging.wait_for(|count| *count == 0)).await.expect("a server");
    runner.assert_no_process();
    assert_no_container(&lab).await;
}

#[tokio::test]
async fn a_fetcher_does_not_outlive_a_run_that_is_killed_itself() {
    let Some(lab) = DockerLab::require() else { return };
    let image = local_image(&lab).await;
    let (server, mut hanging) = server().await;
    let runner = Runner::new();
    let uri = format!("http://{server}/hang");
    let arguments = ["--docker_image", &image, "--command", "true", "--uris", &uri];
    let child = runner.start(&arguments);
    within("half a file", LIMIT, hanging.wait_for(|count| *count == 1)).await.expect("a server");
    signal(&child, "KILL");
    assert_eq!(finish(child).await.code, None);
    within("its end", LIMIT, hanging.wait_for(|count| *count == 0)).await.expect("a server");
}
