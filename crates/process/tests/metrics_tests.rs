//! The twins of `3rdparty/libprocess/src/tests/metrics_tests.cpp`, each named after its original.
//!
//! Upstream asks the endpoint where these ask [`metrics::snapshot`]; what the endpoint does beyond
//! that (a bad timeout, the rate limit, authentication) is tested with it.

mod support;

use process::actix::Actor;
use process::metrics::{
    self, Counter, Metric, Microseconds, Nanoseconds, PullGauge, PushGauge, Timer,
};
use process::{Context, Future, Pid, Promise, clock, dispatch, process, spawn, terminate, wait};
use std::collections::BTreeMap;
use std::time::Duration;
use support::{World, in_both_worlds};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Default)]
struct PullGaugeProcess {
    promise: Promise<f64>,
}

impl Actor for PullGaugeProcess {
    type Context = Context<Self>;
}

process!(PullGaugeProcess);

impl PullGaugeProcess {
    fn get(&mut self) -> Future<f64> {
        Future::ready(42.0)
    }

    fn fail(&mut self) -> Future<f64> {
        Future::failed("failure")
    }

    fn pending(&mut self) -> Future<f64> {
        self.promise.future()
    }
}

type Method = fn(&mut PullGaugeProcess) -> Future<f64>;

fn pull(name: &str, pid: &Pid<PullGaugeProcess>, method: Method) -> PullGauge {
    let pid = pid.clone();
    PullGauge::new(name, move || dispatch!(pid, PullGaugeProcess::get, |this, _| method(this)))
}

fn end(world: &World, pid: &Pid<PullGaugeProcess>) {
    terminate(pid, true);
    world.ready(&wait(pid));
}

fn value(world: &World, metric: &impl Metric) -> f64 {
    world.ready(&metric.value())
}

/// As close as `EXPECT_DOUBLE_EQ` demands.
#[track_caller]
fn close(value: f64, expected: f64) {
    assert!((value - expected).abs() <= 4.0 * f64::EPSILON * expected, "{value} is not {expected}");
}

#[test]
fn counter() {
    in_both_worlds(|world| {
        let counter = Counter::new("test/counter");
        world.ready(&metrics::add(&counter));
        assert_eq!(value(world, &counter), 0.0);

        counter.increment();
        assert_eq!(value(world, &counter), 1.0);
        counter.increment();
        assert_eq!(value(world, &counter), 2.0);
        counter.reset();
        assert_eq!(value(world, &counter), 0.0);
        counter.add(42);
        assert_eq!(value(world, &counter), 42.0);

        assert_eq!(counter.statistics(), None);
        world.ready(&metrics::remove(&counter));
    });
}

#[test]
fn pull_gauge() {
    in_both_worlds(|world| {
        let pid = spawn("pull_gauge", PullGaugeProcess::default());

        let gauge = pull("test/gauge", &pid, PullGaugeProcess::get);
        world.ready(&metrics::add(&gauge));
        assert_eq!(value(world, &gauge), 42.0);
        world.ready(&metrics::remove(&gauge));

        let gauge = pull("test/failedgauge", &pid, PullGaugeProcess::fail);
        world.ready(&metrics::add(&gauge));
        assert_eq!(world.failed(&gauge.value()), "failure");
        world.ready(&metrics::remove(&gauge));

        end(world, &pid);
    });
}

#[test]
fn push_gauge() {
    in_both_worlds(|world| {
        let gauge = PushGauge::new("test/gauge");
        world.ready(&metrics::add(&gauge));
        assert_eq!(value(world, &gauge), 0.0);

        gauge.increment();
        assert_eq!(value(world, &gauge), 1.0);
        gauge.add(42.0);
        assert_eq!(value(world, &gauge), 43.0);
        gauge.decrement();
        assert_eq!(value(world, &gauge), 42.0);
        gauge.add(-42.0);
        assert_eq!(value(world, &gauge), 0.0);
        gauge.set(42.0);
        assert_eq!(value(world, &gauge), 42.0);

        assert_eq!(gauge.statistics(), None);
        world.ready(&metrics::remove(&gauge));
    });
}

#[test]
fn statistics() {
    in_both_worlds(|world| {
        let counter = Counter::with_window("test/counter", metrics::WINDOW);
        world.ready(&metrics::add(&counter));
        for _ in 0..10 {
            world.advance(SECOND);
            counter.increment();
        }

        let statistics = counter.statistics().unwrap();
        assert_eq!(statistics.count, 11);
        close(statistics.min, 0.0);
        close(statistics.max, 10.0);
        close(statistics.p50, 5.0);
        close(statistics.p90, 9.0);
        close(statistics.p95, 9.5);
        close(statistics.p99, 9.9);
        close(statistics.p999, 9.99);
        close(statistics.p9999, 9.999);
        world.ready(&metrics::remove(&counter));
    });
}

fn snapshot(world: &World, timeout: Option<Duration>) -> BTreeMap<String, f64> {
    world.ready(&metrics::snapshot(timeout))
}

