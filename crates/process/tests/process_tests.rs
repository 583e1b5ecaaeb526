//! The twins of `3rdparty/libprocess/src/tests/process_tests.cpp`, each named after its original.
//!
//! Those with sockets are in `remote_live.rs`, those over the simulated network in `remote_links.rs`.

mod support;

use parking_lot::Mutex;
use process::actix::{Actor, Handler, Message};
use process::filter::{self, Incoming, Verdict};
use process::http::{Method, Request};
use process::{
    Context, CountDownLatch, Executor, Exited, Future, Nothing, Pid, Process, Promise,
    RemoteConnection, Upid, async_, clock, defer, defer_any, dispatch, generate_id, post, process,
    spawn, terminate, wait,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use support::{World, in_both_worlds};

fn end<A: Process>(world: &World, pid: &Pid<A>) {
    terminate(pid, true);
    world.ready(&wait(pid));
}

/// A process that writes down what happens to it.
#[derive(Default)]
struct Recorder {
    log: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    fn note(&mut self, what: impl Into<String>) {
        self.log.lock().push(what.into());
    }

    fn func0(&mut self) {
        self.note("func0");
    }

    fn func1(&mut self, b: bool) -> Future<bool> {
        self.note("func1");
        Future::ready(b)
    }

    fn func4(&mut self, b: bool, i: i32) -> Future<bool> {
        self.note(format!("func4 {i}"));
        Future::ready(b)
    }

    fn func5(&mut self, only: MoveOnly) {
        let MoveOnly = only;
        self.note("func5");
    }

    fn after(&mut self, _: &Future<Nothing>, only: MoveOnly) {
        self.func5(only);
    }

    fn parse(&mut self, s: String) -> Future<bool> {
        self.func4(true, s.parse().unwrap())
    }

    fn ignore(&mut self, _: String) -> Future<bool> {
        self.func1(false)
    }

    fn print(&mut self, future: &Future<String>) {
        self.note(future.to_string());
    }

    fn timeout(&mut self) {
        self.note("timeout");
    }
}

struct MoveOnly;

impl Actor for Recorder {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.note("initialize");
        context.install_raw("func", |this: &mut Self, _, _, body| {
            this.note(format!("func {}", String::from_utf8_lossy(body)));
        });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.note("finalize");
    }
}

process!(Recorder);

