//! Options of `subprocess` that upstream's tests leave out, with real processes.

#![allow(clippy::disallowed_methods, reason = "a test of real processes, started on threads")]

mod support;

use process::host::{ChildHook, Command, FdType, Follow, Host, Io, OsPid, ParentHook, Subprocess};
use process::io::{self, Descriptor};
use process::live::LocalHost;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use support::World;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

fn start(command: Command) -> Subprocess {
    LocalHost::new().subprocess(command, Vec::new()).expect("started")
}

fn refused(command: Command) -> String {
    LocalHost::new().subprocess(command, Vec::new()).expect_err("not started")
}

fn all(world: &World, end: Option<&Descriptor>) -> String {
    let data = world.ready(&io::read(end.expect("a pipe")));
    String::from_utf8(data.to_vec()).expect("text")
}

/// What the shell prints, with these hooks before it.
fn output(world: &World, command: &str, child_hooks: Vec<ChildHook>) -> String {
    let s = start(Command { stdout: Io::Pipe, child_hooks, ..Command::shell(command) });
    let output = all(world, s.stdout());
    assert_eq!(world.ready(&s.status()), Some(0), "{output}");
    output.trim_end().to_owned()
}

/// Waits for something that the kernel does in its own time.
#[track_caller]
fn until(what: &str, holds: impl Fn() -> bool) {
    let (_keep, never) = mpsc::channel::<()>();
    for _ in 0..PATIENCE.as_millis() {
        if holds() {
            return;
        }
        let _ = never.recv_timeout(Duration::from_millis(1));
    }
    panic!("not within a minute: {what}");
}

/// The fields of `/proc/PID/stat` from the state on.
fn stat(pid: OsPid) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

fn runs(pid: OsPid) -> bool {
    stat(pid).is_some_and(|fields| fields[0] != "Z")
}

fn signal(pid: OsPid, signal: nix::sys::signal::Signal) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).expect("it runs");
}

#[test]
fn a_session_is_a_new_one() {
    let world = World::live();
    let ids = "cut -d ' ' -f 1,5,6 /proc/self/stat";
    let own = output(&world, &format!("exec {ids}"), vec![ChildHook::Setsid]);
    let ids_of: Vec<&str> = own.split(' ').collect();
    assert!(ids_of.iter().all(|id| *id == ids_of[0]), "group and session are led by it: {own}");
    let inherited = output(&world, &format!("exec {ids}"), Vec::new());
    let test = stat(OsPid::try_from(std::process::id()).expect("a pid")).expect("it runs");
    assert!(inherited.ends_with(&format!(" {} {}", test[2], test[3])), "{inherited}");
}

#[test]
fn a_working_directory_is_changed_to_after_the_parent_hooks() {
    let world = World::live();
    let sandbox = TempDir::new().expect("a directory");
    let directory = sandbox.path().canonicalize().expect("it is there").join("made by a hook");
    let command = Command {
        stdout: Io::Pipe,
        child_hooks: vec![ChildHook::Chdir(directory.clone())],
        ..Command::shell("pwd")
    };
    let made = directory.clone();
    let hook: ParentHook =
        Box::new(move |_| std::fs::create_dir(made).map_err(|error| error.to_string()));
    let s = LocalHost::new().subprocess(command, vec![hook]).expect("started");
    assert_eq!(all(&world, s.stdout()).trim_end(), directory.to_str().expect("text"));
}

#[test]
fn a_working_directory_that_is_missing_fails_the_start() {
    let _world = World::live();
    let missing = Command {
        child_hooks: vec![ChildHook::Setsid, ChildHook::Chdir("/nowhere/at all".into())],
        ..Command::shell("exit 0")
    };
    assert_eq!(
        refused(missing),
        "Failed to execute Subprocess::ChildHook for 'sh': could not change to directory \
         '/nowhere/at all': No such file or directory"
    );
}

#[test]
fn what_cannot_be_executed_fails_the_start_and_says_why() {
    let _world = World::live();
    let sandbox = TempDir::new().expect("a directory");
    let data = sandbox.path().join("data");
    std::fs::write(&data, "no program").expect("written");
    let data = data.to_str().expect("text");
    let check = |path: &str, expected: &str| {
        assert_eq!(refused(Command::new(path, [path])), expected);
    };
    check("/bin/nothing", "Failed to execute '/bin/nothing': No such file or directory");
    check("no-such-program", "Failed to execute 'no-such-program': No such file or directory");
    check(data, &format!("Failed to execute '{data}': Permission denied"));
    check(&format!("{data}/x"), &format!("Failed to execute '{data}/x': Not a directory"));
    check("", "Failed to execute a program: its path is empty");
    check("/bin/\0", "the program's path has a zero byte: \"/bin/\\0\"");
    let missing = Command { stdin: Io::Path("/nowhere".into()), ..Command::shell("exit 0") };
    assert!(refused(missing).starts_with("Failed to open '/nowhere': No such file"));
}

