//! Creates, and whose container it is that has the name.

use super::*;
use crate::Answer;
use crate::guard::adopt::tests::{body, container};
use process::Nothing;

const CREATE: &str = "create c of bb:1";
const REPLACE: &str = "remove id true true";

impl Stage {
    fn create(&self) -> Answer<String> {
        self.guarded.create_container("c", &body())
    }

    fn refuse_create(&self, kind: ErrorKind) {
        let message = if kind == ErrorKind::Status(409) {
            "Conflict. The container name \"/c\" is already in use by container \"x\"."
        } else {
            "no answer"
        };
        let error = ApiError { kind, message: message.to_owned() };
        self.world.script.answer::<String>(CREATE, Err(error));
    }

    fn creates(&self) -> usize {
        self.world.script.all().iter().filter(|sent| *sent == CREATE).count()
    }
}

fn result(answer: &Answer<String>) -> Option<Result<String, ErrorKind>> {
    answer.get().map(|result| result.clone().map_err(|error| error.kind))
}

#[test]
fn a_container_of_ours_is_adopted() {
    for kind in UNKNOWN.into_iter().chain([ErrorKind::Status(500), ErrorKind::Status(409)]) {
        let stage = Stage::new();
        let answer = stage.create();
        stage.refuse_create(kind);
        for kind in UNKNOWN {
            stage.look(Err(error(kind)));
            assert!(answer.is_pending());
            stage.next_look();
        }
        stage.look(Ok(container("created")));
        assert_eq!(result(&answer), Some(Ok("id".to_owned())), "{kind:?}");
        assert_eq!(stage.creates(), 1);
        stage.nothing_left();
    }
}

#[test]
fn one_that_was_used_makes_room() {
    for state in ["exited", "dead"] {
        let stage = Stage::new();
        let answer = stage.create();
        stage.refuse_create(ErrorKind::Status(409));
        stage.look(Ok(container(state)));
        assert_eq!(stage.world.script.open(), [REPLACE]);
        stage.world.script.answer(REPLACE, Ok(Nothing));
        stage.world.script.answer(CREATE, Ok("new".to_owned()));
        assert_eq!(result(&answer), Some(Ok("new".to_owned())));
        stage.nothing_left();

        let answer = stage.create();
        stage.refuse_create(ErrorKind::Status(409));
        stage.look(Ok(container(state)));
        stage.world.script.refuse::<Nothing>(REPLACE, 500, "device busy");
        stage.world.script.answer("inspect id", Ok(container(state)));
        assert_eq!(result(&answer), Some(Err(ErrorKind::Status(500))));
        stage.nothing_left();
    }
}

#[test]
fn one_that_is_going_is_waited_for() {
    let stage = Stage::new();
    let answer = stage.create();
    stage.refuse_create(ErrorKind::Status(409));
    for _ in 0..4 {
        stage.look(Ok(container("removing")));
        stage.next_look();
    }
    stage.finds_nothing();
    assert_eq!(stage.world.script.open(), [CREATE]);
    stage.world.script.answer(CREATE, Ok("new".to_owned()));
    assert_eq!(result(&answer), Some(Ok("new".to_owned())));
    stage.nothing_left();

    let answer = stage.create();
    stage.refuse_create(ErrorKind::Status(409));
    stage.look(Ok(container("removing")));
    stage.world.advance(stage.limits.removal.as_millis() as u64);
    assert_eq!(result(&answer), Some(Err(ErrorKind::Status(409))));
    stage.nothing_left();
}

#[test]
fn one_that_is_not_ours_or_runs_is_left_alone() {
    let theirs = Container { id: "x".to_owned(), ..Container::default() };
    for found in [container("running"), container("paused"), theirs] {
        for kind in [ErrorKind::Status(409), ErrorKind::Status(500), ErrorKind::Timeout] {
            let stage = Stage::new();
            let answer = stage.create();
            stage.refuse_create(kind);
            stage.look(Ok(found.clone()));
            assert_eq!(result(&answer), Some(Err(kind)));
            assert_eq!(stage.world.script.all(), [CREATE, "inspect c"]);
            stage.nothing_left();
        }
    }
}

#[test]
fn a_create_that_got_lost_is_sent_again() {
    let stage = Stage::new();
    let answer = stage.create();
    stage.refuse_create(ErrorKind::Broken);
    stage.look(Err(error(ErrorKind::Unreachable)));
    stage.next_look();
    stage.finds_nothing();
    assert_eq!(stage.world.script.open(), [CREATE]);
    // It had arrived after all, and is being worked on: the name is taken, by nobody yet.
    stage.refuse_create(ErrorKind::Status(409));
    stage.finds_nothing();
    assert!(stage.world.script.open().is_empty());
    stage.next_look();
    stage.look(Ok(container("created")));
    assert_eq!(result(&answer), Some(Ok("id".to_owned())));
    assert_eq!(stage.creates(), 2);
    stage.nothing_left();
}

/// A limit of an earlier doubt must not end what was sent after it.
#[test]
fn a_second_create_has_time_of_its_own() {
    let stage = Stage::new();
    let answer = stage.create();
    stage.refuse_create(ErrorKind::Broken);
    stage.world.advance(stage.limits.look.as_millis() as u64 - 1);
    stage.finds_nothing();
    assert_eq!(stage.world.script.open(), [CREATE]);
    stage.world.advance(1000);
    assert!(answer.is_pending());
    stage.world.script.answer(CREATE, Ok("id".to_owned()));
    assert_eq!(result(&answer), Some(Ok("id".to_owned())));
    stage.nothing_left();
}

#[test]
fn a_create_that_is_being_worked_on_is_not_sent_again() {
    let stage = Stage::new();
    let answer = stage.create();
    stage.refuse_create(ErrorKind::Timeout);
    for _ in 0..stage.limits.look.as_millis() / stage.limits.look_interval.as_millis() {
        stage.finds_nothing();
        stage.next_look();
    }
    let error = answer.get().unwrap().clone().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout);
    assert!(error.message.contains("the create of container 'c' is unknown"), "{error}");
    assert_eq!(stage.creates(), 1);
    stage.nothing_left();
}

#[test]
fn an_error_of_the_daemon_without_a_container_stands() {
    for (kind, looks) in [(ErrorKind::Status(500), 1), (ErrorKind::Status(404), 0)] {
        let stage = Stage::new();
        let answer = stage.create();
        stage.refuse_create(kind);
        if looks > 0 {
            stage.finds_nothing();
        }
        assert_eq!(result(&answer), Some(Err(kind)));
        stage.nothing_left();
    }
}

#[test]
fn a_name_that_stays_taken_by_nobody_is_given_up() {
    let stage = Stage::new();
    let answer = stage.create();
    while answer.is_pending() {
        match stage.world.script.open().first().map(String::as_str) {
            Some(CREATE) => stage.refuse_create(ErrorKind::Status(409)),
            Some(_) => stage.finds_nothing(),
            None => stage.next_look(),
        }
    }
    assert_eq!(result(&answer), Some(Err(ErrorKind::Status(409))));
    assert_eq!(stage.creates(), 5);
    stage.nothing_left();
}

#[test]
fn without_a_name_there_is_nothing_to_look_for() {
    let stage = Stage::new();
    let answer = stage.guarded.create_container("", &body());
    let lost = Err(error(ErrorKind::Broken));
    stage.world.script.answer::<String>("create  of bb:1", lost);
    assert_eq!(result(&answer), Some(Err(ErrorKind::Broken)));
    stage.nothing_left();
}
