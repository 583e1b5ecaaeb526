//! The fetcher: what it runs, with what, and how it ends.

mod support;

use containerizer::Flags;
use containerizer::fetcher::{Fetcher, FetcherProcess, MESOS_FETCHER, NoNet};
use mesos::status::w_exitcode;
use mesos::{CommandInfo, command_info};
use process::host::{Host, Io};
use process::simulated::{Installed, Simulation};
use process::{Future, Nothing};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use support::fakes::{FIRST_PID, FakeHost, Journal};
use support::{SANDBOX, failure, id, log, ready, uri};

/// A fetcher alone.
struct Fetching {
    sim: Rc<Simulation>,
    journal: Arc<Journal>,
    host: Arc<FakeHost>,
    fetcher: Fetcher,
    _installed: Installed,
}

impl Fetching {
    fn new() -> Self {
        Fetching::with(Flags::default())
    }

    fn with(flags: Flags) -> Self {
        let sim = Simulation::new(false);
        let installed = sim.install();
        let journal = Arc::<Journal>::default();
        let host = Arc::new(FakeHost::new(&journal));
        let fetcher =
            Fetcher::spawn(&flags, Arc::clone(&host) as Arc<dyn Host>, Arc::new(NoNet), log())
                .expect("there is no cache yet");
        Fetching { sim, journal, host, fetcher, _installed: installed }
    }

    fn settle(&self) {
        while self.sim.flush(0) {}
        assert!(self.sim.crash().is_none(), "{:?}", self.sim.crash());
    }

    fn fetch(&self, command: &CommandInfo, user: Option<&str>) -> Future<Nothing> {
        let fetch = self.fetcher.fetch(&id(), command, Path::new(SANDBOX), user);
        self.settle();
        fetch
    }

    fn exits(&self, status: Option<i32>) {
        self.host.exit(FIRST_PID, status);
        self.settle();
    }
}

fn command(uris: &[&str]) -> CommandInfo {
    CommandInfo { uris: uris.iter().map(|it| uri(it)).collect(), ..CommandInfo::default() }
}

#[test]
fn without_uris_only_the_output_files_are_made() {
    for (own, given, owner) in [
        (None, None, "-"),
        (None, Some("given"), "given"),
        (Some("own"), None, "own"),
        (Some("own"), Some("given"), "own"),
    ] {
        let fetching = Fetching::new();
        let command = CommandInfo { user: own.map(str::to_owned), ..CommandInfo::default() };
        assert_eq!(ready(&fetching.fetch(&command, given)), Nothing);
        assert_eq!(
            fetching.journal.lines(),
            [format!("touch {SANDBOX}/stdout {owner}"), format!("touch {SANDBOX}/stderr {owner}")]
        );
    }
}

#[test]
fn a_sandbox_without_room_for_output_fails_the_fetch() {
    for (file, touched) in [("stdout", 1), ("stderr", 2)] {
        let fetching = Fetching::new();
        fetching.host.fails(&format!("touch {SANDBOX}/{file}"), "disk full");
        let fetch = fetching.fetch(&command(&["/a/b"]), None);
        assert_eq!(failure(&fetch), format!("Failed to create '{file}' file: disk full"));
        assert_eq!(fetching.journal.lines().len(), touched);
    }
}

#[test]
fn uris_are_fetched_by_one_program() {
    let fetching = Fetching::new();
    let fetch = fetching.fetch(&command(&["file:///a/b.sh", "http://h/c", "/d"]), Some("root"));
    assert_eq!(fetching.journal.about("fork"), [format!("fork {MESOS_FETCHER}")]);
    let forked = fetching.host.forked(FIRST_PID);
    assert_eq!(forked.path, "/usr/local/libexec/mesos/mesos-fetcher");
    assert_eq!(forked.argv, ["/usr/local/libexec/mesos/mesos-fetcher"]);
    assert_eq!(fetching.host.environment(FIRST_PID)["LIBPROCESS_IP"], "127.0.0.1");
    assert_eq!(forked.stdin, Io::Null);
    assert_eq!(forked.stdout, Io::Path(Path::new(SANDBOX).join("stdout")));
    assert_eq!(forked.stderr, Io::Path(Path::new(SANDBOX).join("stderr")));
    assert!(forked.child_hooks.is_empty() && forked.whitelist.is_empty());
    assert!(fetch.is_pending());
    fetching.exits(Some(0));
    assert_eq!(ready(&fetch), Nothing);
    fetching.fetcher.kill(&id());
    fetching.settle();
    assert!(fetching.journal.about("kill").is_empty(), "it has ended by itself");
}

