//! Pulls whose client leaves, and daemons that notice, or do not: with a clock that stands still.

mod support;

use docker::{Answer, Api, Limits};
use parking_lot::{Mutex, MutexGuard};
use process::live::clock;
use process::{Nothing, Outcome};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use support::{CHUNKED, Daemon, LAST_CHUNK, LIMIT, chunk};

/// Time stands still while this lives, for this test alone.
struct Still(#[expect(dead_code, reason = "held, not read")] MutexGuard<'static, ()>);

impl Still {
    fn new() -> Self {
        static ONE: Mutex<()> = Mutex::new(());
        let guard = ONE.lock();
        clock::pause();
        Still(guard)
    }
}

impl Drop for Still {
    fn drop(&mut self) {
        clock::resume();
    }
}

const MILLI: Duration = Duration::from_millis(1);

/// A daemon whose pulls a test conducts, over their connections.
struct Stage {
    daemon: Daemon,
    pulls: Receiver<UnixStream>,
    lines: Receiver<()>,
    line: Arc<Mutex<Sender<()>>>,
}

impl Stage {
    fn new() -> Self {
        let (arrive, pulls) = channel();
        let arrive = Mutex::new(arrive);
        let daemon = Daemon::new(move |_, stream| {
            stream.set_read_timeout(Some(LIMIT)).expect("a limit that is not zero");
            let _ = arrive.lock().send(stream);
        });
        let (line, lines) = channel();
        Stage { daemon, pulls, lines, line: Arc::new(Mutex::new(line)) }
    }

    fn pull(&self) -> (Answer<Nothing>, UnixStream) {
        let line = Arc::clone(&self.line);
        let progress: docker::PullEvent = Arc::new(move |_| {
            let _ = line.lock().send(());
        });
        let answer = self.daemon.bollard.pull_image("r.example/a:1", Some(progress));
        (answer, self.pulls.recv_timeout(LIMIT).expect("a request"))
    }

    /// One whose progress has begun.
    fn answered(&self) -> (Answer<Nothing>, UnixStream) {
        let (answer, mut stream) = self.pull();
        say(&mut stream, &(CHUNKED.to_owned() + &chunk("{\"status\":\"Waiting\"}\r\n")));
        self.lines.recv_timeout(LIMIT).expect("a line");
        (answer, stream)
    }

    /// The client leaves. It is gone at once, and the daemon reads the end of what it sends.
    fn leave(&self, answer: &Answer<Nothing>, stream: &mut UnixStream) -> docker::LingeringPull {
        answer.discard();
        assert!(answer.is_discarded());
        let lingering = self.daemon.bollard.lingering_pulls();
        assert_eq!(lingering.len(), 1);
        assert_eq!(lingering[0].reference, "r.example/a:1");
        assert_eq!(stream.read(&mut [0; 16]).expect("an end"), 0);
        assert!(lingering[0].released.is_pending());
        lingering[0].clone()
    }

    fn released(&self, pull: &docker::LingeringPull, let_go: bool) {
        assert_eq!(pull.released.wait(LIMIT), Some(Outcome::Ready(let_go)));
        assert!(self.daemon.bollard.lingering_pulls().is_empty());
    }
}

fn say(stream: &mut UnixStream, text: &str) {
    stream.write_all(text.as_bytes()).expect("the client listens");
}

/// The client has closed its connection for good: writing to it fails.
fn is_closed(stream: &mut UnixStream) {
    while stream.write_all(b"1\r\n{\r\n").is_ok() {
        std::thread::yield_now();
    }
}

const CANCELED: &str =
    "{\"errorDetail\":{\"message\":\"context canceled\"},\"error\":\"context canceled\"}\r\n";

#[test]
fn a_daemon_that_tells_its_progress_lets_go_at_once() {
    let _still = Still::new();
    let stage = Stage::new();
    let (answer, mut stream) = stage.answered();
    let pull = stage.leave(&answer, &mut stream);
    // Lines that were on their way are nobody's any more.
    say(&mut stream, &chunk("{\"status\":\"Downloading\"}\r\n"));
    say(&mut stream, &(chunk(CANCELED) + LAST_CHUNK));
    stage.released(&pull, true);
    assert!(stage.lines.try_recv().is_err());
    is_closed(&mut stream);
}

#[test]
fn a_daemon_that_hangs_up_has_let_go() {
    let _still = Still::new();
    for answered in [false, true] {
        let stage = Stage::new();
        let (answer, mut stream) = if answered { stage.answered() } else { stage.pull() };
        let pull = stage.leave(&answer, &mut stream);
        drop(stream);
        stage.released(&pull, true);
    }
}

/// M3 of the facts: until the registry answers, it asks, and nobody can tell it to stop.
#[test]
fn a_daemon_that_waits_for_its_registry_is_listened_to_until_it_has_noticed() {
    let _still = Still::new();
    for refused in [false, true] {
        let stage = Stage::new();
        let (answer, mut stream) = stage.pull();
        let pull = stage.leave(&answer, &mut stream);
        clock::advance(Limits::default().let_go_unanswered - MILLI);
        assert!(pull.released.is_pending());
        if refused {
            say(&mut stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}");
        } else {
            say(&mut stream, &(CHUNKED.to_owned() + &chunk("{\"status\":\"Pulling\"}\r\n")));
            say(&mut stream, &(chunk(CANCELED) + LAST_CHUNK));
        }
        stage.released(&pull, true);
        is_closed(&mut stream);
    }
}

#[test]
fn a_daemon_that_does_not_notice_is_left_for_good() {
    let _still = Still::new();
    let limits = Limits::default();
    for (answered, limit) in [(false, limits.let_go_unanswered), (true, limits.let_go_answered)] {
        let stage = Stage::new();
        let (answer, mut stream) = if answered { stage.answered() } else { stage.pull() };
        let pull = stage.leave(&answer, &mut stream);
        // The limit counts from when the client has left, which the daemon knows by now.
        clock::advance(limit - MILLI);
        assert!(pull.released.is_pending(), "{answered}");
        clock::advance(MILLI);
        stage.released(&pull, false);
        // Now its next write fails.
        is_closed(&mut stream);
    }
}

/// It begins to tell its progress to nobody, and goes on with it.
#[test]
fn a_daemon_that_answers_late_gets_the_shorter_limit_then() {
    let _still = Still::new();
    let stage = Stage::new();
    let (answer, mut stream) = stage.pull();
    let pull = stage.leave(&answer, &mut stream);
    say(&mut stream, CHUNKED);
    // Somewhere on the way from here to the client; so the clock moves until it has arrived.
    let mut moved = Duration::ZERO;
    while pull.released.is_pending() {
        clock::advance(Duration::from_millis(100));
        moved += Duration::from_millis(100);
        assert!(moved < Limits::default().let_go_unanswered, "the longer limit");
        say_if_open(&mut stream);
        std::thread::yield_now();
    }
    stage.released(&pull, false);
}

fn say_if_open(stream: &mut UnixStream) {
    let _ = stream.write_all(chunk("{\"status\":\"Downloading\"}\r\n").as_bytes());
}

#[test]
fn two_pulls_of_one_image_are_told_apart() {
    let _still = Still::new();
    let stage = Stage::new();
    let ((first, mut one), (second, mut other)) = (stage.answered(), stage.answered());
    let pull = stage.leave(&first, &mut one);
    say(&mut other, LAST_CHUNK);
    assert_eq!(support::get(second), Ok(Nothing));
    assert!(pull.released.is_pending());
    say(&mut one, &(chunk(CANCELED) + LAST_CHUNK));
    stage.released(&pull, true);
    // A pull that has ended cannot be left.
    first.discard();
    assert!(stage.daemon.bollard.lingering_pulls().is_empty());
}

/// The daemon is not even asked: there is nothing to wait for.
#[test]
fn a_pull_that_was_never_sent_does_not_linger() {
    let _still = Still::new();
    let (see, seen) = channel();
    let see = Mutex::new(see);
    let daemon = Daemon::unversioned(Limits::default(), move |_, mut stream| {
        let _ = see.lock().send(());
        support::hung_up(&mut stream);
    });
    let answer = daemon.bollard.pull_image("a:1", None);
    seen.recv_timeout(LIMIT).expect("a ping");
    answer.discard();
    assert!(answer.is_discarded());
    while !daemon.bollard.lingering_pulls().is_empty() {
        std::thread::yield_now();
    }
    assert!(daemon.lines().is_empty());
}
