//! How long the backend waits, with a clock that stands still until a test moves it.
//!
//! The clock is the whole process's, so these tests run one after the other, in a program of their
//! own.

#![allow(clippy::disallowed_methods, reason = "a test of programs in real time")]

mod support;

use docker::{
    Answer, Api, ConfigFiles, CreateBody, ErrorKind, Guarded, Keychain, Limits, Output,
    WaitCondition,
};
use parking_lot::{Mutex, MutexGuard};
use process::future::Value;
use process::live::clock;
use process::{Nothing, Outcome};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use support::{CHUNKED, Daemon, LAST_CHUNK, LIMIT, chunk, get, hung_up};

/// Time stands still while this lives, for this test alone.
struct Still(#[expect(dead_code, reason = "held, not read")] MutexGuard<'static, ()>);

impl Still {
    fn new() -> Self {
        static ONE: Mutex<()> = Mutex::new(());
        let guard = ONE.lock();
        clock::pause();
        Still(guard)
    }

    fn advance(&self, duration: Duration) {
        clock::advance(duration);
    }
}

impl Drop for Still {
    fn drop(&mut self) {
        clock::resume();
    }
}

const MILLI: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A daemon that answers with `bytes` and then says nothing more until its client hangs up, of
/// which it tells.
struct Silent {
    daemon: Daemon,
    seen: Receiver<()>,
    closed: Receiver<bool>,
}

impl Silent {
    fn after(bytes: impl Into<Vec<u8>>) -> Self {
        Self::with_limits(Limits::default(), bytes)
    }

    fn with_limits(limits: Limits, bytes: impl Into<Vec<u8>>) -> Self {
        let ((see, seen), (close, closed)) = (channel(), channel());
        let ends: (Sender<()>, Sender<bool>) = (see, close);
        let (ends, bytes) = (Mutex::new(ends), bytes.into());
        let daemon = Daemon::with_limits(limits, move |_, mut stream| {
            let _ = stream.write_all(&bytes);
            let (see, close) = ends.lock().clone();
            let _ = see.send(());
            let _ = close.send(hung_up(&mut stream));
        });
        Silent { daemon, seen, closed }
    }

    /// The request ends after `limit` and not before, and its connection with it.
    fn ends<T: Value>(&self, still: &Still, answer: Answer<T>, limit: Duration, what: &str) {
        self.seen.recv_timeout(LIMIT).expect("a request");
        still.advance(limit - MILLI);
        assert!(answer.is_pending(), "{what}: too early");
        still.advance(MILLI);
        let Err(error) = get(answer) else { panic!("{what}: an answer") };
        assert_eq!(error.kind, ErrorKind::Timeout, "{what}");
        let socket = self.daemon.bollard.socket();
        let says = format!("at {socket} did not answer within {} s", limit.as_secs());
        assert!(error.message.contains(&says), "{what}: {error}");
        assert!(error.leaves_outcome_unknown());
        assert_eq!(self.closed.recv_timeout(LIMIT), Ok(true), "{what}");
    }
}

/// Whether the daemon says nothing, or half of something.
#[test]
fn short_requests_have_one_limit_for_all_of_it() {
    let still = Still::new();
    let limit = Limits::default().answer;
    for said in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"Id\":"] {
        let silent = Silent::after(said);
        let api = &silent.daemon.bollard;
        silent.ends(&still, api.version(), limit, "version");
        silent.ends(&still, api.create_container("c", &CreateBody::default()), limit, "create");
        silent.ends(&still, api.inspect_container("c"), limit, "inspect");
        silent.ends(&still, api.inspect_image("i"), limit, "inspect image");
        silent.ends(&still, api.list_containers(true), limit, "list");
        if said.len() < 20 {
            // The headers say all that there is to say.
            silent.ends(&still, api.start_container("c"), limit, "start");
            silent.ends(&still, api.kill_container("c", 9), limit, "kill");
            silent.ends(&still, api.remove_container("c", true, true), limit, "remove");
        }
    }
}

/// A byte now and then is not an answer.
#[test]
fn a_trickle_does_not_extend_the_limit() {
    let still = Still::new();
    let (next, go) = channel::<()>();
    let (wrote, written) = channel();
    let ends = Mutex::new((go, wrote));
    let daemon = Daemon::new(move |_, mut stream| {
        let ends = ends.lock();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        while ends.0.recv_timeout(LIMIT).is_ok() && stream.write_all(b"[").is_ok() {
            let _ = ends.1.send(());
        }
    });
    let answer = daemon.bollard.inspect_container("c");
    for _ in 0..59 {
        next.send(()).expect("the daemon waits for it");
        written.recv_timeout(LIMIT).expect("a byte");
        still.advance(Duration::from_secs(1));
        assert!(answer.is_pending());
    }
    still.advance(Duration::from_secs(1));
    assert_eq!(get(answer).expect_err("no answer").kind, ErrorKind::Timeout);
}

/// Nor does a daemon that does not even say its version.
#[test]
fn being_asked_for_the_version_counts() {
    let still = Still::new();
    let (see, seen) = channel();
    let see = Mutex::new(see);
    let daemon = Daemon::unversioned(Limits::default(), move |_, mut stream| {
        let _ = see.lock().send(());
        hung_up(&mut stream);
    });
    let answer = daemon.bollard.inspect_container("c");
    seen.recv_timeout(LIMIT).expect("a ping");
    still.advance(Limits::default().answer);
    assert_eq!(get(answer).expect_err("no answer").kind, ErrorKind::Timeout);
}