#[test]
fn programs_are_looked_for_in_the_childs_path_and_scripts_are_run() {
    let world = World::live();
    let sandbox = TempDir::new().expect("a directory");
    let script = sandbox.path().join("own program");
    std::fs::write(&script, "echo \"$0 $1\"").expect("written");
    std::fs::set_permissions(&script, Permissions::from_mode(0o755)).expect("changed");
    let path = format!("/nowhere:{}:/bin:/usr/bin", sandbox.path().display());
    let s = start(Command {
        stdout: Io::Pipe,
        environment: Some([("PATH".to_owned(), path)].into()),
        ..Command::new("own program", ["ignored", "argument"])
    });
    let expected = format!("{} argument\n", script.display());
    assert_eq!(all(&world, s.stdout()), expected);
}

#[test]
fn the_arguments_are_the_childs_from_the_first_on() {
    let world = World::live();
    let s = start(Command {
        stdout: Io::Pipe,
        ..Command::new("/bin/sh", ["another name", "-c", "echo $0"])
    });
    assert_eq!(all(&world, s.stdout()), "another name\n");
}

#[test]
fn an_open_file_gets_another_number() {
    let world = World::live();
    let (read, write) = LocalHost::new().pipe().expect("a pipe");
    // Their numbers are those that the start would give to what it opens itself, and its own.
    let own = write.number().expect("open");
    let hooks = [3].into_iter().chain(own..own + 8);
    let hooks: Vec<_> = hooks.map(|to| ChildHook::Dup2 { from: write.clone(), to }).collect();
    let printed = output(&world, "echo one >&3; ls /dev/fd", hooks.clone());
    let nothing = Command { child_hooks: hooks, ..Command::new("/bin/nothing", ["nothing"]) };
    assert!(refused(nothing).starts_with("Failed to execute"), "the report still comes through");
    write.close();
    assert_eq!(all(&world, Some(&read)), "one\n");
    let numbers: Vec<&str> = printed.split_whitespace().collect();
    assert_eq!(numbers.len(), 3 + 9 + 1, "streams, hooks, the directory: {numbers:?}");
}

#[test]
fn a_descriptor_that_is_given_away_is_closed_here_also_by_a_failure() {
    let world = World::live();
    let host = LocalHost::new();
    for path in ["sh", "/bin/nothing"] {
        let (read, write) = host.pipe().expect("a pipe");
        let other = write.clone();
        let command = Command {
            stdout: Io::Fd(write, FdType::Owned),
            ..Command::new(path, ["sh", "-c", "echo hello"])
        };
        let started = host.subprocess(command, Vec::new()).is_ok();
        assert_eq!(other.number(), None);
        assert_eq!(all(&world, Some(&read)), if started { "hello\n" } else { "" });
        let reused =
            Command { stdout: Io::Fd(other, FdType::Duplicated), ..Command::shell("echo hello") };
        assert!(refused(reused).contains("closed"));
    }
}

#[test]
fn signals_are_as_if_this_program_had_never_touched_them() {
    let world = World::live();
    let masks = output(&world, "grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status", Vec::new());
    let mask_of = |name: &str| {
        let line = masks.lines().find(|line| line.starts_with(name)).expect("a line");
        u64::from_str_radix(line.rsplit_once('\t').expect("a mask").1, 16).expect("a number")
    };
    assert_eq!(mask_of("SigBlk"), 0);
    let sigpipe = 1 << (nix::libc::SIGPIPE - 1);
    assert_eq!(mask_of("SigIgn") & sigpipe, 0, "{masks}");
}

#[test]
fn a_supervisor_passes_on_the_exit_code() {
    let world = World::live();
    let supervised = |command| {
        start(Command { child_hooks: vec![ChildHook::Supervisor], ..Command::shell(command) })
    };
    assert_eq!(world.ready(&supervised("exit 0").status()), Some(0));
    assert_eq!(world.ready(&supervised("exit 3").status()), Some(3 << 8));
    assert_eq!(world.ready(&supervised("kill -9 $$").status()), Some(1 << 8));
    let nothing = Command {
        child_hooks: vec![ChildHook::Supervisor],
        ..Command::new("/bin/nothing", ["nothing"])
    };
    assert_eq!(refused(nothing), "Failed to execute '/bin/nothing': No such file or directory");
}

