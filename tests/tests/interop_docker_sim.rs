//! Foreign Docker clients against `drydock docker-sim`: the docker command line, and Python's
//! `docker` SDK. No Engine is needed.
//!
//! The SDK is installed from PyPI into a virtual environment below the target directory, once. What
//! is missing is skipped with a message; with `DRYDOCK_REQUIRE_INTEROP` in the environment it fails.

mod simulated_server;

use serde_json::json;
use simulated_server::{Server, pid_of};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn skip(what: &str, reason: &str, test: &str) {
    assert!(std::env::var_os("DRYDOCK_REQUIRE_INTEROP").is_none(), "{what}: {reason}");
    // Past the harness, which would hide it.
    let text = format!("skipped: {what}: {reason} ({test})\n");
    std::io::stderr().write_all(text.as_bytes()).expect("somebody reads errors");
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let error = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}", error.lines().last().unwrap_or_default()))
}

/// The docker command line for this daemon, with a configuration of its own.
struct Docker<'a> {
    server: &'a Server,
    config: tempfile::TempDir,
}

impl Docker<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.arg("--config").arg(self.config.path()).arg("-H").arg(self.server.host());
        command.args(arguments).stdin(Stdio::null()).env_remove("DOCKER_HOST");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("docker was there a moment ago")
    }

    /// Runs it, expects this exit code, and returns its stdout.
    fn says(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "docker {arguments:?}: {error}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

/// The command line, or nothing when there is none.
fn docker<'a>(server: &'a Server, test: &str) -> Option<Docker<'a>> {
    if let Err(reason) = run(Command::new("docker").arg("--version")) {
        skip("docker's command line is not installed", &reason, test);
        return None;
    }
    Some(Docker { server, config: tempfile::tempdir().expect("a directory") })
}

