//! Twins of `src/tests/containerizer/docker_tests.cpp` against the simulated daemon, served to the
//! client that talks to a real Engine. What they do is in `wrapper`.

#![allow(clippy::disallowed_methods, reason = "a test of another program in real time")]

mod simulated_server;
mod wrapper;

use docker::{Bollard, Docker, Engine, Version};
use process::Outcome;
use simulated_server::{PATIENCE, Server};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wrapper::World;

/// A small image, and one that takes minutes.
const SCENARIO: &str = r#"
[registry]
latency = "5ms"

[[image]]
reference = "busybox"
layers = ["2MB"]
env = ["PATH=/bin"]
command = ["/bin/sh"]
programs = "known"

[[image]]
reference = "slow"
layers = ["20GB"]
"#;

struct Simulated {
    engine: Engine,
    directory: TempDir,
    _server: Server,
}

impl Simulated {
    async fn run(twin: fn(&dyn World)) {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("scenario.toml");
        std::fs::write(&file, SCENARIO).expect("it is written");
        let (file, shown) = (file.display().to_string(), directory.path().display().to_string());
        let server = Server::start(&["--speed", "4", "--scenario", &file, "--host-files", &shown]);
        let (status, _, body) =
            server.ask("POST", "/images/create?fromImage=busybox&tag=latest", "");
        assert_eq!(status, 200, "{body}");
        let api = Bollard::connect(Some(&server.host())).expect("it listens");
        let engine = Engine::create(Arc::new(api), server.host(), Version::MINIMUM);
        let Outcome::Ready(engine) = engine.outcome().await else { panic!("no engine") };
        let world = Simulated { engine, directory, _server: server };
        tokio::task::block_in_place(|| twin(&world));
    }
}

impl World for Simulated {
    fn docker(&self) -> &dyn Docker {
        &self.engine
    }

    fn image(&self) -> &str {
        "busybox"
    }

    fn slow_image(&self) -> &str {
        "slow"
    }

    fn prefix(&self) -> &str {
        "mesos-docker"
    }

    fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Any: nothing of this machine is bound.
    fn port(&self) -> u16 {
        31_000
    }

    fn device(&self) -> &str {
        "/dev/nvidiactl"
    }

    fn until(&self, what: &str, condition: &dyn Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition() {
            assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn root_docker_interface() {
    Simulated::run(wrapper::interface).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn root_docker_kill() {
    Simulated::run(wrapper::kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn root_docker_check_port_resource() {
    Simulated::run(wrapper::check_port_resource).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn root_docker_mount_relative_host_path() {
    Simulated::run(wrapper::mount_relative_host_path).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn root_docker_mount_absolute_host_path() {
    Simulated::run(wrapper::mount_absolute_host_path).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn root_docker_mount_relative_container_path() {
    Simulated::run(wrapper::mount_relative_container_path).await;
}

/// The program would say so if it saw nothing of what is mounted, or everything.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_mounted_is_seen_and_nothing_else() {
    Simulated::run(wrapper::mounted_or_not).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn root_docker_nvidia_gpu_device_allow() {
    Simulated::run(wrapper::nvidia_gpu_device_allow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_no_file() {
    Simulated::run(wrapper::device_or_file).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn root_docker_nvidia_gpu_inspect_devices() {
    Simulated::run(wrapper::nvidia_gpu_inspect_devices).await;
}

/// And the client is of use afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn root_docker_cancel_pull() {
    Simulated::run(|world| {
        wrapper::cancel_pull(world);
        let pull = world.docker().pull(world.directory(), world.image(), false);
        world.until("another pull", &|| !pull.is_pending());
        assert!(pull.is_ready(), "{pull:?}");
    })
    .await;
}
