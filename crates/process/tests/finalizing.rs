//! `finalize`: what it ends, in which order, and that the runtime is as good as new afterwards.
//! (Alone in its program: live, it ends the processes of everybody.)

mod support;

use parking_lot::Mutex;
use process::actix::Actor;
use process::{
    Context, Future, Nothing, Pid, Promise, async_, clock, finalize, generate_id, process, spawn,
    wait,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use support::in_both_worlds;

type Log = Arc<Mutex<Vec<&'static str>>>;

/// Writes down what it does, and does one last thing when it ends.
struct Worker {
    name: &'static str,
    log: Log,
    last: Option<Box<dyn FnOnce() + Send>>,
}

impl Worker {
    fn spawn(name: &'static str, log: &Log) -> Pid<Worker> {
        spawn(generate_id(name), Worker { name, log: Arc::clone(log), last: None })
    }
}

impl Actor for Worker {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        self.log.lock().push(self.name);
        if let Some(last) = self.last.take() {
            last();
        }
    }
}

process!(Worker);

#[test]
fn the_newest_ends_first_and_each_finishes_its_work() {
    in_both_worlds(|_| {
        let log = Log::default();
        let pids = ["first", "second", "third"].map(|name| Worker::spawn(name, &log));
        pids[0].run("work", |this, _| this.log.lock().push("work"));
        finalize();
        assert!(pids.iter().all(|pid| wait(pid).is_ready()));
        assert_eq!(process::process_ids(), Vec::<String>::new());
        // Live the work may have been done before the end of the others.
        let ended: Vec<_> = log.lock().iter().copied().filter(|&what| what != "work").collect();
        assert_eq!(ended, ["third", "second", "first"]);
        let work = log.lock().iter().position(|&what| what == "work");
        assert!(work.is_some_and(|work| work < 3), "{log:?}");
    });
}

/// Whoever starts something while all is being ended gets the address of what is not there.
#[test]
fn nothing_starts_meanwhile() {
    in_both_worlds(|world| {
        let log = Log::default();
        let (started, late) = (Arc::new(Mutex::new(None)), Arc::clone(&log));
        let slot = Arc::clone(&started);
        Worker::spawn("early", &log).run("prepare", move |this, _| {
            this.last = Some(Box::new(move || *slot.lock() = Some(Worker::spawn("late", &late))));
        });
        finalize();
        let late = started.lock().take().unwrap();
        assert!(wait(&late).is_ready());
        world.abandoned(&late.call("ask", |_, _| Future::ready(Nothing)));
        assert_eq!(*log.lock(), ["early"]);
    });
}

#[test]
fn a_new_start_is_like_the_first() {
    in_both_worlds(|world| {
        let log = Log::default();
        for _ in 0..3 {
            let pid = spawn("worker", Worker { name: "end", log: Arc::clone(&log), last: None });
            world.ready(&pid.call("ask", |_, _| Future::ready(Nothing)));
            let promise = Promise::<Nothing>::new();
            let held = promise.future();
            clock::timer(Duration::from_secs(1), move || drop(promise));
            finalize();
            assert!(held.is_abandoned(), "a timer goes with all that it holds");
            clock::pause();
        }
        assert_eq!(*log.lock(), ["end"; 3]);
    });
}

#[test]
fn no_part_of_the_runtime_finalizes_it() {
    in_both_worlds(|world| {
        let refused = || catch_unwind(AssertUnwindSafe(finalize)).is_err();
        let pid = Worker::spawn("worker", &Log::default());
        let called = pid.call("finalize", move |_, _| Future::ready(refused()));
        assert!(world.ready(&called) && world.ready(&async_(refused)));
        finalize();
    });
}
