//! A message for an idle process of the simulator goes straight into its hands. What that shortest
//! path must not change: who comes next, whose panic it was, and what becomes of a process that
//! ends within it.

use parking_lot::Mutex;
use process::actix::{Actor, Handler, Message};
use process::simulated::Simulation;
use process::{Context, Pid, kill, process, spawn, terminate, wait};
use std::sync::Arc;

type Log = Arc<Mutex<Vec<String>>>;
type Reaction = Box<dyn FnMut(&str, &Context<Node>) + Send>;

/// Notes down what it handles, and reacts.
struct Node {
    name: &'static str,
    log: Log,
    reaction: Reaction,
}

impl Actor for Node {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        self.log.lock().push(format!("{} started", self.name));
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.log.lock().push(format!("{} stopped", self.name));
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.log.lock().push(format!("{} dropped", self.name));
    }
}

process!(Node);

struct Say(&'static str);

impl Message for Say {
    type Result = ();
}

impl Handler<Say> for Node {
    type Result = ();

    fn handle(&mut self, Say(what): Say, context: &mut Self::Context) {
        self.log.lock().push(format!("{} {what}", self.name));
        (self.reaction)(what, context);
    }
}

fn node(
    log: &Log,
    name: &'static str,
    reaction: impl FnMut(&str, &Context<Node>) + Send + 'static,
) -> Pid<Node> {
    spawn(name, Node { name, log: Arc::clone(log), reaction: Box::new(reaction) })
}

fn taken(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock())
}

/// The oldest message first, until there is none.
fn drain(simulation: &Simulation) {
    while simulation.flush(0) {}
}

#[test]
fn what_a_process_sends_itself_comes_after_the_handler_and_in_order() {
    let simulation = Simulation::new(false);
    let _installed = simulation.install();
    let log = Log::default();
    let one = node(&log, "one", |what, context| {
        if what == "go" {
            context.pid().tell(Say("first"));
            context.pid().tell(Say("second"));
        }
    });
    one.tell(Say("go"));
    drain(&simulation);
    assert_eq!(taken(&log), ["one started", "one go", "one first", "one second"]);
}

/// As soon as its last send is through the sender handles what it has; but a process that this send
/// has brought about starts before that.
#[test]
fn the_sender_goes_on_after_what_its_last_send_has_started() {
    let simulation = Simulation::new(false);
    let _installed = simulation.install();
    let log = Log::default();
    let started = Arc::clone(&log);
    let starter = node(&log, "starter", move |_, _| drop(node(&started, "new", |_, _| {})));
    let sender = node(&log, "sender", move |what, _| {
        if what == "go" {
            starter.tell(Say("start"));
        }
    });
    taken(&log);
    sender.tell(Say("go"));
    sender.tell(Say("next"));
    assert!(simulation.flush(0));
    // The driver's second message is older than what the sender has sent.
    assert!(simulation.flush(0));
    assert_eq!(taken(&log), ["sender go"]);
    assert!(simulation.flush(0));
    assert_eq!(taken(&log), ["starter start", "new started", "sender next"]);
    assert_eq!(simulation.flushable(), 0);
}

/// It starts within the step that brought it about, also when nobody else has anything to do.
#[test]
fn what_a_handler_starts_starts_at_once() {
    let simulation = Simulation::new(false);
    let _installed = simulation.install();
    let log = Log::default();
    let started = Arc::clone(&log);
    let starter = node(&log, "starter", move |_, _| drop(node(&started, "new", |_, _| {})));
    starter.tell(Say("start"));
    assert!(simulation.flush(0));
    assert_eq!(taken(&log), ["starter started", "starter start", "new started"]);
}

/// With a recording simulation and without, on the short path and behind other mail.
#[test]
fn a_panic_is_laid_to_the_event_in_which_it_happened() {
    for tracing in [false, true] {
        let simulation = Simulation::new(tracing);
        let _installed = simulation.install();
        let log = Log::default();
        let one = node(&log, "one", |what, _| assert!(what != "bad", "it was bad"));
        one.tell(Say("good"));
        one.tell(Say("bad"));
        one.tell(Say("good"));
        drain(&simulation);
        let crash = simulation.crash().expect("a handler has panicked");
        assert_eq!(crash.label.process, std::any::type_name::<Node>());
        assert_eq!(crash.label.method, std::any::type_name::<Say>());
        assert_eq!((crash.context.as_str(), crash.message.as_str()), ("one", "it was bad"));
        // The start, a good one, and it.
        assert_eq!(crash.event.0, 3);
        assert_eq!(taken(&log), ["one started", "one good", "one bad", "one good"]);
        let (events, _) = simulation.take_record();
        let label = events.iter().find(|event| event.id == crash.event).map(|event| event.label);
        assert_eq!(label, tracing.then_some(crash.label));
    }
}

#[test]
fn a_process_that_is_killed_in_its_own_handler_is_dropped_after_it() {
    let simulation = Simulation::new(false);
    let _installed = simulation.install();
    let log = Log::default();
    let seen = Arc::clone(&log);
    let one = node(&log, "one", move |_, context| {
        kill(context.pid());
        seen.lock().push("goes on".to_owned());
    });
    one.tell(Say("die"));
    one.tell(Say("late"));
    drain(&simulation);
    assert_eq!(taken(&log), ["one started", "one die", "goes on", "one dropped"]);
    assert!(wait(&one).is_ready());
}

#[test]
fn a_terminate_finds_an_idle_process_and_a_busy_one() {
    let simulation = Simulation::new(false);
    let _installed = simulation.install();
    let log = Log::default();
    let (idle, busy) = (node(&log, "idle", |_, _| {}), node(&log, "busy", |_, _| {}));
    taken(&log);
    terminate(&idle, false);
    let ended = wait(&idle);
    assert!(ended.is_pending());
    assert!(simulation.flush(0));
    assert_eq!(taken(&log), ["idle stopped", "idle dropped"]);
    assert!(ended.is_ready());
    busy.tell(Say("work"));
    terminate(&busy, false);
    busy.tell(Say("late"));
    drain(&simulation);
    assert_eq!(taken(&log), ["busy work", "busy stopped", "busy dropped"]);
}
