//! Orderly conversations, mutilated at random: whatever a daemon sends, and however it goes on,
//! every request ends, with a value or an error, and soon.
//!
//! "Soon" is by the backend's own limits, on a clock that this test moves.

#![allow(clippy::disallowed_methods, reason = "a limit in real time, should the other one fail")]

mod support;

use docker::{Answer, Api, ApiError, Bollard, CreateBody, Guarded, Limits, Output, WaitCondition};
use parking_lot::Mutex;
use process::live::clock;
use process::{Future, Nothing, Outcome};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use support::{CHUNKED, Daemon, LAST_CHUNK, LIMIT, answer, chunk, hung_up};

/// What is done to the bytes of a conversation. Places are fractions of its length.
#[derive(Clone, Debug)]
enum Damage {
    Cut { at: f64 },
    Replace { at: f64, byte: u8 },
    Insert { at: f64, bytes: Vec<u8> },
    Remove { at: f64, count: usize },
    Repeat { at: f64, count: usize, times: usize },
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = || 0.0..1.0_f64;
    // Bytes that mean something where they land.
    let telling = prop::sample::select(b"{}[]\",:\r\n0123456789-x \0\xff".to_vec());
    let byte = || prop_oneof![telling.clone(), any::<u8>()];
    prop_oneof![
        at().prop_map(|at| Damage::Cut { at }),
        (at(), byte()).prop_map(|(at, byte)| Damage::Replace { at, byte }),
        (at(), vec(byte(), 1..20)).prop_map(|(at, bytes)| Damage::Insert { at, bytes }),
        (at(), 1..60_usize).prop_map(|(at, count)| Damage::Remove { at, count }),
        (at(), 1..200_usize, 1..2000_usize).prop_map(|(at, count, times)| Damage::Repeat {
            at,
            count,
            times
        }),
    ]
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: f64| (bytes.len() as f64 * at) as usize;
        match self {
            Damage::Cut { at } => bytes.truncate(place(*at)),
            Damage::Replace { at, byte } => {
                let place = place(*at);
                if let Some(found) = bytes.get_mut(place) {
                    *found = *byte;
                }
            }
            Damage::Insert { at, bytes: new } => {
                let place = place(*at);
                bytes.splice(place..place, new.iter().copied());
            }
            Damage::Remove { at, count } => {
                let start = place(*at);
                bytes.drain(start..(start + count).min(bytes.len()));
            }
            Damage::Repeat { at, count, times } => {
                let start = place(*at);
                let end = (start + count).min(bytes.len());
                let piece = bytes[start..end].repeat(*times);
                bytes.splice(end..end, piece);
            }
        }
    }
}

/// What a daemon is about to say.
#[derive(Clone, Debug)]
struct Script {
    /// Which request, of [`REQUESTS`].
    request: usize,
    damages: Vec<Damage>,
    /// Where the bytes are cut into pieces, as fractions of their length.
    pieces: Vec<f64>,
    /// Afterwards it says nothing, and does not hang up.
    stays: bool,
}

fn script() -> impl Strategy<Value = Script> {
    let parts = (0..REQUESTS, vec(damage(), 0..4), vec(0.0..1.0_f64, 0..4), any::<bool>());
    parts.prop_map(|(request, damages, pieces, stays)| Script { request, damages, pieces, stays })
}

const REQUESTS: usize = 12;

const INSPECT: &str = r#"{"Id":"a","Name":"/c","State":{"Status":"created","Pid":0,
    "StartedAt":"0001-01-01T00:00:00Z"},"Config":{"Image":"i","Env":["A=1"]},
    "HostConfig":{"NetworkMode":"host","Devices":[],"Dns":["1.1.1.1"]}}"#;

