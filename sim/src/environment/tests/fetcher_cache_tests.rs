//! The fetcher and its cache over the simulated host, under many schedules: twins of
//! `fetcher_cache_tests.cpp`, and what must hold of the cache whatever fails.

use super::Rig;
use super::schedules::{Schedule, under_many_schedules, under_many_schedules_with};
use crate::environment::{Fault, Faults};
use crate::environment::{FetcherProgram, FileServers};
use crate::oracle::CacheUnderTest;
use containerizer::Flags;
use containerizer::fetcher::{Fetcher, MESOS_FETCHER};
use mesos::{Bytes, CommandInfo, ContainerId, command_info::Uri};
use process::host::Host;
use process::{Future, Nothing};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const CACHE: &str = "/cache";
const ASSETS: &str = "/assets";

/// How large the script is that tasks fetch.
pub(super) const SCRIPT: u64 = 40;

/// An agent's fetcher in a world.
pub(super) struct Agent<'a> {
    rig: &'a Rig,
    schedule: &'a Schedule,
    fetcher: Fetcher,
    servers: FileServers,
    program: FetcherProgram,
}

impl<'a> Agent<'a> {
    pub(super) fn new(rig: &'a Rig, schedule: &'a Schedule, cache_size: u64) -> Self {
        let servers = FileServers::new(rig.environment.operations());
        let program = FetcherProgram::new(rig.environment.operations(), &rig.host, &servers);
        rig.host.register(MESOS_FETCHER, Arc::new(program.clone()));
        let fetcher = spawn(rig, &servers, cache_size);
        Agent { rig, schedule, fetcher, servers, program }
    }

    /// Fetches for the task with this number.
    fn fetch(&self, task: u32, uris: Vec<Uri>) -> Future<Nothing> {
        let sandbox = sandbox(task);
        self.rig.host.mkdir(&sandbox).expect("an empty disk");
        let command = CommandInfo { uris, ..CommandInfo::default() };
        self.fetcher.fetch(&container(task), &command, &sandbox, None)
    }

    /// Fetches, and waits until all is over.
    pub(super) fn fetch_all(&self, task: u32, uris: Vec<Uri>) -> Future<Nothing> {
        let fetch = self.fetch(task, uris);
        self.schedule.all(self.rig);
        fetch
    }

    /// The names of what is cached, the oldest first.
    pub(super) fn cached(&self) -> Vec<String> {
        let files = self.rig.host.files().into_iter();
        let mut names: Vec<_> =
            files.filter_map(|(path, _)| path.strip_prefix("/cache/").map(str::to_owned)).collect();
        names.sort();
        names
    }

    pub(super) fn in_sandbox(&self, task: u32, name: &str) -> bool {
        self.rig.host.exists(&sandbox(task).join(name))
    }

    /// Violations of I-CACHE now that nobody fetches.
    fn violations(&self) -> Vec<String> {
        let cache = CacheUnderTest {
            fetcher: &self.fetcher,
            program: &self.program,
            host: &self.rig.host,
            directory: Path::new(CACHE),
            named_twice: false,
        };
        let mut violations = Vec::new();
        cache.check_program(&mut violations);
        cache.check_files(&mut violations);
        violations.iter().map(crate::oracle::Violation::signature).collect()
    }

    pub(super) fn assert_consistent(&self) {
        assert_eq!(self.violations(), [""; 0]);
    }

    fn available(&self) -> f64 {
        let metrics = self.fetcher.metrics();
        metrics.cache_size_total_bytes.get() - metrics.cache_size_used_bytes.get()
    }
}

fn spawn(rig: &Rig, servers: &FileServers, cache_size: u64) -> Fetcher {
    let flags = Flags {
        fetcher_cache_dir: CACHE.into(),
        fetcher_cache_size: Bytes::new(cache_size),
        ..Flags::default()
    };
    let log = slog::Logger::root(slog::Discard, slog::o!());
    let (host, net) = (Arc::new(rig.host.clone()), Arc::new(servers.clone()));
    Fetcher::spawn(&flags, host, net, log).expect("the cache can be deleted")
}

fn container(task: u32) -> ContainerId {
    ContainerId::new(format!("c{task}"))
}

fn sandbox(task: u32) -> PathBuf {
    PathBuf::from(format!("/sandboxes/{task}"))
}

pub(super) fn cached(uri: impl Into<String>) -> Uri {
    Uri { value: uri.into(), cache: Some(true), ..Uri::default() }
}

fn uncached(uri: impl Into<String>) -> Uri {
    Uri { value: uri.into(), ..Uri::default() }
}

