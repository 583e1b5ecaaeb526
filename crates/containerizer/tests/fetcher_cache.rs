//! The fetcher's cache, step by step: what it asks, reserves, evicts, tells the program, and
//! forgets.

mod support;

use containerizer::Flags;
use containerizer::fetcher::Fetcher;
use mesos::status::w_exitcode;
use mesos::{Bytes, CommandInfo, ContainerId, command_info::Uri};
use process::host::{Host, OsPid};
use process::simulated::{Installed, Simulation};
use process::{Future, Nothing};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use support::fakes::{FIRST_PID, FakeHost, FakeNet, Journal};
use support::{SANDBOX, failure, log, ready};

const CACHE: &str = "/cache";
const SPACE: u64 = 100;

/// A fetcher, whose programs and servers are the test.
struct Fetching {
    sim: Rc<Simulation>,
    journal: Arc<Journal>,
    host: Arc<FakeHost>,
    net: Arc<FakeNet>,
    fetcher: Fetcher,
    _installed: Installed,
}

impl Fetching {
    fn new() -> Self {
        let sim = Simulation::new(false);
        let installed = sim.install();
        let journal = Arc::<Journal>::default();
        let host = Arc::new(FakeHost::new(&journal));
        let net = Arc::<FakeNet>::default();
        let fetcher = spawn(&host, &net).expect("there is no cache yet");
        let fetching = Fetching { sim, journal, host, net, fetcher, _installed: installed };
        fetching.settle();
        fetching
    }

    fn settle(&self) {
        while self.sim.flush(0) {}
        assert!(self.sim.crash().is_none(), "{:?}", self.sim.crash());
    }

    fn fetch(&self, container: &str, uris: &[Uri]) -> Future<Nothing> {
        self.fetch_as(container, uris, None)
    }

    fn fetch_as(&self, container: &str, uris: &[Uri], user: Option<&str>) -> Future<Nothing> {
        let command = CommandInfo { uris: uris.to_vec(), ..CommandInfo::default() };
        let (id, sandbox) = (ContainerId::new(container), Path::new(SANDBOX));
        let fetch = self.fetcher.fetch(&id, &command, sandbox, user);
        self.settle();
        fetch
    }

    /// The server answers.
    fn says(&self, size: u64) {
        self.net.sizes.last().set(size);
        self.settle();
    }

    /// What the program with this number was told, one pair of action and file an item.
    fn told(&self, number: OsPid) -> Vec<(String, Option<String>)> {
        let info = self.host.environment(FIRST_PID + number)["MESOS_FETCHER_INFO"].clone();
        let info: Value = serde_json::from_str(&info).expect("it is JSON");
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let items = info["items"].as_array().expect("items").iter();
        let item =
            |item: &Value| (text(&item["action"]).expect("one"), text(&item["cache_filename"]));
        items.map(item).collect()
    }

    /// A program ends well, after it has downloaded this file, of this size.
    fn downloads(&self, number: OsPid, file: &str, size: usize) {
        self.host.files.lock().insert(path(file), "x".repeat(size));
        self.exits(number, 0);
    }

    fn exits(&self, number: OsPid, code: i32) {
        self.host.exit(FIRST_PID + number, Some(w_exitcode(code, 0)));
        self.settle();
    }

    /// A URI is fetched into the cache, with nothing else going on.
    fn caches(&self, number: OsPid, uri: &str, file: &str, size: usize) {
        let fetch = self.fetch("c", &[cached(uri)]);
        self.says(size as u64);
        assert_eq!(self.told(number), [download(file)]);
        self.downloads(number, file, size);
        ready(&fetch);
    }

    fn used(&self) -> f64 {
        self.fetcher.metrics().cache_size_used_bytes.get()
    }

    fn has(&self, file: &str) -> bool {
        self.host.exists(&path(file))
    }

    /// How many fetches went well, and how many did not.
    fn counted(&self) -> (i64, i64) {
        let metrics = self.fetcher.metrics();
        let (well, failed) = (&metrics.task_fetches_succeeded, &metrics.task_fetches_failed);
        (well.get(), failed.get())
    }
}

fn spawn(host: &Arc<FakeHost>, net: &Arc<FakeNet>) -> Result<Fetcher, String> {
    let flags = Flags {
        fetcher_cache_dir: CACHE.into(),
        fetcher_cache_size: Bytes::new(SPACE),
        ..Flags::default()
    };
    let host = Arc::clone(host) as Arc<dyn Host>;
    Fetcher::spawn(&flags, host, Arc::clone(net) as _, log())
}

