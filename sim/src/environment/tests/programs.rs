//! Programs in containers: how they end, what signals do, memory, and what they read.

use super::{Rig, millis, seconds};
use crate::environment::daemon::{
    ContainerConfig, ContainerState, End, Reaction, Request, Resources, Script, StartRefusal, Step,
    Stream, Streams,
    rules::Rule,
    scripts::{self, Pick},
};
use crate::environment::{Fault, Faults};
use serde_json::json;
use std::sync::Arc;

fn exit_code(rig: &Rig, name: &str) -> i64 {
    rig.inspect(name)["State"]["ExitCode"].as_i64().unwrap()
}

fn is_running(rig: &Rig, name: &str) -> bool {
    rig.daemon.container(name).is_some_and(|container| container.state.is_running())
}

#[test]
fn a_program_ends_with_its_own_code() {
    let rig = Rig::interpreting();
    for (name, text, code) in
        [("ok", "true", 0), ("no", "false", 1), ("own", "exit 42", 42), ("shell", "nosuch", 127)]
    {
        rig.run(name, text);
        rig.pass(seconds(1));
        assert_eq!((is_running(&rig, name), exit_code(&rig, name)), (false, code), "{text}");
    }
    assert_eq!(rig.logs("shell"), "!sh: nosuch: not found\n");
}

#[test]
fn a_program_that_cannot_be_started_leaves_126_127_or_128() {
    let rig = Rig::interpreting();
    for (name, command, status, code, words) in [
        ("one", "nosuch", 400, 127, "executable file not found in $PATH"),
        ("two", "/no/such", 400, 127, "stat /no/such: no such file or directory"),
        ("three", "/tmp", 400, 126, "permission denied"),
    ] {
        rig.create(name, &[command]).expect(201);
        let refusal = rig.start(name).refusal();
        assert_eq!(refusal.status, status);
        assert!(refusal.message.contains(words), "{}", refusal.message);
        let state = &rig.inspect(name)["State"];
        assert_eq!(state["ExitCode"], code);
        assert_eq!(state["Error"], refusal.message.as_ref());
        assert_eq!((&state["Status"], &state["Pid"]), (&json!("created"), &json!(0)));
        // It can be tried again, and removed.
        rig.start(name).expect(status);
        rig.ask(Request::Remove { container: name.into(), force: false, volumes: false })
            .expect(204);
    }
    let refusal = StartRefusal::Other { status: 500, message: "no space".into() };
    let pick = Pick::Command("sleep".into());
    drop(rig);
    let rig = Rig::set(|settings| {
        settings.scripts.push((pick, Arc::new(Script::refused(refusal))));
    });
    rig.create("four", &["sleep"]);
    assert_eq!(rig.start("four").refusal().message, "no space");
    assert_eq!(exit_code(&rig, "four"), 128);
}

#[test]
fn a_first_process_ignores_what_it_does_not_expect_and_a_stop_resorts_to_the_kill() {
    let rig = Rig::interpreting();
    rig.create("c1", &["sleep", "1000"]).expect(201);
    rig.start("c1").expect(204);
    rig.ask(Request::Kill { container: "c1".into(), signal: 15 }).expect(204);
    assert!(is_running(&rig, "c1"));
    let stop = rig.send(Request::Stop { container: "c1".into(), seconds: Some(2) });
    rig.pass(millis(1900));
    assert!(stop.is_silent() && is_running(&rig, "c1"));
    rig.pass(millis(400));
    stop.expect(204);
    assert_eq!(exit_code(&rig, "c1"), 137);
}

#[test]
fn behind_an_init_it_dies_of_the_signal() {
    let rig = Rig::interpreting();
    let config = ContainerConfig {
        image: "bb:1".to_owned(),
        command: vec!["sleep".to_owned(), "1000".to_owned()],
        init: true,
        ..ContainerConfig::default()
    };
    rig.create_as("c1", config).expect(201);
    rig.start("c1").expect(204);
    rig.ask(Request::Stop { container: "c1".into(), seconds: Some(10) }).expect(204);
    assert_eq!(exit_code(&rig, "c1"), 143);
}