/// A file on the agent's own disk.
pub(super) fn asset(rig: &Rig, name: &str, size: u64) -> String {
    let path = format!("{ASSETS}/{name}");
    rig.host.put(Path::new(&path), &vec![b'x'; usize::try_from(size).expect("it is small")]);
    path
}

#[test]
fn local_uncached() {
    under_many_schedules(|rig, schedule| {
        let agent = Agent::new(rig, schedule, 1000);
        let path = asset(rig, "cmd", SCRIPT);
        assert!(agent.fetch_all(0, vec![uncached(path)]).is_ready());
        assert!(agent.in_sandbox(0, "cmd"));
        assert_eq!(agent.cached(), [""; 0]);
        agent.assert_consistent();
    });
}

#[test]
fn local_cached() {
    under_many_schedules(|rig, schedule| {
        let agent = Agent::new(rig, schedule, 1000);
        let path = asset(rig, "cmd", SCRIPT);
        for task in 0..2 {
            assert!(agent.fetch_all(task, vec![cached(path.as_str())]).is_ready());
            assert!(agent.in_sandbox(task, "cmd"));
            assert_eq!(agent.cached(), ["c1-cmd"]);
            agent.assert_consistent();
        }
    });
}

#[test]
fn local_cached_missing() {
    under_many_schedules(|rig, schedule| {
        let agent = Agent::new(rig, schedule, 1000);
        let path = asset(rig, "cmd", SCRIPT);
        for task in 0..2 {
            assert!(agent.fetch_all(task, vec![cached(path.as_str())]).is_ready());
            assert!(agent.in_sandbox(task, "cmd"));
            let names = agent.cached();
            assert_eq!(names, [format!("c{}-cmd", task + 1)]);
            agent.assert_consistent();
            rig.host.remove(&Path::new(CACHE).join(&names[0])).expect("it is there");
        }
    });
}

#[test]
fn cached_custom_output_file_with_subdirectory() {
    under_many_schedules(|rig, schedule| {
        let agent = Agent::new(rig, schedule, 1000);
        let uri = Uri {
            output_file: Some("subdir/my-command".to_owned()),
            ..cached(asset(rig, "cmd", SCRIPT))
        };
        assert!(agent.fetch_all(0, vec![uri]).is_ready());
        assert!(agent.in_sandbox(0, "subdir/my-command"));
        assert_eq!(agent.cached(), ["c1-cmd"]);
        agent.assert_consistent();
    });
}

#[test]
fn cached_fallback() {
    under_many_schedules(|rig, schedule| {
        let agent = Agent::new(rig, schedule, 1000);
        agent.servers.serve_silently("http://files/cmd", SCRIPT);
        assert!(agent.fetch_all(0, vec![cached("http://files/cmd")]).is_ready());
        assert!(agent.in_sandbox(0, "cmd"));
        assert_eq!(agent.cached(), [""; 0]);
        assert_eq!(agent.available(), 1000.0);
        agent.assert_consistent();
    });
}

#[test]
fn http_cached_serialized() {
    under_many_schedules(|rig, schedule| {
        let agent = Agent::new(rig, schedule, 1000);
        agent.servers.serve("http://files/cmd", SCRIPT);
        for task in 0..3 {
            assert!(agent.fetch_all(task, vec![cached("http://files/cmd")]).is_ready());
            assert!(agent.in_sandbox(task, "cmd"));
            assert_eq!(agent.cached(), ["c1-cmd"]);
            let file = agent.servers.file("http://files/cmd").expect("it is served");
            assert_eq!((file.asked, file.downloads), (1, 1));
            agent.assert_consistent();
        }
    });
}

#[test]
fn http_cached_concurrent() {
    under_many_schedules(|rig, schedule| {
        let agent = Agent::new(rig, schedule, 1000);
        agent.servers.serve("http://files/cmd", SCRIPT);
        agent.servers.serve("http://files/archive", 100);
        let fetch = |task: u32| {
            let mut uris = vec![cached("http://files/cmd")];
            if task % 2 == 1 {
                uris.push(uncached("http://files/archive"));
            }
            agent.fetch(task, uris)
        };
        let fetches: Vec<_> = (0..5).map(fetch).collect();
        schedule.all(rig);
        assert!(fetches.iter().all(Future::is_ready));
        let counts = |uri| agent.servers.file(uri).map(|file| (file.asked, file.downloads));
        assert_eq!(counts("http://files/cmd"), Some((1, 1)));
        assert_eq!(counts("http://files/archive"), Some((0, 2)));
        for task in 0..5 {
            assert!(agent.in_sandbox(task, "cmd"));
            assert_eq!(agent.in_sandbox(task, "archive"), task % 2 == 1);
        }
        assert_eq!(agent.cached(), ["c1-cmd"]);
        agent.assert_consistent();
    });
}

