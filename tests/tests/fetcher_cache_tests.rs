//! Twins of `src/tests/fetcher_cache_tests.cpp` on a real machine: the agent's fetcher, the program
//! `mesos-fetcher`, servers on loopback. Upstream's tests launch tasks by a whole cluster; here a
//! task is a fetch, and then its command in its sandbox. `sim/src/environment/tests` has the same
//! twins under many schedules.

#![allow(clippy::disallowed_methods, reason = "a test of real processes in real time")]

mod fetcher;
mod live;

use containerizer::Flags;
use containerizer::fetcher::{CACHE_FILE_NAME_PREFIX, Fetcher, MESOS_FETCHER, Net};
use fetcher::{Tar, respond, server};
use live::{LIMIT, drydock};
use mesos::{Bytes, CommandInfo, ContainerId, command_info::Uri};
use parking_lot::{Condvar, Mutex};
use process::live::LocalHost;
use process::{Future, Nothing, Outcome};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const COMMAND_NAME: &str = "mesos-fetcher-test-cmd";
const ARCHIVE_NAME: &str = "mesos-fetcher-test-archive.tgz";
const ARCHIVED_COMMAND_NAME: &str = "mesos-fetcher-test-acmd";

/// A script that shows that it ran.
const COMMAND_SCRIPT: &str = "touch mesos-fetcher-test-cmd$1";
const ARCHIVED_COMMAND_SCRIPT: &str = "touch mesos-fetcher-test-acmd$1";

/// An agent's fetcher, and files to fetch.
struct Agent {
    directory: TempDir,
    fetcher: Fetcher,
}

impl Agent {
    fn new() -> Agent {
        Agent::with(2 << 30, Vec::new())
    }

    /// With a cache of this size, and a program that first runs this command of the shell.
    fn with(cache_size: u64, before: Vec<String>) -> Agent {
        let directory = tempfile::Builder::new().prefix("drydock-cache-").tempdir();
        let directory = directory.expect("a directory");
        fs::create_dir(directory.path().join("assets")).expect("made");
        let fetcher = spawn(directory.path(), cache_size, before);
        let agent = Agent { directory, fetcher };
        agent.asset(COMMAND_NAME, COMMAND_SCRIPT, 0o444);
        agent.asset(ARCHIVE_NAME, archive(), 0o444);
        agent
    }

    /// A file to fetch.
    fn asset(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.directory.path().join("assets").join(name);
        fs::write(&path, content).expect("written");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("ours");
        path
    }

    fn asset_path(&self, name: &str) -> String {
        self.directory.path().join("assets").join(name).display().to_string()
    }

    fn sandbox(&self, task: usize) -> PathBuf {
        self.directory.path().join(format!("sandbox-{task}"))
    }

    fn in_sandbox(&self, task: usize, name: &str) -> bool {
        self.sandbox(task).join(name).exists()
    }

    fn is_executable(&self, task: usize, name: &str) -> bool {
        let metadata = self.sandbox(task).join(name).metadata();
        metadata.is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
    }

    fn fetch(&self, task: usize, uris: &[Uri]) -> Future<Nothing> {
        let sandbox = self.sandbox(task);
        fs::create_dir_all(&sandbox).expect("made");
        let command = CommandInfo { uris: uris.to_vec(), ..CommandInfo::default() };
        self.fetcher.fetch(&ContainerId::new(format!("c{task}")), &command, &sandbox, None)
    }

