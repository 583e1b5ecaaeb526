//! What the suites about `drydock run` share: the program, and what may be left behind.

#![allow(dead_code, reason = "each suite uses a part")]

use drydock_tests::{DockerLab, Stats};
use serde_json::Value;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Child;

/// For what happens at once on an idle machine.
pub const LIMIT: Duration = Duration::from_secs(60);

/// After which a transfer must have ended whose client has gone.
pub const PULL_END_LIMIT: Duration = Duration::from_secs(2);

/// The program under test, of the same build as this test. Built on first use.
pub fn drydock() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = std::env::current_exe().expect("this test has a file");
        // target/PROFILE/deps/TEST
        let profile = test.parent().and_then(Path::parent).expect("cargo's layout");
        let target = profile.parent().expect("cargo's layout");
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        // With all features of the workspace, as it was built for the tests: nothing is built twice.
        build.args(["build", "--quiet", "--workspace", "--bin", "drydock", "--target-dir"]);
        build.arg(target);
        build.current_dir(env!("CARGO_MANIFEST_DIR"));
        if profile.file_name().is_some_and(|name| name == "release") {
            build.arg("--release");
        }
        let status = build.status().expect("cargo can be run");
        assert!(status.success(), "drydock cannot be built: {status}");
        profile.join("drydock")
    })
}

/// How `drydock run` is called in one test: with a work directory of its own.
pub struct Runner {
    /// Removed with the handle, sandboxes included.
    pub work_dir: TempDir,
}

impl Runner {
    /// With a fresh work directory.
    pub fn new() -> Runner {
        let work_dir = tempfile::Builder::new().prefix("drydock-run-").tempdir();
        Runner { work_dir: work_dir.expect("a directory") }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(drydock());
        command.arg("run").args(arguments).arg("--work_dir").arg(self.work_dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts it. It dies with the handle.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let mut command = tokio::process::Command::from(self.command(arguments));
        command.kill_on_drop(true).spawn().expect("drydock can be run")
    }

    /// Runs it to its end.
    pub async fn run(&self, arguments: &[&str]) -> Finished {
        finish(self.start(arguments)).await
    }

    /// Runs a task to its end with `--json`.
    pub async fn task(&self, arguments: &[&str]) -> Task {
        let finished = self.run(&[arguments, &["--json"]].concat()).await;
        Task::new(&finished)
    }

    /// Fails when something of a run is still there: a process (of whatever program) whose
    /// arguments or environment name the work directory.
    pub fn assert_no_process(&self) {
        let name = self.work_dir.path().to_str().expect("an ASCII path").as_bytes();
        let holds = |path: PathBuf| {
            let content = std::fs::read(path).unwrap_or_default();
            content.windows(name.len()).any(|window| window == name)
        };
        for entry in std::fs::read_dir("/proc").expect("proc").flatten() {
            let found = holds(entry.path().join("cmdline")) || holds(entry.path().join("environ"));
            assert!(!found, "a process is left: {}", entry.path().display());
        }
    }
}

/// A run that has ended.
pub struct Finished {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it said beside that.
    pub stderr: String,
}

/// Waits for the end of a run.
pub async fn finish(child: Child) -> Finished {
    let output = within("the end of drydock", LIMIT, child.wait_with_output()).await;
    let Output { status, stdout, stderr } = output.expect("its output can be read");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Finished { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

/// What `--json` said.
pub struct Task {
    /// The exit code of the run.
    pub code: Option<i32>,
    /// The object.
    pub json: Value,
}

impl Task {
    /// Reads it.
    pub fn new(finished: &Finished) -> Task {
        let json = serde_json::from_str(&finished.stdout);
        let json = json.unwrap_or_else(|error| {
            panic!("{error} in '{}'; stderr '{}'", finished.stdout, finished.stderr)
        });
        Task { code: finished.code, json }
    }

    /// The states of all updates, in order.
    pub fn states(&self) -> Vec<&str> {
        let updates = self.json["updates"].as_array().expect("updates");
        updates.iter().map(|update| update["state"].as_str().expect("a state")).collect()
    }

    /// The last update's message.
    pub fn message(&self) -> &str {
        self.json["message"].as_str().unwrap_or_default()
    }

    /// The last update's reason.
    pub fn reason(&self) -> &str {
        let updates = self.json["updates"].as_array().expect("updates");
        updates.last().and_then(|update| update["reason"].as_str()).unwrap_or_default()
    }

    /// A file of the sandbox.
    pub fn file(&self, name: &str) -> String {
        let sandbox = Path::new(self.json["sandbox"].as_str().expect("a sandbox"));
        std::fs::read_to_string(sandbox.join(name))
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

/// Sends a signal, as Ctrl-C (`INT`) does.
pub fn signal(child: &Child, name: &str) {
    let pid = child.id().expect("it runs").to_string();
    let kill = Command::new("/bin/sh").args(["-c", &format!("kill -{name} {pid}")]).status();
    assert!(kill.expect("a shell").success(), "kill -{name} {pid}");
}

/// `work`, or a failure after `limit`.
pub async fn within<T>(what: &str, limit: Duration, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(limit, work).await {
        Ok(value) => value,
        Err(_) => panic!("not within {limit:?}: {what}"),
    }
}

/// Asks again and again until the answer is yes.
pub async fn until<F: Future<Output = bool>>(what: &str, limit: Duration, ask: impl Fn() -> F) {
    let mut pause = tokio::time::interval(Duration::from_millis(20));
    within(what, limit, async {
        while !ask().await {
            pause.tick().await;
        }
    })
    .await;
}

/// The containers made from this lab's images, whatever their state.
pub async fn containers(lab: &DockerLab) -> Vec<String> {
    let ours = format!("/{}/", lab.images.namespace());
    let all = lab.engine.containers("").await.expect("an answer").into_iter();
    all.filter(|container| container.image.contains(&ours)).map(|it| it.name).collect()
}

/// Fails when a container of this lab is left.
pub async fn assert_no_container(lab: &DockerLab) {
    assert_eq!(containers(lab).await, Vec::<String>::new(), "containers are left");
}

/// Waits until the big layer is on its way.
pub async fn pull_under_way(lab: &DockerLab) {
    let started = |stats: &Stats| stats.bytes_sent_of_blobs_over(8 << 20) > 0;
    lab.expect("the first byte of the big layer", LIMIT, started).await;
}

/// Waits until the registry sends nothing any more, and checks that it was not because it had
/// sent everything.
pub async fn pull_ended_early(lab: &DockerLab) {
    let none = |stats: &Stats| stats.blob_transfers_in_flight() == 0;
    let stats = lab.expect("no transfer in flight", PULL_END_LIMIT, none).await;
    assert!(stats.blob_bytes_sent() < 8 << 20, "it must not have ended by finishing");
}