struct Func(&'static str);

impl Message for Func {
    type Result = ();
}

impl Handler<Func> for Recorder {
    type Result = ();

    fn handle(&mut self, Func(what): Func, _: &mut Self::Context) {
        self.note(what);
    }
}

impl Handler<Exited> for Recorder {
    type Result = ();

    fn handle(&mut self, Exited(who): Exited, _: &mut Self::Context) {
        self.note(format!("exited {}", who.id()));
    }
}

type Log = Arc<Mutex<Vec<String>>>;

fn recorder() -> (Pid<Recorder>, Log) {
    let recorder = Recorder::default();
    let log = Arc::clone(&recorder.log);
    (spawn(generate_id("recorder"), recorder), log)
}

/// Ends the process once it has handled all, and returns what it wrote down in between.
fn recorded(world: &World, pid: &Pid<Recorder>, log: &Log) -> Vec<String> {
    terminate(pid, false);
    world.ready(&wait(pid));
    let log = log.lock();
    assert_eq!(log.first().unwrap(), "initialize");
    assert_eq!(log.last().unwrap(), "finalize");
    log[1..log.len() - 1].to_vec()
}

#[test]
fn spawn_() {
    in_both_worlds(|world| {
        let (pid, log) = recorder();
        let ended = wait(&pid);
        assert!(ended.is_pending());
        terminate(&pid, true);
        world.ready(&ended);
        assert_eq!(*log.lock(), ["initialize", "finalize"]);
        assert!(wait(&pid).is_ready());
    });
}

#[test]
fn dispatch_() {
    in_both_worlds(|world| {
        let (pid, log) = recorder();
        pid.run("func0", |this, _| this.func0());
        let only = MoveOnly;
        pid.run("func5", move |this, _| this.func5(only));
        let future = dispatch!(pid, Recorder::func1, |this, _| this.func1(true));
        assert!(world.ready(&future));
        assert_eq!(recorded(world, &pid, &log), ["func0", "func5", "func1"]);
    });
}

/// Deferred calls run in the process when the callback is called.
#[test]
fn defer_1() {
    in_both_worlds(|world| {
        let (pid, log) = recorder();
        let func1 = defer!(pid, Recorder::func1, |this, _, b| this.func1(b));
        assert!(world.ready(&func1(&true)));
        let func4 = defer!(pid, Recorder::func4, |this, _, b| this.func4(b, 42));
        assert!(!world.ready(&func4(&false)));
        let func4 = defer!(pid, Recorder::func4, |this, _, i| this.func4(true, i));
        assert!(world.ready(&func4(&43)));
        let only = MoveOnly;
        let func5 = defer_any!(pid, Recorder::func5, |this, _, future| this.after(&future, only));
        func5(&Future::ready(Nothing));
        let expected = ["func1", "func4 42", "func4 43", "func5"];
        assert_eq!(recorded(world, &pid, &log), expected);
    });
}

/// A process that defers to itself.
struct DeferProcess;

impl Actor for DeferProcess {
    type Context = Context<Self>;
}

process!(DeferProcess);

impl DeferProcess {
    fn func1(&mut self, context: &Context<Self>, future: &Future<i32>) -> Future<String> {
        future.then(defer!(context.pid(), Self::stringify, |this, _, i| this.stringify(i)))
    }

    fn stringify(&mut self, i: i32) -> Future<String> {
        Future::ready(i.to_string())
    }
}

#[test]
fn defer_2() {
    in_both_worlds(|world| {
        let pid = spawn(generate_id("deferring"), DeferProcess);
        let future = dispatch!(pid, DeferProcess::func1, |this, context| {
            this.func1(context, &Future::ready(41))
        });
        assert_eq!(world.ready(&future), "41");
        let promise = Promise::new();
        let late = promise.future();
        let future =
            dispatch!(pid, DeferProcess::func1, |this, context| { this.func1(context, &late) });
        world.settle();
        assert!(future.is_pending());
        promise.set(42);
        assert_eq!(world.ready(&future), "42");
        end(world, &pid);
    });
}

/// Deferring without a process: to an executor.
#[test]
fn defer_3() {
    in_both_worlds(|world| {
        let (executor, latch) = (Executor::new(), Arc::new(CountDownLatch::new(2)));
        for _ in 0..2 {
            let latch = Arc::clone(&latch);
            executor.defer(move |count: bool| {
                if count {
                    latch.decrement()
                }
            })(true);
        }
        world.ready(&latch.triggered());
    });
}

#[test]
fn handlers() {
    in_both_worlds(|world| {
        let (pid, log) = recorder();
        pid.tell(Func("func"));
        assert_eq!(recorded(world, &pid, &log), ["func"]);
    });
}

/// The kinds of events: a filter sees each as what it is.
#[test]
fn event() {
    in_both_worlds(|world| {
        let (pid, _) = recorder();
        let (linkee, _) = recorder();
        let kinds = Arc::new(Mutex::new(Vec::new()));
        let (seen, own) = (Arc::clone(&kinds), pid.upid().clone());
        let _filter = filter::install(move |process, incoming| {
            if *process == own {
                seen.lock().push(match incoming {
                    Incoming::Message(message) => format!("message {}", message.name),
                    Incoming::Dispatch(label) => format!("dispatch {}", label.method),
                    Incoming::Http(request) => format!("http {}", request.url),
                    Incoming::Exited(who) => format!("exited {}", who.id()),
                });
            }
            Verdict::Pass
        });
        let to = linkee.clone();
        let linked = pid.call("link", move |_, context| {
            context.link(&to);
            Future::ready(Nothing)
        });
        world.ready(&linked);
        end(world, &linkee);
        world.settle();
        post(pid.upid(), pid.upid(), "func", "");
        let asked = Request::new(Method::GET, &format!("/{}/x", pid.upid().id())).unwrap();
        world.ready(&process::request(pid.upid(), asked));
        let expected = [
            "dispatch link".to_owned(),
            format!("exited {}", linkee.upid().id()),
            "message func".to_owned(),
            format!("http /{}/x", pid.upid().id()),
        ];
        let mut kinds = std::mem::take(&mut *kinds.lock());
        // Between exit and message nothing orders the senders.
        kinds[1..3].sort();
        assert_eq!(kinds, expected);
        end(world, &pid);
    });
}

#[test]
fn expect() {
    in_both_worlds(|world| {
        let (pid, log) = recorder();
        let (message, _filter) = filter::future_message("func", Verdict::Drop);
        post(pid.upid(), pid.upid(), "func", "dropped");
        assert_eq!(world.ready(&message).body, "dropped");

        let (func, _filter) = filter::future_dispatch(pid.upid(), "func0", Verdict::Drop);
        pid.run("func0", |this: &mut Recorder, _| this.func0());
        world.ready(&func);

        // Only the first of each: what comes later is handled.
        post(pid.upid(), pid.upid(), "func", "handled");
        pid.run("func0", |this: &mut Recorder, _| this.func0());
        let mut handled = recorded(world, &pid, &log);
        handled.sort();
        assert_eq!(handled, ["func handled", "func0"]);
    });
}

/// What a handler was called with, taken while it passes.
#[test]
fn action() {
    in_both_worlds(|world| {
        let (pid, log) = recorder();
        let (first, _first) = filter::future_message("func", Verdict::Pass);
        post(pid.upid(), pid.upid(), "func", "hello world");
        assert_eq!(world.ready(&first).body, "hello world");
        let (second, _second) = filter::future_dispatch(pid.upid(), "func0", Verdict::Pass);
        assert!(second.is_pending());
        pid.run("func0", |this: &mut Recorder, _| this.func0());
        world.ready(&second);
        assert_eq!(recorded(world, &pid, &log), ["func hello world", "func0"]);
    });
}

/// A message goes on to the delegate with the sender that it had.
#[test]
fn delegate() {
    in_both_worlds(|world| {
        let (delegator, _) = recorder();
        let (delegatee, log) = recorder();
        let to = delegatee.upid().clone();
        let ready = delegator.call("delegate", move |_, context| {
            context.delegate("other", to.clone());
            // A handler comes before a delegate.
            context.delegate("func", to);
            Future::ready(Nothing)
        });
        world.ready(&ready);
        let installed = delegatee.call("install", |_, context| {
            context.install_raw("other", |this: &mut Recorder, _, from, _| {
                this.note(format!("other from {}", from.id()));
            });
            Future::ready(Nothing)
        });
        world.ready(&installed);
        let (func, _filter) = filter::future_message("func", Verdict::Pass);
        let (to, arrived) = (delegatee.upid().clone(), Promise::new());
        let (passed, arrived) = (arrived.future(), Mutex::new(Some(arrived)));
        let _arrives = filter::install(move |process, incoming| {
            if let (true, Incoming::Message(_)) = (*process == to, incoming)
                && let Some(arrived) = arrived.lock().take()
            {
                arrived.set(Nothing);
            }
            Verdict::Pass
        });
        let nobody = Upid::new("nobody", delegator.upid().address());
        post(&nobody, delegator.upid(), "func", "");
        post(&nobody, delegator.upid(), "other", "");
        assert_eq!(world.ready(&func).to, *delegator.upid());
        world.ready(&passed);
        assert_eq!(recorded(world, &delegatee, &log), ["other from nobody"]);
        end(world, &delegator);
    });
}

/// What has the handlers of a base is a base: bounds say so instead of classes.
#[test]
fn inheritance() {
    fn func<B: Process + Handler<Func, Result = ()>>(base: &Pid<B>) {
        base.tell(Func("func"));
    }
    in_both_worlds(|world| {
        let (pid, log) = recorder();
        pid.tell(Func("func"));
        func(&pid);
        assert_eq!(recorded(world, &pid, &log), ["func", "func"]);
    });
}

#[test]
fn thunk() {
    in_both_worlds(|world| {
        assert_eq!(world.ready(&async_(|| 21 + 21)), 42);
    });
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn delay() {
    in_both_worlds(|world| {
        let (pid, log) = recorder();
        clock::delay(5 * SECOND, &pid, "timeout", |this, _| this.timeout());
        let never = clock::delay(5 * SECOND, &pid, "timeout", |this, _| this.note("never"));
        world.advance(4 * SECOND);
        world.settle();
        assert_eq!(*log.lock(), ["initialize"]);

        assert!(clock::cancel(&never));
        assert!(!clock::cancel(&never));
        world.advance(SECOND);
        world.settle();
        assert_eq!(recorded(world, &pid, &log), ["timeout"]);
    });
}

/// A process hears of the time by a message, also by one of another process that has heard of it.
#[test]
fn order() {
    in_both_worlds(|world| {
        let (process1, log) = recorder();
        let now = clock::now_of(&process1);
        world.advance(SECOND);
        assert_eq!(clock::now_of(&process1), now);

        let (process2, _) = recorder();
        let to = process1.clone();
        process2.run("order", move |_, _| to.run("timeout", |this, _| this.timeout()));
        world.settle();
        assert_eq!(clock::now_of(&process1), now + SECOND);
        assert_eq!(recorded(world, &process1, &log), ["timeout"]);
        end(world, &process2);
    });
}

/// A process may wait for one that it starts. As handlers do not block here, waiting is a future.
#[test]
fn donate() {
    in_both_worlds(|world| {
        let (pid, _) = recorder();
        let donated = pid.call("donate", |_, _| {
            let (inner, _) = recorder();
            terminate(&inner, true);
            wait(&inner)
        });
        world.ready(&donated);
        end(world, &pid);
    });
}

#[test]
fn exited() {
    in_both_worlds(|world| {
        let (linkee, _) = recorder();
        let (pid, log) = recorder();
        let to = linkee.clone();
        let linked = pid.call("link", move |_, context| {
            context.link(&to);
            Future::ready(Nothing)
        });
        world.ready(&linked);
        end(world, &linkee);
        // The notice is on its way, and its way may be longer than that of what is sent below.
        world.settle();
        // A link to what is gone already says so at once.
        let to = linkee.clone();
        pid.run("link", move |_, context| context.link(&to));
        world.ready(&pid.call("sync", |_, _| Future::ready(Nothing)));
        let expected = format!("exited {}", linkee.upid().id());
        assert_eq!(recorded(world, &pid, &log), [expected.clone(), expected]);
    });
}

/// However often one asks to hear of an end, it comes once.
#[test]
fn exited_is_told_once_for_each_end() {
    in_both_worlds(|world| {
        let (linkee, _) = recorder();
        let (pid, log) = recorder();
        let to = linkee.clone();
        let linked = pid.call("link", move |_, context| {
            context.link(&to);
            context.link(&to);
            Future::ready(Nothing)
        });
        world.ready(&linked);
        end(world, &linkee);
        world.settle();
        assert_eq!(recorded(world, &pid, &log), [format!("exited {}", linkee.upid().id())]);
    });
}

/// A name is for one process at a time: upstream refuses to spawn a second one.
#[test]
fn a_name_is_taken_as_long_as_its_process_runs() {
    in_both_worlds(|world| {
        let name = generate_id("name");
        let first = spawn(name.clone(), Recorder::default());
        let refused = Recorder::default();
        let log = Arc::clone(&refused.log);
        let second = spawn(name.clone(), refused);
        assert!(wait(&second).is_ready());
        world.abandoned(&dispatch!(second, Recorder::func1, |this, _| this.func1(true)));
        assert!(log.lock().is_empty());
        assert!(process::find::<Recorder>(&name).is_some(), "the first one is still there");
        assert!(world.ready(&dispatch!(first, Recorder::func1, |this, _| this.func1(true))));

        end(world, &first);
        let third = spawn(name, Recorder::default());
        assert!(world.ready(&dispatch!(third, Recorder::func1, |this, _| this.func1(true))));
        end(world, &third);
    });
}

/// The same by name: at once when there is none, once however often it was asked for, and again for
/// the next process of that name.
#[test]
fn exited_by_name() {
    in_both_worlds(|world| {
        let (pid, log) = recorder();
        let link = |to: &Upid| {
            let to = to.clone();
            let linked = pid.call("link", move |_, context| {
                context.link_to(&to, RemoteConnection::Reuse);
                context.link_to(&to, RemoteConnection::Reconnect);
                Future::ready(Nothing)
            });
            world.ready(&linked);
        };
        let linkee = Recorder::default();
        let first = spawn(generate_id("linkee"), linkee);
        let upid = first.upid().clone();
        link(&upid);
        end(world, &first);
        let second = spawn(upid.id(), Recorder::default());
        link(&upid);
        end(world, &second);
        world.settle();
        let nobody = Upid::new("nobody", upid.address());
        link(&nobody);
        world.settle();
        let exited = format!("exited {}", upid.id());
        let heard = recorded(world, &pid, &log);
        assert_eq!(heard[..2], [exited.clone(), exited]);
        // Nobody's end is told as often as it is asked for, as upstream.
        assert_eq!(heard[2..], ["exited nobody", "exited nobody"]);
    });
}

#[test]
fn inject_exited() {
    in_both_worlds(|world| {
        let (pid, log) = recorder();
        pid.tell(Exited(Upid::new("linkee", "127.0.0.1:1")));
        assert_eq!(recorded(world, &pid, &log), ["exited linkee"]);
    });
}

/// Links `linker` to `linkee` and waits for it.
fn linked(world: &World, linker: &Pid<Recorder>, linkee: &Pid<Recorder>) {
    let to = linkee.clone();
    let linked = linker.call("link", move |_, context| {
        // Twice is once.
        context.link(&to);
        context.link(&to);
        Future::ready(Nothing)
    });
    world.ready(&linked);
}

#[test]
fn future_exited() {
    in_both_worlds(|world| {
        let ((linkee, _), (linker, log)) = (recorder(), recorder());
        linked(world, &linker, &linkee);
        let (exited, _filter) = filter::future_exited(linkee.upid(), linker.upid(), Verdict::Pass);
        terminate(&linkee, true);
        assert_eq!(world.ready(&exited), *linkee.upid());
        let expected = format!("exited {}", linkee.upid().id());
        assert_eq!(recorded(world, &linker, &log), [expected]);
    });
}

#[test]
fn drop_exited() {
    in_both_worlds(|world| {
        let ((linkee, _), (linker, log)) = (recorder(), recorder());
        linked(world, &linker, &linkee);
        let (exited, _filter) = filter::future_exited(linkee.upid(), linker.upid(), Verdict::Drop);
        terminate(&linkee, true);
        world.ready(&exited);
        assert!(recorded(world, &linker, &log).is_empty());
    });
}

/// A process that takes its time: upstream's sleeps where it gives others the opportunity.
struct SettleProcess {
    called_dispatch: Arc<AtomicBool>,
}

impl Actor for SettleProcess {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        dawdle();
        context.delay(Duration::ZERO, "SettleProcess::after_delay", Self::after_delay);
    }
}

process!(SettleProcess);

impl SettleProcess {
    fn after_delay(&mut self, context: &mut Context<Self>) {
        context.pid().run("SettleProcess::after_dispatch", |this, _| this.after_dispatch());
        dawdle();
        let (inner, _) = recorder();
        terminate(&inner, true);
    }

    fn after_dispatch(&mut self) {
        dawdle();
        self.called_dispatch.store(true, Ordering::SeqCst);
    }
}

fn dawdle() {
    (0..5000).for_each(|_| std::hint::spin_loop());
}

#[test]
fn settle() {
    in_both_worlds(|world| {
        let called_dispatch = Arc::new(AtomicBool::new(false));
        let called = Arc::clone(&called_dispatch);
        let pid = spawn(generate_id("settle"), SettleProcess { called_dispatch });
        world.settle();
        assert!(called.load(Ordering::SeqCst));
        end(world, &pid);
    });
}

#[test]
fn pid() {
    in_both_worlds(|world| {
        let (pid, _) = recorder();
        let own = pid.call("self", |_, context| Future::ready(context.pid().clone()));
        assert!(world.ready(&own) == pid);
        assert_eq!(Upid::parse(&pid.upid().to_string()).as_ref(), Some(pid.upid()));
        assert!(process::find::<Recorder>(pid.upid().id()) == Some(pid.clone()));
        end(world, &pid);
        assert!(process::find::<Recorder>(pid.upid().id()).is_none());
    });
}

/// One process under two interfaces, each of which knows one message.
#[test]
fn listener() {
    fn event1(listener: &Pid<impl Process + Handler<Func, Result = ()>>) {
        listener.tell(Func("event1"));
    }
    fn event2(listener: &Pid<impl Process + Handler<Exited, Result = ()>>) {
        listener.tell(Exited(Upid::new("event2", "127.0.0.1:1")));
    }
    in_both_worlds(|world| {
        let (pid, log) = recorder();
        event1(&pid);
        event2(&pid);
        assert_eq!(recorded(world, &pid, &log), ["event1", "exited event2"]);
    });
}

#[test]
fn executor_defer() {
    in_both_worlds(|world| {
        let executor = Executor::new();
        let (event1, event2) = (Promise::new(), Promise::new());
        let (called1, called2) = (event1.future(), event2.future());
        executor.defer(move |i: i32| {
            event1.set(i);
        })(42);
        assert_eq!(world.ready(&called1), 42);
        executor.defer(move |s: String| {
            event2.set(s);
        })("event2".to_owned());
        assert_eq!(world.ready(&called2), "event2");
    });
}

#[test]
fn executor_execute() {
    in_both_worlds(|world| {
        let executor = Executor::new();
        let calls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&calls);
        let nothing = executor.execute(move || {
            count.fetch_add(1, Ordering::SeqCst);
            Future::ready(Nothing)
        });
        world.ready(&nothing);
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        assert_eq!(world.ready(&executor.execute(|| Future::ready("f3"))), "f3");
        // What comes after the stop is dropped, and its future with it.
        executor.stop();
        world.abandoned(&executor.execute(|| Future::ready("late")));
    });
}