#[test]
fn http_cached_recovery() {
    under_many_schedules(|rig, schedule| {
        let mut agent = Agent::new(rig, schedule, 1000);
        agent.servers.serve("http://files/cmd", SCRIPT);
        for life in 1..=2 {
            for task in 0..3 {
                assert!(agent.fetch_all(task, vec![cached("http://files/cmd")]).is_ready());
                assert_eq!(agent.cached(), ["c1-cmd"]);
                let file = agent.servers.file("http://files/cmd").expect("it is served");
                assert_eq!((file.asked, file.downloads), (life, life));
                agent.assert_consistent();
            }
            // A new agent knows nothing of the old one's cache.
            agent.fetcher = spawn(rig, &agent.servers, 1000);
            assert_eq!(agent.cached(), [""; 0]);
        }
    });
}

#[test]
fn simple_eviction() {
    under_many_schedules(|rig, schedule| {
        let agent = Agent::new(rig, schedule, 2 * SCRIPT);
        for task in 0..4 {
            let path = asset(rig, &format!("cmd{task}"), SCRIPT);
            assert!(agent.fetch_all(task, vec![cached(path)]).is_ready());
            assert!(agent.in_sandbox(task, &format!("cmd{task}")));
            assert_eq!(agent.cached().len(), (task as usize + 1).min(2));
            agent.assert_consistent();
        }
    });
}

#[test]
fn fallback_from_eviction() {
    const GROWTH: u64 = 10;
    under_many_schedules(|rig, schedule| {
        let agent = Agent::new(rig, schedule, SCRIPT + GROWTH);
        let fetch = |task: u32| {
            let path = asset(rig, &format!("cmd{task}"), SCRIPT + u64::from(task) * GROWTH);
            assert!(agent.fetch_all(task, vec![cached(path)]).is_ready());
            assert!(agent.in_sandbox(task, &format!("cmd{task}")));
            agent.assert_consistent();
        };
        fetch(0);
        assert_eq!((agent.cached(), agent.available()), (vec!["c1-cmd0".to_owned()], 10.0));
        fetch(1);
        assert_eq!((agent.cached(), agent.available()), (vec!["c2-cmd1".to_owned()], 0.0));
        // Larger than the whole cache.
        fetch(2);
        assert_eq!((agent.cached(), agent.available()), (vec!["c2-cmd1".to_owned()], 0.0));
    });
}

#[test]
fn remove_lru_cache_entries() {
    under_many_schedules(|rig, schedule| {
        let agent = Agent::new(rig, schedule, 2 * SCRIPT);
        for (task, number) in [0, 1, 0, 2].into_iter().enumerate() {
            let path = asset(rig, &format!("cmd{number}"), SCRIPT);
            let task = u32::try_from(task).expect("there are four");
            assert!(agent.fetch_all(task, vec![cached(path)]).is_ready());
        }
        assert_eq!(agent.cached(), ["c1-cmd0", "c3-cmd2"], "the second was not used for longest");
        agent.assert_consistent();
    });
}

#[test]
fn a_fetch_that_is_killed_leaves_nothing_in_the_cache() {
    under_many_schedules(|rig, schedule| {
        let agent = Agent::new(rig, schedule, 1000);
        agent.servers.serve("http://files/cmd", SCRIPT);
        let killed = agent.fetch(0, vec![cached("http://files/cmd")]);
        let waits = agent.fetch(1, vec![cached("http://files/cmd")]);
        schedule.some(rig, 12);
        agent.fetcher.kill(&container(0));
        schedule.all(rig);
        // Killed before its program ran, or after, it goes on; and so does the other one.
        assert!(waits.is_ready());
        assert_eq!(agent.in_sandbox(0, "cmd"), killed.is_ready());
        assert!(agent.in_sandbox(1, "cmd"));
        agent.assert_consistent();
    });
}

