//! A page of its own for browsers: lanes, states, faults, causes and effects, to step through.
//!
//! The page is one file that loads nothing: style, script and the run itself are inside. The run is
//! JSON in a `script` element that is not executed; the script builds everything with text nodes.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::{Value, json};

use super::{View, kind_name, text::summary};
use crate::timeline::Timeline;

const PAGE: &str = include_str!("timeline.html");
const STYLE: &str = include_str!("timeline.css");
const SCRIPT: &str = include_str!("timeline.js");

/// The run as one self-contained HTML page.
pub fn html(timeline: &Timeline) -> String {
    let view = View::new(timeline);
    let title = escape(&view.headline()).into_owned();
    let fallback = escape(&summary(&view)).into_owned();
    fill(
        PAGE,
        &[
            ("title", &title),
            ("style", STYLE),
            ("fallback", &fallback),
            ("data", &embed(&data(&view))),
            ("script", SCRIPT),
        ],
    )
}

/// The run in the form that the page's script reads: tables of rows, each label once.
fn data(view: &View) -> Value {
    let timeline = view.timeline;
    let mut labels: Vec<&str> = Vec::new();
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut lanes: Vec<Value> = view
        .lanes
        .iter()
        .map(|lane| json!({ "name": lane.name, "kind": kind_name(lane.kind) }))
        .collect();
    let mut unknown: BTreeMap<u32, usize> = BTreeMap::new();
    let mut events = Vec::with_capacity(timeline.events.len());
    for event in &timeline.events {
        let label = *numbers.entry(&event.label).or_insert_with(|| {
            labels.push(&event.label);
            labels.len() - 1
        });
        let lane = view.places.get(&event.lane).copied().unwrap_or_else(|| {
            *unknown.entry(event.lane).or_insert_with(|| {
                lanes.push(json!({ "name": view.lane(event.lane), "kind": "process" }));
                lanes.len() - 1
            })
        });
        events.push(json!([event.id, event.cause, event.time_ns, lane, label, event.step]));
    }
    let remarks = timeline.remarks.iter();
    let states = timeline.states.iter();
    json!({
        "scenario": timeline.scenario,
        // As text: a seed may be larger than a double can hold.
        "seed": timeline.seed.map(|seed| seed.to_string()),
        "strategy": timeline.strategy,
        "replay": timeline.replay,
        "verdict": timeline.verdict,
        "lanes": lanes,
        "labels": labels,
        "events": events,
        "remarks": remarks.map(|it| json!([it.event, it.kind, it.text])).collect::<Vec<_>>(),
        "states": states.map(|it| json!([it.container, it.state, it.event])).collect::<Vec<_>>(),
        "chain": view.chain.iter().map(|event| event.id).collect::<Vec<_>>(),
    })
}

/// JSON that can stand inside a `script` element: nothing in it can end the element, open a comment
/// or be a line end to an old parser.
fn embed(data: &Value) -> String {
    let json = data.to_string();
    let mut safe = String::with_capacity(json.len() + json.len() / 16);
    for c in json.chars() {
        // All of these occur only inside JSON strings, where an escape means the same.
        match c {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            c => safe.push(c),
        }
    }
    safe
}

/// Text that can stand in an element or a quoted attribute.
fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// The page with its `{{marks}}` replaced, in one pass: marks inside a value stay what they are.
fn fill(page: &str, values: &[(&str, &str)]) -> String {
    let size: usize = values.iter().map(|(_, value)| value.len()).sum();
    let mut out = String::with_capacity(page.len() + size);
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let known = values.iter().find_map(|(mark, value)| {
            Some((*value, after.strip_prefix(mark)?.strip_prefix("}}")?))
        });
        match known {
            Some((value, after)) => {
                out.push_str(value);
                rest = after;
            }
            None => {
                out.push_str("{{");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}
