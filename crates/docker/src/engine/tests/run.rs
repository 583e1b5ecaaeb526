//! `Docker::run`.

use super::World;
use crate::{ApiError, Attachment, Docker, ErrorKind, Output, RunOptions};
use process::{Future, Nothing, Promise};
use std::path::PathBuf;
use std::sync::Arc;

const CREATE: &str = "create c of bb:1";
const WAIT: &str = "wait c NextExit";

struct Run {
    world: World,
    status: Future<Option<i32>>,
    output: Arc<Promise<Nothing>>,
}

fn stderr() -> Output {
    Output::Path(PathBuf::from("/sandbox/stderr"))
}

impl Run {
    fn new() -> Self {
        let world = World::new();
        let options = RunOptions {
            name: Some("c".to_owned()),
            image: "bb:1".to_owned(),
            ..RunOptions::default()
        };
        let status = world.engine.run(&options, Output::Null, stderr());
        Run { world, status, output: Arc::new(Promise::new()) }
    }

    fn create(&self) -> &Self {
        self.world.script.answer(CREATE, Ok("id".to_owned()));
        self
    }

    fn attach(&self) -> &Self {
        let finished = self.output.future();
        let weak = Arc::downgrade(&self.output);
        finished.on_discard(move || {
            if let Some(output) = weak.upgrade() {
                output.discard();
            }
        });
        self.world.script.answer("attach c", Ok(Attachment { finished }));
        self
    }

    fn start(&self) -> &Self {
        self.world.script.answer("start c", Ok(Nothing));
        self
    }

    fn exit(&self, code: i64) -> &Self {
        self.world.script.answer(WAIT, Ok(code));
        self
    }

    fn ended(&self, code: i32) {
        assert_eq!(self.status.get(), Some(&Some(code << 8)));
        assert!(self.world.script.open().is_empty() && !self.world.timers_left());
    }
}

#[test]
fn waits_before_it_starts_and_ends_after_the_output() {
    let run = Run::new();
    run.create().attach();
    assert_eq!(run.world.script.all(), [CREATE, "attach c", WAIT, "start c"]);
    run.start().exit(3);
    assert!(run.status.is_pending());
    run.output.set(Nothing);
    run.ended(3);
    assert!(run.world.script.outputs().is_empty());
}

#[test]
fn started_already_is_as_good() {
    let run = Run::new();
    run.create().attach();
    run.world.script.refuse::<Nothing>("start c", 304, "");
    run.exit(3);
    run.output.set(Nothing);
    run.ended(3);
}

#[test]
fn any_order_of_answers_will_do() {
    for order in
        ["exit output start", "output exit start", "output start exit", "exit start output"]
    {
        let run = Run::new();
        run.create().attach();
        for event in order.split(' ') {
            assert!(run.status.is_pending(), "{order}: {event}");
            match event {
                "exit" => drop(run.exit(137)),
                "start" => drop(run.start()),
                _ => drop(run.output.set(Nothing)),
            }
        }
        run.ended(137);
    }
}

#[test]
fn output_without_an_end_is_given_up() {
    let run = Run::new();
    run.create().attach().start().exit(0);
    run.world.advance(9_999);
    assert!(run.status.is_pending());
    run.world.advance(1);
    run.ended(0);
    assert!(run.output.future().is_discarded());
}

#[test]
fn refusals_are_reported_as_the_command_line_does() {
    let run = Run::new();
    let conflict = "Conflict. The container name \"/c\" is already in use by container \"x\".";
    run.world.script.refuse::<String>(CREATE, 409, conflict);
    run.ended(125);
    let text =
        format!("docker: Error response from daemon: {conflict}\nSee 'docker run --help'.\n");
    assert_eq!(run.world.script.outputs(), [(stderr(), text)]);
    drop(run);

    for (message, code) in [
        ("exec: \"/no/such/cmd\": stat /no/such/cmd: no such file or directory: unknown", 127),
        ("exec: \"nope\": executable file not found in $PATH: unknown", 127),
        ("exec: \"/etc/passwd\": permission denied: unknown", 126),
        ("no space left on device", 125),
    ] {
        let run = Run::new();
        run.create().attach();
        run.world.script.refuse::<Nothing>("start c", 400, message);
        run.ended(code);
        let text = format!("docker: Error response from daemon: {message}.\n");
        assert_eq!(run.world.script.outputs(), [(stderr(), text)]);
        // The container stays: nothing asks for its removal.
        assert_eq!(run.world.script.all().len(), 4);
        assert!(run.output.future().is_discarded());
    }
}

#[test]
fn unreachable_daemons_give_125() {
    let error = |kind| ApiError { kind, message: "no such file or directory".to_owned() };
    let run = Run::new();
    run.world.script.answer::<String>(CREATE, Err(error(ErrorKind::Unreachable)));
    run.ended(125);
    drop(run);

    let run = Run::new();
    run.create();
    run.world.script.answer::<Attachment>("attach c", Err(error(ErrorKind::Broken)));
    run.ended(125);
    drop(run);

    let run = Run::new();
    run.create().attach();
    run.world.script.answer::<Nothing>("start c", Err(error(ErrorKind::Timeout)));
    run.ended(125);
    drop(run);

    // The daemon goes away while the container runs.
    let run = Run::new();
    run.create().attach().start();
    run.world.script.answer::<i64>(WAIT, Err(error(ErrorKind::Broken)));
    run.ended(125);
    let outputs = run.world.script.outputs();
    assert_eq!(outputs[0].1, "error waiting for container: no such file or directory\n");
}

#[test]
fn a_discard_takes_all_requests_along() {
    for step in 0..4 {
        let run = Run::new();
        if step > 0 {
            run.create();
        }
        if step > 1 {
            run.attach();
        }
        if step > 2 {
            run.start();
        }
        run.status.discard();
        assert!(run.status.is_discarded(), "step {step}");
        assert!(run.world.script.open().is_empty(), "step {step}");
        assert_eq!(run.output.future().is_discarded(), step > 1);
        assert!(!run.world.timers_left() && run.world.script.outputs().is_empty());
    }
}

#[test]
fn a_discard_between_wait_and_start_leaves_nothing() {
    let run = Run::new();
    run.create();
    let status = run.status.clone();
    run.world.script.meanwhile(move || {
        status.discard();
    });
    run.attach();
    assert_eq!(run.world.script.all(), [CREATE, "attach c", WAIT]);
    assert!(run.status.is_discarded() && run.world.script.open().is_empty());
    assert!(run.output.future().is_discarded());
}