#[test]
fn async_test() {
    in_both_worlds(|world| {
        let i = 42;
        assert_eq!(world.ready(&async_(move || i.to_string())), "42");
        let nested = async_(move || Future::ready(i.to_string())).then(Future::clone);
        assert_eq!(world.ready(&nested), "42");
    });
}

/// What callbacks may look like: with and without a process, with and without a future.
#[test]
fn defers() {
    in_both_worlds(|world| {
        let (pid, log) = recorder();
        let source = Future::ready("42".to_owned());
        let parsed = |s: &String| s.parse::<i32>().unwrap();

        let deferred = defer!(pid, Recorder::parse, |this, _, s| this.parse(s));
        assert!(world.ready(&source.then(deferred)));
        let ignoring = defer!(pid, Recorder::ignore, |this, _, s| this.ignore(s));
        assert!(!world.ready(&source.then(ignoring)));
        assert_eq!(world.ready(&source.map(parsed)), 42);
        assert_eq!(world.ready(&source.then(move |s| Future::ready(parsed(s)))), 42);

        let any = defer_any!(pid, Recorder::print, |this, _, future| this.print(&future));
        source.on_any(any);
        assert_eq!(recorded(world, &pid, &log), ["func4 42", "func1", "Ready"]);
    });
}

/// The future of a call that a terminating process leaves in its mailbox is abandoned: nobody
/// hangs on it. Upstream shows that by an endpoint that asks all processes.
#[test]
fn processes_endpoint_no_hang() {
    let (entered, inside) = (Promise::new(), Arc::new(CountDownLatch::new(1)));
    let (is_inside, go_on) = (entered.future(), inside.triggered());
    let world = World::live();
    let (pid, log) = recorder();
    pid.run("wait_for_terminate", move |_, _| {
        entered.set(Nothing);
        // A handler must not block; this one holds the process while its mailbox fills.
        go_on.wait(Duration::from_secs(60));
    });
    world.ready(&is_inside);
    let asked = dispatch!(pid, Recorder::func1, |this, _| this.func1(true));
    terminate(&pid, true);
    inside.decrement();
    world.abandoned(&asked);
    world.ready(&wait(&pid));
    assert_eq!(*log.lock(), ["initialize", "finalize"]);
}