    /// Runs the task's command, which was fetched.
    fn run(&self, task: usize, command: &str) {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("{command} {task}")).current_dir(self.sandbox(task));
        let ended = shell.output().expect("a shell");
        assert!(ended.status.success(), "{command}: {}", String::from_utf8_lossy(&ended.stderr));
    }

    /// Fetches, then runs the command that was fetched.
    fn launch(&self, task: usize, uris: &[Uri], command: &str) {
        self.finish(task, &self.fetch(task, uris), command);
    }

    /// Waits for a fetch, then runs the command that was fetched.
    fn finish(&self, task: usize, fetch: &Future<Nothing>, command: &str) {
        let outcome = fetch.wait(LIMIT);
        let log = || fs::read_to_string(self.sandbox(task).join("stderr")).unwrap_or_default();
        assert_eq!(outcome, Some(Outcome::Ready(Nothing)), "{}", log());
        self.run(task, command);
    }

    /// Launches a task whose command is a script of this name and content, through the cache.
    fn launch_script(&self, task: usize, name: &str, script: &str) {
        let path = self.asset(name, script, 0o644);
        let uris = [cached(executable(path.display().to_string()))];
        self.launch(task, &uris, &format!("./{name}"));
        assert!(self.is_executable(task, name));
        assert!(self.in_sandbox(task, &format!("{COMMAND_NAME}{task}")));
    }

    /// What the task's fetcher was told, an action an item.
    fn told(&self, task: usize) -> Vec<String> {
        let log = fs::read_to_string(self.sandbox(task).join("stderr")).expect("a log");
        let info = log.lines().find_map(|line| line.split_once("Fetcher Info: ")).expect("told");
        let info: serde_json::Value = serde_json::from_str(info.1).expect("it is JSON");
        let items = info["items"].as_array().expect("items").iter();
        items.map(|item| item["action"].as_str().expect("an action").to_owned()).collect()
    }

    /// How many entries the cache has.
    fn cache_size(&self) -> usize {
        let size = self
            .fetcher
            .process()
            .call("FetcherProcess::cache", |fetcher, _| Future::ready(fetcher.cache().size()));
        match size.wait(LIMIT) {
            Some(Outcome::Ready(size)) => size,
            other => panic!("{other:?}"),
        }
    }

    fn available_cache_space(&self) -> u64 {
        let space = self.fetcher.process().call("FetcherProcess::cache", |fetcher, _| {
            Future::ready(fetcher.cache().available_space())
        });
        match space.wait(LIMIT) {
            Some(Outcome::Ready(space)) => space,
            other => panic!("{other:?}"),
        }
    }

    fn cache_files(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.directory.path().join("cache")) else {
            return Vec::new();
        };
        let files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        for file in &files {
            let name = file.file_name().expect("a name").to_string_lossy();
            assert!(name.starts_with(CACHE_FILE_NAME_PREFIX), "{name}");
        }
        files
    }

    /// The cache has so many entries and files, and the metrics tell of them.
    fn assert_cached(&self, entries: usize) {
        assert_eq!(self.cache_size(), entries);
        let files = self.cache_files();
        assert_eq!(files.len(), entries);
        let used: u64 = files.iter().map(|file| file.metadata().expect("a file").len()).sum();
        assert_eq!(self.fetcher.metrics().cache_size_used_bytes.get(), used as f64);
    }
}

fn spawn(directory: &Path, cache_size: u64, before: Vec<String>) -> Fetcher {
    spawn_at(directory.join("cache"), cache_size, before)
}

fn spawn_at(fetcher_cache_dir: PathBuf, cache_size: u64, before: Vec<String>) -> Fetcher {
    let program = drydock().display().to_string();
    let command = if before.is_empty() {
        vec![program, "mesos-fetcher".to_owned()]
    } else {
        let then = format!("{}; exec '{program}' mesos-fetcher", before.join("; "));
        vec!["sh".to_owned(), "-c".to_owned(), then]
    };
    let host = Arc::new(LocalHost::new().with_command(MESOS_FETCHER, command));
    let flags = Flags {
        launcher_dir: "/no/mesos/here".into(),
        fetcher_cache_dir,
        fetcher_cache_size: Bytes::new(cache_size),
        ..Flags::default()
    };
    let net = Arc::new(::fetcher::LiveNet::new().expect("a client"));
    let log = slog::Logger::root(slog::Discard, slog::o!());
    Fetcher::spawn(&flags, host, net, log).expect("there is no cache yet")
}

