//! A sequence diagram for pasting into an issue or a page.

use std::{collections::BTreeSet, fmt::Write};

use super::{View, count, cut, duration, is_fault, repeats_state};
use crate::timeline::{Event, Timeline};

/// So many events are legible in a diagram.
const MOST_EVENTS: usize = 80;

/// So many characters of a text are legible in a diagram.
const MOST_CHARACTERS: usize = 100;

/// So much virtual time between two events is worth a line of its own; less stands in brackets.
const LONG_NS: u64 = 100_000_000;

/// A Mermaid sequence diagram. Of runs with more than 80 events it shows the causal chain and what
/// is nearest to it, and says so.
pub fn mermaid(timeline: &Timeline) -> String {
    let view = View::new(timeline);
    let shown = choose(&view);
    let mut out = String::new();
    // A JSON string is a YAML string. Mermaid does not resolve entity codes in titles.
    let title = cut(&view.headline(), MOST_CHARACTERS).replace(|c| !is_plain(c), " ");
    let title = serde_json::Value::from(title);
    put(&mut out, format_args!("---\ntitle: {title}\n---\nsequenceDiagram\n"));
    let Some(span) = participants(&mut out, &view, &shown) else {
        put(&mut out, format_args!("    participant L as nothing\n"));
        put(&mut out, format_args!("    Note over L: Nothing happened, {}\n", said(&view)));
        return out;
    };

    let mut said_first = Vec::new();
    if shown.len() < timeline.events.len() {
        let all = count(timeline.events.len(), "event");
        said_first
            .push(format!("{} of {all}: the causal chain and what is nearest to it", shown.len()));
    }
    if !view.chain.is_empty() && shown.iter().any(|event| !view.on_chain.contains(&event.id)) {
        said_first.push("Solid arrows: the causal chain".to_owned());
    }
    if !said_first.is_empty() {
        put(&mut out, format_args!("    Note over {span}: {}\n", said_first.join("<br/>")));
    }

    let mut clock = 0;
    for event in &shown {
        let passed = event.time_ns.saturating_sub(clock);
        clock = event.time_ns;
        if passed >= LONG_NS {
            put(&mut out, format_args!("    Note over {span}: at {}\n", duration(clock)));
        }
        let time = (1..LONG_NS).contains(&passed).then(|| duration(clock));
        message(&mut out, &view, event, time);
    }
    put(&mut out, format_args!("    Note over {span}: {}\n", said(&view)));
    out
}

/// Writing to a string does not fail.
fn put(out: &mut String, text: std::fmt::Arguments) {
    let _ = out.write_fmt(text);
}

fn said(view: &View) -> String {
    escape(&view.verdict())
}

/// The events to show, in order.
fn choose<'a>(view: &View<'a>) -> Vec<&'a Event> {
    let events = &view.timeline.events;
    if events.len() <= MOST_EVENTS {
        return events.iter().collect();
    }
    // The end of the chain matters most; without a chain, the end of the run does.
    let mut chosen: BTreeSet<u64> =
        view.chain.iter().rev().take(MOST_EVENTS).map(|event| event.id).collect();
    let eventful = |event: &Event| view.has_fault(event.id) || !view.states(event.id).is_empty();
    let effect = |event: &Event| view.on_chain.contains(&event.cause);
    let ranks: [&dyn Fn(&Event) -> bool; 3] =
        [&|event| effect(event) && eventful(event), &eventful, &effect];
    for rank in ranks {
        for event in events.iter().rev().filter(|event| rank(event)) {
            if chosen.len() >= MOST_EVENTS {
                break;
            }
            chosen.insert(event.id);
        }
    }
    if chosen.is_empty() {
        chosen.extend(events.iter().rev().take(MOST_EVENTS).map(|event| event.id));
    }
    events.iter().filter(|event| chosen.contains(&event.id)).collect()
}

/// The lane a message comes from; its own if nobody sent it.
fn sender(view: &View, event: &Event) -> u32 {
    view.timeline.event(event.cause).map_or(event.lane, |cause| cause.lane)
}

/// Declares the actors that take part; returns the first and the last, to write over all of them.
fn participants(out: &mut String, view: &View, shown: &[&Event]) -> Option<String> {
    let used: BTreeSet<u32> =
        shown.iter().flat_map(|event| [event.lane, sender(view, event)]).collect();
    let known = view.lanes.iter().map(|lane| lane.id).filter(|id| used.contains(id));
    let unknown = used.iter().copied().filter(|id| !view.places.contains_key(id));
    let order: Vec<u32> = known.chain(unknown).collect();
    for id in &order {
        put(out, format_args!("    participant L{id} as {}\n", escape(&view.lane(*id))));
    }
    match (order.first()?, order.last()?) {
        (first, last) if first == last => Some(format!("L{first}")),
        (first, last) => Some(format!("L{first},L{last}")),
    }
}

/// An arrow with what was handled, and the time if it is a new one; below it what was remarked.
fn message(out: &mut String, view: &View, event: &Event, time: Option<String>) {
    let (from, to) = (sender(view, event), event.lane);
    let solid = view.chain.is_empty() || view.on_chain.contains(&event.id);
    let arrow = if solid { "->>" } else { "-->>" };
    let label = escape(&event.label);
    let time = time.map_or(String::new(), |time| format!(" ({time})"));
    put(out, format_args!("    L{from}{arrow}L{to}: {} {label}{time}\n", event.id));
    let states = view.states(event.id);
    let mut notes: Vec<String> = Vec::new();
    for state in states {
        let before = state.before.map_or(String::new(), |before| format!("{} → ", before.state));
        notes.push(escape(&format!("{}: {before}{}", state.change.container, state.change.state)));
    }
    for remark in view.remarks(event.id) {
        if !repeats_state(remark, states) {
            let kind = if is_fault(remark) { "FAULT" } else { &remark.kind };
            notes.push(escape(&format!("{kind}: {}", remark.text)));
        }
    }
    if !notes.is_empty() {
        put(out, format_args!("    Note over L{to}: {}\n", notes.join("<br/>")));
    }
}

/// The text on one line, with everything that Mermaid might take for syntax as entity codes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in cut(text, MOST_CHARACTERS).chars() {
        match c {
            c if is_plain(c) => escaped.push(c),
            c if c.is_ascii_graphic() => put(&mut escaped, format_args!("#{};", u32::from(c))),
            _ => escaped.push(' '),
        }
    }
    escaped
}

/// Whether a character means only itself, to Mermaid and to the direction of writing.
fn is_plain(c: char) -> bool {
    let steers =
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    match c {
        c if c.is_ascii() => c.is_ascii_alphanumeric() || " .,:_-()/=+*'!?@".contains(c),
        c => !c.is_control() && !c.is_whitespace() && !steers,
    }
}