/// As recorded from upstream's agent.
#[test]
fn the_program_is_told_what_to_fetch_as_upstream_tells_it() {
    let uris = vec![
        command_info::Uri {
            cache: Some(false),
            extract: Some(true),
            ..uri("file:///src/plain.sh")
        },
        command_info::Uri {
            cache: Some(false),
            executable: Some(true),
            extract: Some(false),
            ..uri("file:///src/plain.sh")
        },
        command_info::Uri {
            extract: Some(false),
            output_file: Some("renamed/out.sh".into()),
            ..uri("/src/plain.sh")
        },
        uri("file:///src/plain.sh"),
    ];
    let fetching = Fetching::new();
    let command = CommandInfo { uris, ..CommandInfo::default() };
    let _fetch = fetching.fetch(&command, Some("root"));
    let expected = format!(
        r#"{{"cache_directory":"/tmp/mesos/fetch/root","items":[{}],"sandbox_directory":"{SANDBOX}","stall_timeout":{{"nanoseconds":60000000000}},"user":"root"}}"#,
        [
            r#"{"action":"BYPASS_CACHE","uri":{"cache":false,"extract":true,"value":"file:///src/plain.sh"}}"#,
            r#"{"action":"BYPASS_CACHE","uri":{"cache":false,"executable":true,"extract":false,"value":"file:///src/plain.sh"}}"#,
            r#"{"action":"BYPASS_CACHE","uri":{"extract":false,"output_file":"renamed/out.sh","value":"/src/plain.sh"}}"#,
            r#"{"action":"BYPASS_CACHE","uri":{"extract":true,"value":"file:///src/plain.sh"}}"#,
        ]
        .join(",")
    );
    assert_eq!(fetching.host.environment(FIRST_PID)["MESOS_FETCHER_INFO"], expected);
}

#[test]
fn the_program_is_told_of_the_frameworks_home() {
    let fetching =
        Fetching::with(Flags { frameworks_home: Some("/home".into()), ..Flags::default() });
    let _fetch = fetching.fetch(&command(&["a"]), None);
    let info = fetching.host.environment(FIRST_PID)["MESOS_FETCHER_INFO"].clone();
    let info: serde_json::Value = serde_json::from_str(&info).expect("it is JSON");
    assert_eq!(info["cache_directory"], "/tmp/mesos/fetch");
    assert_eq!(info["frameworks_home"], "/home");
    assert!(info.get("user").is_none());
}

mod fetcher_tests {
    use super::*;

    /// Nor does anything else of the agent's own get to the program, but what it needs.
    #[test]
    fn ssl_environment_spillover() {
        let fetching = Fetching::with(Flags { hadoop_home: Some("/h".into()), ..Flags::default() });
        let own = [
            ("LIBPROCESS_SSL_ENABLED", "true"),
            ("LIBPROCESS_SSL_KEY_FILE", "/nonexistent"),
            ("LIBPROCESS_IP", "10.0.0.1"),
            ("MESOS_MASTER", "zk://"),
            ("MESOS_QUIET", "1"),
            ("mesos_log_dir", "/log"),
            ("HTTPS_PROXY", "proxy"),
            ("PATH", "/bin"),
        ];
        let pairs = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            pairs.collect::<std::collections::BTreeMap<_, _>>()
        };
        *fetching.host.own_environment.lock() = pairs(&own);
        let _fetch = fetching.fetch(&command(&["/a"]), None);
        let mut environment = fetching.host.environment(FIRST_PID);
        assert!(environment.remove("MESOS_FETCHER_INFO").is_some());
        let expected = [
            ("HADOOP_HOME", "/h"),
            ("HTTPS_PROXY", "proxy"),
            ("LIBPROCESS_IP", "127.0.0.1"),
            ("MESOS_QUIET", "1"),
            ("PATH", "/bin"),
            ("mesos_log_dir", "/log"),
        ];
        assert_eq!(environment, pairs(&expected));
    }
}