fn path(file: &str) -> PathBuf {
    Path::new(CACHE).join(file)
}

fn cached(uri: &str) -> Uri {
    Uri { value: uri.to_owned(), cache: Some(true), ..Uri::default() }
}

fn item(action: &str, file: Option<&str>) -> (String, Option<String>) {
    (action.to_owned(), file.map(str::to_owned))
}

fn download(file: &str) -> (String, Option<String>) {
    item("DOWNLOAD_AND_CACHE", Some(file))
}

fn retrieve(file: &str) -> (String, Option<String>) {
    item("RETRIEVE_FROM_CACHE", Some(file))
}

fn bypass() -> (String, Option<String>) {
    item("BYPASS_CACHE", None)
}

#[test]
fn what_is_cached_is_downloaded_once() {
    let fetching = Fetching::new();
    let first = fetching.fetch("a", &[cached("http://h/f")]);
    let second = fetching.fetch("b", &[cached("http://h/f")]);
    assert!(fetching.host.running().is_empty(), "the size comes first");
    fetching.says(40);
    assert_eq!(fetching.used(), 40.0);
    assert_eq!(fetching.told(0), [download("c1-f")]);
    assert_eq!(fetching.host.running().len(), 1, "the other one waits for it");
    fetching.downloads(0, "c1-f", 40);
    ready(&first);
    assert_eq!(fetching.told(1), [retrieve("c1-f")]);
    fetching.exits(1, 0);
    ready(&second);
    let third = fetching.fetch("c", &[cached("http://h/f")]);
    assert_eq!(fetching.told(2), [retrieve("c1-f")]);
    fetching.exits(2, 0);
    ready(&third);
    assert_eq!(*fetching.net.asked.lock(), ["http://h/f"]);
    assert_eq!((fetching.used(), fetching.counted()), (40.0, (3, 0)));
}

#[test]
fn users_share_nothing() {
    let fetching = Fetching::new();
    for (number, user) in [(0, Some("alice")), (1, Some("bob")), (2, None)] {
        let _fetch = fetching.fetch_as("c", &[cached("http://h/f")], user);
        fetching.says(10);
        let file = format!("c{}-f", number + 1);
        assert_eq!(fetching.told(number), [download(&file)]);
        let info = &fetching.host.environment(FIRST_PID + number)["MESOS_FETCHER_INFO"];
        let directory = format!("{CACHE}/{}", user.unwrap_or_default());
        let directory = directory.trim_end_matches('/');
        assert!(info.contains(&format!("\"cache_directory\":\"{directory}\"")), "{info}");
    }
    assert_eq!(fetching.used(), 30.0);
}

#[test]
fn who_waits_in_vain_does_without() {
    for (code, size) in [(1, 40), (0, 41)] {
        let fetching = Fetching::new();
        let first = fetching.fetch("a", &[cached("http://h/f")]);
        let second = fetching.fetch("b", &[cached("http://h/f")]);
        fetching.says(40);
        // It fails in the middle, or it brings more than it should: too much for what is reserved.
        fetching.host.files.lock().insert(path("c1-f"), "x".repeat(size));
        fetching.exits(0, code);
        assert_eq!(first.is_failed(), code != 0);
        assert!(!fetching.has("c1-f") && fetching.used() == 0.0, "nothing of it stays");
        assert_eq!(fetching.told(1), [bypass()]);
        fetching.exits(1, 0);
        ready(&second);
        // The next one tries again.
        let _third = fetching.fetch("c", &[cached("http://h/f")]);
        fetching.says(40);
        assert_eq!(fetching.told(2), [download("c2-f")]);
        assert_eq!(fetching.counted(), (2 - i64::from(code), i64::from(code)));
    }
}

#[test]
fn a_download_that_is_smaller_gives_space_back() {
    let fetching = Fetching::new();
    let fetch = fetching.fetch("a", &[cached("http://h/f")]);
    fetching.says(40);
    fetching.downloads(0, "c1-f", 30);
    ready(&fetch);
    assert_eq!(fetching.used(), 30.0);
    assert!(fetching.has("c1-f"));
}

#[test]
fn a_download_that_is_nowhere_is_forgotten() {
    let fetching = Fetching::new();
    let fetch = fetching.fetch("a", &[cached("http://h/f")]);
    fetching.says(40);
    fetching.exits(0, 0);
    ready(&fetch);
    assert_eq!(fetching.used(), 0.0);
    let _next = fetching.fetch("a", &[cached("http://h/f")]);
    assert_eq!(fetching.net.sizes.count(), 2);
}

