//! What snapshots do when metrics come, go, fail and do not answer, in both worlds; and that the
//! metrics of one world know nothing of those of another.

mod support;

use process::actix::Actor;
use process::metrics::{
    self, Counter, Kind, Metric, Milliseconds, PullGauge, PushGauge, Sample, Timer,
};
use process::{
    Context, Future, Nothing, Pid, Promise, clock, dispatch, find, process, process_ids, spawn,
    terminate, wait,
};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;
use support::{World, in_both_worlds};

const SECOND: Duration = Duration::from_secs(1);

/// Answers as often as somebody lets it.
#[derive(Default)]
struct Slow {
    asked: Vec<Promise<f64>>,
}

impl Actor for Slow {
    type Context = Context<Self>;
}

process!(Slow);

impl Slow {
    fn ask(&mut self) -> Future<f64> {
        self.asked.push(Promise::new());
        self.asked[self.asked.len() - 1].future()
    }

    fn answer(&mut self, value: f64) -> Future<usize> {
        let asked = std::mem::take(&mut self.asked);
        for promise in &asked {
            promise.set(value);
        }
        Future::ready(asked.len())
    }
}

fn slow_gauge(name: &str, pid: &Pid<Slow>) -> PullGauge {
    let pid = pid.clone();
    PullGauge::new(name, move || dispatch!(pid, Slow::ask, |this, _| this.ask()))
}

fn answer(world: &World, pid: &Pid<Slow>, value: f64) -> usize {
    world.ready(&dispatch!(pid, Slow::answer, |this, _| this.answer(value)))
}

fn end(world: &World, pid: &Pid<Slow>) {
    terminate(pid, true);
    world.ready(&wait(pid));
}

fn all_ready<'a>(world: &World, futures: impl IntoIterator<Item = &'a Future<Nothing>>) {
    for future in futures {
        world.ready(future);
    }
}

/// What was sent to the process of the metrics before has been handled after this.
fn caught_up(world: &World) {
    let barrier = Counter::new("barrier");
    world.ready(&metrics::add(&barrier));
    world.ready(&metrics::remove(&barrier));
}

#[test]
fn names_are_unique() {
    in_both_worlds(|world| {
        let first = Counter::new("a/b");
        world.ready(&metrics::add(&first));
        let second = PushGauge::new("a/b");
        assert_eq!(world.failed(&metrics::add(&second)), "Metric 'a/b' was already added");

        // The first one stays.
        first.add(7);
        assert_eq!(world.ready(&metrics::snapshot(None))["a/b"], 7.0);

        world.ready(&metrics::remove(&first));
        assert_eq!(world.failed(&metrics::remove(&first)), "Metric 'a/b' not found");
        world.ready(&metrics::add(&second));
        world.ready(&metrics::remove(&second));
    });
}

