//! Logs and attachments.

use super::{Rig, Talk, millis, seconds};
use crate::environment::daemon::{Chunk, LogOptions, Opened, Reply, Request, Streams, json, stamp};
use std::time::Duration;

const BOTH: Streams = Streams { stdin: false, stdout: true, stderr: true };

fn logs(rig: &Rig, options: LogOptions) -> Talk {
    rig.send(Request::Logs { container: "c1".into(), options })
}

fn options() -> LogOptions {
    LogOptions { streams: BOTH, ..LogOptions::default() }
}

fn attach(rig: &Rig, logs: bool, stream: bool) -> Talk {
    rig.send(Request::Attach { container: "c1".into(), streams: BOTH, logs, stream })
}

#[test]
fn lines_come_in_order_and_a_tail_has_the_last() {
    let rig = Rig::interpreting();
    rig.run("c1", "echo one; echo err >&2; printf 'two\\nthree'; exit 0");
    rig.pass(seconds(1));
    assert_eq!(rig.logs("c1"), "one\n!err\ntwo\nthree");
    for (tail, text) in [(0, ""), (1, "three"), (2, "two\nthree"), (9, "one\n!err\ntwo\nthree")] {
        let talk = logs(&rig, LogOptions { tail: Some(tail), ..options() });
        rig.pass(millis(10));
        assert_eq!(talk.text(), text, "{tail}");
        assert!(talk.is_over());
    }
    let stderr = Streams { stdout: false, ..BOTH };
    let talk = logs(&rig, LogOptions { streams: stderr, details: true, ..options() });
    rig.pass(millis(10));
    assert_eq!(talk.text(), "! err\n");
    let none = logs(&rig, LogOptions { streams: Streams::default(), ..options() });
    rig.pass(millis(10));
    assert_eq!(none.refusal().message, "Bad parameters: you must choose at least one stream");
}

#[test]
fn lines_have_times_and_can_be_chosen_by_them() {
    let rig = Rig::interpreting();
    rig.run("c1", "echo one; sleep 10; echo two; sleep 10; echo three");
    rig.pass(seconds(30));
    let talk = logs(&rig, LogOptions { timestamps: true, ..options() });
    rig.pass(millis(10));
    let text = talk.text();
    let first = text.lines().next().unwrap();
    let (time, line) = first.split_once(' ').unwrap();
    assert_eq!((time.len(), line), (30, "one"));
    assert!(time.starts_with("2024-01-01T00:00:0") && time.ends_with('Z'), "{time}");
    let at = rig.daemon.settings().epoch + seconds(6);
    let since = logs(&rig, LogOptions { since: Some(at), ..options() });
    let until = logs(&rig, LogOptions { until: Some(at), ..options() });
    let between =
        logs(&rig, LogOptions { since: Some(at), until: Some(at + seconds(10)), ..options() });
    rig.pass(millis(10));
    assert_eq!((since.text().as_str(), until.text().as_str()), ("two\nthree\n", "one\n"));
    assert_eq!(between.text(), "two\n");
    assert_eq!(
        stamp::parse("1704067206.5").unwrap(),
        Some(Duration::from_millis(1_704_067_206_500))
    );
}

#[test]
fn a_log_is_followed_until_the_container_ends() {
    let rig = Rig::interpreting();
    rig.run("c1", "echo one; sleep 2; printf par; printf 'tial\\n'; sleep 2; printf rest");
    let talk = logs(&rig, LogOptions { follow: true, ..options() });
    rig.pass(seconds(1));
    assert_eq!((talk.text().as_str(), talk.is_over()), ("one\n", false));
    rig.pass(seconds(1));
    assert_eq!(talk.text(), "one\npartial\n");
    rig.pass(seconds(3));
    assert_eq!((talk.text().as_str(), talk.is_over()), ("one\npartial\nrest", true));
    // One that has ended is not followed.
    let talk = logs(&rig, LogOptions { follow: true, tail: Some(1), ..options() });
    rig.pass(millis(10));
    assert_eq!((talk.text().as_str(), talk.is_over()), ("rest", true));
}

