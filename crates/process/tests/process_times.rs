//! Each process has a time of its own while the clock is paused: what moves it and what does not.

mod support;

use parking_lot::Mutex;
use process::actix::Actor;
use process::clock::{self, Update};
use process::{
    Context, Exited, Future, Nothing, Pid, Promise, Time, Timeout, generate_id, post, process,
    spawn, terminate, wait,
};
use std::sync::Arc;
use std::time::Duration;
use support::{World, in_both_worlds};

const SECOND: Duration = Duration::from_secs(1);

/// Writes down at what time it is told to, and when it hears of an end, or ends itself.
#[derive(Default)]
struct Watcher {
    times: Arc<Mutex<Vec<Time>>>,
}

impl Actor for Watcher {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        self.look();
    }
}

process!(Watcher);

impl Watcher {
    fn look(&mut self) {
        self.times.lock().push(clock::now());
    }
}

impl process::actix::Handler<Exited> for Watcher {
    type Result = ();

    fn handle(&mut self, _: Exited, _: &mut Self::Context) {
        self.look();
    }
}

fn watcher() -> Pid<Watcher> {
    watched().0
}

fn watched() -> (Pid<Watcher>, Arc<Mutex<Vec<Time>>>) {
    let watcher = Watcher::default();
    let times = Arc::clone(&watcher.times);
    (spawn(generate_id("watcher"), watcher), times)
}

/// Lets `f` happen in the process and everything that follows.
fn in_process(
    world: &World,
    pid: &Pid<Watcher>,
    f: impl FnOnce(&mut Watcher, &mut Context<Watcher>) + Send + 'static,
) {
    let done = pid.call("act", move |this, context| {
        f(this, context);
        Future::ready(Nothing)
    });
    world.settle();
    assert!(done.is_ready(), "{done}");
}

#[test]
fn a_process_stays_behind_until_it_hears_of_a_later_time() {
    in_both_worlds(|world| {
        let pid = watcher();
        let start = clock::now_of(&pid);
        assert_eq!(clock::now(), start);
        world.advance(2 * SECOND);
        assert_eq!((clock::now(), clock::now_of(&pid)), (start + 2 * SECOND, start));

        in_process(world, &pid, move |_, _| assert_eq!(clock::now(), start + 2 * SECOND));
        assert_eq!(clock::now_of(&pid), start + 2 * SECOND);
    });
}

/// The time comes from the sender, not from the clock, and never steps back.
#[test]
fn a_message_takes_its_senders_time_along() {
    in_both_worlds(|world| {
        let (sender, receiver, ahead) = (watcher(), watcher(), watcher());
        let start = clock::now();
        clock::advance_process(&ahead, 9 * SECOND);
        let (to, to_ahead) = (receiver.clone(), ahead.clone());
        sender.run("send", move |_, context| {
            clock::advance_process(context.pid(), SECOND);
            to.run("look", |this, _| this.look());
            to_ahead.run("look", |this, _| this.look());
        });
        world.settle();
        assert_eq!(clock::now(), start, "only processes have moved");
        assert_eq!(clock::now_of(&sender), start + SECOND);
        assert_eq!(clock::now_of(&receiver), start + SECOND);
        assert_eq!(clock::now_of(&ahead), start + 9 * SECOND);
    });
}

/// A message by name is no different, neither the first one nor those that know the way already.
#[test]
fn a_message_by_name_takes_its_senders_time_along() {
    in_both_worlds(|world| {
        let (sender, (receiver, times)) = (watcher(), watched());
        receiver.run("install", |_, context| {
            context.install_raw("look", |this: &mut Watcher, _, _, _| this.look());
        });
        world.settle();
        let (start, to) = (clock::now(), receiver.upid().clone());
        for seconds in 1..4 {
            let (to, ahead) = (to.clone(), seconds * SECOND);
            in_process(world, &sender, move |_, context| {
                clock::advance_process(context.pid(), SECOND);
                post(context.pid().upid(), &to, "look", "");
                assert_eq!(clock::now(), start + ahead);
            });
            assert_eq!(clock::now_of(&receiver), start + ahead);
        }
        assert_eq!(*times.lock(), [1, 2, 3].map(|seconds| start + seconds * SECOND));
    });
}

#[test]
fn a_process_begins_at_the_time_of_whoever_spawns_it() {
    in_both_worlds(|world| {
        let (parent, child) = (watcher(), Arc::new(Mutex::new(None)));
        let (start, spawned) = (clock::now(), Arc::clone(&child));
        in_process(world, &parent, move |_, context| {
            clock::advance_process(context.pid(), 3 * SECOND);
            *spawned.lock() = Some(watcher());
        });
        let child = child.lock().take().unwrap();
        assert_eq!(clock::now_of(&child), start + 3 * SECOND);
        assert_eq!(clock::now(), start);
    });
}