/// A gauge that is removed while it is being asked is in that snapshot, and in no later one.
#[test]
fn removal_while_a_snapshot_is_under_way() {
    in_both_worlds(|world| {
        let pid = spawn("slow", Slow::default());
        let gauge = slow_gauge("slow", &pid);
        let counter = Counter::new("counter");
        world.ready(&metrics::add(&gauge));
        world.ready(&metrics::add(&counter));

        let under_way = metrics::snapshot(None);
        let removed = [metrics::remove(&gauge), metrics::remove(&counter)];
        all_ready(world, &removed);
        let later = world.ready(&metrics::snapshot(None));
        assert!(later.is_empty(), "{later:?}");
        assert!(under_way.is_pending());

        counter.increment();
        assert_eq!(answer(world, &pid, 3.0), 1);
        let values = world.ready(&under_way);
        // The counter as it was when it was asked.
        assert_eq!(format!("{values:?}"), r#"{"counter": 0.0, "slow": 3.0}"#);
        end(world, &pid);
    });
}

/// Removals, additions and snapshots that nobody keeps apart: each snapshot has a metric with all
/// its keys or not at all, and whoever waits for the removal of a gauge may end its process.
#[test]
fn metrics_come_and_go_during_snapshots() {
    in_both_worlds(|world| {
        for _ in 0..4 {
            let pid = spawn("slow", Slow::default());
            let gauge = slow_gauge("slow", &pid);
            let counter = Counter::with_window("counter", SECOND);
            world.advance(Duration::from_millis(1));
            counter.increment();

            let mut snapshots = vec![metrics::snapshot(Some(SECOND))];
            let added = [metrics::add(&gauge), metrics::add(&counter)];
            snapshots.push(metrics::snapshot(Some(SECOND)));
            let removed = [metrics::remove(&gauge), metrics::remove(&counter)];
            snapshots.push(metrics::snapshot(Some(SECOND)));

            all_ready(world, added.iter().chain(&removed));
            end(world, &pid);
            // The middle one asked the gauge, whose process has ended since.
            for (snapshot, keys) in snapshots.iter().zip([0, 10, 0]) {
                let values = world.ready(snapshot);
                assert_eq!(values.len(), keys, "{values:?}");
            }
        }
        assert_eq!(find_timer(world), None, "timers have piled up");
    });
}

/// The earliest timer of a simulation.
fn find_timer(world: &World) -> Option<process::Time> {
    match world {
        World::Live(_) => None,
        World::Simulated { simulation, .. } => simulation.next_timer(),
    }
}

#[test]
fn a_gauge_whose_process_is_gone_is_left_out_at_once() {
    in_both_worlds(|world| {
        let pid = spawn("slow", Slow::default());
        let gauge = slow_gauge("slow", &pid);
        let counter = Counter::new("counter");
        world.ready(&metrics::add(&gauge));
        world.ready(&metrics::add(&counter));

        let under_way = metrics::snapshot(None);
        caught_up(world);
        end(world, &pid);
        for values in [under_way, metrics::snapshot(None), metrics::snapshot(Some(SECOND))] {
            let values = world.ready(&values);
            assert_eq!(format!("{values:?}"), r#"{"counter": 0.0}"#);
        }
        world.ready(&metrics::remove(&gauge));
        world.ready(&metrics::remove(&counter));
    });
}

/// Without a timeout a snapshot waits however long it takes, and starts no timer for that.
#[test]
fn without_a_timeout_the_slowest_decides() {
    in_both_worlds(|world| {
        let pid = spawn("slow", Slow::default());
        let gauge = slow_gauge("slow", &pid);
        world.ready(&metrics::add(&gauge));
        let values = metrics::snapshot(None);
        caught_up(world);
        assert_eq!(find_timer(world), None);
        world.advance(Duration::from_secs(1_000_000));
        assert!(values.is_pending());
        answer(world, &pid, 1.0);
        assert_eq!(world.ready(&values)["slow"], 1.0);
        world.ready(&metrics::remove(&gauge));
        end(world, &pid);
    });
}

/// One that nobody waits for any more ends, with its timer.
#[test]
fn a_snapshot_can_be_discarded() {
    in_both_worlds(|world| {
        let pid = spawn("slow", Slow::default());
        let gauge = slow_gauge("slow", &pid);
        world.ready(&metrics::add(&gauge));
        let values = metrics::snapshot(Some(SECOND));
        caught_up(world);
        values.discard();
        world.discarded(&values);
        assert_eq!(find_timer(world), None);
        world.ready(&metrics::remove(&gauge));
        end(world, &pid);
    });
}

/// Statistics are there even when the value is not: both are asked for at the same time.
#[test]
fn samples_say_more_than_snapshots() {
    in_both_worlds(|world| {
        let pid = spawn("slow", Slow::default());
        let gauge = slow_gauge("d", &pid);
        let timer = Timer::<Milliseconds>::with_window("c", SECOND);
        let counter = Counter::with_window("b", SECOND);
        let unused = Timer::<Milliseconds>::new("a");
        world.ready(&metrics::add(&gauge));
        world.ready(&metrics::add(&timer));
        world.ready(&metrics::add(&counter));
        world.ready(&metrics::add(&unused));
        for _ in 0..2 {
            timer.start();
            world.advance(Duration::from_millis(30));
            timer.stop();
        }

        let samples = metrics::samples(Some(SECOND));
        caught_up(world);
        world.advance(SECOND);
        let samples = world.ready(&samples);
        let seen: Vec<_> = samples
            .iter()
            .map(|Sample { name, kind, has_history, value, statistics }| {
                (name.as_str(), *kind, *has_history, *value, statistics.map(|all| all.count))
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("a_ms", Kind::Timer, false, None, None),
                ("b", Kind::Counter, true, Some(0.0), None),
                ("c_ms", Kind::Timer, true, Some(30.0), Some(2)),
                ("d", Kind::Gauge, false, None, None),
            ]
        );
        world.ready(&metrics::remove(&gauge));
        world.ready(&metrics::remove(&timer));
        world.ready(&metrics::remove(&counter));
        world.ready(&metrics::remove(&unused));
        end(world, &pid);
    });
}

/// A metric whose name is also a key of another's statistics does not replace that.
#[test]
fn statistics_have_their_keys_for_themselves() {
    in_both_worlds(|world| {
        let counter = Counter::with_window("a", SECOND);
        world.advance(Duration::from_millis(1));
        counter.increment();
        let gauge = PushGauge::new("a/count");
        gauge.set(99.0);
        world.ready(&metrics::add(&gauge));
        world.ready(&metrics::add(&counter));
        let values = world.ready(&metrics::snapshot(None));
        assert_eq!((values["a"], values["a/count"], values.len()), (1.0, 2.0, 10));
        world.ready(&metrics::remove(&gauge));
        world.ready(&metrics::remove(&counter));
    });
}

#[test]
fn a_window_forgets() {
    in_both_worlds(|world| {
        let timer = Timer::<Milliseconds>::with_window("pull", 10 * SECOND);
        for milliseconds in [900, 10, 20] {
            timer.start();
            world.advance(Duration::from_millis(milliseconds));
            timer.stop();
        }
        assert_eq!(timer.statistics().map(|all| (all.count, all.max)), Some((3, 900.0)));
        world.advance(10 * SECOND - Duration::from_millis(15));
        timer.start();
        timer.stop();
        // Left: 20 milliseconds, and none.
        assert_eq!(timer.statistics().map(|all| (all.count, all.max)), Some((2, 20.0)));
    });
}

/// Several measurements at once, which end in any way.
#[test]
fn a_timer_measures_futures_however_they_end() {
    in_both_worlds(|world| {
        let timer = Timer::<Milliseconds>::with_window("pull", 100 * SECOND);
        let promises = [Promise::<i32>::new(), Promise::new(), Promise::new(), Promise::new()];
        let futures = promises.each_ref().map(|promise| timer.time(promise.future()));
        let [ready, failed, discarded, abandoned] = promises;
        world.advance(SECOND);
        ready.set(1);
        world.advance(SECOND);
        failed.fail("no");
        world.advance(SECOND);
        discarded.discard();
        world.advance(SECOND);
        drop(abandoned);
        assert_eq!(futures[0].get(), Some(&1));
        assert_eq!(timer.statistics().map(|all| (all.count, all.min)), Some((3, 1000.0)));
        assert_eq!(world.ready(&timer.value()), 3000.0);
    });
}

#[test]
fn units_of_timers() {
    use metrics::{Days, Hours, Minutes, Nanoseconds, Seconds, Weeks};
    let world = World::simulated(1);
    fn measure<U: metrics::Unit>(world: &World, time: Duration) -> (String, f64) {
        let timer = Timer::<U>::new("t");
        timer.start();
        world.advance(time);
        assert_eq!(timer.stop(), time);
        (timer.name().to_owned(), world.ready(&timer.value()))
    }
    let nine_days = Duration::from_secs(9 * 24 * 60 * 60);
    assert_eq!(measure::<Nanoseconds>(&world, SECOND), ("t_ns".to_owned(), 1e9));
    assert_eq!(measure::<metrics::Microseconds>(&world, SECOND), ("t_us".to_owned(), 1e6));
    assert_eq!(measure::<Milliseconds>(&world, SECOND / 3), ("t_ms".to_owned(), 333.333333));
    assert_eq!(measure::<Seconds>(&world, SECOND / 4), ("t_secs".to_owned(), 0.25));
    assert_eq!(measure::<Minutes>(&world, 90 * SECOND), ("t_mins".to_owned(), 1.5));
    assert_eq!(measure::<Hours>(&world, nine_days), ("t_hrs".to_owned(), 216.0));
    assert_eq!(measure::<Days>(&world, nine_days), ("t_days".to_owned(), 9.0));
    assert_eq!(measure::<Weeks>(&world, 7 * nine_days), ("t_weeks".to_owned(), 9.0));
}

/// Threads that count at the same time lose nothing, with a window or without.
#[test]
fn counting_from_many_threads() {
    const TIMES: u32 = 1_000_000;
    let counters =
        [Counter::new("counter"), Counter::with_window("windowed", Duration::from_secs(3600))];
    let gauge = PushGauge::new("gauge");
    let together = Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                together.wait();
                for _ in 0..TIMES {
                    counters[0].increment();
                }
                together.wait();
                for _ in 0..TIMES {
                    gauge.add(0.5);
                }
                for _ in 0..500 {
                    counters[1].add(2);
                }
            });
        }
    });
    assert_eq!(counters[0].get(), 4 * i64::from(TIMES));
    assert_eq!((counters[1].get(), gauge.get()), (4000, 2.0 * f64::from(TIMES)));
}

