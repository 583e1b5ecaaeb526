//! What the twins of `src/tests/containerizer/docker_tests.cpp` do, over any [`Docker`]: each is a
//! function of a [`World`], of which there can be several.

use docker::{Container, CreateArguments, Device, Docker, Output, RunOptions};
use mesos::container_info::docker_info::{Network, PortMapping};
use mesos::container_info::{DockerInfo, Type};
use mesos::volume::Mode;
use mesos::{CommandInfo, ContainerInfo, Resources, Volume};
use process::future::Value;
use process::{Future, Nothing};
use std::path::{Path, PathBuf};
use std::time::Duration;

const MAPPED: &str = "/mnt/mesos/sandbox";
const DIRECTORY: &str = "test_dir";
const SIGKILL: i32 = 9;

/// Where a twin takes place.
pub trait World {
    /// The Docker that it is about.
    fn docker(&self) -> &dyn Docker;

    /// An image that is there, with a shell, `sleep`, `touch`, `ls` and `true`.
    fn image(&self) -> &str;

    /// An image that is not there, and takes minutes to pull.
    fn slow_image(&self) -> &str;

    /// With which names of containers begin, so that they are nobody else's.
    fn prefix(&self) -> &str;

    /// An empty directory of the host.
    fn directory(&self) -> &Path;

    /// A port of the host that nobody uses.
    fn port(&self) -> u16;

    /// A device of the host that containers do not get by themselves.
    fn device(&self) -> &str;

    /// Goes on until the condition holds.
    ///
    /// # Panics
    ///
    /// When it never does; the message names `what`.
    fn until(&self, what: &str, condition: &dyn Fn() -> bool);
}

/// The value of a future that must get one.
fn ready<T: Value>(world: &dyn World, what: &str, future: &Future<T>) -> T {
    world.until(what, &|| !future.is_pending());
    match future.get() {
        Some(value) => value.clone(),
        None => panic!("{what}: {future}"),
    }
}

fn exited(world: &dyn World, what: &str, run: &Future<Option<i32>>, code: i32) {
    assert_eq!(ready(world, what, run), Some(code << 8), "{what}");
}

fn killed(world: &dyn World, run: &Future<Option<i32>>) {
    exited(world, "the end of the killed container", run, 128 + SIGKILL);
}

fn run(world: &dyn World, options: &RunOptions) -> Future<Option<i32>> {
    world.docker().run(options, Output::Null, Output::Null)
}

fn container_info(world: &dyn World) -> ContainerInfo {
    ContainerInfo {
        r#type: Type::Docker.into(),
        docker: Some(DockerInfo { image: world.image().to_owned(), ..DockerInfo::default() }),
        ..ContainerInfo::default()
    }
}

fn shell(command: impl Into<String>) -> CommandInfo {
    CommandInfo { value: Some(command.into()), ..CommandInfo::default() }
}

fn options(
    world: &dyn World,
    name: &str,
    container: &ContainerInfo,
    command: &CommandInfo,
    arguments: CreateArguments<'_>,
) -> RunOptions {
    let directory = world.directory().to_str().expect("an ASCII path");
    let options = RunOptions::create(container, command, name, directory, MAPPED, arguments);
    options.unwrap_or_else(|problem| panic!("{name}: {problem}"))
}

/// Whether `ps` shows a container of this name.
fn shown(world: &dyn World, all: bool, name: &str) -> Option<Container> {
    let ps = world.docker().ps(all, Some(name));
    let found = ready(world, "the list of containers", &ps);
    found.into_iter().find(|container| container.name == format!("/{name}"))
}

/// A sleeping container of this name, which runs.
fn sleeping(world: &dyn World, name: &str) -> (Future<Option<i32>>, Container) {
    let resources = Resources::parse("cpus:1;mem:512").expect("resources");
    let arguments =
        CreateArguments { resource_requests: Some(&resources), ..CreateArguments::default() };
    let options = options(world, name, &container_info(world), &shell("sleep 120"), arguments);
    let status = run(world, &options);
    let inspect = world.docker().inspect(name, Some(Duration::from_millis(10)));
    let container = ready(world, "the container to start", &inspect);
    assert_eq!(container.name, format!("/{name}"));
    assert!(!container.id.is_empty() && container.pid.is_some());
    (status, container)
}

fn done(world: &dyn World, what: &str, operation: &Future<Nothing>) {
    ready(world, what, operation);
}

