//! Twins of `3rdparty/libprocess/src/tests/subprocess_tests.cpp`, with real processes.
//!
//! Upstream advances a paused clock until its reaper looks. Ours is told of a child's end, so the
//! clock stays paused and nothing is advanced.

mod support;

use process::host::{Command, FdType, Host, Io, Subprocess};
use process::io::{self, Descriptor};
use process::live::LocalHost;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use support::World;
use tempfile::TempDir;

/// A sandbox, and a clock that stands still.
struct SubprocessTest {
    world: World,
    host: LocalHost,
    sandbox: TempDir,
}

impl SubprocessTest {
    fn new() -> Self {
        let sandbox = TempDir::new().expect("a directory");
        SubprocessTest { world: World::live(), host: LocalHost::new(), sandbox }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.sandbox.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file")
    }

    fn start(&self, command: Command) -> Subprocess {
        self.host.subprocess(command, Vec::new()).expect("started")
    }

    /// The command runs and exits with 0.
    fn run(&self, command: Command) {
        let s = self.start(command);
        self.exits(&s, 0);
    }

    /// `AWAIT_EXPECT_WEXITSTATUS_EQ`
    #[track_caller]
    fn exits(&self, s: &Subprocess, code: i32) {
        assert_eq!(self.world.ready(&s.status()), Some(code << 8));
    }

    /// `AWAIT_EXPECT_WTERMSIG_EQ`
    #[track_caller]
    fn dies(&self, s: &Subprocess, signal: i32) {
        assert_eq!(self.world.ready(&s.status()), Some(signal));
    }

    /// All that comes out of a pipe.
    #[track_caller]
    fn all(&self, end: Option<&Descriptor>) -> String {
        let data = self.world.ready(&io::read(end.expect("a pipe")));
        String::from_utf8(data.to_vec()).expect("text")
    }
}

fn append(path: PathBuf) -> Descriptor {
    let file = OpenOptions::new().append(true).create(true).open(path).expect("a file");
    LocalHost::descriptor(file)
}

fn environment<const N: usize>(variables: [(&str, &str); N]) -> Option<BTreeMap<String, String>> {
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Some(variables.map(own).into())
}

#[test]
fn pipe_output_to_file_descriptor() {
    let test = SubprocessTest::new();
    let (out, err) = (append(test.path("out.txt")), append(test.path("error.txt")));
    let duplicated = |descriptor: &Descriptor| Io::Fd(descriptor.clone(), FdType::Duplicated);
    test.run(Command { stdout: duplicated(&out), ..Command::shell("echo hello") });
    test.run(Command { stderr: duplicated(&err), ..Command::shell("echo goodbye 1>&2") });
    assert_eq!(test.read("out.txt"), "hello\n");
    assert_eq!(test.read("error.txt"), "goodbye\n");
    assert!(out.number().is_some() && err.number().is_some(), "both are still open here");
}

#[test]
fn pipe_output_to_path() {
    let test = SubprocessTest::new();
    let (out, err) = (test.path("out.txt"), test.path("error.txt"));
    test.run(Command { stdout: Io::Path(out), ..Command::shell("echo hello") });
    test.run(Command { stderr: Io::Path(err), ..Command::shell("echo goodbye 1>&2") });
    assert_eq!(test.read("out.txt"), "hello\n");
    assert_eq!(test.read("error.txt"), "goodbye\n");
}

#[test]
fn environment_echo() {
    let test = SubprocessTest::new();
    test.run(Command {
        stdout: Io::Path(test.path("out.txt")),
        environment: environment([("key1", "value1"), ("key2", "value2")]),
        ..Command::shell("echo $key2")
    });
    assert_eq!(test.read("out.txt"), "value2\n");
}

#[test]
fn status() {
    let test = SubprocessTest::new();
    test.exits(&test.start(Command::shell("exit 0")), 0);
    test.exits(&test.start(Command::shell("exit 1")), 1);
    for signal in [nix::libc::SIGTERM, nix::libc::SIGKILL] {
        let s = test.start(Command::shell("exec sleep 60"));
        kill(&s, signal);
        test.dies(&s, signal);
    }
}

fn kill(s: &Subprocess, signal: i32) {
    let signal = nix::sys::signal::Signal::try_from(signal).expect("a signal");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(s.pid()), signal).expect("it runs");
}