#[test]
fn a_counter_wraps_around() {
    let counter = Counter::with_window("counter", SECOND);
    counter.add(i64::MAX);
    counter.increment();
    assert_eq!(counter.get(), i64::MIN);
}

/// Two simulations and the live runtime have a process each, which starts when it is needed.
#[test]
fn each_runtime_has_its_own_metrics() {
    let values = |seed: u64| {
        let world = World::simulated(seed);
        assert!(!process_ids().contains(&metrics::ID.to_owned()));
        let counter = Counter::new("same");
        // What is not there cannot be removed, and nothing starts for that.
        world.failed(&metrics::remove(&counter));
        assert!(!process_ids().contains(&metrics::ID.to_owned()));

        world.ready(&metrics::add(&counter));
        assert!(process_ids().contains(&metrics::ID.to_owned()));
        counter.add(seed as i64);
        let values = world.ready(&metrics::snapshot(None));
        format!("{values:?}")
    };
    assert_eq!(values(1), r#"{"same": 1.0}"#);
    assert_eq!(values(2), r#"{"same": 2.0}"#);
    let world = World::live();
    assert_eq!(world.ready(&metrics::snapshot(None)).get("same"), None);
}

/// The live process is started once, however many need it at the same time.
#[test]
fn the_first_use_from_many_threads() {
    let world = World::live();
    let names: Vec<_> = (0..8).map(|n| format!("thread/{n}")).collect();
    let added = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for name in &names {
            let added = &added;
            scope.spawn(move || {
                let counter = Counter::new(name);
                let ready = metrics::add(&counter);
                added.lock().unwrap().push((counter, ready));
            });
        }
    });
    let added = added.into_inner().unwrap();
    all_ready(&world, added.iter().map(|(_, ready)| ready));
    let values = world.ready(&metrics::snapshot(None));
    assert!(names.iter().all(|name| values.contains_key(name)), "{values:?}");
    for (counter, _) in &added {
        world.ready(&metrics::remove(counter));
    }
}