#[test]
fn a_trap_runs_when_the_command_under_way_has_ended() {
    let rig = Rig::interpreting();
    rig.run("c1", "trap 'echo bye; exit 0' TERM; while true; do sleep 3; done");
    let stop = rig.send(Request::Stop { container: "c1".into(), seconds: Some(10) });
    rig.pass(seconds(2));
    assert!(stop.is_silent(), "the sleep goes on");
    rig.pass(seconds(2));
    stop.expect(204);
    assert_eq!((exit_code(&rig, "c1"), rig.logs("c1").as_str()), (0, "bye\n"));
}

#[test]
fn a_script_takes_its_time_to_end() {
    let slow = Script {
        on_term: Reaction::Exit(0, seconds(3)),
        on_others: Reaction::Ignore,
        ..Script::default()
    };
    let rig =
        Rig::set(|settings| settings.scripts.push((Pick::Image("bb:1".into()), Arc::new(slow))));
    rig.create("c1", &["whatever"]).expect(201);
    rig.start("c1").expect(204);
    rig.ask(Request::Kill { container: "c1".into(), signal: 2 }).expect(204);
    let stop = rig.send(Request::Stop { container: "c1".into(), seconds: Some(10) });
    rig.pass(millis(2900));
    assert!(stop.is_silent());
    // Being asked again does not make it slower.
    rig.ask(Request::Kill { container: "c1".into(), signal: 15 }).expect(204);
    stop.expect(204);
    assert_eq!(exit_code(&rig, "c1"), 0);
}

#[test]
fn a_program_beyond_its_memory_is_killed_for_it() {
    let rig = Rig::interpreting();
    let config = ContainerConfig {
        image: "bb:1".to_owned(),
        command: ["eat", "100M", "in", "10"].map(str::to_owned).to_vec(),
        resources: Resources { memory: 52 << 20, ..Resources::default() },
        ..ContainerConfig::default()
    };
    rig.create_as("c1", config).expect(201);
    rig.start("c1").expect(204);
    rig.pass(seconds(2));
    let cgroup = rig.daemon.cgroup("c1").unwrap();
    assert_eq!(cgroup.memory_limit, Some(52 << 20));
    assert!(cgroup.memory > 20 << 20 && cgroup.memory < 30 << 20, "{}", cgroup.memory);
    rig.pass(seconds(3));
    let state = &rig.inspect("c1")["State"];
    assert_eq!((&state["OOMKilled"], &state["ExitCode"]), (&json!(true), &json!(137)));
    assert_eq!(rig.daemon.coverage().oom_kills, 1);
    // The next run begins anew.
    rig.start("c1").expect(204);
    assert_eq!(rig.inspect("c1")["State"]["OOMKilled"], json!(false));
}

#[test]
fn memory_that_fits_is_kept() {
    let rig = Rig::interpreting();
    rig.run("c1", "eat 10M; sleep 100");
    assert_eq!(rig.daemon.cgroup("c1").map(|one| one.memory), Some(12 << 20));
    assert_eq!(rig.daemon.cgroup("c1").map(|one| one.processes), Some(1));
}

#[test]
fn work_uses_the_processor_and_a_quota_limits_it() {
    let rig = Rig::interpreting();
    rig.run("c1", "work 100");
    let config = ContainerConfig {
        image: "bb:1".to_owned(),
        command: ["work", "100"].map(str::to_owned).to_vec(),
        resources: Resources { cpu_quota: 50_000, ..Resources::default() },
        ..ContainerConfig::default()
    };
    rig.create_as("c2", config);
    rig.start("c2");
    rig.pass(seconds(10));
    let of = |name: &str| rig.daemon.cgroup(name).unwrap().processor_time.as_secs_f64();
    assert!((10.0..12.0).contains(&of("c1")), "{}", of("c1"));
    assert!((4.9..5.7).contains(&of("c2")), "{}", of("c2"));
}

#[test]
fn a_program_reads_to_the_end_of_its_input() {
    let rig = Rig::interpreting();
    let config = ContainerConfig {
        image: "bb:1".to_owned(),
        command: vec!["cat".to_owned()],
        open_stdin: true,
        stdin_once: true,
        ..ContainerConfig::default()
    };
    rig.create_as("c1", config).expect(201);
    let streams = Streams { stdin: true, stdout: true, stderr: true };
    let attach =
        rig.ask(Request::Attach { container: "c1".into(), streams, logs: false, stream: true });
    rig.start("c1").expect(204);
    attach.call.input(Some(b"one\n"[..].into()));
    rig.pass(millis(10));
    assert_eq!(attach.text(), "one\n");
    assert!(is_running(&rig, "c1"));
    attach.call.input(Some(b"two\n"[..].into()));
    attach.call.input(None);
    rig.pass(millis(100));
    assert_eq!((attach.text().as_str(), attach.is_over()), ("one\ntwo\n", true));
    assert_eq!(exit_code(&rig, "c1"), 0);
    // Without an open input its end comes at once.
    rig.create("c2", &["cat"]);
    rig.start("c2");
    assert_eq!(exit_code(&rig, "c2"), 0);
}