/// Not packed, whatever its name says: as upstream's.
fn archive() -> Vec<u8> {
    let script = ARCHIVED_COMMAND_SCRIPT.as_bytes();
    let mut bytes = Tar::new().file(ARCHIVED_COMMAND_NAME, script).bytes();
    // Executable: the mode is in octal at byte 100, the sum of the header at 148.
    bytes[100..107].copy_from_slice(b"0000777");
    bytes[148..156].copy_from_slice(b"        ");
    let sum: u32 = bytes[..512].iter().map(|byte| u32::from(*byte)).sum();
    bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    bytes
}

fn uri(value: impl Into<String>) -> Uri {
    Uri { value: value.into(), ..Uri::default() }
}

fn executable(value: impl Into<String>) -> Uri {
    Uri { executable: Some(true), ..uri(value) }
}

fn cached(uri: Uri) -> Uri {
    Uri { cache: Some(true), ..uri }
}

#[test]
fn local_uncached() {
    let agent = Agent::new();
    let uris = [executable(agent.asset_path(COMMAND_NAME))];
    agent.launch(0, &uris, &format!("./{COMMAND_NAME}"));
    agent.assert_cached(0);
    assert!(agent.is_executable(0, COMMAND_NAME));
    assert!(agent.in_sandbox(0, &format!("{COMMAND_NAME}0")));
}

#[test]
fn local_cached() {
    let agent = Agent::new();
    for task in 0..2 {
        let uris = [cached(executable(agent.asset_path(COMMAND_NAME)))];
        agent.launch(task, &uris, &format!("./{COMMAND_NAME}"));
        assert!(agent.is_executable(task, COMMAND_NAME));
        assert!(agent.in_sandbox(task, &format!("{COMMAND_NAME}{task}")));
        agent.assert_cached(1);
    }
    assert_eq!(agent.told(0), ["DOWNLOAD_AND_CACHE"]);
    assert_eq!(agent.told(1), ["RETRIEVE_FROM_CACHE"]);
}

#[test]
fn local_cached_missing() {
    let agent = Agent::new();
    for task in 0..2 {
        let uris = [cached(executable(agent.asset_path(COMMAND_NAME)))];
        agent.launch(task, &uris, &format!("./{COMMAND_NAME}"));
        assert!(agent.is_executable(task, COMMAND_NAME));
        assert!(agent.in_sandbox(task, &format!("{COMMAND_NAME}{task}")));
        assert_eq!(agent.told(task), ["DOWNLOAD_AND_CACHE"]);
        agent.assert_cached(1);
        fs::remove_file(&agent.cache_files()[0]).expect("it is there");
    }
}

#[test]
fn cached_custom_filename() {
    custom_output_file("my-command");
}

#[test]
fn cached_custom_output_file_with_subdirectory() {
    custom_output_file("subdir/my-command");
}

fn custom_output_file(name: &str) {
    let agent = Agent::new();
    let uri = executable(agent.asset_path(COMMAND_NAME));
    let uri = Uri { output_file: Some(name.to_owned()), ..cached(uri) };
    agent.launch(0, &[uri], &format!("./{name}"));
    agent.assert_cached(1);
    assert!(agent.is_executable(0, name));
    assert!(agent.in_sandbox(0, &format!("{COMMAND_NAME}0")));
}

#[test]
fn cached_fallback() {
    // What is missing when its size is asked for is there just before it is fetched.
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join(COMMAND_NAME);
    let back = format!("echo '{COMMAND_SCRIPT}' > '{}'", path.display());
    let agent = Agent::with(1000, vec![back]);
    let uris = [cached(executable(path.display().to_string()))];
    agent.launch(0, &uris, &format!("./{COMMAND_NAME}"));
    assert!(agent.is_executable(0, COMMAND_NAME));
    assert!(agent.in_sandbox(0, &format!("{COMMAND_NAME}0")));
    assert_eq!(agent.told(0), ["BYPASS_CACHE"]);
    agent.assert_cached(0);
}