#[test]
fn a_program_that_fails_fails_the_fetch() {
    for (status, message) in [
        (
            Some(w_exitcode(1, 0)),
            "Failed to fetch all URIs for container 'c': exited with status 1",
        ),
        (
            Some(w_exitcode(0, 9)),
            "Failed to fetch all URIs for container 'c': terminated with signal Killed",
        ),
        (None, "No status available from mesos-fetcher"),
    ] {
        let fetching = Fetching::new();
        let fetch = fetching.fetch(&command(&["/a"]), None);
        fetching.exits(status);
        assert_eq!(failure(&fetch), message);
        fetching.fetcher.kill(&id());
        fetching.settle();
        assert!(fetching.journal.about("kill").is_empty(), "it is forgotten");
    }
}

#[test]
fn a_program_that_cannot_be_started_fails_the_fetch() {
    let fetching = Fetching::new();
    fetching.host.fails("fork", "no such file");
    let fetch = fetching.fetch(&command(&["/a"]), None);
    assert_eq!(failure(&fetch), "Failed to execute mesos-fetcher: no such file");
}

#[test]
fn a_fetch_can_be_killed_once() {
    let fetching = Fetching::new();
    let fetch = fetching.fetch(&command(&["/a"]), None);
    fetching.fetcher.kill(&mesos::ContainerId::new("other"));
    fetching.settle();
    assert!(fetching.journal.about("kill").is_empty());
    for _ in 0..2 {
        fetching.fetcher.kill(&id());
        fetching.settle();
        assert_eq!(fetching.journal.about("kill"), [format!("kill {FIRST_PID} 9")]);
    }
    assert!(fetch.is_pending(), "only the end of the program ends it");
    fetching.exits(Some(w_exitcode(0, 9)));
    assert!(fetch.is_failed());
}

#[test]
fn no_program_outlives_the_fetcher() {
    let fetching = Fetching::new();
    for container in ["c", "d", "e"] {
        let (id, sandbox) = (mesos::ContainerId::new(container), Path::new(SANDBOX));
        let _fetch = fetching.fetcher.fetch(&id, &command(&["/a"]), sandbox, None);
    }
    fetching.settle();
    fetching.exits(Some(0));
    let process = process::find::<FetcherProcess>("fetcher(1)").expect("it runs");
    process::terminate(&process, false);
    fetching.settle();
    let left = process::process_ids();
    assert!(!left.iter().any(|id| id.starts_with("fetcher")), "{left:?}");
    assert_eq!(fetching.journal.about("kill"), ["kill 101 9", "kill 102 9"]);
}

#[test]
fn what_cannot_be_a_uri_is_not_fetched() {
    let output = |path: &str| {
        let uri = command_info::Uri { output_file: Some(path.into()), ..uri("/a") };
        CommandInfo { uris: vec![uri], ..CommandInfo::default() }
    };
    for (command, message) in [
        (command(&["/fine", "lala://nopath"]), "Malformed URI (missing path): lala://nopath"),
        (command(&["http://h/"]), "Malformed URI (missing file name): http://h/"),
        (command(&[r"/a\b"]), r#"Illegal characters in URI "/a\\b""#),
        (output(""), "URI output file path is empty"),
        (output("/abs"), "URI output file must be within the sandbox directory"),
        (output("a/../../b"), "URI output file must be within the sandbox directory"),
    ] {
        let fetching = Fetching::new();
        let fetch = fetching.fetch(&command, None);
        assert_eq!(failure(&fetch), format!("Could not fetch: {message}"));
        assert!(fetching.journal.lines().is_empty(), "not even the output files are made");
    }
}