/// A run with metrics is a function of its seed.
#[test]
fn runs_repeat() {
    let run = |seed: u64| {
        let world = World::simulated(seed);
        let pids = [spawn("s1", Slow::default()), spawn("s2", Slow::default())];
        let gauges = ["x", "y", "z"].map(|name| slow_gauge(name, &pids[name.len() % 2]));
        let log = Arc::new(Mutex::new(Vec::new()));
        for (n, gauge) in gauges.iter().enumerate() {
            let log = Arc::clone(&log);
            metrics::add(gauge).on_any(move |_| log.lock().unwrap().push(n));
        }
        let values = metrics::snapshot(Some(SECOND));
        world.settle();
        for pid in &pids {
            answer(&world, pid, 1.0);
        }
        let values = world.ready(&values);
        let World::Simulated { simulation, .. } = &world else { unreachable!() };
        (simulation.digest(), values, log.lock().unwrap().clone(), clock::now())
    };
    for seed in 1..=20 {
        assert_eq!(run(seed), run(seed));
    }
}

/// Whoever holds its metrics until the world ends removes them from what is there then: nothing.
#[test]
fn removal_at_the_end_of_the_world() {
    struct Holder(Counter);
    impl Actor for Holder {
        type Context = Context<Self>;
    }
    process!(Holder);
    impl Drop for Holder {
        fn drop(&mut self) {
            metrics::remove(&self.0);
        }
    }
    let world = World::simulated(1);
    // One is dropped before the process of the metrics, one after it.
    for name in ["first", "second"] {
        let counter = Counter::new(name);
        spawn(name, Holder(counter.clone()));
        world.ready(&metrics::add(&counter));
    }
    drop(world);
    let world = World::simulated(1);
    assert_eq!(find::<Holder>("first").or(find("second")), None);
    assert!(world.ready(&metrics::snapshot(None)).is_empty());
}