#[test]
fn local_uncached_extract() {
    let agent = Agent::new();
    let uris = [Uri { extract: Some(true), ..uri(agent.asset_path(ARCHIVE_NAME)) }];
    agent.launch(0, &uris, &format!("./{ARCHIVED_COMMAND_NAME}"));
    assert!(agent.in_sandbox(0, ARCHIVE_NAME));
    assert!(!agent.is_executable(0, ARCHIVE_NAME));
    assert!(agent.is_executable(0, ARCHIVED_COMMAND_NAME));
    assert!(agent.in_sandbox(0, &format!("{ARCHIVED_COMMAND_NAME}0")));
    agent.assert_cached(0);
}

#[test]
fn local_cached_extract() {
    let agent = Agent::new();
    for task in 0..2 {
        let archive = uri(agent.asset_path(ARCHIVE_NAME));
        let uris = [Uri { extract: Some(true), ..cached(archive) }];
        agent.launch(task, &uris, &format!("./{ARCHIVED_COMMAND_NAME}"));
        assert!(!agent.in_sandbox(task, ARCHIVE_NAME));
        assert!(agent.is_executable(task, ARCHIVED_COMMAND_NAME));
        assert!(agent.in_sandbox(task, &format!("{ARCHIVED_COMMAND_NAME}{task}")));
        agent.assert_cached(1);
    }
}

/// Serves the command and the archive, counts requests, and can hold them back.
#[derive(Default)]
struct HttpServer {
    counts: Mutex<BTreeMap<String, usize>>,
    paused: Mutex<bool>,
    resumed: Condvar,
}

impl HttpServer {
    fn start() -> (Arc<HttpServer>, SocketAddr) {
        let http = Arc::<HttpServer>::default();
        let serving = Arc::clone(&http);
        let address = server(Arc::new(move |path, stream| {
            let mut paused = serving.paused.lock();
            while *paused {
                serving.resumed.wait(&mut paused);
            }
            drop(paused);
            let name = path.trim_start_matches('/').to_owned();
            let body = match name.as_str() {
                COMMAND_NAME => COMMAND_SCRIPT.as_bytes().to_vec(),
                ARCHIVE_NAME => archive(),
                _ => return respond(stream, "404 Not Found", b""),
            };
            *serving.counts.lock().entry(name).or_default() += 1;
            respond(stream, "200 OK", &body)
        }));
        (http, address)
    }

    fn pause(&self) {
        *self.paused.lock() = true;
    }

    fn resume(&self) {
        *self.paused.lock() = false;
        self.resumed.notify_all();
    }

    /// How often something was asked for, size queries included.
    fn count(&self, name: &str) -> usize {
        self.counts.lock().get(name).copied().unwrap_or_default()
    }
}

#[test]
fn http_cached_serialized() {
    let agent = Agent::new();
    let (http, address) = HttpServer::start();
    for task in 0..3 {
        let uris = [cached(executable(format!("http://{address}/{COMMAND_NAME}")))];
        agent.launch(task, &uris, &format!("./{COMMAND_NAME}"));
        assert!(agent.is_executable(task, COMMAND_NAME));
        assert!(agent.in_sandbox(task, &format!("{COMMAND_NAME}{task}")));
        agent.assert_cached(1);
        assert_eq!(http.count(COMMAND_NAME), 2, "its size, and its content");
    }
}

#[test]
fn http_cached_concurrent() {
    let agent = Agent::new();
    let (http, address) = HttpServer::start();
    http.pause();
    let fetch = |task: usize| {
        let mut uris = vec![cached(executable(format!("http://{address}/{COMMAND_NAME}")))];
        if task % 2 == 1 {
            uris.push(uri(format!("http://{address}/{ARCHIVE_NAME}")));
        }
        agent.fetch(task, &uris)
    };
    let fetches: Vec<_> = (0..5).map(fetch).collect();
    // The fetcher answers this when it has looked at all of them.
    assert_eq!(agent.cache_size(), 1);
    http.resume();
    for (task, fetch) in fetches.iter().enumerate() {
        agent.finish(task, fetch, &format!("./{COMMAND_NAME}"));
        assert_eq!(agent.in_sandbox(task, ARCHIVE_NAME), task % 2 == 1);
        assert!(agent.is_executable(task, COMMAND_NAME));
        assert!(agent.in_sandbox(task, &format!("{COMMAND_NAME}{task}")));
    }
    agent.assert_cached(1);
    assert_eq!(http.count(COMMAND_NAME), 2, "its size, and its content, both once");
    assert_eq!(http.count(ARCHIVE_NAME), 2, "no size, its content twice");
}