/// A timer counts from the time of the process that starts it, fires by the clock's, and brings
/// that process to its deadline.
#[test]
fn a_timer_is_in_its_creators_time() {
    in_both_worlds(|world| {
        let (pid, fired) = (watcher(), Arc::new(Mutex::new(None)));
        let (start, fires) = (clock::now(), Arc::clone(&fired));
        in_process(world, &pid, move |_, context| {
            clock::advance_process(context.pid(), 5 * SECOND);
            let timer = clock::timer(2 * SECOND, move || *fires.lock() = Some(clock::now()));
            assert_eq!(timer.timeout().time(), start + 7 * SECOND);
        });
        world.advance(6 * SECOND);
        world.settle();
        assert_eq!((*fired.lock(), clock::now_of(&pid)), (None, start + 5 * SECOND));

        world.advance(2 * SECOND);
        world.settle();
        assert_eq!(*fired.lock(), Some(start + 8 * SECOND));
        assert_eq!(clock::now_of(&pid), start + 7 * SECOND);
    });
}

#[test]
fn the_end_of_a_process_is_told_in_its_time() {
    in_both_worlds(|world| {
        let ((linkee, ended), (linker, heard)) = (watched(), watched());
        let (start, to) = (clock::now(), linkee.clone());
        in_process(world, &linker, move |_, context| context.link(&to));
        clock::advance_process(&linkee, 4 * SECOND);
        terminate(&linkee, true);
        world.ready(&wait(&linkee));
        world.settle();
        assert_eq!(*ended.lock(), [start + 4 * SECOND]);
        assert_eq!(*heard.lock(), [start + 4 * SECOND]);
        assert_eq!(clock::now_of(&linker), start + 4 * SECOND);
    });
}

#[test]
fn a_terminate_takes_its_senders_time_along() {
    in_both_worlds(|world| {
        let ((pid, ended), by) = (watched(), watcher());
        let (start, to) = (clock::now(), pid.clone());
        in_process(world, &by, move |_, context| {
            clock::advance_process(context.pid(), SECOND);
            terminate(&to, false);
        });
        world.ready(&wait(&pid));
        assert_eq!(*ended.lock(), [start + SECOND]);
    });
}

#[test]
fn times_are_set_by_hand() {
    in_both_worlds(|_| {
        let (one, other) = (watcher(), watcher());
        let start = clock::now();
        clock::update_process(&one, start + 5 * SECOND, Update::Safe);
        clock::update_process(&one, start + 3 * SECOND, Update::Safe);
        assert_eq!(clock::now_of(&one), start + 5 * SECOND);
        clock::update_process(&one, start + 3 * SECOND, Update::Force);
        assert_eq!(clock::now_of(&one), start + 3 * SECOND);

        clock::order(&one, &other);
        assert_eq!(clock::now_of(&other), start + 3 * SECOND);
        clock::update_process(&other, start + 4 * SECOND, Update::Safe);
        clock::order(&one, &other);
        assert_eq!(clock::now_of(&other), start + 4 * SECOND);

        clock::update(start + SECOND);
        clock::update(start);
        assert_eq!(clock::now(), start + SECOND);
    });
}

/// After a pause time goes on from where it was moved to, for all; a running clock cannot be moved.
#[test]
fn resumed_time_is_one_for_all_and_does_not_step_back() {
    in_both_worlds(|world| {
        let pid = watcher();
        clock::advance_process(&pid, 9 * SECOND);
        world.advance(1000 * SECOND);
        let before = clock::now();
        assert!(clock::paused());

        clock::resume();
        assert!(!clock::paused());
        assert!(clock::now() >= before && clock::now_of(&pid) >= before);
        let resumed = clock::now();
        clock::advance(1000 * SECOND);
        clock::advance_process(&pid, 1000 * SECOND);
        clock::update(resumed + 1000 * SECOND);
        assert!(clock::now() < resumed + 900 * SECOND, "a running clock was moved");
        assert!(clock::now_of(&pid) < resumed + 900 * SECOND, "a running clock was moved");

        clock::pause();
        assert_eq!(clock::now_of(&pid), clock::now());
    });
}

#[test]
fn a_timeout_counts_down_in_the_time_of_whoever_asks() {
    in_both_worlds(|world| {
        let start = clock::now();
        let timeout = Timeout::within(3 * SECOND);
        assert_eq!((timeout.time(), timeout.remaining()), (start + 3 * SECOND, 3 * SECOND));
        assert!(!timeout.expired() && Timeout::default().expired());
        world.advance(4 * SECOND);
        assert_eq!((timeout.expired(), timeout.remaining()), (true, Duration::ZERO));

        in_process(world, &watcher(), move |_, context| {
            clock::update_process(context.pid(), start + SECOND, Update::Force);
            assert_eq!((timeout.expired(), timeout.remaining()), (false, 2 * SECOND));
        });
        assert!(Timeout::within(Duration::MAX) > timeout);
    });
}

/// What no process does is done at the clock's time.
#[test]
fn outside_of_processes_it_is_the_clocks_time() {
    in_both_worlds(|world| {
        let (start, lagging) = (clock::now(), watcher());
        world.advance(SECOND);
        let aside = process::async_(clock::now);
        assert_eq!(world.ready(&aside), start + SECOND);
        let (promise, called) = (Promise::new(), Arc::new(Mutex::new(None)));
        let times = Arc::clone(&called);
        promise.future().on_any(move |_| {
            *times.lock() = Some((clock::now(), clock::now_of(&lagging)));
        });
        promise.set(Nothing);
        assert_eq!(*called.lock(), Some((start + SECOND, start)));
    });
}
