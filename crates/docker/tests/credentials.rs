//! Credentials from files in a sandbox, from the agent's own configuration, and from helpers.

#![allow(clippy::disallowed_methods, reason = "a test of programs in real time")]

use docker::{Config, ConfigFiles, Credentials, Keychain, Limits};
use process::Outcome;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);
const HUB: &str = "https://index.docker.io/v1/";

/// user:pass
const AUTH: &str = r#"{"auth":"dXNlcjpwYXNz"}"#;

struct Sandbox(TempDir);

impl Sandbox {
    fn new(files: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().expect("a directory");
        for (name, text) in files {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().expect("below the sandbox")).expect("made");
            std::fs::write(path, text).expect("written");
        }
        Sandbox(directory)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn find(&self, agent: Option<&str>, image: &str) -> Result<Option<Credentials>, String> {
        let agent = agent.map(|text| Config::parse(text).expect("a configuration"));
        let keys = ConfigFiles::new(agent, Limits::default()).with_helpers_in(helpers());
        match keys.credentials(self.path(), image).wait(LIMIT) {
            Some(Outcome::Ready(found)) => Ok(found),
            Some(Outcome::Failed(problem)) => Err(problem),
            other => panic!("no answer: {other:?}"),
        }
    }

    fn user(&self, agent: Option<&str>, image: &str) -> Option<String> {
        self.find(agent, image).expect("no error").map(|found| found.username)
    }
}

fn helpers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/helpers")
}