#[test]
fn pipe_output() {
    let test = SubprocessTest::new();
    let s = test.start(Command { stdout: Io::Pipe, ..Command::shell("echo hello") });
    assert_eq!(test.all(s.stdout()), "hello\n");
    test.exits(&s, 0);
    let s = test.start(Command { stderr: Io::Pipe, ..Command::shell("echo hello 1>&2") });
    assert_eq!(test.all(s.stderr()), "hello\n");
    test.exits(&s, 0);
}

#[test]
fn pipe_large_output() {
    let test = SubprocessTest::new();
    // More than a pipe holds: the child ends only because somebody reads.
    let output = "c".repeat(2 * 65_536);
    std::fs::write(test.path("out.txt"), &output).expect("written");
    let command = format!("cat '{}'", test.path("out.txt").display());
    let s = test.start(Command { stdout: Io::Pipe, ..Command::shell(&command) });
    assert!(test.all(s.stdout()) == output, "it came as it was");
    test.exits(&s, 0);
}

#[test]
fn pipe_input() {
    let test = SubprocessTest::new();
    let s = test.start(Command {
        stdin: Io::Pipe,
        stdout: Io::Pipe,
        ..Command::shell("read word ; echo $word")
    });
    test.world.ready(&io::write(s.stdin().expect("a pipe"), "hello\n"));
    assert_eq!(test.all(s.stdout()), "hello\n");
    test.exits(&s, 0);
}

#[test]
fn pipe_redirect() {
    let test = SubprocessTest::new();
    let s = test.start(Command { stdout: Io::Pipe, ..Command::shell("echo 'hello world'") });
    let file = test.host.append(&test.path("stdout")).expect("opened");
    let out = s.stdout().expect("a pipe");
    test.world.ready(&io::redirect(out, Some(&file), io::REDIRECT_CHUNK, Vec::new()));
    file.close();
    test.exits(&s, 0);
    assert_eq!(test.read("stdout"), "hello world\n");
}

#[test]
fn path_output() {
    let test = SubprocessTest::new();
    let out = Io::Path(test.path("stdout"));
    test.run(Command { stdout: out.clone(), ..Command::shell("echo hello") });
    assert_eq!(test.read("stdout"), "hello\n");
    test.run(Command {
        stderr: Io::Path(test.path("stderr")),
        ..Command::shell("echo hello 1>&2")
    });
    assert_eq!(test.read("stderr"), "hello\n");
    // What is there stays.
    test.run(Command { stdout: out, ..Command::shell("echo goodbye") });
    assert_eq!(test.read("stdout"), "hello\ngoodbye\n");
}

#[test]
fn path_input() {
    let test = SubprocessTest::new();
    std::fs::write(test.path("stdin"), "hello\n").expect("written");
    let s = test.start(Command {
        stdin: Io::Path(test.path("stdin")),
        stdout: Io::Pipe,
        ..Command::shell("read word ; echo $word")
    });
    assert_eq!(test.all(s.stdout()), "hello\n");
    test.exits(&s, 0);
}

#[test]
fn fd_output() {
    let test = SubprocessTest::new();
    let out = append(test.path("stdout"));
    let s = test.start(Command {
        stdout: Io::Fd(out.clone(), FdType::Duplicated),
        ..Command::shell("echo hello")
    });
    out.close();
    test.exits(&s, 0);
    assert_eq!(test.read("stdout"), "hello\n");

    let err = append(test.path("stderr"));
    let s = test.start(Command {
        stderr: Io::Fd(err.clone(), FdType::Duplicated),
        ..Command::shell("echo hello 1>&2")
    });
    err.close();
    test.exits(&s, 0);
    assert_eq!(test.read("stderr"), "hello\n");
}

#[test]
fn fd_input() {
    let test = SubprocessTest::new();
    std::fs::write(test.path("stdin"), "hello\n").expect("written");
    let stdin = LocalHost::descriptor(File::open(test.path("stdin")).expect("a file"));
    let s = test.start(Command {
        stdin: Io::Fd(stdin.clone(), FdType::Duplicated),
        stdout: Io::Pipe,
        ..Command::shell("read word ; echo $word")
    });
    stdin.close();
    assert_eq!(test.all(s.stdout()), "hello\n");
    test.exits(&s, 0);
}

#[test]
fn default() {
    let test = SubprocessTest::new();
    test.run(Command::shell("echo hello world"));
}

