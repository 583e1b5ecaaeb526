//! Chrome trace-event JSON, which Perfetto and `chrome://tracing` load.
//!
//! Virtual time mostly stands still while events are handled, so a true time axis would show one
//! heap of slices. The axis is the order of events instead, a millisecond each; virtual time is
//! a counter track and an argument of each slice.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{View, duration, is_fault, kind_name, repeats_state};
use crate::timeline::{Event, Timeline};

/// Microseconds of the axis for each event.
const SLOT: u64 = 1_000;

/// The group of tracks that shows actors, a thread each.
const ACTORS: u64 = 1;

/// The group of tracks that shows containers.
const CONTAINERS: u64 = 2;

/// The thread that shows the causal chain; lanes follow.
const CHAIN: u64 = 1;

/// The run as Chrome trace-event JSON: a thread for each actor, a slice for each event, flows from
/// cause to effect, container states as asynchronous slices, faults and the violation as instants.
pub fn perfetto(timeline: &Timeline) -> String {
    let view = View::new(timeline);
    let mut out = Vec::new();
    names(&mut out, &view);
    let mut time = None;
    for event in &timeline.events {
        slice(&mut out, &view, event);
        if time != Some(event.time_ns) {
            time = Some(event.time_ns);
            // Perfetto's counters are doubles: exact up to 104 days.
            #[allow(clippy::cast_precision_loss, reason = "shown, not computed with")]
            let seconds = event.time_ns as f64 / 1e9;
            out.push(json!({
                "ph": "C", "pid": ACTORS, "name": "virtual time (s)", "ts": start(event.id),
                "args": { "s": seconds },
            }));
        }
    }
    for event in &view.chain {
        out.push(json!({
            "ph": "X", "cat": "chain", "pid": ACTORS, "tid": CHAIN, "name": event.label,
            "ts": start(event.id), "dur": SLOT, "cname": "terrible",
            "args": { "event": event.id, "actor": view.lane(event.lane) },
        }));
    }
    states(&mut out, timeline);
    if let Some(verdict) = &timeline.verdict {
        out.push(json!({
            "ph": "i", "s": "g", "cat": "violation", "pid": ACTORS, "tid": CHAIN,
            "name": format!("{} violated", verdict.oracle), "ts": middle(verdict.event),
            "cname": "terrible",
            "args": {
                "message": verdict.message, "finding": verdict.finding, "event": verdict.event,
            },
        }));
    }
    let trace = json!({
        "displayTimeUnit": "ms",
        "otherData": {
            "scenario": timeline.scenario,
            "seed": timeline.seed.map(|seed| seed.to_string()),
            "strategy": timeline.strategy,
            "verdict": view.verdict(),
            "replay": timeline.replay,
            "axis": "order of events, 1 ms each; virtual time is a counter",
        },
        "traceEvents": out,
    });
    trace.to_string()
}

fn start(event: u64) -> u64 {
    event.saturating_mul(SLOT)
}

fn middle(event: u64) -> u64 {
    start(event).saturating_add(SLOT / 2)
}

/// Perfetto takes thread 0 for no thread.
fn thread(lane: u32) -> u64 {
    u64::from(lane) + CHAIN + 1
}

fn names(out: &mut Vec<Value>, view: &View) {
    let mut name = |what: &str, pid: u64, tid: u64, args: Value| {
        out.push(json!({ "ph": "M", "name": what, "pid": pid, "tid": tid, "args": args }));
    };
    name("process_name", ACTORS, 0, json!({ "name": view.headline() }));
    name("process_sort_index", ACTORS, 0, json!({ "sort_index": 1 }));
    name("process_name", CONTAINERS, 0, json!({ "name": "containers" }));
    name("process_sort_index", CONTAINERS, 0, json!({ "sort_index": 0 }));
    name("thread_name", ACTORS, CHAIN, json!({ "name": "causal chain" }));
    name("thread_sort_index", ACTORS, CHAIN, json!({ "sort_index": 0 }));
    for (place, lane) in view.lanes.iter().enumerate() {
        let title = match kind_name(lane.kind) {
            kind if kind == lane.name => lane.name.clone(),
            kind => format!("{} ({kind})", lane.name),
        };
        name("thread_name", ACTORS, thread(lane.id), json!({ "name": title }));
        name("thread_sort_index", ACTORS, thread(lane.id), json!({ "sort_index": place + 1 }));
    }
}

fn slice(out: &mut Vec<Value>, view: &View, event: &Event) {
    let (ts, tid) = (start(event.id), thread(event.lane));
    let states = view.states(event.id);
    let remarks: Vec<String> = view
        .remarks(event.id)
        .iter()
        .filter(|remark| !repeats_state(remark, states))
        .map(|remark| format!("{}: {}", remark.kind, remark.text))
        .collect();
    let mut args = json!({
        "event": event.id, "cause": event.cause, "step": event.step,
        "virtual time": duration(event.time_ns), "virtual time (ns)": event.time_ns,
    });
    if !remarks.is_empty() {
        args["remarks"] = json!(remarks);
    }
    for state in states {
        args[format!("state of {}", state.change.container)] = json!(state.change.state);
    }
    out.push(json!({
        "ph": "X", "cat": "event", "pid": ACTORS, "tid": tid, "name": event.label, "ts": ts,
        "dur": SLOT, "args": args,
    }));
    for fault in view.remarks(event.id).iter().filter(|remark| is_fault(remark)) {
        out.push(json!({
            "ph": "i", "s": "t", "cat": "fault", "pid": ACTORS, "tid": tid,
            "name": format!("fault: {}", fault.text), "ts": middle(event.id), "cname": "bad",
        }));
    }
    if let Some(cause) = view.timeline.event(event.cause) {
        let mut flow = |ph: &str, tid: u64, ts: u64| {
            out.push(json!({
                "ph": ph, "cat": "cause", "name": "cause", "id": event.id, "bp": "e",
                "pid": ACTORS, "tid": tid, "ts": ts,
            }));
        };
        flow("s", thread(cause.lane), middle(cause.id));
        flow("f", tid, middle(event.id));
    }
}

/// An asynchronous slice for the life of each container, and in it one for each state.
fn states(out: &mut Vec<Value>, timeline: &Timeline) {
    let end = timeline.events.last().map_or(0, |event| start(event.id) + SLOT);
    let mut open: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    let mut put = |ph: &str, container: &str, name: &str, ts: u64| {
        out.push(json!({
            "ph": ph, "cat": "container", "id": container, "pid": CONTAINERS, "tid": 1,
            "name": name, "ts": ts,
        }));
    };
    for change in &timeline.states {
        let (container, ts) = (change.container.as_str(), start(change.event));
        // A track is named after its first slice.
        let current = open.entry(container).or_insert_with(|| {
            put("b", container, container, ts);
            None
        });
        if let Some(before) = current.take() {
            put("e", container, before, ts);
        }
        if change.state == "GONE" {
            put("e", container, container, ts);
            open.remove(container);
        } else {
            put("b", container, &change.state, ts);
            *current = Some(&change.state);
        }
    }
    for (container, state) in open {
        if let Some(state) = state {
            put("e", container, state, end);
        }
        put("e", container, container, end);
    }
}