#[test]
fn a_supervisor_ends_its_group_with_the_thread_that_started_it() {
    let world = World::live();
    let started = std::thread::spawn(|| {
        let s = start(Command {
            stdout: Io::Pipe,
            child_hooks: vec![ChildHook::Supervisor],
            ..Command::shell("sleep 1000 & echo $!; wait")
        });
        let line = io::read_some(s.stdout().expect("a pipe"), 100).wait(PATIENCE);
        let Some(process::Outcome::Ready(line)) = line else { panic!("{line:?}") };
        let grandchild = String::from_utf8(line.to_vec()).expect("text");
        (s, grandchild.trim().parse::<OsPid>().expect("a pid"))
    });
    let (s, grandchild) = started.join().expect("no panic");
    assert_eq!(world.ready(&s.status()), Some(nix::libc::SIGKILL));
    until("the grandchild is gone", || !runs(grandchild));
}

#[test]
fn a_hook_sees_the_child_before_its_program() {
    let _world = World::live();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let hook = |name: &'static str| -> ParentHook {
        let seen = Arc::clone(&seen);
        Box::new(move |pid| {
            let program = std::fs::read_link(format!("/proc/{pid}/exe"));
            seen.lock().unwrap().push((name, pid, program.map_err(|error| error.to_string())?));
            Ok(())
        })
    };
    let hooks = vec![hook("first"), hook("second")];
    let s = LocalHost::new().subprocess(Command::shell("exit 0"), hooks).expect("started");
    let own = std::env::current_exe().expect("a path");
    assert_eq!(*seen.lock().unwrap(), [("first", s.pid(), own.clone()), ("second", s.pid(), own)]);
}

#[test]
fn much_input_waits_for_a_slow_reader() {
    let world = World::live();
    let s = start(Command {
        stdin: Io::Pipe,
        stdout: Io::Pipe,
        ..Command::shell("kill -STOP $$; wc -c")
    });
    until("the child has stopped", || stat(s.pid()).is_some_and(|fields| fields[0] == "T"));
    let stdin = s.stdin().expect("a pipe");
    let input = vec![b'x'; 3 << 20];
    let written = io::write(stdin, input);
    // Nobody reads, and a pipe holds less.
    assert!(written.is_pending());
    // Closing does not cut off what has begun.
    stdin.close();
    signal(s.pid(), nix::sys::signal::Signal::SIGCONT);
    world.ready(&written);
    assert_eq!(all(&world, s.stdout()).trim(), (3 << 20).to_string());
}

#[test]
fn a_read_that_is_discarded_takes_nothing() {
    let world = World::live();
    let s = start(Command { stdin: Io::Pipe, stdout: Io::Pipe, ..Command::shell("cat") });
    let stdout = s.stdout().expect("a pipe");
    let (some, everything) = (io::read_some(stdout, 100), io::read(stdout));
    assert!(some.discard() && everything.discard());
    world.discarded(&some);
    world.discarded(&everything);
    let stdin = s.stdin().expect("a pipe");
    world.ready(&io::write(stdin, "hello"));
    stdin.close();
    assert_eq!(all(&world, Some(stdout)), "hello");
    stdout.close();
    assert!(world.failed(&io::read(stdout)).contains("closed"));
}

#[test]
fn writing_to_who_has_ended_fails() {
    let world = World::live();
    let s = start(Command { stdin: Io::Pipe, ..Command::shell("exit 0") });
    world.ready(&s.status());
    assert!(world.failed(&io::write(s.stdin().expect("a pipe"), "hello")).contains("EPIPE"));
    assert!(world.failed(&io::read(s.stdin().expect("a pipe"))).contains("EBADF"));
}

#[test]
fn a_redirect_shows_what_it_passes_on_or_drops() {
    let world = World::live();
    let sandbox = TempDir::new().expect("a directory");
    let file = LocalHost::new().append(&sandbox.path().join("file")).expect("opened");
    for to in [Some(&file), None] {
        let s = start(Command { stdout: Io::Pipe, ..Command::shell("echo hello; echo you") });
        let seen = Arc::new(Mutex::new(Vec::new()));
        let hook = Arc::clone(&seen);
        let hooks: Vec<io::RedirectHook> =
            vec![Box::new(move |data| hook.lock().unwrap().extend_from_slice(data))];
        world.ready(&io::redirect(s.stdout().expect("a pipe"), to, 3, hooks));
        assert_eq!(*seen.lock().unwrap(), b"hello\nyou\n");
    }
    let content = std::fs::read_to_string(sandbox.path().join("file")).expect("a file");
    assert_eq!(content, "hello\nyou\n");
}