#[test]
fn a_terminal_has_one_stream_and_its_own_line_ends() {
    let rig = Rig::interpreting();
    let config = ContainerConfig {
        image: "bb:1".to_owned(),
        command: ["sh", "-c", "echo a; echo b >&2"].map(str::to_owned).to_vec(),
        tty: true,
        ..ContainerConfig::default()
    };
    rig.create_as("c1", config);
    rig.start("c1");
    assert_eq!(rig.logs("c1"), "a\r\nb\r\n");
}

#[test]
fn scripts_are_chosen_by_label_command_and_image() {
    let exits = |code| Arc::new(Script::exits(millis(1), code));
    let rig = Rig::set(|settings| {
        settings.interpret = true;
        settings.scripts = vec![
            (Pick::Label("odd".into()), exits(7)),
            (Pick::Command("special".into()), exits(8)),
            (Pick::Image("busybox".into()), exits(9)),
        ];
    });
    let config = |image: &str, word: &str, label: Option<&str>| ContainerConfig {
        image: image.to_owned(),
        command: vec!["echo".to_owned(), word.to_owned()],
        labels: label
            .map(|label| (scripts::LABEL.to_owned(), label.to_owned()))
            .into_iter()
            .collect(),
        ..ContainerConfig::default()
    };
    for (name, config, code) in [
        ("by-label", config("bb:1", "special", Some("odd")), 7),
        ("by-command", config("bb:1", "special", Some("other")), 8),
        ("by-image", config("docker.io/library/busybox:latest", "x", None), 9),
        ("by-itself", config("bb:1", "x", None), 0),
    ] {
        rig.create_as(name, config).expect(201);
        rig.start(name).expect(204);
        rig.pass(seconds(1));
        assert_eq!(exit_code(&rig, name), code, "{name}");
    }
    assert!(scripts::parse("trap '' TERM; sleep 5; exit 4").is_ok());
    assert!(scripts::parse("unheard of").is_err());
}

#[test]
fn a_program_without_time_does_not_stop_the_clock() {
    let steps = [Step::Write(Stream::Stdout, "y\n".into()), Step::Repeat(0)];
    let script = Arc::new(Script::of(steps, End::Never));
    let rig = Rig::set(|settings| settings.scripts.push((Pick::Image("bb:1".into()), script)));
    rig.create("c1", &["yes"]);
    rig.start("c1");
    rig.pass(millis(20));
    let lines = rig.daemon.log("c1").unwrap().lines().count();
    assert!(lines > 1_000, "{lines}");
    assert!(is_running(&rig, "c1"));
}

#[test]
fn faults_and_rules_make_a_program_deaf_or_hungry() {
    let rig = Rig::choosing(Faults::none().with(Fault::TaskOom, 1), &[1]);
    rig.run_container("c1");
    let container = rig.daemon.container("c1").unwrap();
    assert_eq!((container.exit_code, container.oom_killed), (Some(137), true));
    assert_eq!(rig.environment.injected(), [Fault::TaskOom]);
    drop(rig);

    let rig = Rig::new();
    let rules = ["task:ignore-term*1", "task:oom~hungry"].map(|rule| rule.parse::<Rule>().unwrap());
    rig.daemon.set_rules(rules.to_vec());
    rig.run_container("deaf");
    rig.api.stop_container("deaf", 2);
    rig.settle();
    assert_eq!(rig.daemon.container("deaf").and_then(|one| one.exit_code), Some(137));
    rig.run_container("hungry");
    assert_eq!(rig.daemon.container("hungry").map(|one| one.state), Some(ContainerState::Exited));
    rig.run_container("fine");
    assert_eq!(rig.daemon.container("fine").map(|one| one.state), Some(ContainerState::Running));
}
