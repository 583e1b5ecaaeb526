//! Pulls: experiments M1–M3 of the measured Engine, and what else can become of a pull.

use super::{MEGABYTE, Rig, code, millis};
use crate::environment::daemon::{ImageSpec, Phase};
use crate::environment::{Fault, Faults};
use docker::{ErrorKind, PullProgress};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

const IMAGE: &str = "registry/app:1";

#[test]
fn a_pull_ends_with_the_image_and_makes_no_choices() {
    let rig = Rig::new();
    assert!(!rig.daemon.has_image(IMAGE));
    let pull = rig.api.pull_image(IMAGE, None);
    rig.pass(millis(500));
    assert!(pull.is_pending());
    assert_eq!(rig.daemon.pulls()[0].phase, Phase::Layers);
    rig.settle();
    assert_eq!(code(&pull), Some(200));
    assert!(rig.daemon.has_image(IMAGE));
    assert!(rig.daemon.pulls().is_empty() && rig.daemon.requests().is_empty());
    assert_eq!(rig.daemon.coverage().pulls_completed, 1);

    let image = rig.api.inspect_image(IMAGE);
    rig.settle();
    assert_eq!(code(&image), Some(200));
}

#[test]
fn progress_comes_line_by_line_and_before_the_end() {
    let rig = Rig::new();
    let lines = Arc::new(Mutex::new(Vec::<PullProgress>::new()));
    let seen = Arc::clone(&lines);
    let pull = rig.api.pull_image(IMAGE, Some(Arc::new(move |line| seen.lock().push(line))));
    let lines_at_the_end = Arc::new(Mutex::new(0));
    let (count, lines_then) = (Arc::clone(&lines_at_the_end), Arc::clone(&lines));
    pull.on_any(move |_| *count.lock() = lines_then.lock().len());
    rig.settle();
    let lines = lines.lock();
    assert_eq!(*lines_at_the_end.lock(), lines.len());
    let of_first: Vec<_> =
        lines.iter().filter(|line| line.total == 10 * MEGABYTE).map(|line| line.current).collect();
    assert_eq!(of_first, [5 * MEGABYTE, 10 * MEGABYTE, 10 * MEGABYTE]);
}

#[test]
fn m1_a_client_that_leaves_while_layers_come_is_noticed_at_once() {
    let rig = Rig::new();
    let pull = rig.api.pull_image(IMAGE, None);
    rig.pass(millis(500));
    assert_eq!(rig.daemon.transfers().len(), 2);
    assert!(pull.discard());
    assert!(pull.is_discarded());
    assert!(!rig.daemon.pulls()[0].connected);
    assert_eq!(rig.daemon.watched_pulls(), 0);
    rig.pass(millis(150));
    assert!(rig.daemon.transfers().is_empty());
    assert!(rig.daemon.pulls().is_empty() && rig.daemon.requests().is_empty());
    assert!(rig.environment.is_empty());
    assert!(!rig.daemon.has_image(IMAGE));
    let coverage = rig.daemon.coverage();
    assert_eq!((coverage.pulls_left_in_layers, coverage.pulls_aborted), (1, 1));
}

#[test]
fn m2_the_other_of_two_pulls_finishes_and_layers_are_fetched_once() {
    let rig = Rig::new();
    let (first, second) = (rig.api.pull_image(IMAGE, None), rig.api.pull_image(IMAGE, None));
    rig.pass(millis(500));
    assert_eq!(rig.daemon.transfers().len(), 2);
    assert_eq!(rig.daemon.coverage().layers_joined, 2);
    first.discard();
    rig.settle();
    assert!(first.is_discarded());
    assert_eq!(code(&second), Some(200));
    assert!(rig.daemon.has_image(IMAGE));
    assert_eq!(rig.daemon.coverage().transfers_cancelled, 0);
}

#[test]
fn m3_a_client_that_leaves_before_the_manifest_is_not_noticed_until_layers_come() {
    let rig = Rig::choosing(Faults::none().with(Fault::ClientUnnoticed, 1), &[1]);
    let pull = rig.api.pull_image(IMAGE, None);
    rig.pass(millis(500));
    pull.discard();
    assert!(pull.is_discarded());
    rig.pass(Duration::from_secs(29));
    assert_eq!(rig.daemon.pulls()[0].phase, Phase::Manifest);
    assert!(!rig.daemon.pulls()[0].connected);
    rig.pass(millis(650));
    // The registry has answered, and both layers were opened.
    assert_eq!(rig.daemon.transfers().len(), 2);
    rig.pass(millis(100));
    assert!(rig.daemon.transfers().is_empty() && rig.daemon.pulls().is_empty());
    assert!(!rig.daemon.has_image(IMAGE));
    assert!(rig.environment.is_empty());
    assert_eq!(rig.daemon.coverage().pulls_left_before_layers, 1);
}

