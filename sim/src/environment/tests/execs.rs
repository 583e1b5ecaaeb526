//! Programs that are run in containers.

use super::{Rig, Talk, millis, seconds};
use crate::environment::daemon::{ExecConfig, Opened, Reply, Request, Streams};
use serde_json::json;
use std::sync::Arc;

const BOTH: Streams = Streams { stdin: false, stdout: true, stderr: true };

fn prepare_with(rig: &Rig, streams: Streams, command: &[&str]) -> Arc<str> {
    let command = command.iter().map(|word| (*word).to_owned()).collect();
    let config = ExecConfig { command, streams, ..ExecConfig::default() };
    let talk = rig.ask(Request::ExecCreate { container: "c1".into(), config });
    talk.expect(201).body()["Id"].as_str().unwrap().into()
}

fn prepare(rig: &Rig, command: &[&str]) -> Arc<str> {
    prepare_with(rig, BOTH, command)
}

fn start(rig: &Rig, exec: &Arc<str>, detach: bool) -> Talk {
    rig.send(Request::ExecStart { exec: Arc::clone(exec), detach, tty: false })
}

fn inspect(rig: &Rig, exec: &Arc<str>) -> serde_json::Value {
    rig.ask(Request::ExecInspect { exec: Arc::clone(exec) }).body()
}

#[test]
fn a_program_runs_and_ends_with_its_code() {
    let rig = Rig::interpreting();
    rig.run("c1", "sleep 1000");
    let exec = prepare(&rig, &["sh", "-c", "echo hi; echo err >&2; sleep 5; exit 3"]);
    assert_eq!(inspect(&rig, &exec)["ExitCode"], json!(null));
    let talk = start(&rig, &exec, false);
    rig.pass(millis(500));
    assert!(matches!(talk.replies()[0], Reply::Opened(Opened::Exec { tty: false })));
    assert_eq!((talk.text().as_str(), talk.is_over()), ("hi\n!err\n", false));
    let running = inspect(&rig, &exec);
    assert_eq!(running["Running"], json!(true));
    assert!(running["Pid"].as_i64() > Some(0));
    let processes =
        rig.ask(Request::Top { container: "c1".into(), arguments: String::new() }).body();
    assert_eq!(processes["Processes"].as_array().map(Vec::len), Some(2));
    assert_eq!(rig.inspect("c1")["ExecIDs"], json!([&*exec]));
    rig.pass(seconds(5));
    assert!(talk.is_over());
    let ended = inspect(&rig, &exec);
    assert_eq!((&ended["ExitCode"], &ended["Running"]), (&json!(3), &json!(false)));
    assert_eq!(rig.inspect("c1")["ExecIDs"], json!(null));
    assert_eq!(rig.logs("c1"), "", "it is not the container's output");
}

#[test]
fn a_program_runs_once() {
    let rig = Rig::interpreting();
    rig.run("c1", "sleep 1000");
    let exec = prepare(&rig, &["sleep", "1"]);
    let first = start(&rig, &exec, true);
    rig.pass(millis(100));
    first.expect(204);
    let second = start(&rig, &exec, false);
    rig.pass(millis(100));
    assert_eq!(second.text(), format!("Error: Exec command {exec} is already running\r\n"));
    rig.pass(seconds(2));
    let third = start(&rig, &exec, false);
    let detached = start(&rig, &exec, true);
    rig.pass(millis(100));
    assert_eq!(third.text(), format!("Error: Exec command {exec} has already run\r\n"));
    detached.expect(409);
}

#[test]
fn what_cannot_be_run_says_so_in_the_stream() {
    let rig = Rig::interpreting();
    rig.run("c1", "sleep 1000");
    let exec = prepare(&rig, &["nosuch"]);
    let talk = start(&rig, &exec, false);
    rig.pass(millis(100));
    assert_eq!(
        talk.text(),
        "OCI runtime exec failed: exec failed: unable to start container process: exec: \
         \"nosuch\": executable file not found in $PATH: unknown\r\n"
    );
    assert_eq!(inspect(&rig, &exec)["ExitCode"], json!(126));
    let exec = prepare(&rig, &["/tmp"]);
    let talk = start(&rig, &exec, true);
    rig.pass(millis(100));
    assert_eq!(talk.refusal().status, 400);
    for request in [
        Request::ExecInspect { exec: "nonono".into() },
        Request::ExecStart { exec: "nonono".into(), detach: false, tty: false },
    ] {
        assert_eq!(rig.ask(request).refusal().message, "No such exec instance: nonono");
    }
    let empty = Request::ExecCreate { container: "c1".into(), config: ExecConfig::default() };
    assert_eq!(rig.ask(empty).refusal().message, "No exec command specified");
}

#[test]
fn a_program_ends_with_its_container() {
    let rig = Rig::interpreting();
    rig.run("c1", "sleep 1000");
    let exec = prepare(&rig, &["sleep", "1000"]);
    let talk = start(&rig, &exec, false);
    rig.pass(millis(100));
    assert_eq!(rig.host.processes().len(), 2);
    rig.ask(Request::Kill { container: "c1".into(), signal: 9 }).expect(204);
    assert!(talk.is_over());
    assert_eq!(inspect(&rig, &exec)["ExitCode"], json!(137));
    assert!(rig.host.processes().is_empty());
    rig.ask(Request::ExecStart { exec, detach: true, tty: false }).expect(409);
}

#[test]
fn a_program_goes_on_without_its_client_and_reads_what_that_sent() {
    let rig = Rig::interpreting();
    rig.run("c1", "sleep 1000");
    let streams = Streams { stdin: true, ..BOTH };
    let exec = prepare_with(&rig, streams, &["cat"]);
    let talk = start(&rig, &exec, false);
    rig.pass(millis(100));
    talk.call.input(Some(b"text"[..].into()));
    rig.pass(millis(10));
    assert_eq!(talk.text(), "text");
    talk.call.input(None);
    rig.pass(millis(100));
    assert!(talk.is_over());
    let exec = prepare(&rig, &["sleep", "1"]);
    let talk = start(&rig, &exec, false);
    rig.pass(millis(100));
    talk.call.hang_up();
    assert_eq!(inspect(&rig, &exec)["Running"], json!(true));
    rig.pass(seconds(2));
    assert_eq!(inspect(&rig, &exec)["ExitCode"], json!(0));
}

#[test]
fn a_frozen_container_freezes_its_programs() {
    let rig = Rig::interpreting();
    rig.run("c1", "sleep 1000");
    let exec = prepare(&rig, &["sleep", "2"]);
    let talk = start(&rig, &exec, false);
    rig.pass(millis(500));
    rig.ask(Request::Pause { container: "c1".into() }).expect(204);
    rig.pass(seconds(60));
    assert!(!talk.is_over());
    rig.ask(Request::Unpause { container: "c1".into() }).expect(204);
    rig.pass(seconds(2));
    assert!(talk.is_over());
}