#[test]
fn threadsafe_snapshot() {
    in_both_worlds(|world| {
        let pid = spawn("pull_gauge", PullGaugeProcess::default());
        let gauge = pull("test/gauge", &pid, PullGaugeProcess::get);
        let gauge_fail = pull("test/gauge_fail", &pid, PullGaugeProcess::fail);
        let gauge_const = PullGauge::new("test/gauge_const", || Future::ready(99.0));
        let counter = Counter::new("test/counter");
        world.ready(&metrics::add(&gauge));
        world.ready(&metrics::add(&gauge_fail));
        world.ready(&metrics::add(&gauge_const));
        world.ready(&metrics::add(&counter));

        let values = snapshot(world, None);
        assert_eq!(values.get("test/counter"), Some(&0.0));
        assert_eq!(values.get("test/gauge"), Some(&42.0));
        assert_eq!(values.get("test/gauge_const"), Some(&99.0));
        assert_eq!(values.get("test/gauge_fail"), None);

        world.ready(&metrics::remove(&gauge));
        world.ready(&metrics::remove(&gauge_fail));
        world.ready(&metrics::remove(&gauge_const));
        world.ready(&metrics::remove(&counter));
        assert_eq!(snapshot(world, None), BTreeMap::new());
        end(world, &pid);
    });
}

#[test]
fn snapshot_alphabetical() {
    in_both_worlds(|world| {
        let counters = ["f", "e", "d", "c", "b", "a"].map(|c| Counter::new(format!("test/{c}")));
        for counter in &counters {
            world.ready(&metrics::add(counter));
        }
        assert_eq!(
            metrics::json(&snapshot(world, None)),
            r#"{"test/a":0.0,"test/b":0.0,"test/c":0.0,"test/d":0.0,"test/e":0.0,"test/f":0.0}"#
        );
        for counter in &counters {
            world.ready(&metrics::remove(counter));
        }
    });
}

#[test]
fn threadsafe_snapshot_timeout() {
    in_both_worlds(|world| {
        let pid = spawn("pull_gauge", PullGaugeProcess::default());
        let gauge = pull("test/gauge", &pid, PullGaugeProcess::get);
        let gauge_fail = pull("test/gauge_fail", &pid, PullGaugeProcess::fail);
        let gauge_timeout = pull("test/gauge_timeout", &pid, PullGaugeProcess::pending);
        let counter = Counter::new("test/counter");
        world.ready(&metrics::add(&gauge));
        world.ready(&metrics::add(&gauge_fail));
        world.ready(&metrics::add(&gauge_timeout));
        world.ready(&metrics::add(&counter));

        let asked = clock::now();
        let values = metrics::snapshot(Some(2 * SECOND));
        // Upstream's clock settles. Here it has begun when what was sent to the same process later
        // is done; and so for the answer of the gauge.
        let barrier = Counter::new("test/barrier");
        world.ready(&metrics::add(&barrier));
        world.ready(&metrics::remove(&barrier));
        world.ready(&gauge.value());
        world.settle();
        assert!(values.is_pending());
        world.advance(2 * SECOND - Duration::from_nanos(1));
        world.settle();
        assert!(values.is_pending());

        world.advance(Duration::from_nanos(1));
        let values = world.ready(&values);
        assert_eq!(clock::now() - asked, 2 * SECOND);
        assert_eq!(values.get("test/counter"), Some(&0.0));
        assert_eq!(values.get("test/gauge"), Some(&42.0));
        assert_eq!(values.get("test/gauge_fail"), None);
        assert_eq!(values.get("test/gauge_timeout"), None);

        world.ready(&metrics::remove(&gauge));
        world.ready(&metrics::remove(&gauge_fail));
        world.ready(&metrics::remove(&gauge_timeout));
        world.ready(&metrics::remove(&counter));
        assert_eq!(snapshot(world, Some(2 * SECOND)), BTreeMap::new());
        end(world, &pid);
    });
}

#[test]
fn snapshot_statistics() {
    in_both_worlds(|world| {
        let counter = Counter::with_window("test/counter", metrics::WINDOW);
        world.ready(&metrics::add(&counter));
        for _ in 0..10 {
            world.advance(SECOND);
            counter.increment();
        }

        let values = snapshot(world, None);
        let expected = [
            ("test/counter", 10.0),
            ("test/counter/count", 11.0),
            ("test/counter/max", 10.0),
            ("test/counter/min", 0.0),
            ("test/counter/p50", 5.0),
            ("test/counter/p90", 9.0),
            ("test/counter/p95", 9.5),
            ("test/counter/p99", 9.9),
            ("test/counter/p999", 9.99),
            ("test/counter/p9999", 9.999),
        ];
        assert!(values.keys().eq(expected.iter().map(|(key, _)| key)), "{values:?}");
        for (key, expected) in expected {
            close(values[key], expected);
        }
        world.ready(&metrics::remove(&counter));
    });
}

#[test]
fn timer() {
    in_both_worlds(|world| {
        let timer = Timer::<Nanoseconds>::new("test/timer");
        assert_eq!(timer.name(), "test/timer_ns");
        world.ready(&metrics::add(&timer));
        assert_eq!(world.failed(&timer.value()), "No value");

        // Not an error, though it was not started.
        timer.stop();

        timer.start();
        world.advance(Duration::from_micros(1));
        assert_eq!(timer.stop(), Duration::from_micros(1));
        assert_eq!(value(world, &timer), 1000.0);

        // Nor is this, though it was stopped.
        timer.stop();
        world.ready(&metrics::remove(&timer));
    });
}

#[test]
fn async_timer() {
    in_both_worlds(|world| {
        let timer = Timer::<Microseconds>::new("test/timer");
        assert_eq!(timer.name(), "test/timer_us");
        world.ready(&metrics::add(&timer));

        // It is the future that is timed, not the call that makes it.
        let advance_and_return = || {
            world.advance(SECOND);
            Future::ready(42)
        };
        let result = timer.time(advance_and_return());
        world.advance(SECOND);
        assert_eq!(world.ready(&result), 42);
        assert_eq!(value(world, &timer), 0.0);
        world.ready(&metrics::remove(&timer));
    });
}
