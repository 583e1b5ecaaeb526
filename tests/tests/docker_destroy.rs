//! The agent and the containerizer against a real Docker Engine, in this process: a container is
//! destroyed in each state that it can be caught in.

#![allow(clippy::disallowed_methods, reason = "a test of a real Engine in real time")]

mod live;
mod stage;

use containerizer::Containerizer;
use containerizer::docker::State;
use drydock_tests::{DockerLab, ImageSpec};
use live::{LIMIT, pull_ended_early, pull_under_way, within};
use mesos::TaskState;
use process::Outcome;
use stage::{Seen, Stage};
use tokio::net::TcpListener;

#[tokio::test]
async fn a_destroy_while_fetching_leaves_nothing() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    // It accepts nobody, so nothing ever arrives.
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a loopback port");
    let uri = format!("http://{}/x", listener.local_addr().expect("it is bound"));
    let mut stage = Stage::new(&lab).await;
    stage.run(&image.at(&lab.registry.host()), "true", &[uri]);
    let (_client, _) = within("the fetcher", LIMIT, listener.accept()).await.expect("a client");
    assert_eq!(stage.seen.borrow().state, Some(State::Fetching));
    stage.destroy(&lab, "Container destroyed while fetching").await;
}

#[tokio::test]
async fn a_destroy_while_pulling_leaves_nothing_and_ends_the_pull() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.push(&ImageSpec::big(8)).await.expect("pushed");
    lab.proxy.limit_total(Some(64 << 10));
    let mut stage = Stage::new(&lab).await;
    stage.run(&lab.proxy_name(&image), "true", &[]);
    pull_under_way(&lab).await;
    assert_eq!(stage.seen.borrow().state, Some(State::Pulling));
    stage.destroy(&lab, "Container destroyed while pulling image").await;
    pull_ended_early(&lab).await;
    let left = lab.engine.inspect_image(&lab.proxy_name(&image)).await.expect("an answer");
    assert_eq!(left, None);
}

#[tokio::test]
async fn a_destroy_while_running_leaves_nothing() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let mut stage = Stage::new(&lab).await;
    stage.run(&image.at(&lab.registry.host()), "sleep 1000", &[]);
    let running =
        |seen: &Seen| seen.updates.iter().any(|(state, _)| *state == TaskState::TaskRunning);
    stage.wait("TASK_RUNNING", running).await;
    let name = stage.destroy(&lab, "Container killed").await;
    assert!(name.starts_with("mesos-"));
}

#[tokio::test]
async fn a_destroy_of_an_unknown_container_is_answered_at_once() {
    let Some(lab) = DockerLab::require() else { return };
    let stage = Stage::new(&lab).await;
    let destroyed = stage.containerizer.destroy(&"nobody".into());
    assert_eq!(within("the answer", LIMIT, destroyed.outcome()).await, Outcome::Ready(None));
}