#[test]
fn flags() {
    let test = SubprocessTest::new();
    let json = r#"{"array":[{"string":"string"}],"double1":1.0,"integer2":-1,"strings":"string"}"#;
    let flags: BTreeMap<&str, Option<String>> = [
        ("b", Some("true")),
        ("i", Some("42")),
        ("s", Some("hello")),
        ("s2", Some("we're")),
        ("s3", Some("\"geek\"")),
        ("d", Some("10secs")),
        ("y", Some("100B")),
        ("j", Some(json)),
        ("unset", None),
    ]
    .map(|(name, value)| (name, value.map(str::to_owned)))
    .into();
    let command = Command {
        stdout: Io::Path(test.path("stdout")),
        ..Command::new("/bin/echo", ["echo"])
            .with_flags(flags.iter().map(|(name, value)| (*name, value.clone())))
    };
    test.run(command);
    let output = test.read("stdout");
    let loaded: BTreeMap<&str, Option<String>> = output
        .split_whitespace()
        .map(|argument| argument.strip_prefix("--").and_then(|it| it.split_once('=')))
        .map(|flag| flag.expect("a flag"))
        .map(|(name, value)| (name, Some(value.to_owned())))
        .collect();
    let set: BTreeMap<_, _> = flags.into_iter().filter(|(_, value)| value.is_some()).collect();
    assert_eq!(loaded, set);
}

#[test]
fn environment_() {
    let test = SubprocessTest::new();
    let check = |variables, command, expected| {
        let environment = variables;
        let s = test.start(Command { stdout: Io::Pipe, environment, ..Command::shell(command) });
        assert_eq!(test.all(s.stdout()), expected);
        test.exits(&s, 0);
    };
    check(environment([("MESSAGE", "hello")]), "echo $MESSAGE", "hello\n");
    let two = environment([("MESSAGE0", "hello"), ("MESSAGE1", "world")]);
    check(two, "echo $MESSAGE0 $MESSAGE1", "hello world\n");
}

#[test]
fn environment_with_spaces() {
    let test = SubprocessTest::new();
    let s = test.start(Command {
        stdout: Io::Pipe,
        environment: environment([("MESSAGE", "hello world")]),
        ..Command::shell("echo $MESSAGE")
    });
    assert_eq!(test.all(s.stdout()), "hello world\n");
    test.exits(&s, 0);
}

#[test]
fn environment_with_spaces_and_quotes() {
    let test = SubprocessTest::new();
    let s = test.start(Command {
        stdout: Io::Pipe,
        environment: environment([("MESSAGE", "\"hello world\"")]),
        ..Command::shell("echo $MESSAGE")
    });
    assert_eq!(test.all(s.stdout()), "\"hello world\"\n");
    test.exits(&s, 0);
}

/// Upstream sets variables of its own; cargo has set these of ours.
#[test]
fn environment_override() {
    let test = SubprocessTest::new();
    let own = |name| std::env::var(name).expect("cargo sets it");
    let (name, version) = (own("CARGO_PKG_NAME"), own("CARGO_PKG_VERSION"));
    let check = |environment, expected: String| {
        let s = test.start(Command {
            stdout: Io::Pipe,
            environment,
            ..Command::shell("echo $CARGO_PKG_NAME $CARGO_PKG_VERSION")
        });
        assert_eq!(test.all(s.stdout()), expected);
        test.exits(&s, 0);
    };
    check(environment([("CARGO_PKG_VERSION", "goodbye")]), "goodbye\n".to_owned());
    check(None, format!("{name} {version}\n"));
}

/// The child has its standard streams and what is in the whitelist, and nothing else.
#[test]
fn white_list_fds() {
    let test = SubprocessTest::new();
    let fd1 = File::create(test.path("one")).expect("a file");
    let fd2 = File::create(test.path("two")).expect("a file");
    // As in C++: inherited unless somebody prevents it. A number that `ls` does not come upon when
    // it opens something itself.
    let inherited = nix::fcntl::fcntl(&fd2, nix::fcntl::FcntlArg::F_DUPFD(200)).expect("a copy");
    let fd1 = LocalHost::descriptor(fd1);
    let s = test.start(Command {
        stdout: Io::Pipe,
        whitelist: vec![fd1.clone()],
        ..Command::shell("ls /dev/fd")
    });
    let output = test.all(s.stdout());
    let fds: Vec<i32> = output.lines().map(|line| line.parse().expect("a number")).collect();
    for listed in [0, 1, 2, fd1.number().expect("open")] {
        assert!(fds.contains(&listed), "{listed} in {fds:?}");
    }
    assert!(!fds.contains(&inherited), "{fds:?}");
    // `ls` has opened the directory.
    assert_eq!(fds.len(), 5, "{fds:?}");
    test.exits(&s, 0);
}
