//! Files in containers, asked for as a client does: programs, volumes, binds, devices.

use super::{Rig, millis, seconds};
use crate::environment::daemon::{ContainerConfig, DeviceMapping, ExecConfig, Request, Streams};
use process::host::Host;
use std::path::Path;

fn config(text: &str, binds: &[&str]) -> ContainerConfig {
    ContainerConfig {
        image: "bb:1".to_owned(),
        command: ["sh", "-c", text].map(str::to_owned).to_vec(),
        binds: binds.iter().map(|bind| (*bind).to_owned()).collect(),
        ..ContainerConfig::default()
    }
}

/// Runs a text to its end; what it wrote.
fn says(rig: &Rig, name: &str, text: &str, binds: &[&str]) -> String {
    rig.create_as(name, config(text, binds)).expect(201);
    rig.start(name).expect(204);
    rig.pass(seconds(1));
    assert!(rig.daemon.container(name).is_some_and(|one| one.exit_code.is_some()), "{name} runs");
    rig.logs(name)
}

/// Runs a program in `c1`; what it wrote.
fn exec(rig: &Rig, command: &[&str]) -> String {
    let command = command.iter().map(|word| (*word).to_owned()).collect();
    let streams = Streams { stdin: false, stdout: true, stderr: true };
    let config = ExecConfig { command, streams, ..ExecConfig::default() };
    let created = rig.ask(Request::ExecCreate { container: "c1".into(), config });
    let exec = created.expect(201).body()["Id"].as_str().unwrap().into();
    rig.ask(Request::ExecStart { exec, detach: false, tty: false }).text()
}

#[test]
fn a_program_waits_for_a_file_that_another_makes() {
    let rig = Rig::interpreting();
    rig.run("c1", "while test ! -e /tmp/go; do sleep 1; done; cat /tmp/go; exit 3");
    rig.pass(seconds(60));
    assert_eq!(rig.daemon.container("c1").and_then(|one| one.exit_code), None);
    assert_eq!(exec(&rig, &["ls", "/tmp/go"]), "!ls: /tmp/go: No such file or directory\n");
    assert_eq!(exec(&rig, &["sh", "-c", "echo now >/tmp/go"]), "");
    rig.pass(seconds(2));
    assert_eq!(rig.daemon.container("c1").and_then(|one| one.exit_code), Some(3));
    assert_eq!(rig.logs("c1"), "now\n");
}

#[test]
fn a_volume_outlives_containers_and_a_container_its_runs() {
    let rig = Rig::interpreting();
    let text = "ls /data /tmp; test -e /dev/new || touch /data/a /tmp/own /dev/new; ls -d /dev/new";
    let listing = "/data:\n\n/tmp:\n/dev/new\n";
    assert_eq!(says(&rig, "one", text, &["vol:/data"]), listing);
    rig.start("one").expect(204);
    rig.pass(seconds(1));
    assert!(
        rig.logs("one").ends_with("/data:\na\n\n/tmp:\nown\n/dev/new\n"),
        "{}",
        rig.logs("one")
    );
    rig.ask(Request::Remove { container: "one".into(), force: true, volumes: false });
    assert_eq!(says(&rig, "two", "ls /data /tmp", &["vol:/data"]), "/data:\na\n\n/tmp:\n");
    rig.ask(Request::Remove { container: "two".into(), force: true, volumes: false });
    rig.ask(Request::RemoveVolume { volume: "vol".into(), force: false }).expect(204);
    assert_eq!(says(&rig, "three", "ls /data", &["vol:/data"]), "");
}

/// What containers write never reaches the host: it is not theirs.
#[test]
fn a_bind_shows_the_files_of_the_simulated_host() {
    let rig = Rig::interpreting();
    rig.host.checkpoint(Path::new("/sandbox/a/file"), b"content\n").unwrap();
    rig.host.symlink(Path::new("/sandbox/a"), Path::new("/sandbox/link")).unwrap();
    let binds = ["/sandbox:/in", "/sandbox/link:/linked:ro"];
    let text =
        "ls /in /linked; cat /in/link/file /linked/file; touch /in/new /linked/new; rm -r /in/a";
    assert_eq!(
        says(&rig, "one", text, &binds),
        "/in:\na\nlink\n\n/linked:\nfile\ncontent\ncontent\n\
         !touch: /linked/new: Read-only file system\n"
    );
    assert_eq!(says(&rig, "two", "ls /in", &binds), "link\nnew\n");
    assert!(rig.host.node(Path::new("/sandbox/new")).is_none());
    assert!(rig.host.node(Path::new("/sandbox/a/file")).is_some());
    // What comes about on the host later is seen as well.
    rig.host.checkpoint(Path::new("/sandbox/later"), b"").unwrap();
    assert_eq!(says(&rig, "three", "ls /in", &binds), "later\nlink\nnew\n");
}

#[test]
fn a_container_gets_devices_that_there_are() {
    let rig = Rig::interpreting();
    let with = |path: &str, permissions: &str| ContainerConfig {
        devices: vec![DeviceMapping {
            host: path.to_owned(),
            container: "/dev/mine".to_owned(),
            permissions: permissions.to_owned(),
        }],
        ..config("test -c /dev/mine && touch /dev/mine", &[])
    };
    rig.create_as("c1", with("/dev/nvidiactl", "r")).expect(201);
    rig.start("c1").expect(204);
    rig.pass(millis(500));
    assert_eq!(rig.daemon.container("c1").and_then(|one| one.exit_code), Some(0));
    for (name, path, permissions, words) in [
        ("c2", "/dev/nosuch", "rwm", "\"/dev/nosuch\": no such file or directory"),
        ("c3", "/dev/fuse", "", "device access at 8 field cannot be empty"),
    ] {
        rig.create_as(name, with(path, permissions)).expect(201);
        let refusal = rig.start(name).refusal();
        assert!(refusal.status == 500 && refusal.message.contains(words), "{refusal:?}");
        assert_eq!(rig.inspect(name)["State"]["ExitCode"], 128);
    }
}