/// The same in the simulator: the call is abandoned or answered, depending on the order.
#[test]
fn injected_terminate_races_with_a_call() {
    let (mut answered, mut abandoned) = (0, 0);
    for seed in 1..100 {
        let world = World::simulated(seed);
        let (pid, _) = recorder();
        let asked = Arc::new(Mutex::new(None));
        let (to, slot) = (pid.clone(), Arc::clone(&asked));
        let asker = spawn("asker", Recorder::default());
        asker.run("ask", move |_, _| {
            *slot.lock() = Some(to.call("func1", |this, _| this.func1(true)));
        });
        terminate(&pid, true);
        world.settle();
        match &*asked.lock() {
            Some(future) if future.is_ready() => answered += 1,
            Some(future) if future.is_abandoned() => abandoned += 1,
            other => panic!("neither answered nor abandoned: {other:?}"),
        }
    }
    assert!(answered > 0 && abandoned > 0, "{answered} answered, {abandoned} abandoned");
}

/// A timer of before is gone with the runtime it belonged to, and does not hold up those of now.
#[test]
fn timer_after_reinitialize() {
    in_both_worlds(|world| {
        // Too long for the clock, which runs while all is being ended, to come that far.
        let before = Arc::new(AtomicBool::new(false));
        let fired = Arc::clone(&before);
        clock::timer(HOUR, move || fired.store(true, Ordering::SeqCst));
        process::finalize();
        assert!(!clock::paused(), "nobody may wait for a clock that stands still");

        clock::pause();
        let promise = Promise::new();
        let after = promise.future();
        clock::timer(HOUR, move || {
            promise.set(Nothing);
        });
        world.advance(HOUR);
        world.ready(&after);
        assert!(!before.load(Ordering::SeqCst));
    });
}