#[test]
fn http_mixed() {
    let agent = Agent::new();
    let (http, address) = HttpServer::start();
    http.pause();
    let with = |name: &str, cache: bool, extract: bool, executable: bool| Uri {
        cache: cache.then_some(true),
        extract: Some(extract),
        executable: Some(executable),
        ..uri(format!("http://{address}/{name}"))
    };
    let tasks = [
        [with(ARCHIVE_NAME, true, false, false), with(COMMAND_NAME, false, false, true)],
        [with(ARCHIVE_NAME, false, true, false), with(COMMAND_NAME, false, true, false)],
        [with(ARCHIVE_NAME, true, true, false), with(COMMAND_NAME, false, false, false)],
    ];
    let fetches: Vec<_> =
        tasks.iter().enumerate().map(|(task, uris)| agent.fetch(task, uris)).collect();
    assert_eq!(agent.cache_size(), 1);
    http.resume();
    for (task, command) in
        [COMMAND_NAME, ARCHIVED_COMMAND_NAME, ARCHIVED_COMMAND_NAME].into_iter().enumerate()
    {
        agent.finish(task, &fetches[task], &format!("./{command}"));
        assert!(agent.in_sandbox(task, &format!("{command}{task}")));
        assert_eq!(agent.is_executable(task, COMMAND_NAME), task == 0);
        assert!(!agent.is_executable(task, ARCHIVE_NAME));
        assert_eq!(agent.in_sandbox(task, ARCHIVED_COMMAND_NAME), task != 0);
        // What is extracted from the cache is not in the sandbox as well.
        assert_eq!(agent.in_sandbox(task, ARCHIVE_NAME), task != 2);
    }
    agent.assert_cached(1);
    assert_eq!(http.count(COMMAND_NAME), 3);
    assert_eq!(http.count(ARCHIVE_NAME), 3, "its size, once for the cache, once past it");
}

/// Upstream's is disabled, because it was flaky with a whole agent's recovery around it.
#[test]
fn http_cached_recovery() {
    let mut agent = Agent::new();
    let (http, address) = HttpServer::start();
    for life in 1..=2 {
        for task in 0..3 {
            let uris = [cached(executable(format!("http://{address}/{COMMAND_NAME}")))];
            agent.launch(task, &uris, &format!("./{COMMAND_NAME}"));
            assert!(agent.in_sandbox(task, &format!("{COMMAND_NAME}{task}")));
            agent.assert_cached(1);
            assert_eq!(http.count(COMMAND_NAME), 2 * life);
            fs::remove_dir_all(agent.sandbox(task)).expect("it is there");
        }
        agent.fetcher = spawn(agent.directory.path(), 1000, Vec::new());
        agent.assert_cached(0);
    }
}

#[test]
fn simple_eviction() {
    let agent = Agent::with(2 * COMMAND_SCRIPT.len() as u64, Vec::new());
    for task in 0..4 {
        agent.launch_script(task, &format!("cmd{task}"), COMMAND_SCRIPT);
        agent.assert_cached((task + 1).min(2));
    }
}

#[test]
fn fallback_from_eviction() {
    const GROWTH: usize = 10;
    let agent = Agent::with((COMMAND_SCRIPT.len() + GROWTH) as u64, Vec::new());
    for (task, action, available) in [
        (0, "DOWNLOAD_AND_CACHE", GROWTH as u64),
        // It fills the cache to the last byte.
        (1, "DOWNLOAD_AND_CACHE", 0),
        // It would not fit into an empty one.
        (2, "BYPASS_CACHE", 0),
    ] {
        let script = format!("{COMMAND_SCRIPT}{}", "\n".repeat(task * GROWTH));
        agent.launch_script(task, &format!("cmd{task}"), &script);
        assert_eq!(agent.told(task), [action]);
        assert_eq!(agent.available_cache_space(), available);
        agent.assert_cached(1);
    }
}