/// `ROOT_DOCKER_interface`.
pub fn interface(world: &dyn World) {
    let (docker, name) = (world.docker(), format!("{}-interface", world.prefix()));
    assert_eq!(shown(world, true, &name), None);

    let (status, started) = sleeping(world, &name);
    assert!(shown(world, false, &name).is_some());
    done(world, "the stop", &docker.stop(&name, Duration::ZERO, false));
    killed(world, &status);

    // It is there still, but does not run.
    assert_eq!(shown(world, false, &name), None);
    assert!(shown(world, true, &name).is_some());
    let stopped = ready(world, "an inspection", &docker.inspect(&name, None));
    assert_eq!((&stopped.id, stopped.pid), (&started.id, None));

    done(world, "the removal", &docker.rm(&name, false));
    let inspect = docker.inspect(&name, None);
    world.until("an inspection of nothing", &|| !inspect.is_pending());
    assert!(inspect.is_failed());
    assert_eq!(shown(world, true, &name), None);

    // Again, and this time removed by force while it runs.
    let (status, _) = sleeping(world, &name);
    assert!(shown(world, false, &name).is_some());
    done(world, "the removal by force", &docker.rm(&name, true));
    killed(world, &status);
    assert_eq!(shown(world, true, &name), None);
}

/// `ROOT_DOCKER_kill`.
pub fn kill(world: &dyn World) {
    let (docker, name) = (world.docker(), format!("{}-kill", world.prefix()));
    let (status, started) = sleeping(world, &name);
    done(world, "the kill", &docker.kill(&name, SIGKILL));
    killed(world, &status);

    assert_eq!(shown(world, false, &name), None);
    let listed = shown(world, true, &name).expect("it is not removed");
    assert_eq!((&listed.id, &listed.name), (&started.id, &started.name));
    let ended = ready(world, "an inspection", &docker.inspect(&name, None));
    assert_eq!((&ended.id, &ended.name, ended.pid), (&started.id, &started.name, None));
}

/// `ROOT_DOCKER_CheckPortResource`.
pub fn check_port_resource(world: &dyn World) {
    let name = format!("{}-port-resource-test", world.prefix());
    done(world, "the removal of nothing", &world.docker().rm(&name, true));

    let port = u32::from(world.port());
    let mut container = container_info(world);
    let docker = container.docker.get_or_insert_default();
    docker.network = Some(Network::Bridge.into());
    docker.port_mappings =
        vec![PortMapping { host_port: port, container_port: 80, protocol: None }];
    let command = CommandInfo {
        shell: Some(false),
        value: Some("true".to_owned()),
        ..CommandInfo::default()
    };

    let without = format!("ports:[{}-{}, {}-{}]", port - 2, port - 1, port + 1, port + 9);
    let without = Resources::parse(&without).expect("resources");
    let arguments =
        CreateArguments { resource_requests: Some(&without), ..CreateArguments::default() };
    let refused = RunOptions::create(&container, &command, &name, "dir", MAPPED, arguments);
    let problem = refused.expect_err("the port is not the task's").to_string();
    assert_eq!(problem, format!("Port [{port}] not included in resources"));

    let with = Resources::parse(&format!("ports:[{}-{}]", port - 2, port + 9)).expect("resources");
    let arguments =
        CreateArguments { resource_requests: Some(&with), ..CreateArguments::default() };
    let options = options(world, &name, &container, &command, arguments);
    exited(world, "a container with a port", &run(world, &options), 0);
}

/// `ROOT_DOCKER_CancelPull`.
pub fn cancel_pull(world: &dyn World) {
    let pull = world.docker().pull(world.directory(), world.slow_image(), false);
    pull.discard();
    world.until("the discarded pull", &|| !pull.is_pending());
    assert!(pull.is_discarded(), "{pull:?}");
}

/// Lists a directory which is mounted.
fn mounted(world: &dyn World, name: &str, host_path: &str, container_path: &str, seen: &str) {
    listed(world, name, host_path, container_path, seen, 0);
}

/// The same, and what comes of it.
fn listed(
    world: &dyn World,
    name: &str,
    host_path: &str,
    container_path: &str,
    seen: &str,
    code: i32,
) {
    std::fs::create_dir_all(world.directory().join(DIRECTORY)).expect("a directory");
    let mut container = container_info(world);
    container.volumes.push(Volume {
        mode: Mode::Ro.into(),
        host_path: Some(host_path.to_owned()),
        container_path: container_path.to_owned(),
        ..Volume::default()
    });
    let name = format!("{}-{name}", world.prefix());
    let command = shell(format!("ls -d {seen}"));
    let options = options(world, &name, &container, &command, CreateArguments::default());
    exited(world, "the listing of what is mounted", &run(world, &options), code);
}