/// What an orderly daemon would say.
fn conversation(request: usize) -> String {
    let no_content = "HTTP/1.1 204 No Content\r\nApi-Version: 1.41\r\n\r\n".to_owned();
    match request {
        0 => answer(200, r#"{"Version":"20.10.24","ApiVersion":"1.41"}"#),
        1 => answer(201, r#"{"Id":"abc","Warnings":[]}"#),
        2 => answer(200, INSPECT),
        3 => answer(200, r#"{"Id":"sha256:1","Config":{"Entrypoint":null,"Env":["A=1"]}}"#),
        4 => answer(200, r#"[{"Id":"a","Names":["/c"]},{"Id":"b","Names":["/d","/c/d"]}]"#),
        5 => CHUNKED.to_owned() + &chunk("{\"Error\":null,\"StatusCode\":3}\n") + LAST_CHUNK,
        6 | 7 => no_content,
        8 => answer(409, r#"{"message":"Container a is not running"}"#),
        9 => answer(404, r#"{"message":"No such container: c"}"#),
        10 => {
            let head = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
            head.to_owned() + "\x01\0\0\0\0\0\0\x03out\x02\0\0\0\0\0\0\x03err"
        }
        _ => {
            let lines = [
                r#"{"status":"Pulling from i","id":"1"}"#,
                r#"{"status":"Pulling fs layer","progressDetail":{},"id":"aa"}"#,
                r#"{"status":"Downloading","progressDetail":{"current":3,"total":9},"id":"aa"}"#,
                r#"{"status":"Extracting","progressDetail":{"current":9,"total":9},"id":"aa"}"#,
                r#"{"status":"Pull complete","progressDetail":{},"id":"aa"}"#,
                r#"{"status":"Digest: sha256:1"}"#,
            ];
            let body: String = lines.iter().map(|line| chunk(&format!("{line}\r\n"))).collect();
            CHUNKED.to_owned() + &body + LAST_CHUNK
        }
    }
}

type Ended = Future<Result<(), ApiError>>;

fn ended<T: process::future::Value>(answer: Answer<T>) -> Ended {
    answer.map(|result| result.clone().map(drop))
}

fn ask(api: &Bollard, request: usize) -> Ended {
    let guarded = Guarded::new(Arc::new(api.clone()), Limits::default());
    match request {
        0 => ended(api.version()),
        1 => ended(guarded.create_container("c", &CreateBody::default())),
        2 => ended(api.inspect_container("c")),
        3 => ended(api.inspect_image("i")),
        4 => ended(api.list_containers(true)),
        5 => ended(api.wait_container("c", WaitCondition::NextExit)),
        6 => ended(guarded.start_container("c")),
        7 => ended(guarded.stop_container("c", 1)),
        8 => ended(guarded.kill_container("c", 9)),
        9 => ended(guarded.remove_container("c", true, true)),
        10 => {
            api.attach_container("c", &Output::Null, &Output::Null).then(|attached| match attached
                .clone()
            {
                Ok(attachment) => attachment.finished.map(|_: &Nothing| Ok(())),
                Err(error) => Future::ready(Err(error)),
            })
        }
        _ => ended(guarded.pull_image("i", None)),
    }
}

/// Moves the clock until the request has ended. A wait that was accepted, and an attachment, may
/// go on for ever: they are given up, after which nothing may be left of them.
fn outcome(script: &Script, ended: &Ended) -> Result<(), TestCaseError> {
    let begin = Instant::now();
    let endless = script.stays && matches!(script.request, 5 | 10);
    let mut moved = Duration::ZERO;
    while ended.is_pending() && !ended.is_abandoned() {
        prop_assert!(begin.elapsed() < LIMIT, "neither a value nor an error: {ended}");
        if endless && moved > Duration::from_secs(3600) {
            ended.discard();
        }
        clock::advance(Duration::from_millis(500));
        moved += Duration::from_millis(500);
        let _ = ended.wait(Duration::from_micros(100));
    }
    match ended.wait(LIMIT) {
        Some(Outcome::Ready(Ok(()))) => {}
        Some(Outcome::Ready(Err(error))) => {
            prop_assert!(!error.to_string().is_empty());
            prop_assert!(error.message.len() < 16 << 10, "{} bytes", error.message.len());
        }
        Some(Outcome::Discarded) if endless => {}
        other => prop_assert!(false, "{other:?}"),
    }
    Ok(())
}

struct Stage {
    daemon: Daemon,
    said: Arc<Mutex<(Vec<Vec<u8>>, bool)>>,
    closed: Receiver<()>,
}

impl Stage {
    fn new() -> Self {
        let said = Arc::new(Mutex::new((Vec::new(), false)));
        let (close, closed) = channel();
        let (close, saying) = (Mutex::new(close), Arc::clone(&said));
        let daemon = Daemon::new(move |_, mut stream| {
            let (pieces, stays): (Vec<Vec<u8>>, bool) = saying.lock().clone();
            for piece in pieces {
                if stream.write_all(&piece).is_err() {
                    break;
                }
                std::thread::yield_now();
            }
            if stays {
                hung_up(&mut stream);
            }
            let _ = close.lock().send(());
        });
        Stage { daemon, said, closed }
    }

    fn play(&self, script: &Script) -> Result<(), TestCaseError> {
        let mut bytes = conversation(script.request).into_bytes();
        for damage in &script.damages {
            damage.apply(&mut bytes);
        }
        let mut cuts: Vec<_> =
            script.pieces.iter().map(|at| (bytes.len() as f64 * at) as usize).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        for cut in cuts.into_iter().rev() {
            pieces.insert(0, bytes.split_off(cut.min(bytes.len())));
        }
        pieces.insert(0, bytes);
        *self.said.lock() = (pieces, script.stays);

        let before = self.daemon.requests().len();
        outcome(script, &ask(&self.daemon.bollard, script.request))?;
        // And nothing of it is left: every connection is closed.
        for _ in before..self.daemon.requests().len() {
            prop_assert!(self.closed.recv_timeout(LIMIT).is_ok(), "a connection stays open");
        }
        let lingering = self.daemon.bollard.lingering_pulls();
        for pull in lingering {
            while pull.released.is_pending() {
                clock::advance(Duration::from_secs(10));
                std::thread::yield_now();
            }
        }
        Ok(())
    }
}

#[test]
fn every_request_ends_whatever_the_daemon_says() {
    clock::pause();
    let stage = Stage::new();
    for request in 0..REQUESTS {
        let orderly =
            Script { request, damages: Vec::new(), pieces: Vec::new(), stays: request == 5 };
        stage.play(&orderly).expect("an orderly conversation");
    }
    // PROPTEST_CASES asks for more.
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases = asked.unwrap_or(128);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    if let Err(error) = runner.run(&script(), |script| stage.play(&script)) {
        panic!("{error}");
    }
}