#[test]
fn layers_that_images_share_are_fetched_once() {
    let rig = Rig::new();
    let mut other = ImageSpec::new("other", &[]);
    other.layers = ImageSpec::new("app", &[10 * MEGABYTE]).layers;
    rig.daemon.publish("registry/other:1", Arc::new(other));
    let first = rig.api.pull_image(IMAGE, None);
    rig.settle();
    let before = rig.simulation.now();
    let second = rig.api.pull_image("registry/other:1", None);
    rig.settle();
    assert_eq!((code(&first), code(&second)), (Some(200), Some(200)));
    assert!(rig.simulation.now() - before < millis(500));
}

#[test]
fn an_unknown_image_is_refused_with_a_status() {
    let rig = Rig::new();
    let pull = rig.api.pull_image("registry/nothing", None);
    rig.settle();
    assert_eq!(code(&pull), Some(404));
    let Some(Err(error)) = pull.get() else { panic!("{pull:?}") };
    assert_eq!(
        error.message,
        "manifest for registry/nothing:latest not found: manifest unknown: manifest unknown"
    );
    assert_eq!(rig.daemon.coverage().pulls_failed, 1);
}

#[test]
fn a_pull_fails_before_its_stream_or_in_it() {
    for (how, kind) in [
        (0, ErrorKind::Status(404)),
        (1, ErrorKind::Status(404)),
        (2, ErrorKind::Stream),
        (3, ErrorKind::Stream),
    ] {
        let rig = Rig::choosing(Faults::none().with(Fault::PullFail, 1), &[1, how]);
        let pull = rig.api.pull_image(IMAGE, None);
        rig.settle();
        let Some(Err(error)) = pull.get() else { panic!("{pull:?}") };
        assert_eq!(error.kind, kind, "{error}");
        assert!(rig.daemon.transfers().is_empty() && rig.daemon.pulls().is_empty());
        let again = rig.api.pull_image(IMAGE, None);
        rig.settle();
        assert_eq!(code(&again), Some(200), "the budget is spent");
    }
}

#[test]
fn a_stalled_pull_goes_on_when_the_world_is_healed() {
    for stall in [0, 1] {
        let rig = Rig::choosing(Faults::none().with(Fault::PullStall, 1), &[1, stall]);
        let pull = rig.api.pull_image(IMAGE, None);
        rig.pass(Duration::from_secs(3600));
        assert!(pull.is_pending());
        assert_eq!(rig.environment.stalled(), 1);
        rig.environment.heal();
        rig.settle();
        assert_eq!(code(&pull), Some(200));
        assert_eq!(rig.environment.injected(), [Fault::PullStall]);
    }
}

#[test]
fn the_daemon_notices_that_the_client_left_a_stalled_layer() {
    let rig = Rig::choosing(Faults::none().with(Fault::PullStall, 1), &[1, 1]);
    let pull = rig.api.pull_image(IMAGE, None);
    rig.pass(Duration::from_secs(60));
    // The layer that is stalled, and the one above, which waits for it.
    assert_eq!(rig.daemon.transfers().len(), 2);
    pull.discard();
    rig.pass(Duration::from_secs(1));
    assert!(rig.daemon.pulls().is_empty() && rig.daemon.transfers().is_empty());
    rig.environment.heal();
    rig.settle();
    assert!(!rig.daemon.has_image(IMAGE));
}

#[test]
fn a_slow_pull_takes_its_time_and_succeeds() {
    let rig = Rig::choosing(Faults::none().with(Fault::PullSlow, 1), &[1]);
    let pull = rig.api.pull_image(IMAGE, None);
    rig.pass(Duration::from_secs(15));
    assert!(pull.is_pending());
    rig.settle();
    assert_eq!(code(&pull), Some(200));
}

#[test]
fn a_client_that_leaves_at_the_end_leaves_the_image() {
    let rig = Rig::new();
    let pull = rig.api.pull_image(IMAGE, None);
    while rig.daemon.pulls().first().is_none_or(|pull| pull.phase != Phase::Tagging) {
        assert!(rig.step(process::Time::from_epoch(Duration::MAX)));
    }
    pull.discard();
    rig.settle();
    assert!(rig.daemon.has_image(IMAGE));
    assert_eq!(rig.daemon.coverage().pulls_completed_unwatched, 1);
}

#[test]
fn the_death_of_a_program_cuts_its_connections() {
    let rig = Rig::new();
    let pull = rig.api.pull_image(IMAGE, None);
    rig.pass(millis(500));
    rig.daemon.disconnect("somebody else");
    assert_eq!(rig.daemon.watched_pulls(), 1);
    rig.daemon.disconnect("agent");
    rig.settle();
    assert!(!pull.is_ready() && !pull.is_discarded());
    assert!(rig.daemon.pulls().is_empty());
}
