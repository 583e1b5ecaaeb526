//! The process that knows all metrics, one a runtime.

use super::metric::Metric;
use super::rate_limit::RateLimit;
use super::snapshot::{self, Sample};
use super::{endpoint, prometheus};
use crate::after::after;
use crate::context::Context;
use crate::future::{Future, Nothing, await_all, select};
use crate::http::{HeaderValue, Request, Response, header};
use crate::limiter::RateLimiter;
use crate::pid::Pid;
use crate::spawn::{find, spawn};
use crate::{defer, simulated};
use actix::Actor;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

/// The name of the process, and the first segment of its endpoints.
pub const ID: &str = "metrics";

/// Held while the live process is looked up and spawned, so that there is one.
static SPAWNING: Mutex<()> = Mutex::new(());

/// Knows the metrics of a runtime and asks them for snapshots.
///
/// Mirrors `MetricsProcess` in `3rdparty/libprocess/src/metrics/metrics.cpp`.
#[doc(alias = "process::metrics::internal::MetricsProcess")]
#[derive(Default)]
pub(super) struct MetricsProcess {
    metrics: BTreeMap<String, Box<dyn Metric>>,
    /// How often snapshots may be taken over HTTP.
    limiter: Option<RateLimiter>,
}

impl Actor for MetricsProcess {
    type Context = Context<Self>;
}

crate::process!(MetricsProcess);

/// The process of this runtime, if anybody needed it so far.
pub(super) fn running() -> Option<Pid<MetricsProcess>> {
    find(ID)
}

/// The process of this runtime; the first who needs it starts it.
pub(super) fn instance() -> Pid<MetricsProcess> {
    // A simulation is this thread's own.
    let _guard = simulated::now().is_none().then(|| SPAWNING.lock());
    running().unwrap_or_else(|| spawn(ID, MetricsProcess::default()))
}

impl MetricsProcess {
    #[doc(alias = "MetricsProcess::add")]
    pub(super) fn add(&mut self, metric: Box<dyn Metric>) -> Future<Nothing> {
        match self.metrics.entry(metric.name().to_owned()) {
            Entry::Vacant(entry) => {
                entry.insert(metric);
                Future::ready(Nothing)
            }
            Entry::Occupied(entry) => {
                Future::failed(format!("Metric '{}' was already added", entry.key()))
            }
        }
    }

    #[doc(alias = "MetricsProcess::remove")]
    pub(super) fn remove(&mut self, name: &str) -> Future<Nothing> {
        match self.metrics.remove(name) {
            Some(_) => Future::ready(Nothing),
            None => not_found(name),
        }
    }

    /// Answers requests from now on.
    ///
    /// Mirrors `MetricsProcess::initialize`.
    #[doc(alias = "MetricsProcess::initialize")]
    pub(super) fn serve(&mut self, context: &mut Context<Self>, limit: Option<RateLimit>) {
        self.limiter = limit.map(|limit| limit.limiter());
        let help = Some(endpoint::snapshot_help().to_string());
        // differs: upstream wraps the answer into a call when there is a `jsonp` parameter, which
        // makes scripts of it that other sites may run.
        context.route("/snapshot", help, |this, context, request| {
            this.answer(context, &request, |samples| {
                Response::json(super::json(&snapshot::by_key(samples)))
            })
        });
        let help = Some(endpoint::prometheus_help().to_string());
        context.route("/", help, |this, context, request| {
            this.answer(context, &request, |samples| {
                let kind = HeaderValue::from_static(prometheus::CONTENT_TYPE);
                Response::ok(prometheus::text(samples)).with_header(header::CONTENT_TYPE, kind)
            })
        });
    }

    /// Answers a request with a snapshot, when it is its turn.
    #[doc(alias = "MetricsProcess::_snapshot")]
    fn answer(
        &mut self,
        context: &Context<Self>,
        request: &Request,
        render: fn(&[Sample]) -> Response,
    ) -> Future<Response> {
        let timeout = request.url.query.get("timeout").map(String::as_str);
        let timeout = match endpoint::timeout(timeout) {
            Ok(timeout) => timeout,
            Err(error) => return Future::ready(Response::bad_request(error)),
        };
        let turn = self.limiter.as_ref().map_or(Future::ready(Nothing), RateLimiter::acquire);
        turn.then(defer!(context.pid(), Self::samples, |this, context, _| {
            this.samples(context, timeout)
        }))
        .map(move |samples| render(samples))
    }

    /// Asks all metrics, waits for their answers as long as `timeout` allows, and tells what there
    /// is. What is removed meanwhile is in it nevertheless.
    #[doc(alias = "MetricsProcess::snapshot")]
    pub(super) fn samples(
        &mut self,
        context: &Context<Self>,
        timeout: Option<Duration>,
    ) -> Future<Vec<Sample>> {
        let asked: Vec<Asked> =
            self.metrics.values().map(|metric| Asked::ask(metric.as_ref())).collect();
        let answers = asked.iter().map(|asked| answered_or_gone(&asked.value)).collect();
        let answered = await_all(answers).map(|_| Nothing);

        // differs: without a timeout upstream starts a timer of 292 years and aborts at its end.
        let Some(timeout) = timeout else { return collected(context, &answered, asked) };
        let timed_out = after(timeout);
        let first = select(&[timed_out.clone(), answered]);
        first.on_any(move |_| {
            // Timers must not pile up.
            timed_out.discard();
        });
        collected(context, &first, asked)
    }

    #[doc(alias = "MetricsProcess::__snapshot")]
    fn collect(asked: &[Asked]) -> Vec<Sample> {
        asked.iter().map(Asked::sample).collect()
    }
}

pub(super) fn not_found(name: &str) -> Future<Nothing> {
    Future::failed(format!("Metric '{name}' not found"))
}

fn collected<T: crate::future::Value>(
    context: &Context<MetricsProcess>,
    waited: &Future<T>,
    asked: Vec<Asked>,
) -> Future<Vec<Sample>> {
    waited.then(defer!(context.pid(), MetricsProcess::collect, |_, _, _| {
        Future::ready(MetricsProcess::collect(&asked))
    }))
}

/// A metric that was asked, and its answer as far as it is there.
struct Asked {
    sample: Sample,
    value: Future<f64>,
}

impl Asked {
    fn ask(metric: &dyn Metric) -> Self {
        let value = metric.value();
        let sample = Sample {
            name: metric.name().to_owned(),
            kind: metric.kind(),
            has_history: metric.has_history(),
            value: None,
            statistics: metric.statistics(),
        };
        Asked { sample, value }
    }

    fn sample(&self) -> Sample {
        Sample { value: self.value.get().copied(), ..self.sample.clone() }
    }
}

/// Completes when the value does or when nobody is left to tell it.
fn answered_or_gone(value: &Future<f64>) -> Future<f64> {
    if !value.is_pending() {
        return value.clone();
    }
    // differs: upstream waits out the timeout, or for ever, when a gauge's process is gone.
    value.recover(|value| match value.is_abandoned() {
        true => Future::failed("the gauge's process has ended"),
        false => value.clone(),
    })
}