#[test]
fn a_stop_may_take_its_grace_period_and_some() {
    let still = Still::new();
    let silent = Silent::after("");
    let margin = Limits::default().stop_margin;
    for grace in [0, 10, 3600] {
        let stop = silent.daemon.bollard.stop_container("c", grace);
        silent.ends(&still, stop, Duration::from_secs(grace) + margin, "stop");
    }
}

/// Once they are accepted, waits and attachments go on as long as the container does.
#[test]
fn long_requests_have_a_limit_until_they_are_accepted() {
    let still = Still::new();
    let limit = Limits::default().answer;
    let silent = Silent::after("HTTP/1.1 200");
    let api = &silent.daemon.bollard;
    let wait = api.wait_container("c", WaitCondition::NextExit);
    silent.ends(&still, wait, limit, "wait");
    let attach = api.attach_container("c", &Output::Null, &Output::Null);
    silent.ends(&still, attach.map(|answer| answer.clone().map(|_| Nothing)), limit, "attach");

    let (next, go) = channel::<()>();
    let go = Mutex::new(go);
    let daemon = Daemon::new(move |request, mut stream| {
        if request.is("/attach") {
            let head = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
            let _ = stream.write_all(head.as_bytes());
        } else if request.is("/wait") {
            let _ = stream.write_all(CHUNKED.as_bytes());
        } else {
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
            return;
        }
        let _ = go.lock().recv_timeout(LIMIT);
        let _ = stream.write_all((chunk("{\"StatusCode\":0}") + LAST_CHUNK).as_bytes());
    });
    let attach = daemon.bollard.attach_container("c", &Output::Null, &Output::Null);
    let attachment = get(attach).expect("attached");
    let wait = daemon.bollard.wait_container("d", WaitCondition::NextExit);
    // It waits for the wait to be accepted.
    get(daemon.bollard.start_container("d")).expect("started");
    still.advance(DAY);
    assert!(wait.is_pending() && attachment.finished.is_pending());
    next.send(()).expect("the daemon waits for it");
    next.send(()).expect("the daemon waits for it");
    assert_eq!(get(wait), Ok(0));
    assert_eq!(attachment.finished.wait(LIMIT), Some(Outcome::Ready(Nothing)));
}

#[test]
fn limits_can_be_changed() {
    let still = Still::new();
    let limits = Limits {
        answer: Duration::from_secs(2),
        stop_margin: Duration::from_secs(3),
        ..Limits::default()
    };
    let silent = Silent::with_limits(limits, "");
    let api = &silent.daemon.bollard;
    silent.ends(&still, api.kill_container("c", 9), Duration::from_secs(2), "kill");
    silent.ends(&still, api.stop_container("c", 1), Duration::from_secs(4), "stop");
}

#[test]
fn pulls_are_watched_by_those_who_guard_them() {
    let still = Still::new();
    let line =
        chunk("{\"status\":\"Downloading\",\"progressDetail\":{\"current\":1},\"id\":\"a\"}\n");
    let limits = Limits::default().pull;
    for (said, limit) in
        [(String::new(), limits.waiting), (CHUNKED.to_owned() + &line, limits.downloading)]
    {
        let silent = Silent::after(said.clone());
        // By itself the backend waits as long as the command line would.
        let plain = silent.daemon.bollard.pull_image("a:1", None);
        silent.seen.recv_timeout(LIMIT).expect("a request");
        still.advance(DAY * 30);
        assert!(plain.is_pending());
        plain.discard();
        assert_eq!(silent.closed.recv_timeout(LIMIT), Ok(true));

        let (begun, begin) = channel();
        let begun = Mutex::new(begun);
        let guarded = Guarded::new(Arc::new(silent.daemon.bollard.clone()), Limits::default());
        let progress: docker::PullEvent = Arc::new(move |_| {
            let _ = begun.lock().send(());
        });
        let pull = guarded.pull_image("a:1", Some(progress));
        silent.seen.recv_timeout(LIMIT).expect("a request");
        if !said.is_empty() {
            begin.recv_timeout(LIMIT).expect("a line");
        }
        still.advance(limit - MILLI);
        assert!(pull.is_pending());
        still.advance(MILLI);
        let error = get(pull).expect_err("stalled");
        assert_eq!(error.kind, ErrorKind::Timeout);
        assert!(error.message.contains("has stalled"), "{error}");
        assert_eq!(silent.closed.recv_timeout(LIMIT), Ok(true));
    }
}

/// A helper that never answers.
#[test]
fn helpers_have_a_limit() {
    let still = Still::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/helpers");
    let sandbox = tempfile::tempdir().expect("a directory");
    std::fs::write(sandbox.path().join(".dockercfg"), "{\"credsStore\":\"silent\"}")
        .expect("written");
    let keys = ConfigFiles::new(None, Limits::default()).with_helpers_in(data);
    let found = keys.credentials(sandbox.path(), "bb:1");
    // It says that it runs by a file in its home, which is the sandbox.
    let runs = sandbox.path().join("running");
    let begin = std::time::Instant::now();
    while !runs.exists() {
        assert!(begin.elapsed() < LIMIT && found.is_pending(), "{found}");
        std::thread::yield_now();
    }
    still.advance(Limits::default().credential_helper - MILLI);
    assert!(found.is_pending());
    still.advance(MILLI);
    let Some(Outcome::Failed(problem)) = found.wait(LIMIT) else { panic!("{found}") };
    assert!(problem.contains("docker-credential-silent get"), "{problem}");
    assert!(problem.ends_with("no answer within 30 s"), "{problem}");
}