fn auths(registry: &str, user: &str) -> String {
    format!(r#"{{"auths":{{"{registry}":{{"username":"{user}","password":"p"}}}}}}"#)
}

#[test]
fn the_sandbox_goes_before_the_agent_and_the_newer_file_before_the_older() {
    let (new, old, agent) = (auths(HUB, "new"), auths(HUB, "old"), auths(HUB, "agent"));
    let (config, legacy) = (".docker/config.json", ".dockercfg");
    for (files, agent, expected) in [
        (&[][..], None, None),
        (&[], Some(&agent), Some("agent")),
        (&[(config, &*new)], Some(&agent), Some("new")),
        (&[(legacy, &*old)], Some(&agent), Some("old")),
        (&[(config, &*new), (legacy, &*old)], None, Some("new")),
        // It is there, and knows nobody: that is the answer.
        (&[(config, "{}")], Some(&agent), None),
        (&[(config, "{}"), (legacy, &*old)], None, None),
    ] {
        let sandbox = Sandbox::new(files);
        let found = sandbox.user(agent.map(String::as_str), "bb:1");
        assert_eq!(found.as_deref(), expected, "{files:?}");
    }
    // The older form below its own name.
    let sandbox = Sandbox::new(&[(legacy, &format!("{{\"{HUB}\":{AUTH}}}"))]);
    assert_eq!(sandbox.user(None, "library/bb").as_deref(), Some("user"));
    assert_eq!(sandbox.user(None, "r.example/bb"), None);
}

#[test]
fn helpers_are_asked_for_the_registry() {
    let sandbox = Sandbox::new(&[]);
    let agent = r#"{"credsStore":"good","credHelpers":{"t.example:5000":"token"}}"#;
    let found = sandbox.find(Some(agent), "bb:1").expect("no error").expect("credentials");
    assert_eq!(found.username, format!("user of {HUB}"));
    assert_eq!((&*found.password, &*found.server_address), ("hunter2", HUB));
    let found = sandbox.find(Some(agent), "r.example/bb").expect("no error").expect("credentials");
    assert_eq!(found.username, "user of r.example");
    let found = sandbox.find(Some(agent), "t.example:5000/b").expect("no error").expect("some");
    assert_eq!((&*found.identity_token, &*found.username), ("hunter2", ""));
    assert_eq!(found.server_address, "t.example:5000");
    assert_eq!(sandbox.find(Some(r#"{"credsStore":"empty"}"#), "bb"), Ok(None));
    // From the sandbox as well.
    let sandbox = Sandbox::new(&[(".docker/config.json", r#"{"credsStore":"good"}"#)]);
    assert_eq!(sandbox.user(None, "r.example/b").as_deref(), Some("user of r.example"));
}

#[test]
fn what_goes_wrong_with_a_helper_is_said_without_its_secrets() {
    for (helper, says) in [
        ("missing", "cannot be run: No such file or directory"),
        ("locked", "it failed: the keychain is locked"),
        ("leaky", "it failed without a message"),
        ("mad", "its answer is no object with Username and Secret"),
        ("endless", "its answer is longer than 1048576 bytes"),
    ] {
        let agent = format!(r#"{{"credHelpers":{{"r.example":"{helper}"}}}}"#);
        let problem = Sandbox::new(&[]).find(Some(&agent), "r.example/bb").expect_err(helper);
        let about = format!("docker-credential-{helper} get r.example: ");
        assert!(problem.contains(&about), "{problem}");
        assert!(problem.contains(says), "{problem}");
        assert!(!problem.contains("hunter2"), "{problem}");
    }
}

#[test]
fn what_a_task_puts_into_its_sandbox_does_no_harm() {
    let outside = Sandbox::new(&[("config.json", &auths(HUB, "root"))]);
    let path = outside.path().join("config.json");
    for (name, place) in [(".docker/config.json", ".docker"), (".dockercfg", "")] {
        // A link to a file that the agent may read.
        let sandbox = Sandbox::new(&[]);
        std::fs::create_dir_all(sandbox.path().join(place)).expect("made");
        std::os::unix::fs::symlink(&path, sandbox.path().join(name)).expect("linked");
        let problem = sandbox.find(None, "bb").expect_err("a link");
        assert!(problem.ends_with("leads out of the sandbox"), "{problem}");
        // A link to one of its own is nothing special.
        std::fs::remove_file(sandbox.path().join(name)).expect("removed");
        std::fs::write(sandbox.path().join("own"), auths(HUB, "own")).expect("written");
        let own = sandbox.path().join("own");
        std::os::unix::fs::symlink(own, sandbox.path().join(name)).expect("linked");
        assert_eq!(sandbox.user(None, "bb").as_deref(), Some("own"));
        // No file at all.
        std::fs::remove_file(sandbox.path().join(name)).expect("removed");
        std::fs::create_dir(sandbox.path().join(name)).expect("made");
        let problem = sandbox.find(None, "bb").expect_err("a directory");
        assert!(problem.ends_with("is no file"), "{problem}");
    }
    for (text, says) in [
        ("{\"auths\"", "not a docker configuration: no JSON at line 1 column 8"),
        (&*"x".repeat((1 << 20) + 1), "is longer than 1048576 bytes"),
        (r#"{"credsStore":"../../bin/sh"}"#, "credsStore: expected the last part of the name"),
    ] {
        let problem = Sandbox::new(&[(".dockercfg", text)]).find(None, "bb").expect_err("bad");
        assert!(problem.contains(".dockercfg: ") && problem.contains(says), "{problem}");
    }
    let sandbox = Sandbox::new(&[]);
    std::fs::write(sandbox.path().join(".dockercfg"), b"\xff").expect("written");
    assert!(sandbox.find(None, "bb").expect_err("bad").ends_with("is not UTF-8"));
}

#[test]
fn a_discard_ends_the_helper() {
    let sandbox = Sandbox::new(&[(".dockercfg", r#"{"credsStore":"silent"}"#)]);
    let keys = ConfigFiles::new(None, Limits::default()).with_helpers_in(helpers());
    let found = keys.credentials(sandbox.path(), "bb");
    let running = sandbox.path().join("running");
    until("it runs", || running.exists());
    let pid = std::fs::read_to_string(running).expect("its pid");
    let stat = format!("/proc/{}/stat", pid.trim());
    let alive = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
    assert!(alive());
    found.discard();
    assert!(found.is_discarded());
    until("it is gone", || !alive());
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < LIMIT, "not in time: {what}");
        std::thread::yield_now();
    }
}
