//! A foreign libprocess: `compactor`, in pure Python, sends messages to us and answers ours.
//!
//! It is installed from PyPI into a virtual environment below the target directory, once. Where that
//! is impossible the test says so and passes; with `DRYDOCK_REQUIRE_INTEROP` in the environment it
//! fails.

use process::actix::{Actor, Handler};
use process::future::Outcome;
use process::live::{Options, initialize};
use process::{Context, Exited, Pid, Queue, RemoteConnection, Upid, process, spawn};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// More than any machine needs; reached only when the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// The test, for lists of what was skipped.
const NAME: &str = "messages_of_a_foreign_libprocess_are_delivered_and_answered";

/// Where the environment is made, beside the test's own executable.
fn environment() -> PathBuf {
    let own = std::env::current_exe().expect("a test has an executable");
    own.with_file_name("interop-compactor")
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let error = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}", error.lines().last().unwrap_or_default()))
}

/// The Python that has compactor; installed if need be.
fn python() -> Result<PathBuf, String> {
    let environment = environment();
    let python = environment.join("bin/python");
    let imports = |python: &Path| run(Command::new(python).args(["-c", "import compactor"]));
    if imports(&python).is_ok() {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(&python).args(install).args(["--retries", "1", "compactor==0.3.0"]))?;
    imports(&python)?;
    Ok(python)
}

#[derive(Debug, PartialEq)]
enum Heard {
    Message(String, Upid, usize),
    Exited(Upid),
}

impl Clone for Heard {
    fn clone(&self) -> Self {
        match self {
            Heard::Message(name, from, size) => Heard::Message(name.clone(), from.clone(), *size),
            Heard::Exited(who) => Heard::Exited(who.clone()),
        }
    }
}

struct Recorder(Queue<Heard>);

impl Actor for Recorder {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        for name in ["hello", "pong"] {
            context.install_raw(name, move |this: &mut Self, _, from, body| {
                this.0.put(Heard::Message(name.to_owned(), from.clone(), body.len()));
            });
        }
    }
}

process!(Recorder);

impl Handler<Exited> for Recorder {
    type Result = ();

    fn handle(&mut self, Exited(who): Exited, _: &mut Self::Context) {
        self.0.put(Heard::Exited(who));
    }
}

fn next(heard: &Queue<Heard>) -> Heard {
    match heard.get().wait(PATIENCE) {
        Some(Outcome::Ready(heard)) => heard,
        other => panic!("nothing was heard: {other:?}"),
    }
}

fn send(pid: &Pid<Recorder>, to: &Upid, name: &'static str, size: usize) {
    let to = to.clone();
    pid.run("send", move |_, context| context.send_raw(&to, name, vec![b'x'; size]));
}

/// Ends the peer however the test ends.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn messages_of_a_foreign_libprocess_are_delivered_and_answered() {
    let python = match python() {
        Ok(python) => python,
        Err(reason) => {
            assert!(std::env::var_os("DRYDOCK_REQUIRE_INTEROP").is_none(), "{reason}");
            // Past the harness, which would hide it.
            let text = format!("skipped: compactor cannot be installed: {reason} ({NAME})\n");
            std::io::stderr().write_all(text.as_bytes()).expect("somebody reads errors");
            return;
        }
    };
    initialize(Options::default()).expect("a port on loopback is free");
    let heard = Queue::new();
    let pid = spawn("ours(1)", Recorder(heard.clone()));

    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/interop/compactor_peer.py");
    let mut command = Command::new(python);
    command.arg(script).arg(pid.upid().to_string()).env_remove("LIBPROCESS_PORT");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut peer = Peer(command.spawn().expect("Python was there a moment ago"));
    let stdout = peer.0.stdout.take().expect("it is piped");
    let mut lines = BufReader::new(stdout).lines();
    let mut line = || lines.next().expect("the peer says more").expect("in UTF-8");

    // It greets us: HTTP/1.0, a length, and only the one header field.
    let Heard::Message(name, there, size) = next(&heard) else { panic!("not a message") };
    assert_eq!((&*name, there.id(), size), ("hello", "peer(1)", "from compactor".len()));
    assert_eq!(line(), format!("ready {there}"));

    // Without a link, over one, and while it is linked to us all along.
    for (linked, size) in [(false, 3), (true, 3), (true, 1), (true, 300_000)] {
        if linked {
            let to = there.clone();
            pid.run("link", move |_, context| context.link_to(&to, RemoteConnection::Reuse));
        }
        send(&pid, &there, "ping", size);
        assert_eq!(line(), format!("ping {} {size}", pid.upid()));
        assert_eq!(next(&heard), Heard::Message("pong".to_owned(), there.clone(), size));
    }
    send(&pid, &there, "empty", 0);
    assert_eq!(line(), format!("empty {} 0", pid.upid()));
    assert_eq!(next(&heard), Heard::Message("pong".to_owned(), there.clone(), 0));

    // Its end breaks the link.
    drop(peer);
    assert_eq!(next(&heard), Heard::Exited(there));
}