#[test]
fn the_docker_command_line_does_all_that_it_does_with_an_engine() {
    let server = Server::start(&["--virtual"]);
    let test = "the_docker_command_line_does_all_that_it_does_with_an_engine";
    let Some(docker) = docker(&server, test) else { return };

    assert_eq!(docker.says(0, &["version", "--format", "{{.Server.APIVersion}}"]), "1.41\n");
    assert_eq!(docker.says(0, &["info", "--format", "{{.Images}} {{.OSType}}"]), "0 linux\n");
    let pulled = docker.says(0, &["pull", "busybox"]);
    assert!(
        pulled.contains("Pull complete") && pulled.ends_with("docker.io/library/busybox:latest\n")
    );
    let images = docker.says(0, &["images", "--format", "{{.Repository}}:{{.Tag}}"]);
    assert_eq!(images, "busybox:latest\n");

    let output =
        docker.run(&["run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 3"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!((&*output.stdout, &*output.stderr), (&b"out\n"[..], &b"err\n"[..]));
    assert_eq!(docker.says(0, &["run", "--rm", "-t", "busybox", "echo", "tty"]), "tty\r\n");
    assert_eq!(docker.says(127, &["run", "--rm", "busybox", "no-such-program"]), "");
    docker.says(125, &["run", "--rm", "no-such-image"]);

    let id = docker.says(0, &["run", "-d", "--name", "web", "busybox", "sleep", "1000000"]);
    assert_eq!(id.trim().len(), 64);
    assert_eq!(docker.says(0, &["ps", "--format", "{{.Names}} {{.Image}}"]), "web busybox\n");
    assert_eq!(docker.says(0, &["inspect", "-f", "{{.State.Status}}", "web"]), "running\n");
    assert_eq!(docker.says(0, &["exec", "web", "echo", "inside"]), "inside\n");
    let stats = docker.says(0, &["stats", "--no-stream", "--format", "{{.Name}}", "web"]);
    assert_eq!(stats, "web\n");
    docker.says(1, &["rm", "web"]);
    assert_eq!(docker.says(0, &["stop", "-t", "1", "web"]), "web\n");
    assert_eq!(docker.says(0, &["wait", "web"]), "137\n", "the first process ignores SIGTERM");
    docker.says(1, &["kill", "web"]);
    docker.says(0, &["start", "web"]);
    docker.says(0, &["kill", "web"]);
    assert_eq!(docker.says(0, &["ps", "-a", "--format", "{{.Names}}"]), "web\n");
    assert_eq!(docker.says(0, &["rm", "web"]), "web\n");
    docker.says(1, &["inspect", "web"]);

    docker
        .says(0, &["run", "-d", "--name", "log", "busybox", "sh", "-c", "echo 1; sleep 1; echo 2"]);
    assert_eq!(docker.says(0, &["logs", "-f", "log"]), "1\n2\n");
    assert_eq!(docker.says(0, &["logs", "--tail", "1", "log"]), "2\n");
    docker.says(0, &["rm", "-f", "log"]);

    let until = docker.says(0, &["info", "--format", "{{.SystemTime}}"]);
    let filter = ["--filter", "container=web", "--format", "{{.Action}}"];
    let events = docker
        .says(0, &[&["events", "--since", "0", "--until", until.trim()][..], &filter].concat());
    let events: Vec<_> = events.lines().filter(|event| !event.starts_with("exec_")).collect();
    let expected =
        ["create", "start", "kill", "kill", "die", "stop", "start", "kill", "die", "destroy"];
    assert_eq!(events, expected);

    assert!(docker.says(0, &["rmi", "busybox"]).contains("Untagged: busybox:latest"));
    assert_eq!(server.state()["containers"], json!([]));
    assert_eq!(server.state()["images"], json!([]));
}

/// The registry stalls: the pull hangs until Ctrl-C, and then the daemon has cancelled it.
#[test]
fn a_stalled_pull_of_the_command_line_hangs_until_ctrl_c() {
    let server = Server::start(&["--fault", "pull:stall@30%"]);
    let test = "a_stalled_pull_of_the_command_line_hangs_until_ctrl_c";
    let Some(docker) = docker(&server, test) else { return };
    let mut pull = docker.command(&["pull", "big"]);
    let mut pull = pull.stdout(Stdio::piped()).spawn().expect("it was there a moment ago");
    let mut lines = BufReader::new(pull.stdout.take().expect("a pipe")).lines();
    let begun = lines.any(|line| line.expect("UTF-8").contains("Pulling fs layer"));
    assert!(begun, "it ended by itself");
    server.until("the layers", |state| state["pulls"][0]["phase"] == "layers");
    assert!(pull.try_wait().expect("our child").is_none(), "it hangs");

    run(Command::new("kill").args(["-INT", &pid_of(&pull)])).expect("it can be interrupted");
    pull.wait().expect("our child");
    let state = server.until("the daemon notices", |state| state["ended_pulls"]["cancelled"] == 1);
    assert_eq!((&state["pulls"], &state["images"]), (&json!([]), &json!([])));

    // Without the fault the same pull goes through.
    server.faults("");
    docker.says(0, &["pull", "--quiet", "big"]);
    assert_eq!(server.state()["images"], json!(["big:latest"]));
}

/// Where the environment is made, beside the test's own executable.
fn environment() -> PathBuf {
    let own = std::env::current_exe().expect("a test has an executable");
    own.with_file_name("interop-docker-sdk")
}

/// The Python that has the SDK; installed if need be.
fn python() -> Result<PathBuf, String> {
    let environment = environment();
    let python = environment.join("bin/python");
    let imports = |python: &Path| run(Command::new(python).args(["-c", "import docker"]));
    if imports(&python).is_ok() {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(&python).args(install).args(["--retries", "1", "docker==7.1.0"]))?;
    imports(&python)?;
    Ok(python)
}

#[test]
fn pythons_docker_sdk_does_all_that_it_does_with_an_engine() {
    let python = match python() {
        Ok(python) => python,
        Err(reason) => {
            let test = "pythons_docker_sdk_does_all_that_it_does_with_an_engine";
            return skip("Python's docker SDK cannot be installed", &reason, test);
        }
    };
    let server = Server::start(&[]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/docker_sdk.py");
    let output = Command::new(python).arg(script).arg(server.host()).output().expect("Python");
    let (said, error) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{error}");
    assert_eq!(said.lines().last(), Some("pull of nothing"), "{said}");
    assert_eq!(server.state()["containers"], json!([]));
}
