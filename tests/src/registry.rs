//! Debian's `docker-registry`, started for one test on a loopback port that the system chooses.
//!
//! Docker treats registries in 127.0.0.0/8 as usable without TLS, so `127.0.0.1:PORT/bb:1` is a
//! name that any Engine on this machine can push and pull. An Engine on another machine cannot.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use parking_lot::Mutex;

/// The program, of the Debian package of the same name.
const PROGRAM: &str = "docker-registry";

/// How long a registry may take from its start to its first answer.
const START_LIMIT: Duration = Duration::from_secs(20);

/// The number of log lines that are kept for error messages.
const LOG_LINES_MAX: usize = 200;

/// Runs the registry; kills it and removes its directory when the standard input ends, which also
/// happens when the test process is killed and cannot clean up. Errors of the shell itself are not of interest, and the
/// shell must not hold the log open: its end tells that the registry is gone.
const RUN_UNTIL_STDIN_ENDS: &str = r#"
"$0" serve "$1" & child=$!
exec >/dev/null 2>&1
trap 'kill -9 $child' INT TERM HUP
read -r _
kill -9 $child
wait $child
rm -rf -- "$2"
"#;

/// Why there is no registry.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The program is not on the PATH.
    #[error(
        "no program `docker-registry`: install Debian's package of that name, \
         or run tests/docker-setup as root"
    )]
    NotInstalled,
    /// The program or its files could not be set up.
    #[error("docker-registry could not be started: {0}")]
    Start(#[from] std::io::Error),
    /// The program ended, or kept silent for too long; with the last lines of its log.
    #[error("docker-registry {problem}; its log:\n{log}")]
    Silent {
        /// What it did instead of answering.
        problem: String,
        /// The last lines of its log.
        log: String,
    },
}

/// A running registry with a storage of its own. Dropping it kills it and removes the storage.
pub struct Registry {
    address: SocketAddr,
    process: Child,
    log: Arc<Mutex<VecDeque<String>>>,
    _directory: tempfile::TempDir,
}

impl Registry {
    /// Starts a registry and waits until it answers.
    ///
    /// It asks for no authentication.
    pub fn start() -> Result<Registry, RegistryError> {
        let program = find_program().ok_or(RegistryError::NotInstalled)?;
        let directory = tempfile::Builder::new().prefix("drydock-registry-").tempdir()?;
        let config = directory.path().join("config.yml");
        std::fs::write(&config, configuration(&directory.path().join("storage")))?;
        let mut process = Command::new("/bin/sh")
            .arg("-c")
            .arg(RUN_UNTIL_STDIN_ENDS)
            .arg(program)
            .arg(&config)
            .arg(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = process.stderr.take().expect("stderr is piped");
        // From here on, dropping `registry` ends the process.
        let mut registry = Registry {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            process,
            log: Arc::default(),
            _directory: directory,
        };
        registry.address = registry.await_address(stderr)?;
        registry.await_answer()?;
        Ok(registry)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The registry part of an image name: `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// The last lines of its log, oldest first.
    pub fn log(&self) -> String {
        self.log.lock().iter().map(|line| format!("{line}\n")).collect()
    }

    /// Learns the port from the log line `listening on 127.0.0.1:PORT`, and keeps reading the log
    /// until the registry ends.
    fn await_address(
        &self,
        stderr: impl Read + Send + 'static,
    ) -> Result<SocketAddr, RegistryError> {
        let (found, address) = mpsc::channel();
        let log = self.log.clone();
        std::thread::Builder::new().name("registry-log".into()).spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some(address) = listening_address(&line) {
                    // The receiver is gone once it has got an address.
                    let _ = found.send(address);
                }
                let mut log = log.lock();
                if log.len() == LOG_LINES_MAX {
                    log.pop_front();
                }
                log.push_back(line);
            }
        })?;
        address.recv_timeout(START_LIMIT).map_err(|error| match error {
            RecvTimeoutError::Timeout => self.silent(format!("did not listen in {START_LIMIT:?}")),
            RecvTimeoutError::Disconnected => self.silent("ended at once".to_owned()),
        })
    }

    /// It listens already, so that one request is enough: it waits in the queue until served.
    fn await_answer(&self) -> Result<(), RegistryError> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(START_LIMIT))?;
        match crate::probe::status_of(stream, "/v2/") {
            Ok(200) => Ok(()),
            Ok(status) => Err(self.silent(format!("answered GET /v2/ with {status}"))),
            Err(error) => Err(self.silent(format!("did not answer GET /v2/: {error}"))),
        }
    }

    fn silent(&self, problem: String) -> RegistryError {
        RegistryError::Silent { problem, log: self.log() }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // The shell kills its child and ends; there is nothing to do about an error here.
        let _ = self.process.wait();
    }
}

fn find_program() -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|directory| directory.join(PROGRAM))
        .find(|candidate| candidate.is_file())
}

/// JSON is YAML, and has the quoting that a path may need.
///
/// With relative URLs an upload through the proxy goes on through the proxy.
fn configuration(storage: &std::path::Path) -> String {
    serde_json::json!({
        "version": "0.1",
        "log": { "level": "info", "accesslog": { "disabled": true } },
        "storage": {
            "filesystem": { "rootdirectory": storage },
            "delete": { "enabled": true },
            "maintenance": { "uploadpurging": { "enabled": false } },
        },
        "http": {
            "addr": "127.0.0.1:0",
            "relativeurls": true,
            "secret": "only for tests",
        },
    })
    .to_string()
}

fn listening_address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("listening on ")?;
    rest.split(['"', ' ']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::listening_address;

    #[test]
    fn finds_the_address_in_the_log() {
        let line = r#"time="x" level=info msg="listening on 127.0.0.1:44025" version=2.8.2"#;
        assert_eq!(listening_address(line), "127.0.0.1:44025".parse().ok());
        assert_eq!(listening_address("level=info msg=\"redis not configured\""), None);
    }
}
