//! The host: pipes between programs, what they inherit, trees of processes.

use super::Rig;
use super::schedules::under_many_schedules;
use crate::environment::host::{AGENT_PID, Behaviour, Node, SIGTERM, Scripted};
use bytes::Bytes;
use parking_lot::Mutex;
use process::host::{
    ChildHook, Command, Ends, FdType, Follow, Host, Io, OsPid, ParentHook, Program, Running,
    Subprocess,
};
use process::io::{self, Descriptor};
use process::{Future, Nothing};
use std::path::Path;
use std::sync::Arc;

/// More than a pipe holds.
const MUCH: usize = 200_000;

/// Copies its input to its output and exits at the end of it.
struct Cat;

impl Program for Cat {
    fn start(&self, _: &Command, running: Arc<dyn Running>) -> Box<dyn Fn(i32) + Send + Sync> {
        let Ends { stdin: Some(stdin), stdout: Some(stdout), .. } = running.streams() else {
            panic!("two pipes")
        };
        let copied = io::redirect(&stdin, Some(&stdout), 1000, Vec::new());
        let end = Arc::clone(&running);
        copied.on_any(move |copied| end.exit(if copied.is_ready() { 0 } else { 1 << 8 }));
        Box::new(move |signal| running.exit(signal))
    }
}

/// Reads nothing, and ends when it is told to.
#[derive(Clone, Default)]
struct Idle(Arc<Mutex<Vec<Arc<dyn Running>>>>);

impl Program for Idle {
    fn start(&self, _: &Command, running: Arc<dyn Running>) -> Box<dyn Fn(i32) + Send + Sync> {
        self.0.lock().push(Arc::clone(&running));
        Box::new(move |signal| running.exit(signal))
    }
}

fn piped(path: &str) -> Command {
    Command { stdin: Io::Pipe, stdout: Io::Pipe, ..Command::new(path, [path]) }
}

fn start(rig: &Rig, command: Command) -> Subprocess {
    rig.host.subprocess(command, Vec::new()).expect("started")
}

fn idle(rig: &Rig) -> Idle {
    let idle = Idle::default();
    rig.host.register("idle", Arc::new(idle.clone()));
    idle
}

fn text(data: &Future<Bytes>) -> Option<&str> {
    data.get().and_then(|data| std::str::from_utf8(data).ok())
}

#[test]
fn what_goes_in_comes_out_however_the_steps_fall() {
    under_many_schedules(|rig, schedule| {
        rig.host.register("cat", Arc::new(Cat));
        let s = start(rig, piped("cat"));
        let (stdin, stdout) = (s.stdin().expect("a pipe"), s.stdout().expect("a pipe"));
        let input: Vec<u8> = (0..MUCH).map(|index| (index % 251) as u8).collect();
        let output = io::read(stdout);
        let written = io::write(stdin, input.clone());
        assert!(written.is_pending(), "a pipe holds less, and nobody has read yet");
        schedule.some(rig, 7);
        stdin.close();
        schedule.all(rig);
        assert_eq!(written.get(), Some(&Nothing));
        assert_eq!(s.status().get(), Some(&Some(0)));
        assert!(output.get().is_some_and(|output| output[..] == input[..]));
    });
}

#[test]
fn the_end_of_a_program_is_the_end_of_its_pipes() {
    let rig = Rig::new();
    let idle = idle(&rig);
    let s = start(&rig, piped("idle"));
    let output = io::read(s.stdout().expect("a pipe"));
    let stuck = io::write(s.stdin().expect("a pipe"), vec![b'x'; MUCH]);
    rig.settle();
    assert!(output.is_pending() && stuck.is_pending());
    // It has them at hand still when it ends.
    let streams = idle.0.lock()[0].streams();
    assert!(io::write(streams.stdout.as_ref().expect("a pipe"), "last words").is_ready());
    idle.0.lock()[0].exit(0);
    rig.settle();
    assert_eq!(text(&output), Some("last words"));
    assert_eq!(stuck.failure(), Some("Broken pipe"));
    let late = io::write(s.stdin().expect("a pipe"), "too late");
    assert_eq!(late.failure(), Some("Broken pipe"));
}

#[test]
fn a_pipe_lives_as_long_as_the_program_or_a_handle() {
    let rig = Rig::new();
    let idle = idle(&rig);
    let s = start(&rig, piped("idle"));
    rig.settle();
    drop(s);
    let input = io::read(idle.0.lock()[0].streams().stdin.as_ref().expect("a pipe"));
    rig.settle();
    assert!(input.is_pending(), "the program does not see the end of its input");
}

#[test]
fn a_discarded_read_takes_nothing() {
    let rig = Rig::new();
    let (read, write) = rig.host.pipe().expect("a pipe");
    let (first, second) = (io::read_some(&read, 10), io::read_some(&read, 10));
    assert!(first.discard());
    rig.settle();
    assert!(first.is_discarded() && second.is_pending());
    assert!(io::write(&write, "hello").is_ready());
    rig.settle();
    assert_eq!(text(&second), Some("hello"));
    write.close();
    rig.settle();
    assert_eq!(text(&io::read(&read)), Some(""));
    read.close();
    assert!(io::read(&read).failure().is_some_and(|message| message.contains("closed")));
    assert_eq!((read.number(), write.number()), (None, None));
}