#[test]
fn without_a_size_the_cache_is_bypassed() {
    for (fails, uri) in [(true, "http://h/f"), (false, "http://h/f"), (true, "/nowhere/f")] {
        let fetching = Fetching::new();
        let fetch = fetching.fetch("a", &[cached(uri)]);
        match (uri.starts_with('/'), fails) {
            (true, _) => {}
            (_, true) => {
                fetching.net.sizes.last().fail("404");
            }
            (_, false) => {
                fetching.net.sizes.last().set(0);
            }
        }
        fetching.settle();
        assert_eq!(fetching.told(0), [bypass()], "{uri}");
        fetching.exits(0, 0);
        ready(&fetch);
        assert_eq!((fetching.used(), fetching.counted()), (0.0, (1, 0)));
    }
}

#[test]
fn a_client_of_hadoop_that_is_missing_bypasses_the_cache() {
    let fetching = Fetching::new();
    fetching.host.fails("fork hadoop", "no such program");
    let _fetch = fetching.fetch("a", &[cached("hdfs://h/f")]);
    assert_eq!(fetching.told(0), [bypass()]);
    drop(fetching);

    // One that is there is asked for its version first, then for the size; this host has no pipes.
    let fetching = Fetching::new();
    let _fetch = fetching.fetch("a", &[cached("hdfs://h/f")]);
    assert_eq!(fetching.host.forked(FIRST_PID).argv, ["hadoop", "version"]);
    fetching.exits(0, 0);
    assert_eq!(fetching.host.forked(FIRST_PID + 1).argv, ["hadoop", "fs", "-du", "hdfs://h/f"]);
    assert_eq!(fetching.told(2), [bypass()]);
}

#[test]
fn the_least_recently_used_goes_first() {
    let fetching = Fetching::new();
    for (number, name) in ["a", "b", "c"].into_iter().enumerate() {
        let file = format!("c{}-{name}", number + 1);
        fetching.caches(number as OsPid, &format!("http://h/{name}"), &file, 30);
    }
    let _again = fetching.fetch("again", &[cached("http://h/a")]);
    assert_eq!(fetching.told(3), [retrieve("c1-a")]);
    fetching.exits(3, 0);
    // 40 do not fit beside 90: the second one makes just enough room.
    fetching.caches(4, "http://h/d", "c4-d", 40);
    assert_eq!(
        ["c1-a", "c2-b", "c3-c", "c4-d"].map(|file| fetching.has(file)),
        [true, false, true, true]
    );
    assert_eq!(fetching.used(), 100.0);
    assert_eq!(fetching.journal.about("remove /"), ["remove /cache/c2-b"]);
}

#[test]
fn what_is_in_use_is_not_evicted() {
    let fetching = Fetching::new();
    fetching.caches(0, "http://h/a", "c1-a", 60);
    let _uses = fetching.fetch("uses", &[cached("http://h/a")]);
    assert_eq!(fetching.told(1), [retrieve("c1-a")]);
    let fetch = fetching.fetch("b", &[cached("http://h/b")]);
    fetching.says(60);
    assert_eq!(fetching.told(2), [bypass()], "there is no room for it");
    fetching.exits(2, 0);
    ready(&fetch);
    assert!(fetching.has("c1-a"));
    fetching.exits(1, 0);
    fetching.caches(3, "http://h/b", "c3-b", 60);
    assert!(!fetching.has("c1-a") && fetching.used() == 60.0);
}

#[test]
fn a_file_that_cannot_be_evicted_keeps_its_space() {
    let fetching = Fetching::new();
    fetching.caches(0, "http://h/a", "c1-a", 60);
    fetching.host.fails("remove /cache", "read-only file system");
    let _fetch = fetching.fetch("b", &[cached("http://h/b")]);
    fetching.says(60);
    assert_eq!(fetching.told(1), [bypass()]);
    assert_eq!(fetching.used(), 60.0);
}

#[test]
fn a_file_that_has_disappeared_is_downloaded_again() {
    let fetching = Fetching::new();
    fetching.caches(0, "http://h/a", "c1-a", 60);
    fetching.host.files.lock().clear();
    fetching.caches(1, "http://h/a", "c2-a", 60);
    assert_eq!(fetching.used(), 60.0);
}

