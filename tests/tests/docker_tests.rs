//! Twins of `src/tests/containerizer/docker_tests.cpp` against a real Docker Engine. What they do
//! is in `wrapper`; those that need no Engine are in the crate `docker`.

#![allow(clippy::disallowed_methods, reason = "a test of a real Engine in real time")]

mod wrapper;

use docker::{Bollard, Docker, Engine, Version};
use drydock_tests::{DockerLab, ImageSpec, names};
use process::Outcome;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wrapper::World;

/// For what happens at once on an idle machine.
const LIMIT: Duration = Duration::from_secs(60);

/// Devices that most machines have and containers do not.
const DEVICES: [&str; 4] = ["/dev/nvidiactl", "/dev/loop-control", "/dev/fuse", "/dev/net/tun"];

struct Live {
    engine: Engine,
    image: String,
    slow_image: String,
    prefix: String,
    directory: TempDir,
    port: u16,
    /// Removes the containers, which are all made from its images.
    _lab: DockerLab,
}

impl Live {
    /// Does what a twin does, or skips it.
    async fn run(twin: fn(&dyn World)) {
        let Some(lab) = DockerLab::require() else { return };
        let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
        let slow = lab.images.push(&ImageSpec::big(8)).await.expect("pushed");
        lab.proxy.limit_total(Some(64 << 10));
        let socket = lab.engine.host();
        let api = Bollard::connect(Some(&socket)).expect("the Engine that the lab has found");
        let engine = Engine::create(Arc::new(api), socket.as_str(), Version::MINIMUM);
        let Outcome::Ready(engine) = engine.outcome().await else { panic!("no engine") };
        let live = Live {
            engine,
            image: image.at(&lab.registry.host()),
            slow_image: lab.proxy_name(&slow),
            prefix: names::unique("mesos-docker"),
            directory: tempfile::tempdir().expect("a directory"),
            port: free_port(),
            _lab: lab,
        };
        tokio::task::block_in_place(|| twin(&live));
    }
}

/// Outside of the range that the kernel takes ports from for those who do not care.
fn free_port() -> u16 {
    let start = std::process::id() % 10_000;
    let ports = (0..10_000).map(|step| 20_000 + (start + step) % 10_000);
    let mut ports = ports.filter_map(|port| u16::try_from(port).ok());
    ports.find(|port| TcpListener::bind(("0.0.0.0", *port)).is_ok()).expect("a free port")
}

impl World for Live {
    fn docker(&self) -> &dyn Docker {
        &self.engine
    }

    fn image(&self) -> &str {
        &self.image
    }

    fn slow_image(&self) -> &str {
        &self.slow_image
    }

    fn prefix(&self) -> &str {
        &self.prefix
    }

    fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn device(&self) -> &str {
        let there = DEVICES.iter().find(|device| Path::new(device).exists());
        there.copied().expect("one of the usual devices")
    }

    fn until(&self, what: &str, condition: &dyn Fn() -> bool) {
        let deadline = Instant::now() + LIMIT;
        while !condition() {
            assert!(Instant::now() < deadline, "not within {LIMIT:?}: {what}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn root_docker_interface() {
    Live::run(wrapper::interface).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn root_docker_kill() {
    Live::run(wrapper::kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn root_docker_check_port_resource() {
    Live::run(wrapper::check_port_resource).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn root_docker_cancel_pull() {
    Live::run(wrapper::cancel_pull).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn root_docker_mount_relative_host_path() {
    Live::run(wrapper::mount_relative_host_path).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn root_docker_mount_absolute_host_path() {
    Live::run(wrapper::mount_absolute_host_path).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn root_docker_mount_relative_container_path() {
    Live::run(wrapper::mount_relative_container_path).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_mounted_is_seen_and_nothing_else() {
    Live::run(wrapper::mounted_or_not).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn root_docker_nvidia_gpu_device_allow() {
    Live::run(wrapper::nvidia_gpu_device_allow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_no_file() {
    Live::run(wrapper::device_or_file).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn root_docker_nvidia_gpu_inspect_devices() {
    Live::run(wrapper::nvidia_gpu_inspect_devices).await;
}