#[test]
fn a_read_goes_on_when_its_descriptor_is_closed() {
    let rig = Rig::new();
    let (read, write) = rig.host.pipe().expect("a pipe");
    let pending = io::read_some(&read, 10);
    read.close();
    assert!(io::write(&write, "hello").is_ready());
    rig.settle();
    assert_eq!(text(&pending), Some("hello"));
    assert_eq!(io::write(&write, "again").failure(), Some("Broken pipe"));
}

#[test]
fn output_is_redirected_to_a_file() {
    let rig = Rig::new();
    rig.host.register("cat", Arc::new(Cat));
    rig.host.mkdir(Path::new("/sandbox")).expect("made");
    let path = Path::new("/sandbox/stdout");
    let file = rig.host.append(path).expect("opened");
    assert!(rig.host.append(Path::new("/nowhere/file")).is_err());
    assert!(rig.host.append(Path::new("/sandbox")).is_err());
    let s = start(&rig, piped("cat"));
    let redirected =
        io::redirect(s.stdout().expect("a pipe"), Some(&file), io::REDIRECT_CHUNK, Vec::new());
    file.close();
    let stdin = s.stdin().expect("a pipe");
    assert!(io::write(stdin, "hello\n").is_ready());
    rig.settle();
    assert!(io::write(stdin, "world\n").is_ready());
    stdin.close();
    rig.settle();
    assert_eq!(redirected.get(), Some(&Nothing));
    let content = b"hello\nworld\n".to_vec();
    assert_eq!(rig.host.node(path), Some(Node::File { content, owner: None }));
}

#[test]
fn descriptors_are_given_to_programs_as_they_were_told() {
    let rig = Rig::new();
    let idle = idle(&rig);
    let pipe = || rig.host.pipe().expect("a pipe");
    let ((one, _), (_, two), (three, _)) = (pipe(), pipe(), pipe());
    let number = three.number().expect("open");
    let s = start(
        &rig,
        Command {
            stdin: Io::Fd(one.clone(), FdType::Owned),
            stdout: Io::Fd(two.clone(), FdType::Duplicated),
            whitelist: vec![three],
            ..Command::new("idle", ["idle"])
        },
    );
    assert_eq!(one.number(), None, "given away");
    assert!(two.number().is_some());
    assert_eq!(rig.host.inherited(s.pid()), [number]);
    rig.settle();
    let streams = idle.0.lock()[0].streams();
    assert!(streams.stdin.is_some() && streams.stdout.is_some() && streams.stderr.is_none());
    assert!(s.stdin().is_none() && s.stdout().is_none() && s.stderr().is_none());
    let again = Command { stdin: Io::Fd(one, FdType::Owned), ..Command::new("idle", ["idle"]) };
    assert!(rig.host.subprocess(again, Vec::new()).is_err());
}

#[test]
fn nothing_is_left_of_a_program_whose_hook_failed() {
    let rig = Rig::new();
    idle(&rig);
    let (read, write) = rig.host.pipe().expect("a pipe");
    let end = io::read(&read);
    let command =
        Command { stdout: Io::Fd(write, FdType::Owned), ..Command::new("idle", ["idle"]) };
    let hook: ParentHook = Box::new(|_| Err("disk full".to_owned()));
    let error = rig.host.subprocess(command, vec![hook]).expect_err("failed");
    assert!(error.ends_with(": disk full"), "{error}");
    assert!(rig.host.processes().is_empty());
    rig.settle();
    assert_eq!(text(&end), Some(""), "nobody can write any more");
}

/// A daemon's child in a session of its own, and two of the agent's children in the agent's.
fn family(rig: &Rig) -> (OsPid, OsPid, OsPid) {
    let behaviour = Behaviour::default();
    rig.host.register_scripted("program", Scripted { behaviour, ..Scripted::default() });
    let command = || Command::new("program", ["program"]);
    let leader = Command { child_hooks: vec![ChildHook::Setsid], ..command() };
    let leader = start(rig, leader).pid();
    let (one, two) = (start(rig, command()).pid(), start(rig, command()).pid());
    rig.settle();
    (leader, one, two)
}

#[test]
fn killtree_takes_groups_and_sessions_as_upstream_does() {
    let all = Follow { groups: true, sessions: true };
    let rig = Rig::new();
    let (leader, one, two) = family(&rig);
    let killed = |pid, follow| {
        let trees = rig.host.killtree(pid, SIGTERM, follow).expect("killed");
        rig.settle();
        trees.iter().map(|tree| tree.process().pid).collect::<Vec<_>>()
    };
    // In the group of its parent, which is not followed.
    assert_eq!(killed(one, all), [one]);
    assert!(rig.host.is_running(leader) && rig.host.is_running(two));
    assert_eq!(killed(leader, all), [leader]);
    assert!(rig.host.is_running(two));
    assert_eq!(killed(leader, all), Vec::<OsPid>::new(), "it is gone");
    for spared in [AGENT_PID, 1, 0, -1] {
        assert!(rig.host.killtree(spared, SIGTERM, all).is_err(), "{spared}");
    }
}

#[test]
fn a_descriptor_of_another_host_is_refused() {
    let (rig, (_, foreign)) = (Rig::new(), foreign());
    idle(&rig);
    let command =
        Command { stdout: Io::Fd(foreign, FdType::Duplicated), ..Command::new("idle", ["idle"]) };
    let error = rig.host.subprocess(command, Vec::new()).expect_err("refused");
    assert!(error.ends_with("is no descriptor of this host"), "{error}");
}

fn foreign() -> (Descriptor, Descriptor) {
    process::live::LocalHost::new().pipe().expect("a pipe")
}