#[test]
fn following_ends_at_its_time_and_with_its_client() {
    let rig = Rig::interpreting();
    rig.run("c1", "while true; do echo x; sleep 1; done");
    let now = rig.daemon.settings().epoch + rig.simulation.now().since_epoch();
    let until = Some(now + seconds(3));
    let timed = logs(&rig, LogOptions { follow: true, tail: Some(0), until, ..options() });
    let left = logs(&rig, LogOptions { follow: true, tail: Some(0), ..options() });
    rig.pass(millis(1500));
    left.call.hang_up();
    rig.pass(seconds(5));
    assert!(timed.is_over() && !left.is_over());
    assert!(timed.text().lines().count() >= 2 && left.text().lines().count() <= 2);
    assert!(rig.daemon.requests().is_empty());
}

#[test]
fn an_attachment_before_the_start_misses_nothing() {
    let rig = Rig::interpreting();
    rig.create("c1", &["sh", "-c", "echo hi; echo err >&2; sleep 1; printf end"]);
    let talk = attach(&rig, false, true);
    rig.pass(millis(10));
    assert!(matches!(talk.replies().as_slice(), [Reply::Opened(Opened::Attach { tty: false })]));
    rig.start("c1").expect(204);
    assert_eq!(talk.text(), "hi\n!err\n");
    rig.pass(seconds(2));
    assert_eq!((talk.text().as_str(), talk.is_over()), ("hi\n!err\nend", true));
    // One to a container that has ended waits for its next run.
    let talk = attach(&rig, false, true);
    rig.pass(seconds(1));
    assert!(!talk.is_over());
    rig.start("c1").expect(204);
    rig.pass(seconds(2));
    assert_eq!((talk.text().as_str(), talk.is_over()), ("hi\n!err\nend", true));
}

#[test]
fn an_attachment_shows_the_past_if_it_is_to() {
    let rig = Rig::interpreting();
    rig.run("c1", "echo one; echo two");
    let talk = attach(&rig, true, false);
    rig.pass(millis(10));
    assert_eq!((talk.text().as_str(), talk.is_over()), ("one\ntwo\n", true));
}

#[test]
fn attachments_of_a_refused_start_end_and_those_of_a_removal_do_not() {
    let rig = Rig::interpreting();
    rig.create("c1", &["nosuch"]);
    let refused = attach(&rig, false, true);
    rig.start("c1").expect(400);
    assert!(refused.is_over());
    let removed = attach(&rig, false, true);
    rig.pass(millis(10));
    rig.ask(Request::Remove { container: "c1".into(), force: false, volumes: false }).expect(204);
    rig.pass(seconds(60));
    assert!(!removed.is_over(), "as with the Engine, nobody tells it");
    removed.call.hang_up();
    assert!(rig.daemon.requests().is_empty());
}

#[test]
fn output_is_framed_unless_there_is_a_terminal() {
    let rig = Rig::interpreting();
    rig.run("c1", "echo hi; echo no >&2");
    let talk = logs(&rig, options());
    rig.pass(millis(10));
    let chunks = talk.chunks();
    let bytes: Vec<Vec<u8>> = chunks.iter().map(|chunk| json::chunk(chunk, false)).collect();
    assert_eq!(bytes[0], b"\x01\0\0\0\0\0\0\x03hi\n");
    assert_eq!(bytes[1], b"\x02\0\0\0\0\0\0\x03no\n");
    assert_eq!(json::chunk(&chunks[0], true), b"hi\n");
    assert!(matches!(chunks[0], Chunk::Output(..)));
}

#[test]
fn a_log_that_is_not_kept_cannot_be_read() {
    let rig = Rig::interpreting();
    let config = crate::environment::daemon::ContainerConfig {
        image: "bb:1".to_owned(),
        command: vec!["true".to_owned()],
        log_driver: "none".to_owned(),
        ..Default::default()
    };
    rig.create_as("c1", config).expect(201);
    let talk = logs(&rig, options());
    rig.pass(millis(10));
    let refusal = talk.refusal();
    assert_eq!(refusal.status, 501);
    assert_eq!(refusal.message, "configured logging driver does not support reading");
}