#[test]
fn remove_lru_cache_entries() {
    let agent = Agent::with(2 * COMMAND_SCRIPT.len() as u64, Vec::new());
    for (task, number) in [0, 1, 1, 2].into_iter().enumerate() {
        agent.launch_script(task, &format!("cmd{number}"), COMMAND_SCRIPT);
    }
    let mut names: Vec<_> = agent
        .cache_files()
        .iter()
        .map(|file| file.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["c2-cmd1", "c3-cmd2"]);
    agent.assert_cached(2);
}

/// Killed in the middle of a download into the cache: nothing of it is left there.
#[test]
fn a_killed_fetcher_leaves_nothing_in_the_cache() {
    let agent = Agent::new();
    let (sent, stalls) = std::sync::mpsc::channel();
    let address = server(Arc::new(move |_, stream| {
        use std::io::{Read, Write};
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")?;
        stream.write_all(&[b'x'; 500])?;
        stream.flush()?;
        // Until the client goes.
        let _ = sent.send(());
        stream.read_to_end(&mut Vec::new()).map(drop)
    }));
    let fetch = agent.fetch(0, &[cached(uri(format!("http://{address}/f")))]);
    // For the size, which the client does not read the body of; then for the download.
    for _ in 0..2 {
        stalls.recv_timeout(LIMIT).expect("it is asked for");
    }
    let cache = agent.directory.path().join("cache");
    let begun = || fs::read_dir(&cache).is_ok_and(|mut entries| entries.next().is_some());
    let deadline = Instant::now() + LIMIT;
    while !begun() {
        assert!(Instant::now() < deadline, "the download does not begin");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(agent.cache_files().len(), 1, "under the name that the agent knows");
    agent.fetcher.kill(&ContainerId::new("c0"));
    assert!(matches!(fetch.wait(LIMIT), Some(Outcome::Failed(_))));
    agent.assert_cached(0);
    assert_eq!(fs::read_dir(&cache).expect("it is there").count(), 0);
}

/// A small disk, for as long as the handle lives.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf) -> SmallDisk {
        fs::create_dir(&at).expect("made");
        let flags = nix::mount::MsFlags::empty();
        nix::mount::mount(Some("tmpfs"), &at, Some("tmpfs"), flags, Some("size=64k"))
            .expect("root may mount");
        SmallDisk(at)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = nix::mount::umount2(&self.0, nix::mount::MntFlags::MNT_DETACH);
    }
}

#[test]
fn root_a_full_disk_leaves_nothing_in_the_cache() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: it takes root to mount a small disk");
        return;
    }
    let mut agent = Agent::new();
    let disk = SmallDisk::mount(agent.directory.path().join("disk"));
    agent.fetcher = spawn_at(disk.0.join("cache"), 1 << 20, Vec::new());
    let large = agent.asset("large", vec![b'x'; 200 << 10], 0o644);
    let fetch = agent.fetch(0, &[cached(uri(large.display().to_string()))]);
    match fetch.wait(LIMIT) {
        Some(Outcome::Failed(message)) => assert!(message.contains("exited with status 1")),
        other => panic!("{other:?}"),
    }
    let log = fs::read_to_string(agent.sandbox(0).join("stderr")).expect("a log");
    assert!(log.contains("No space left on device"), "{log}");
    let left = || fs::read_dir(disk.0.join("cache")).expect("it was made").count();
    assert_eq!((agent.cache_size(), left()), (0, 0));
    assert_eq!(agent.available_cache_space(), 1 << 20);

    // What has room there is cached as ever.
    agent.launch(
        1,
        &[cached(executable(agent.asset_path(COMMAND_NAME)))],
        "./mesos-fetcher-test-cmd",
    );
    assert_eq!((agent.cache_size(), left()), (1, 1));
}

