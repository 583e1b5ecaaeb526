//! The support library, tested against a real Docker Engine. Skipped when none answers.
//!
//! M1 and M3 are facts about the Engine on which suites rely: when it notices that the client of
//! a pull has gone.

#![allow(clippy::disallowed_methods, reason = "a test of a real Engine in real time")]

use std::process::Command;
use std::time::{Duration, Instant};

use drydock_tests::require::REQUIRE_VARIABLE;
use drydock_tests::{
    DockerLab, EngineError, Fault, ImageSpec, PushedImage, Stats, Target, require_engine,
};
use serde_json::json;

const MIB: u64 = 1 << 20;

/// For what happens at once on an idle machine.
const LIMIT: Duration = Duration::from_secs(30);

/// An image in the registry that takes minutes to pull, and whose pull has sent its first byte.
async fn slow_pull(lab: &DockerLab) -> (PushedImage, drydock_tests::Pull) {
    let image = lab.images.push(&ImageSpec::big(8)).await.expect("pushed");
    lab.proxy.limit_total(Some(64 << 10));
    let pull = lab.engine.start_pull(&lab.proxy_name(&image));
    let started = |stats: &Stats| stats.bytes_sent_of_blobs_over(8 * MIB) > 0;
    lab.expect("the first byte of the big layer", LIMIT, started).await;
    (image, pull)
}

#[test]
fn the_engine_is_the_one_that_docker_host_names() {
    let Some(engine) = require_engine() else { return };
    let expected = std::env::var("DOCKER_HOST").unwrap_or_default();
    let default = "unix:///var/run/docker.sock".to_owned();
    assert_eq!(engine.host(), if expected.is_empty() { default } else { expected });
}

/// Runs the test above in a process of its own, where no Engine is.
#[test]
fn without_an_engine_a_test_is_skipped_or_fails_as_asked() {
    let run = |require: &str| {
        let mut process = Command::new(std::env::current_exe().expect("this test has a file"));
        process.args(["--exact", "the_engine_is_the_one_that_docker_host_names"]);
        process.env("DOCKER_HOST", "unix:///nonexistent").env(REQUIRE_VARIABLE, require);
        process.output().expect("it can be run")
    };
    let skipped = run("0");
    let line = "skipped: no Docker Engine at unix:///nonexistent: ";
    assert!(skipped.status.success());
    assert!(String::from_utf8_lossy(&skipped.stderr).contains(line), "{skipped:?}");
    let failed = run("1");
    assert!(!failed.status.success());
    assert!(String::from_utf8_lossy(&failed.stdout).contains("tests/docker-setup"), "{failed:?}");
}

#[tokio::test]
async fn an_image_is_pushed_and_pulled_back_through_the_proxy() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.push(&ImageSpec::busybox()).await.expect("pushed");
    let name = lab.proxy_name(&image);
    let absent = lab.engine.inspect_image(&image.id).await.expect("an answer");
    assert_eq!(absent, None, "the Engine must not keep what it pushed");
    assert_eq!(lab.proxy.stats().blob_transfers_started(), 0);

    let begin = Instant::now();
    lab.engine.pull_image(&name).await.expect("pulled");
    println!("bb:1 was pulled in {:?}", begin.elapsed());

    let inspected = lab.engine.inspect_image(&name).await.expect("an answer").expect("present");
    assert_eq!(inspected["Id"], json!(image.id));
    let stats = lab.proxy.stats();
    assert_eq!(stats.blob_transfers_in_flight(), 0);
    assert!(stats.blobs.values().all(|blob| blob.completed == 1), "{stats:#?}");
    assert_eq!(stats.blobs.len(), 2, "one layer and the configuration");
}

#[tokio::test]
async fn a_container_runs_busybox_and_cleaning_up_removes_it_with_its_image() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.push(&ImageSpec::entrypoint()).await.expect("pushed");
    let name = lab.proxy_name(&image);
    lab.engine.pull_image(&name).await.expect("pulled");

    let container = drydock_tests::names::unique("drydock-support");
    let script = "test $FOO = image && test $PWD = /etc && exit 7";
    let body = json!({ "Image": name, "Entrypoint": ["sh", "-c"], "Cmd": [script] });
    lab.engine.create_container(&container, &body).await.expect("created");
    lab.engine.start_container(&container).await.expect("started");
    assert_eq!(lab.engine.wait_container(&container).await.expect("an end"), 7);
    let listed = lab.engine.containers(&container).await.expect("a list");
    assert_eq!(listed.len(), 1);
    assert_eq!((&*listed[0].name, &*listed[0].state), (&*container, "exited"));
    let inspected = lab.engine.inspect_container(&container).await.expect("an answer");
    assert_eq!(inspected.expect("present")["Id"], json!(listed[0].id));
    let config = lab.engine.inspect_image(&name).await.expect("an answer").expect("present");
    assert_eq!(config["Config"]["Entrypoint"], json!(["/bin/echo", "entry"]));
    assert_eq!(config["Config"]["Cmd"], json!(["dflt1", "dflt2"]));

    let engine = lab.engine.clone();
    let namespace = lab.images.namespace().to_owned();
    drop(lab);
    assert_eq!(engine.containers(&container).await.expect("a list"), []);
    let left = engine.images().await.expect("a list");
    assert!(!left.iter().any(|image| image.tags.iter().any(|tag| tag.contains(&namespace))));
}

