//! `drydock docker-sim` as a child of a test, and what to ask of it without a Docker client.

#![allow(dead_code, reason = "each suite uses a part")]
#![allow(clippy::disallowed_methods, reason = "a test of another program in real time")]

#[path = "../live/mod.rs"]
mod live;

pub use live::drydock;

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// More than any machine needs; reached only when a test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A simulated daemon. It ends with the handle.
pub struct Server {
    child: Child,
    directory: TempDir,
}

impl Server {
    /// Starts one on a socket of its own; back when it says that it is ready.
    pub fn start(arguments: &[&str]) -> Server {
        let directory = tempfile::tempdir().expect("a directory");
        let mut command = Command::new(drydock());
        command.args(["docker-sim", "--json", "--listen"]);
        command.arg(format!("unix://{}", directory.path().join("s").display())).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("drydock can be run");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        lines.read_line(&mut line).expect("UTF-8");
        let ready: Value = serde_json::from_str(&line).expect("a JSON object");
        assert_eq!(ready["event"], "ready", "{line}");
        // Whoever logs must not wait for a reader.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Server { child, directory }
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("s")
    }

    /// The same for a Docker client.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// What comes back for these bytes until the server closes.
    pub fn raw(&self, request: &[u8]) -> String {
        let mut stream = UnixStream::connect(self.socket()).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        // A server that refuses what it has read so far does not read the rest.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        // A server that has refused may reset what it did not read.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Asks on a connection of its own: the status, the head, the body as text.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String, String) {
        let length = body.len();
        let answer = self.raw(
            format!(
                "{method} {path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\
                 Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            )
            .as_bytes(),
        );
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.expect("a status"), head.to_ascii_lowercase(), body.to_owned())
    }

    /// What the world looks like.
    pub fn state(&self) -> Value {
        let (status, _, body) = self.ask("GET", "/_drydock/state", "");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).expect("JSON")
    }

    /// Looks until the world looks like that.
    pub fn until(&self, what: &str, condition: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let state = self.state();
            if condition(&state) {
                return state;
            }
            assert!(start.elapsed() < PATIENCE, "{what}: {state:#}");
        }
    }

    /// Sets these faults and no others.
    pub fn faults(&self, faults: &str) {
        let (status, _, body) = self.ask("PUT", "/_drydock/faults", faults);
        assert_eq!(status, 200, "{body}");
    }

    /// Ctrl-C; back when it has ended: its exit code.
    pub fn interrupt(&mut self) -> Option<i32> {
        let pid = pid_of(&self.child);
        let _ = Command::new("kill").args(["-INT", &pid]).status().expect("kill can be run");
        self.child.wait().expect("it is our child").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A child's pid, as `kill` wants it.
pub fn pid_of(child: &Child) -> String {
    child.id().to_string()
}
