//! Starts, stops, kills and removals.

use super::*;
use crate::Answer;
use process::Nothing;
use std::time::Duration;

const START: &str = "start c";
const STOP: &str = "stop c 3";
const REMOVE: &str = "remove c true true";

impl Stage {
    fn ask(&self, label: &str) -> Answer<Nothing> {
        match label {
            START => self.guarded.start_container("c"),
            STOP => self.guarded.stop_container("c", 3),
            REMOVE => self.guarded.remove_container("c", true, true),
            "remove c false true" => self.guarded.remove_container("c", false, true),
            _ => self.guarded.kill_container("c", 9),
        }
    }

    fn refuse(&self, label: &str, kind: ErrorKind) {
        self.world.script.answer::<Nothing>(label, Err(error(kind)));
    }
}

fn ready(answer: &Answer<Nothing>) -> Option<Result<(), ErrorKind>> {
    answer.get().map(|result| result.clone().map(|_| ()).map_err(|error| error.kind))
}

#[test]
fn statuses_that_mean_that_the_effect_is_there() {
    for (label, code, says, effect) in [
        (START, 304, "", true),
        (START, 404, "No such container", false),
        (START, 409, "is marked for removal and cannot be started", false),
        (STOP, 304, "", true),
        (STOP, 404, "No such container", true),
        ("kill c 9", 404, "No such container", false),
        ("kill c 9", 409, "is not running", true),
        (REMOVE, 404, "No such container", true),
        ("remove c false true", 404, "No such container", true),
        ("remove c false true", 409, "You cannot remove a running container", false),
    ] {
        let stage = Stage::new();
        let answer = stage.ask(label);
        stage.world.script.refuse::<Nothing>(label, code, says);
        let expected = if effect { Ok(()) } else { Err(ErrorKind::Status(code)) };
        assert_eq!(ready(&answer), Some(expected), "{label} {code}");
        assert_eq!(stage.world.script.all(), [label]);
        stage.nothing_left();
    }
}

/// What a look finds, and what that makes of each request; `None`: nothing yet.
type Row = (Option<fn() -> Container>, [Option<Result<(), ErrorKind>>; 3]);

const ROWS: [Row; 4] = [
    (None, [Some(Err(ErrorKind::Status(404))), Some(Ok(())), Some(Ok(()))]),
    (Some(created), [None, Some(Ok(())), None]),
    (Some(running), [Some(Ok(())), None, None]),
    (Some(exited), [Some(Ok(())), Some(Ok(())), None]),
];

impl Stage {
    fn find(&self, found: Option<fn() -> Container>) {
        match found {
            Some(container) => self.look(Ok(container())),
            None => self.finds_nothing(),
        }
    }
}

#[test]
fn an_unknown_outcome_is_looked_up() {
    // A connection that broke has a test of its own.
    for kind in UNKNOWN.into_iter().filter(|kind| *kind != ErrorKind::Broken) {
        for (found, outcomes) in ROWS {
            for (label, outcome) in [START, STOP, REMOVE].into_iter().zip(outcomes) {
                let stage = Stage::new();
                let answer = stage.ask(label);
                stage.refuse(label, kind);
                assert_eq!(stage.world.script.open(), ["inspect c"]);
                // The look fails, in every way it can, before it shows something.
                for kind in UNKNOWN.into_iter().chain([ErrorKind::Unreachable]) {
                    stage.look(Err(error(kind)));
                    assert!(answer.is_pending());
                    stage.next_look();
                }
                stage.find(found);
                assert_eq!(ready(&answer), outcome, "{label} {kind:?}");
                if outcome.is_none() {
                    // It may take effect at any moment.
                    stage.next_look();
                    stage.find(found);
                    assert!(answer.is_pending());
                    stage.next_look();
                    if label == START {
                        stage.look(Ok(running()));
                    } else {
                        stage.finds_nothing();
                    }
                    assert_eq!(ready(&answer), Some(Ok(())), "{label} {kind:?}");
                }
                stage.nothing_left();
                let sent = stage.world.script.all();
                assert_eq!(sent.iter().filter(|sent| *sent == label).count(), 1);
            }
        }
    }
}

#[test]
fn what_the_daemon_has_ended_itself_will_not_happen_any_more() {
    for (found, outcomes) in ROWS {
        for (label, outcome) in [START, STOP, REMOVE].into_iter().zip(outcomes) {
            let stage = Stage::new();
            let answer = stage.ask(label);
            stage.refuse(label, ErrorKind::Status(500));
            // Only a look that fails is repeated.
            stage.look(Err(error(ErrorKind::Timeout)));
            stage.next_look();
            stage.find(found);
            let outcome = outcome.unwrap_or(Err(ErrorKind::Status(500)));
            assert_eq!(ready(&answer), Some(outcome), "{label}");
            assert_eq!(stage.world.script.all(), [label, "inspect c", "inspect c"]);
            stage.nothing_left();
        }
    }
}