#[tokio::test]
async fn a_rate_limit_holds_for_a_pull() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.push(&ImageSpec::big(8)).await.expect("pushed");
    let rate = 2 * MIB;
    lab.proxy.limit_total(Some(rate));
    let pull = lab.engine.start_pull(&lab.proxy_name(&image));
    let bytes_sent = |least: u64| move |stats: &Stats| stats.blob_bytes_sent() >= least;
    let first = lab.expect("the first bytes", LIMIT, bytes_sent(1)).await.blob_bytes_sent();
    let begin = Instant::now();
    let later = lab.expect("4 MiB more", LIMIT, bytes_sent(first + 4 * MIB)).await;
    let elapsed = begin.elapsed().as_secs_f64();
    let measured = (later.blob_bytes_sent() - first) as f64 / elapsed;
    println!("limit {rate} B/s, measured {measured:.0} B/s");
    assert!(measured < rate as f64 * 1.2, "{measured} B/s, the limit is {rate}");
    assert!(measured > rate as f64 * 0.3, "{measured} B/s, the limit is {rate}");

    lab.proxy.limit_total(None);
    pull.finish(LIMIT).await.expect("pulled");
    assert_eq!(lab.proxy.stats().blob_transfers_in_flight(), 0);
}

/// M1: the client goes in the middle of a layer.
#[tokio::test]
async fn transfers_end_soon_after_the_client_of_a_pull_has_gone() {
    let Some(lab) = DockerLab::require() else { return };
    let (image, pull) = slow_pull(&lab).await;
    assert!(!pull.is_finished());

    pull.abandon().await;
    let begin = Instant::now();
    let none = |stats: &Stats| stats.blob_transfers_in_flight() == 0;
    let stats = lab.expect("no transfer in flight", Duration::from_secs(2), none).await;
    println!("M1: transfers ended {:?} after the client", begin.elapsed());
    assert!(stats.blob_bytes_sent() < 8 * MIB, "it must not have ended by finishing");
    let left = lab.engine.inspect_image(&lab.proxy_name(&image)).await.expect("an answer");
    assert_eq!(left, None);
}

/// M2: of two clients that pull the same image, one goes.
#[tokio::test]
async fn a_pull_goes_on_while_one_of_its_clients_is_left() {
    let Some(lab) = DockerLab::require() else { return };
    let (image, first) = slow_pull(&lab).await;
    let name = lab.proxy_name(&image);
    let before = lab.proxy.stats().blob_transfers_started();
    let second = lab.engine.start_pull(&name);
    // It has the manifest from the first pull and asks for the configuration only.
    let joined = |stats: &Stats| stats.blob_transfers_started() > before;
    lab.expect("the configuration for the second pull", LIMIT, joined).await;

    first.abandon().await;
    lab.proxy.limit_total(None);
    second.finish(LIMIT).await.expect("pulled");
    assert!(lab.engine.inspect_image(&name).await.expect("an answer").is_some());
}

/// M3: the client goes while the registry has not answered for the manifest.
#[tokio::test]
async fn the_engine_does_not_notice_that_the_client_has_gone_before_the_manifest() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.push(&ImageSpec::big(8)).await.expect("pushed");
    let name = lab.proxy_name(&image);
    lab.proxy.limit_total(Some(64 << 10));
    let hold = lab.proxy.inject(Target::Manifests, Fault::Hold);
    let pull = lab.engine.start_pull(&name);
    lab.expect("a held request", LIMIT, |stats| stats.held == 1).await;

    pull.abandon().await;
    let given_up = |stats: &Stats| stats.held == 0;
    let waited = lab.proxy.wait_until("given up", Duration::from_secs(2), given_up).await;
    assert!(waited.is_err(), "the Engine noticed; docker-facts has to be corrected");

    hold.release();
    let opened = |stats: &Stats| stats.requests_matching("/manifests/") >= 2;
    lab.expect("the Engine goes on with the manifest", LIMIT, opened).await;
    let ended =
        |stats: &Stats| stats.blob_transfers_started() > 0 && stats.blob_transfers_in_flight() == 0;
    let stats = lab.expect("its transfers are aborted", LIMIT, ended).await;
    println!("M3: {:#?}", stats.blobs);
    assert!(stats.blob_bytes_sent() < 8 * MIB);
    assert_eq!(lab.engine.inspect_image(&name).await.expect("an answer"), None);
}

#[tokio::test]
async fn a_refused_manifest_fails_the_pull_and_says_why() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.push(&ImageSpec::busybox()).await.expect("pushed");
    let name = lab.proxy_name(&image);
    for (status, words) in
        [(429, "toomanyrequests"), (500, "unexpected HTTP status: 500"), (401, "")]
    {
        let _refusal = lab.proxy.inject(Target::Manifests, Fault::Answer(status));
        let error = lab.engine.pull_image(&name).await.expect_err("refused");
        println!("{status}: {error}");
        // What is said about a missing password depends on the Engine's version.
        let refused = matches!(error, EngineError::Refused { .. } | EngineError::Failed { .. });
        assert!(refused && error.to_string().contains(words), "{status}: {error}");
    }
    lab.engine.pull_image(&name).await.expect("pulled when the faults are lifted");
}