/// A child with a child in a session of its own, and an orphan in the child's session; their pids.
fn family(world: &World) -> (Subprocess, OsPid, OsPid) {
    let command = "setsid sh -c 'echo $$; exec sleep 1000' & \
                   (sh -c 'echo $$; exec sleep 1000' &); wait";
    let s = start(Command {
        stdout: Io::Pipe,
        child_hooks: vec![ChildHook::Setsid],
        ..Command::shell(command)
    });
    let mut printed = String::new();
    while printed.lines().count() < 2 || !printed.ends_with('\n') {
        let some = world.ready(&io::read_some(s.stdout().expect("a pipe"), 100));
        printed.push_str(std::str::from_utf8(&some).expect("text"));
    }
    let pids: Vec<OsPid> = printed.lines().map(|line| line.parse().expect("a pid")).collect();
    let session_of = |pid| stat(pid).expect("it runs")[3].parse::<OsPid>().expect("a pid");
    // Which of them came first is a matter of luck.
    let (mut leader, mut orphan) = (pids[0], pids[1]);
    if session_of(leader) == s.pid() {
        std::mem::swap(&mut leader, &mut orphan);
    }
    assert_eq!((session_of(leader), session_of(orphan)), (leader, s.pid()));
    until("the orphan is adopted", || stat(orphan).is_some_and(|it| it[1] != s.pid().to_string()));
    (s, leader, orphan)
}

#[test]
fn killtree_finds_descendants_in_other_sessions() {
    let world = World::live();
    let (s, leader, orphan) = family(&world);
    let trees = LocalHost::new().killtree(s.pid(), 9, Follow::default()).expect("killed");
    let [tree] = &trees[..] else { panic!("{trees:?}") };
    assert_eq!(tree.process().pid, s.pid());
    assert!(tree.contains(leader) && !tree.contains(orphan), "{tree}");
    assert_eq!(world.ready(&s.status()), Some(9));
    until("the other session is gone", || !runs(leader));
    assert!(runs(orphan), "it is no descendant any more");
    // The root has ended: its session is what is left of it.
    let sessions = Follow { groups: true, sessions: true };
    let trees = LocalHost::new().killtree(s.pid(), 9, sessions).expect("killed");
    assert!(trees.iter().any(|tree| tree.contains(orphan)), "{trees:?}");
    until("the orphan is gone", || !runs(orphan));
    assert_eq!(LocalHost::new().killtree(s.pid(), 9, Follow::default()), Ok(Vec::new()));
}

#[test]
fn killtree_follows_sessions_when_told_to() {
    let world = World::live();
    let (s, leader, orphan) = family(&world);
    let sessions = Follow { groups: false, sessions: true };
    let trees = LocalHost::new().killtree(s.pid(), 9, sessions).expect("killed");
    let contains = |pid| trees.iter().any(|tree| tree.contains(pid));
    assert!(contains(s.pid()) && contains(leader) && contains(orphan), "{trees:?}");
    assert_eq!(world.ready(&s.status()), Some(9));
    until("all are gone", || !runs(leader) && !runs(orphan));
}

#[test]
fn killtree_lets_those_go_on_that_survive_the_signal() {
    let world = World::live();
    let s = start(Command {
        stdin: Io::Pipe,
        stdout: Io::Pipe,
        ..Command::shell("trap 'echo trapped' TERM; echo ready; read word; read word; echo $word")
    });
    let stdout = s.stdout().expect("a pipe");
    assert_eq!(&world.ready(&io::read_some(stdout, 100))[..], b"ready\n");
    LocalHost::new().killtree(s.pid(), 15, Follow::default()).expect("signalled");
    assert_eq!(&world.ready(&io::read_some(stdout, 100))[..], b"trapped\n");
    let stdin = s.stdin().expect("a pipe");
    world.ready(&io::write(stdin, "one\ntwo\n"));
    assert_eq!(world.ready(&s.status()), Some(0));
}

#[test]
fn killtree_refuses_what_it_must_not_do() {
    let _world = World::live();
    let host = LocalHost::new();
    let own = OsPid::try_from(std::process::id()).expect("a pid");
    for pid in [1, 0, -1, own] {
        assert!(host.killtree(pid, 15, Follow::default()).is_err(), "{pid}");
    }
    assert_eq!(
        host.killtree(1 << 22, 99, Follow::default()),
        Err("Failed to signal process 4194304: 99 is no signal".to_owned())
    );
}

#[test]
fn a_path_that_is_a_directory_is_no_output() {
    let _world = World::live();
    let command = Command { stdout: Io::Path(Path::new("/").into()), ..Command::shell("exit 0") };
    assert!(refused(command).starts_with("Failed to open '/': Is a directory"));
}
