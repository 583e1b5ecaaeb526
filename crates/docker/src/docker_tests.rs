//! Twins of the tests of `src/tests/containerizer/docker_tests.cpp` that need no Engine. The others
//! are in the Docker suites.

#![expect(clippy::disallowed_methods, reason = "a daemon on a thread of its own")]

use crate::{
    Bollard, CreateArguments, Docker, Engine, Image, RunOptions, RunOptionsError, Version,
};
use mesos::container_info::{DockerInfo, Type};
use mesos::volume::source::DockerVolume;
use mesos::volume::{Mode, Source, source};
use mesos::{CommandInfo, ContainerInfo, Volume};
use process::Outcome;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);
const MAPPED: &str = "/mnt/mesos/sandbox";

fn container(volumes: Vec<Volume>) -> ContainerInfo {
    ContainerInfo {
        r#type: Type::Docker.into(),
        docker: Some(DockerInfo { image: "alpine".to_owned(), ..DockerInfo::default() }),
        volumes,
        ..ContainerInfo::default()
    }
}

fn command(shell: bool, value: Option<&str>) -> CommandInfo {
    CommandInfo { shell: Some(shell), value: value.map(str::to_owned), ..CommandInfo::default() }
}

fn create(container: &ContainerInfo, command: &CommandInfo) -> Result<RunOptions, RunOptionsError> {
    let arguments = CreateArguments::default();
    RunOptions::create(container, command, "testContainer", "dir", MAPPED, arguments)
}

fn docker_volume(driver: &str, name: &str, container_path: &str) -> Volume {
    Volume {
        mode: Mode::Rw.into(),
        container_path: container_path.to_owned(),
        source: Some(Source {
            r#type: Some(source::Type::DockerVolume.into()),
            docker_volume: Some(DockerVolume {
                driver: Some(driver.to_owned()),
                name: name.to_owned(),
                ..DockerVolume::default()
            }),
            ..Source::default()
        }),
        ..Volume::default()
    }
}

/// The version that a daemon has which says this.
fn version_of(text: &'static str) -> Version {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("docker.sock");
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        // The first connection only shows that somebody listens.
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            if stream.read(&mut request).unwrap_or(0) == 0 {
                continue;
            }
            let body = format!(r#"{{"Version":"{text}","ApiVersion":"1.41"}}"#);
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n\
                 {body}",
                body.len()
            );
        }
    });
    let api = Bollard::connect(path.to_str()).unwrap();
    let docker = Engine::new(Arc::new(api), "unix:///docker.sock");
    match docker.version().wait(LIMIT) {
        Some(Outcome::Ready(version)) => version,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn root_docker_version() {
    assert_eq!(version_of("1.7.1"), Version::new(1, 7, 1));
    // Of more than three parts the rest does not count.
    assert_eq!(version_of("1.7.1.fc22"), Version::new(1, 7, 1));
    let labelled = version_of("1.7.1-fc22");
    assert_eq!((labelled.patch, labelled.prerelease), (1, vec!["fc22".to_owned()]));
    let labelled = version_of("17.05.0-ce");
    assert_eq!((labelled.major, labelled.minor, labelled.patch), (17, 5, 0));
    assert_eq!(labelled.prerelease, ["ce"]);
}

#[test]
fn root_docker_check_command_with_shell() {
    let problem = create(&container(Vec::new()), &command(true, None)).unwrap_err();
    assert_eq!(problem.to_string(), "Shell specified but no command value provided");
    assert!(create(&container(Vec::new()), &command(true, Some("true"))).is_ok());
}

#[test]
fn root_docker_mount_relative_host_path_relative_container_path() {
    let volume = |host_path: &str, container_path: &str| Volume {
        mode: Mode::Ro.into(),
        host_path: Some(host_path.to_owned()),
        container_path: container_path.to_owned(),
        ..Volume::default()
    };
    let list = command(true, Some("ls -d /mnt/mesos/sandbox/tmp/test_dir"));
    let both = container(vec![volume("test_dir", "tmp/test_dir")]);
    let problem = create(&both, &list).unwrap_err().to_string();
    assert!(problem.contains("are relative"), "{problem}");
    // One of the two may be.
    assert!(create(&container(vec![volume("/test_dir", "tmp/test_dir")]), &list).is_ok());
    assert!(create(&container(vec![volume("test_dir", "/tmp/test_dir")]), &list).is_ok());
}

#[test]
fn root_docker_conflicting_volume_drivers_in_multiple_volumes() {
    let two = |driver: &str| {
        container(vec![
            docker_volume("driver1", "name1", "/tmp/test1"),
            docker_volume(driver, "name2", "/tmp/test2"),
        ])
    };
    let problem = create(&two("driver2"), &command(false, None)).unwrap_err().to_string();
    assert!(problem.contains("Only one volume driver is supported"), "{problem}");
    assert!(create(&two("driver1"), &command(false, None)).is_ok());
}

#[test]
fn root_docker_conflicting_volume_drivers() {
    let with = |driver: &str| {
        let mut container = container(vec![docker_volume("driver", "name1", "/tmp/test1")]);
        let docker = container.docker.get_or_insert_default();
        #[expect(deprecated, reason = "this is what it is about")]
        {
            docker.volume_driver = Some(driver.to_owned());
        }
        container
    };
    let problem = create(&with("driver1"), &command(false, None)).unwrap_err().to_string();
    assert!(problem.contains("Only one volume driver per task is supported"), "{problem}");
    assert!(create(&with("driver"), &command(false, None)).is_ok());
}

/// The image of a daemon of before API 1.45: it has the settings of its last build step as well.
#[test]
fn parse_inspecton_image() {
    let settings = r#"{
        "Hostname": "b1c2d3e4f5a6", "Domainname": "", "User": "",
        "AttachStdin": false, "AttachStdout": false, "AttachStderr": false,
        "PortSpecs": null, "ExposedPorts": null, "Tty": false,
        "Env": [
            "PATH=/usr/local/bin:/usr/bin:/bin",
            "LANG=C.UTF-8",
            "SERVER_VERSION=8u66",
            "SERVER_OPTS=--option=-Xms1024M --option=-Dlevel=info",
            "EMPTY="
        ],
        "Cmd": COMMAND, "Image": "sha256:0123", "Volumes": null, "WorkingDir": "/srv",
        "Entrypoint": ["./bin/start", "--quick"], "OnBuild": [], "Labels": {}
    }"#;
    let inspect = format!(
        r#"{{"Id": "sha256:4567", "Parent": "sha256:0123", "Comment": "",
            "Created": "2015-10-01T13:24:42.549270714Z", "ContainerConfig": {},
            "DockerVersion": "1.8.3", "Config": {}, "Architecture": "amd64", "Os": "linux",
            "Size": 0, "VirtualSize": 977664708}}"#,
        settings.replace("COMMAND", r##"["/bin/sh", "-c", "#(nop) ENTRYPOINT"]"##),
        settings.replace("COMMAND", "null"),
    );
    let image = Image::from_inspect(&inspect).unwrap();
    assert_eq!(image.id, "sha256:4567");
    assert_eq!(image.entrypoint.unwrap(), ["./bin/start", "--quick"]);
    let environment = image.environment.unwrap();
    assert_eq!(environment["LANG"], "C.UTF-8");
    assert_eq!(environment["SERVER_VERSION"], "8u66");
    assert_eq!(environment["SERVER_OPTS"], "--option=-Xms1024M --option=-Dlevel=info");
    assert_eq!(environment["EMPTY"], "");
    assert_eq!(environment.len(), 5);
}