#[test]
fn a_request_that_may_not_have_arrived_is_repeated_once_if_that_is_safe() {
    for (label, found) in [(STOP, running as fn() -> Container), (REMOVE, exited)] {
        let stage = Stage::new();
        let answer = stage.ask(label);
        stage.refuse(label, ErrorKind::Broken);
        stage.look(Ok(found()));
        assert_eq!(stage.world.script.open(), [label]);
        stage.refuse(label, ErrorKind::Broken);
        stage.look(Ok(found()));
        assert!(answer.is_pending() && stage.world.script.open().is_empty());
        stage.next_look();
        stage.finds_nothing();
        assert_eq!(ready(&answer), Some(Ok(())));
        stage.nothing_left();
    }
    // Started twice it might run twice.
    let stage = Stage::new();
    let answer = stage.ask(START);
    stage.refuse(START, ErrorKind::Broken);
    for _ in 0..10 {
        stage.look(Ok(created()));
        stage.next_look();
    }
    assert!(answer.is_pending());
    stage.look(Ok(exited()));
    assert_eq!(ready(&answer), Some(Ok(())));
    assert_eq!(stage.world.script.all().iter().filter(|sent| *sent == START).count(), 1);
}

#[test]
fn what_cannot_be_found_out_is_an_error_that_says_so() {
    for (label, grace, what) in [(START, 0, "start"), (STOP, 3, "stop"), (REMOVE, 0, "removal")] {
        for looks_fail in [false, true] {
            let stage = Stage::new();
            let answer = stage.ask(label);
            stage.refuse(label, ErrorKind::Timeout);
            let limit = stage.limits.look + Duration::from_secs(grace);
            let interval = stage.limits.look_interval;
            let looks = limit.as_millis() / interval.as_millis();
            for _ in 0..looks {
                assert!(answer.is_pending());
                if looks_fail {
                    stage.look(Err(error(ErrorKind::Timeout)));
                } else {
                    stage.look(Ok(if label == START { created() } else { running() }));
                }
                stage.next_look();
            }
            let error = answer.get().unwrap().clone().unwrap_err();
            assert_eq!(error.kind, ErrorKind::Timeout);
            let about = format!("what became of the {what} of container 'c' is unknown after");
            let then = if looks_fail { "cannot be looked at: no answer" } else { "may yet have" };
            let text = error.to_string();
            assert!(text.contains(&about) && text.contains(then), "{text}");
            stage.nothing_left();
        }
    }
}

/// A look that never ends does not keep anybody waiting.
#[test]
fn a_look_without_an_answer_ends_with_the_limit() {
    let stage = Stage::new();
    let answer = stage.ask(START);
    stage.refuse(START, ErrorKind::Timeout);
    stage.world.advance(stage.limits.look.as_millis() as u64 - 1);
    assert!(answer.is_pending());
    stage.world.advance(1);
    assert_eq!(ready(&answer), Some(Err(ErrorKind::Timeout)));
    stage.nothing_left();
}

#[test]
fn a_removal_under_way_is_waited_for() {
    let in_progress = "removal of container c is already in progress";
    for force in [false, true] {
        let stage = Stage::new();
        let label = format!("remove c {force} true");
        let answer = stage.ask(&label);
        stage.world.script.refuse::<Nothing>(&label, 409, in_progress);
        for _ in 0..5 {
            stage.look(Ok(exited()));
            stage.next_look();
        }
        assert!(answer.is_pending());
        stage.finds_nothing();
        assert_eq!(ready(&answer), Some(Ok(())));
        stage.nothing_left();

        let answer = stage.ask(&label);
        stage.world.script.refuse::<Nothing>(&label, 409, in_progress);
        stage.world.advance(stage.limits.removal.as_millis() as u64);
        assert_eq!(ready(&answer), Some(Err(ErrorKind::Status(409))));
        stage.nothing_left();
    }
}

#[test]
fn certain_errors_are_passed_on() {
    for label in [START, STOP, REMOVE, "kill c 9"] {
        for kind in [ErrorKind::Unreachable, ErrorKind::Status(400)] {
            let stage = Stage::new();
            let answer = stage.ask(label);
            stage.refuse(label, kind);
            assert_eq!(ready(&answer), Some(Err(kind)), "{label}");
            stage.nothing_left();
        }
    }
    for kind in UNKNOWN.into_iter().chain([ErrorKind::Status(500)]) {
        let stage = Stage::new();
        let answer = stage.ask("kill c 9");
        stage.refuse("kill c 9", kind);
        assert_eq!(ready(&answer), Some(Err(kind)));
        stage.nothing_left();
    }
}

#[test]
fn a_discard_ends_it_at_any_moment() {
    for step in 0..3 {
        let stage = Stage::new();
        let answer = stage.ask(STOP);
        if step > 0 {
            stage.refuse(STOP, ErrorKind::Timeout);
        }
        if step > 1 {
            stage.look(Ok(running()));
        }
        answer.discard();
        assert!(answer.is_discarded(), "step {step}");
        stage.nothing_left();
    }
}