#[test]
fn long_names_are_cut_in_the_middle() {
    let fetching = Fetching::new();
    for (number, (uri, file)) in [
        ("http://h/twelve-times-two.tar.gz", "c1-twelve-tim_two.tar.gz"),
        ("http://h/exactly-twenty-chars", "c2-exactly-twenty-chars"),
        ("http://h/ä-name-that-is-öüß-long.tgz", "c3-ä-name-tha_ß-long.tgz"),
    ]
    .into_iter()
    .enumerate()
    {
        let _fetch = fetching.fetch("c", &[cached(uri)]);
        fetching.says(1);
        assert_eq!(fetching.told(number as OsPid), [download(file)]);
    }
}

/// D07 of upstream, where it aborts: a URI that is named twice, not quite equal, without a size.
#[test]
fn a_uri_that_is_named_twice_without_a_size_is_fetched_twice() {
    let fetching = Fetching::new();
    let other = Uri { output_file: Some("other".to_owned()), ..cached("http://h/f") };
    let fetch = fetching.fetch("a", &[cached("http://h/f"), other]);
    assert_eq!(fetching.net.sizes.count(), 1);
    fetching.net.sizes.last().fail("404");
    fetching.settle();
    assert_eq!(fetching.told(0), [bypass(), bypass()]);
    fetching.exits(0, 0);
    ready(&fetch);
}

#[test]
fn a_uri_that_is_named_twice_is_downloaded_once() {
    let fetching = Fetching::new();
    let other = Uri { output_file: Some("other".to_owned()), ..cached("http://h/f") };
    let fetch = fetching.fetch("a", &[cached("http://h/f"), other]);
    fetching.says(40);
    assert_eq!(fetching.told(0), [download("c1-f"), download("c1-f")]);
    fetching.downloads(0, "c1-f", 40);
    ready(&fetch);
    // Nobody uses it any more.
    fetching.caches(1, "http://h/large", "c2-large", 90);
    assert!(!fetching.has("c1-f"));
}

/// D09 of upstream: of two equal URIs the second one's entry is ready at once, and stands for both.
/// So nobody waits for the size, and one reference too many is counted. Finding F05.
#[test]
fn two_equal_uris_do_not_wait_for_the_size() {
    let fetching = Fetching::new();
    let fetch = fetching.fetch("a", &[cached("http://h/f"), cached("http://h/f")]);
    assert_eq!(fetching.told(0), [download("c1-f")], "of equal ones there is one");
    fetching.downloads(0, "c1-f", 40);
    ready(&fetch);
    assert!(!fetching.has("c1-f"), "more than the 0 bytes that were reserved");
    fetching.says(40);
    assert_eq!(fetching.used(), 40.0, "reserved for a file that nobody has any more");
}

#[test]
fn a_new_fetcher_begins_with_nothing() {
    let fetching = Fetching::new();
    fetching.caches(0, "http://h/a", "c1-a", 60);
    let fetcher = spawn(&fetching.host, &fetching.net).expect("it can be deleted");
    assert_eq!(fetching.journal.about("remove"), ["remove directory /cache"]);
    assert!(!fetching.has("c1-a"));
    assert_eq!(fetcher.metrics().cache_size_used_bytes.get(), 0.0);
    assert_eq!(fetcher.metrics().cache_size_total_bytes.get(), SPACE as f64);

    fetching.host.files.lock().insert(path("c9-x"), String::new());
    fetching.host.fails("remove directory", "busy");
    let refused = spawn(&fetching.host, &fetching.net).err();
    let expected = "Could not delete fetcher cache directory '/cache': busy";
    assert_eq!(refused.as_deref(), Some(expected));
}

#[test]
fn what_cannot_be_a_uri_counts_as_failed() {
    let fetching = Fetching::new();
    let fetch = fetching.fetch("a", &[cached("lala://nopath")]);
    assert!(failure(&fetch).starts_with("Could not fetch"));
    assert_eq!(fetching.counted(), (0, 1));
}

#[test]
fn the_metrics_are_there_as_long_as_the_fetcher() {
    let fetching = Fetching::new();
    let keys = || {
        let snapshot = process::metrics::snapshot(None);
        fetching.settle();
        let keys = ready(&snapshot).into_keys();
        keys.filter(|key| key.starts_with("containerizer/fetcher/")).collect::<Vec<_>>()
    };
    assert_eq!(
        keys(),
        [
            "containerizer/fetcher/cache_size_total_bytes",
            "containerizer/fetcher/cache_size_used_bytes",
            "containerizer/fetcher/task_fetches_failed",
            "containerizer/fetcher/task_fetches_succeeded",
        ]
    );
    let process = process::find::<containerizer::fetcher::FetcherProcess>("fetcher(1)");
    process::terminate(&process.expect("it runs"), false);
    fetching.settle();
    assert!(keys().is_empty());
}