#[test]
fn whatever_fails_the_cache_is_consistent() {
    let faults = [Fault::FetchFail, Fault::FetchStall, Fault::SizeFail, Fault::SizeWrong];
    let faults = faults.into_iter().fold(Faults::none(), |faults, fault| faults.with(fault, 2));
    let met = std::cell::RefCell::new(std::collections::BTreeSet::new());
    under_many_schedules_with(&faults, |rig, schedule| {
        let agent = Agent::new(rig, schedule, 2 * SCRIPT);
        let names = ["http://files/a", "http://files/b", "http://files/c"];
        for name in names {
            agent.servers.serve(name, SCRIPT);
        }
        let pairs = [[0, 1], [1, 2], [2, 0], [0, 2]];
        let fetches: Vec<_> = (0..)
            .zip(pairs)
            .map(|(task, pair)| {
                schedule.some(rig, 5);
                agent.fetch(task, pair.map(|file| cached(names[file])).to_vec())
            })
            .collect();
        schedule.some(rig, 40);
        agent.fetcher.kill(&container(1));
        schedule.all(rig);
        rig.environment.heal();
        schedule.all(rig);
        assert!(fetches.iter().all(|fetch| !fetch.is_pending()));
        agent.assert_consistent();
        met.borrow_mut().extend(rig.environment.injected());
    });
    assert_eq!(met.borrow().len(), 4, "each fault struck: {:?}", met.borrow());
}

#[test]
fn a_cache_that_cannot_be_written_is_still_consistent() {
    under_many_schedules(|rig, schedule| {
        let agent = Agent::new(rig, schedule, SCRIPT);
        // A file where the cache's directory should be.
        rig.host.put(Path::new(CACHE), b"in the way");
        let path = asset(rig, "cmd", SCRIPT);
        let fetch = agent.fetch_all(0, vec![cached(path.as_str())]);
        // As upstream's: it is the program that fails. What was reserved is given back.
        assert!(fetch.is_failed());
        assert_eq!(agent.available(), SCRIPT as f64);
    });
}

#[test]
fn a_file_that_cannot_be_removed_is_still_counted() {
    let faults = Faults::none().with(Fault::UnlinkFail, 1);
    let met = std::cell::Cell::new(false);
    under_many_schedules_with(&faults, |rig, schedule| {
        let agent = Agent::new(rig, schedule, SCRIPT);
        for task in 0..2 {
            let path = asset(rig, &format!("cmd{task}"), SCRIPT);
            assert!(agent.fetch_all(task, vec![cached(path)]).is_ready());
            assert!(agent.in_sandbox(task, &format!("cmd{task}")));
        }
        if !rig.environment.injected().is_empty() {
            met.set(true);
            // It stays, and nothing else has room.
            assert_eq!(agent.cached(), ["c1-cmd0"]);
            assert_eq!(agent.available(), 0.0);
        }
        agent.assert_consistent();
    });
    assert!(met.get());
}

/// I-CACHE: each of its causes is noticed.
#[test]
fn what_is_wrong_with_a_cache_is_noticed() {
    under_many_schedules(|rig, schedule| {
        let agent = Agent::new(rig, schedule, SCRIPT);
        let path = asset(rig, "cmd", SCRIPT);
        assert!(agent.fetch_all(0, vec![cached(path)]).is_ready());
        let file = Path::new("/cache/c1-cmd");
        rig.host.put(file, &[b'p'; SCRIPT as usize]);
        assert_eq!(agent.violations(), ["I-CACHE: the cache keeps a partial file"]);
        rig.host.put(file, b"x");
        assert_eq!(agent.violations(), ["I-CACHE: the cache counts space that nothing takes"]);
        rig.host.put(file, &[b'x'; SCRIPT as usize + 1]);
        assert_eq!(
            agent.violations(),
            [
                "I-CACHE: the cache is larger than it may be",
                "I-CACHE: the cache does not count all it has"
            ]
        );
    });
}

/// I-CACHE: what the program must never be told is noticed.
#[test]
fn a_file_that_disappears_while_it_is_in_use_is_noticed() {
    let noticed = std::cell::Cell::new(0);
    under_many_schedules(|rig, schedule| {
        let agent = Agent::new(rig, schedule, SCRIPT);
        let path = asset(rig, "cmd", SCRIPT);
        assert!(agent.fetch_all(0, vec![cached(path.as_str())]).is_ready());
        let fetch = agent.fetch(1, vec![cached(path)]);
        schedule.some(rig, 3);
        rig.host.remove(Path::new("/cache/c1-cmd")).expect("it is there");
        schedule.all(rig);
        if fetch.is_failed() {
            noticed.set(noticed.get() + 1);
            let first = agent.violations().into_iter().next();
            let expected = "I-CACHE: a cached file is gone while it is in use";
            assert_eq!(first.as_deref(), Some(expected));
        }
    });
    assert!(noticed.get() > 0);
}