#[test]
fn a_cache_that_cannot_be_made_fails_the_fetch_and_takes_nothing() {
    let mut agent = Agent::new();
    let path = agent.directory.path().join("file");
    fs::write(&path, "in the way").expect("written");
    agent.fetcher = spawn_at(path.join("cache"), 1000, Vec::new());
    let fetch = agent.fetch(0, &[cached(uri(agent.asset_path(COMMAND_NAME)))]);
    assert!(matches!(fetch.wait(LIMIT), Some(Outcome::Failed(_))));
    let log = fs::read_to_string(agent.sandbox(0).join("stderr")).expect("a log");
    assert!(log.contains("Could not create the fetcher cache directory"), "{log}");
    assert_eq!((agent.cache_size(), agent.available_cache_space()), (0, 1000));
}

#[test]
fn servers_are_asked_for_sizes() {
    let address = server(Arc::new(|path, stream| {
        use std::io::Write;
        match path {
            "/a" => respond(stream, "200 OK", b"data"),
            "/moved" => respond(stream, "302 Found\r\nLocation: a", b""),
            "/unsaid" => stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n"),
            // As curl does: what is said counts.
            _ => respond(stream, "404 Not Found", b"gone"),
        }
    }));
    let net = ::fetcher::LiveNet::new().expect("a client");
    let size = |uri: &str| net.content_length(uri).wait(LIMIT).expect("it answers");
    for (path, expected) in [("a", 4), ("moved", 4), ("gone", 4)] {
        assert_eq!(size(&format!("http://{address}/{path}")), Outcome::Ready(expected), "{path}");
    }
    for (uri, problem) in [
        (format!("http://{address}/unsaid"), "No URL content-length available"),
        ("http://127.0.0.1:1/a".to_owned(), "error sending request"),
        ("ftp://h/a".to_owned(), "FTP is not supported"),
    ] {
        match size(&uri) {
            Outcome::Failed(message) => assert!(message.contains(problem), "{message}"),
            other => panic!("{uri}: {other:?}"),
        }
    }
}

/// A client of Hadoop tells sizes, and downloads.
#[test]
fn hdfs_cached() {
    let clients = tempfile::tempdir().expect("a directory");
    let bin = clients.path().join("bin");
    fs::create_dir(&bin).expect("made");
    let hadoop = bin.join("hadoop");
    let script = "#!/bin/sh\n\
                  case \"$1 $2\" in\n\
                  'version ') ;;\n\
                  'fs -du') echo 'WARN: slow'; echo \"5  15  $3\" ;;\n\
                  'fs -copyToLocal') printf hello > \"$4\" ;;\n\
                  *) exit 2 ;;\n\
                  esac\n";
    fs::write(&hadoop, script).expect("written");
    fs::set_permissions(&hadoop, Permissions::from_mode(0o755)).expect("ours");

    let directory = tempfile::tempdir().expect("a directory");
    let command = vec![drydock().display().to_string(), "mesos-fetcher".to_owned()];
    let host = Arc::new(LocalHost::new().with_command(MESOS_FETCHER, command));
    let flags = Flags {
        launcher_dir: "/no/mesos/here".into(),
        fetcher_cache_dir: directory.path().join("cache"),
        hadoop_home: Some(clients.path().to_owned()),
        ..Flags::default()
    };
    let net = Arc::new(::fetcher::LiveNet::new().expect("a client"));
    let log = slog::Logger::root(slog::Discard, slog::o!());
    let fetcher = Fetcher::spawn(&flags, host, net, log).expect("there is no cache yet");
    let agent = Agent { directory, fetcher };
    for task in 0..2 {
        let fetch = agent.fetch(task, &[cached(uri("hdfs://h/a/f"))]);
        agent.finish(task, &fetch, "grep -q hello f && echo");
        agent.assert_cached(1);
    }
    assert_eq!(agent.told(0), ["DOWNLOAD_AND_CACHE"]);
    assert_eq!(agent.told(1), ["RETRIEVE_FROM_CACHE"]);
}