/// Upstream's tests would not notice a program that sees everything.
pub fn mounted_or_not(world: &dyn World) {
    let inside = format!("/tmp/{DIRECTORY}");
    std::fs::create_dir_all(world.directory().join(DIRECTORY)).expect("a directory");
    std::fs::write(world.directory().join(DIRECTORY).join("file"), "").expect("a file");
    let check = |name: &str, seen: &str, code| {
        listed(world, name, DIRECTORY, &inside, seen, code);
    };
    check("mounted-file-test", &format!("{inside}/file"), 0);
    check("mounted-nothing-test", &format!("{inside}/other"), 1);
    check("mounted-elsewhere-test", "/tmp/elsewhere", 1);
}

fn test_directory(world: &dyn World) -> String {
    let path: PathBuf = world.directory().join(DIRECTORY);
    path.to_str().expect("an ASCII path").to_owned()
}

/// `ROOT_DOCKER_MountRelativeHostPath`.
pub fn mount_relative_host_path(world: &dyn World) {
    let inside = format!("/tmp/{DIRECTORY}");
    mounted(world, "mount-relative-host-path-test", DIRECTORY, &inside, &inside);
}

/// `ROOT_DOCKER_MountAbsoluteHostPath`.
pub fn mount_absolute_host_path(world: &dyn World) {
    let inside = format!("/tmp/{DIRECTORY}");
    mounted(world, "mount-absolute-host-path-test", &test_directory(world), &inside, &inside);
}

/// `ROOT_DOCKER_MountRelativeContainerPath`.
pub fn mount_relative_container_path(world: &dyn World) {
    let relative = format!("tmp/{DIRECTORY}");
    let seen = format!("{MAPPED}/{relative}");
    let name = "mount-relative-container-path-test";
    mounted(world, name, &test_directory(world), &relative, &seen);
}

fn with_device(world: &dyn World, name: &str, command: &str, mknod: bool) -> RunOptions {
    let resources = Resources::parse("cpus:1;mem:512").expect("resources");
    let devices = [Device {
        host_path: world.device().to_owned(),
        container_path: world.device().to_owned(),
        read: true,
        write: true,
        mknod,
    }];
    let arguments = CreateArguments {
        resource_requests: Some(&resources),
        devices: Some(&devices),
        ..CreateArguments::default()
    };
    options(world, name, &container_info(world), &shell(command), arguments)
}

/// `ROOT_DOCKER_NVIDIA_GPU_DeviceAllow`, with whatever device there is.
pub fn nvidia_gpu_device_allow(world: &dyn World) {
    let name = format!("{}-device-allow", world.prefix());
    // The usual devices are still there.
    let command = format!("touch {} && touch /dev/null", world.device());
    let options = with_device(world, &name, &command, true);
    exited(world, "a container with a device", &run(world, &options), 0);

    // Without the option it is not there.
    let name = format!("{}-device-deny", world.prefix());
    let command = shell(format!("test ! -e {}", world.device()));
    let options =
        self::options(world, &name, &container_info(world), &command, CreateArguments::default());
    exited(world, "a container without the device", &run(world, &options), 0);
}

/// Upstream's tests would not notice a file in the place of the device: `touch` makes one.
pub fn device_or_file(world: &dyn World) {
    let name = format!("{}-device", world.prefix());
    let options = with_device(world, &name, &format!("test -c {}", world.device()), true);
    exited(world, "a container with a device", &run(world, &options), 0);
    let name = format!("{}-no-device", world.prefix());
    let command = shell(format!("touch {0} && test -c {0}", world.device()));
    let options =
        self::options(world, &name, &container_info(world), &command, CreateArguments::default());
    exited(world, "a container with a file", &run(world, &options), 1);
}

/// `ROOT_DOCKER_NVIDIA_GPU_InspectDevices`, with whatever device there is.
pub fn nvidia_gpu_inspect_devices(world: &dyn World) {
    let name = format!("{}-inspect-devices", world.prefix());
    let command = format!("touch {} && touch /dev/null && sleep 120", world.device());
    let options = with_device(world, &name, &command, false);
    let status = run(world, &options);
    let inspect = world.docker().inspect(&name, Some(Duration::from_millis(1)));
    let container = ready(world, "the container to start", &inspect);
    assert_eq!(container.devices, options.devices);

    done(world, "the kill", &world.docker().kill(&name, SIGKILL));
    killed(world, &status);
}
