//! Pulls that stall, in each phase and by its own limit.

use super::*;
use crate::{Answer, PullProgress};
use parking_lot::Mutex;
use process::Nothing;
use std::time::Duration;

const PULL: &str = "pull bb:1";

impl Stage {
    fn pull(&self) -> Answer<Nothing> {
        self.guarded.pull_image("bb:1", None)
    }

    fn line(&self, id: &str, status: &str, current: u64) {
        self.world.script.progress(PULL, id, status, current, 100);
    }

    fn after(&self, duration: Duration) {
        self.world.advance(duration.as_millis() as u64);
    }

    /// Nothing moves: the pull ends after `limit`, and not before, and says so.
    fn stalls(&self, answer: &Answer<Nothing>, limit: Duration, says: &str) {
        self.after(limit - Duration::from_millis(1));
        assert!(answer.is_pending(), "too early: {says}");
        self.after(Duration::from_millis(1));
        let error = answer.get().unwrap_or_else(|| panic!("not ended: {says}")).clone();
        let error = error.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Timeout);
        assert!(error.message.starts_with("The pull of 'bb:1' has "), "{error}");
        assert!(error.message.contains(says), "{error}");
        self.nothing_left();
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn each_phase_has_its_limit() {
    let limits = Limits::default().pull;
    for (lines, limit, says) in [
        (&[][..], limits.waiting, "300 s, no layer is at work (0 of 0 layers"),
        (&[("1", "Pulling from bb", 0)], limits.waiting, "300 s, no layer"),
        (&[("aa", "Pulling fs layer", 0), ("aa", "Waiting", 0)], limits.waiting, "300 s, no layer"),
        (&[("aa", "Downloading", 5)], limits.downloading, "120 s in downloading layer aa (0 of 1"),
        (&[("aa", "Verifying Checksum", 0)], limits.verifying, "600 s in verifying layer aa"),
        (&[("aa", "Download complete", 0)], limits.waiting, "300 s, no layer"),
        (&[("aa", "Extracting", 1)], limits.extracting, "900 s in extracting layer aa"),
        (&[("aa", "Pull complete", 0)], limits.waiting, "300 s, no layer is at work (1 of 1"),
    ] {
        let stage = Stage::new();
        let answer = stage.pull();
        stage.after(MINUTE);
        for (id, status, current) in lines {
            stage.line(id, status, *current);
        }
        let limit = if lines.is_empty() { limit - MINUTE } else { limit };
        stage.stalls(&answer, limit, says);
    }
}

#[test]
fn a_byte_now_and_then_is_enough() {
    let stage = Stage::new();
    let answer = stage.pull();
    for byte in 0..50 {
        stage.line("aa", "Downloading", byte);
        stage.after(stage.limits.pull.downloading - Duration::from_millis(1));
        assert!(answer.is_pending());
    }
    stage.world.script.answer(PULL, Ok(Nothing));
    assert_eq!(answer.get(), Some(&Ok(Nothing)));
    stage.nothing_left();
}

#[test]
fn lines_that_say_nothing_new_are_no_progress() {
    let stage = Stage::new();
    let answer = stage.pull();
    stage.line("aa", "Downloading", 5);
    for _ in 0..11 {
        stage.after(Duration::from_secs(10));
        stage.line("aa", "Downloading", 5);
        stage.line("aa", "Downloading", 5);
    }
    stage.stalls(&answer, Duration::from_secs(10), "downloading layer aa");
}

/// One layer moves all the time, another one does not.
#[test]
fn layers_are_watched_one_by_one() {
    let stage = Stage::new();
    let answer = stage.pull();
    stage.line("aa", "Downloading", 5);
    stage.line("bb", "Downloading", 5);
    for byte in 6..17 {
        stage.after(Duration::from_secs(10));
        stage.line("bb", "Downloading", byte);
    }
    stage.stalls(&answer, Duration::from_secs(10), "downloading layer aa");
}

/// Waiting has no limit of its own while others are at work.
#[test]
fn a_layer_may_wait_for_others() {
    let stage = Stage::new();
    let answer = stage.pull();
    stage.line("aa", "Waiting", 0);
    stage.line("bb", "Extracting", 1);
    stage.after(stage.limits.pull.waiting * 2);
    assert!(answer.is_pending());
    stage.line("bb", "Pull complete", 0);
    // A shorter limit counts from here, though a longer one was running.
    stage.line("aa", "Downloading", 1);
    stage.stalls(&answer, stage.limits.pull.downloading, "downloading layer aa");
}

#[test]
fn there_is_a_limit_for_the_whole() {
    let stage = Stage::new();
    let answer = stage.pull();
    let total = stage.limits.pull.total;
    let mut byte = 0;
    for _ in 0..total.as_secs() / 60 {
        byte += 1;
        assert!(answer.is_pending());
        stage.line("aa", "Downloading", byte);
        stage.after(MINUTE);
    }
    let error = answer.get().unwrap().clone().unwrap_err();
    assert!(error.message.contains("has taken longer than 86400 s"), "{error}");
    stage.nothing_left();
}

#[test]
fn whoever_is_told_of_a_stall_finds_the_request_gone() {
    let stage = Stage::new();
    let answer = stage.pull();
    let (script, open) = (Arc::clone(&stage.world.script), Arc::new(Mutex::new(None)));
    let seen = Arc::clone(&open);
    answer.on_any(move |_| *seen.lock() = Some(script.open()));
    stage.stalls(&answer, stage.limits.pull.waiting, "no layer is at work");
    assert_eq!(*open.lock(), Some(Vec::new()));
}

#[test]
fn listeners_and_credentials_are_passed_on() {
    let stage = Stage::new();
    let seen = Arc::new(Mutex::new(Vec::<PullProgress>::new()));
    let sink = Arc::clone(&seen);
    let credentials = crate::Credentials { username: "u".to_owned(), ..Default::default() };
    let listener: crate::PullEvent = Arc::new(move |line| sink.lock().push(line));
    let answer = stage.guarded.pull_image_as("bb:1", Some(&credentials), Some(listener));
    let label = "pull bb:1 as u";
    stage.world.script.progress(label, "aa", "Downloading", 1, 2);
    stage.world.script.progress(label, "aa", "Downloading", 1, 2);
    assert_eq!(seen.lock().len(), 2);
    stage.world.script.refuse::<Nothing>(label, 404, "manifest unknown");
    assert_eq!(answer.get().unwrap().clone().unwrap_err().code(), Some(404));
    stage.nothing_left();

    let answer = stage.guarded.pull_image("bb:1", None);
    answer.discard();
    assert!(answer.is_discarded());
    stage.nothing_left();
}
