//! Reports and pictures of a recorded run: text for terminals, a page for browsers, a diagram for
//! pasting, a trace for Perfetto. Each is a function from a [`Timeline`] to a string, and none of
//! them fails: references to nothing are shown as such, whatever a label holds is escaped.

mod html;
mod mermaid;
mod perfetto;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
mod text;

pub use html::html;
pub use mermaid::mermaid;
pub use perfetto::perfetto;
pub use text::text;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use crate::timeline::{Event, Lane, LaneKind, Remark, StateChange, Timeline};

/// A timeline with the look-ups that every report needs.
struct View<'a> {
    timeline: &'a Timeline,
    /// The lanes in which something happened, in the order in which they are shown.
    lanes: Vec<&'a Lane>,
    /// Where a lane stands in `lanes`.
    places: BTreeMap<u32, usize>,
    remarks: BTreeMap<u64, Vec<&'a Remark>>,
    states: BTreeMap<u64, Vec<Transition<'a>>>,
    /// The causal chain, oldest first, without numbers of events that do not exist.
    chain: Vec<&'a Event>,
    on_chain: BTreeSet<u64>,
}

/// A state change with what was before.
#[derive(Clone, Copy)]
struct Transition<'a> {
    change: &'a StateChange,
    before: Option<&'a StateChange>,
}

impl<'a> View<'a> {
    fn new(timeline: &'a Timeline) -> Self {
        let used: BTreeSet<u32> = timeline.events.iter().map(|event| event.lane).collect();
        let mut lanes: Vec<&Lane> =
            timeline.lanes.iter().filter(|lane| used.contains(&lane.id)).collect();
        // Stable: within a kind the order of the timeline stays.
        lanes.sort_by_key(|lane| lane.kind);
        let places = lanes.iter().enumerate().map(|(place, lane)| (lane.id, place)).collect();

        let mut remarks: BTreeMap<u64, Vec<&Remark>> = BTreeMap::new();
        for remark in &timeline.remarks {
            remarks.entry(remark.event).or_default().push(remark);
        }
        let mut states: BTreeMap<u64, Vec<Transition>> = BTreeMap::new();
        let mut last: BTreeMap<&str, &StateChange> = BTreeMap::new();
        for change in &timeline.states {
            let before = last.insert(&change.container, change);
            states.entry(change.event).or_default().push(Transition { change, before });
        }

        let chain = match (&timeline.verdict, timeline.chain.is_empty()) {
            (Some(verdict), true) => timeline.causes_of(verdict.event),
            _ => timeline.chain.clone(),
        };
        let chain: Vec<&Event> = chain.iter().filter_map(|id| timeline.event(*id)).collect();
        let on_chain = chain.iter().map(|event| event.id).collect();
        View { timeline, lanes, places, remarks, states, chain, on_chain }
    }

    /// The name of a lane; its number if nothing is known about it.
    fn lane(&self, id: u32) -> Cow<'a, str> {
        match self.places.get(&id).and_then(|place| self.lanes.get(*place)) {
            Some(lane) => Cow::Borrowed(&lane.name),
            None => Cow::Owned(format!("lane {id}")),
        }
    }

    fn remarks(&self, event: u64) -> &[&'a Remark] {
        self.remarks.get(&event).map_or(&[], Vec::as_slice)
    }

    fn states(&self, event: u64) -> &[Transition<'a>] {
        self.states.get(&event).map_or(&[], Vec::as_slice)
    }

    fn has_fault(&self, event: u64) -> bool {
        self.remarks(event).iter().any(|remark| is_fault(remark))
    }

    /// Whether this is the event after which a violation was noticed.
    fn is_violation(&self, event: u64) -> bool {
        self.timeline.verdict.as_ref().is_some_and(|verdict| verdict.event == event)
    }

    /// "destroy-during-pull, seed 7, strategy random".
    fn headline(&self) -> String {
        let Timeline { scenario, seed, strategy, .. } = self.timeline;
        let seed = seed.map_or(String::new(), |seed| format!(", seed {seed}"));
        format!("{scenario}{seed}, strategy {strategy}")
    }

    /// "I-CLI violated: …", or that nothing was.
    fn verdict(&self) -> String {
        match &self.timeline.verdict {
            Some(verdict) => {
                let known = match &verdict.finding {
                    Some(finding) => format!(" (known finding {finding})"),
                    None => String::new(),
                };
                format!("{} violated{known}: {}", verdict.oracle, verdict.message)
            }
            None => "no violation".to_owned(),
        }
    }
}

/// Whether a remark says that a fault was injected.
fn is_fault(remark: &Remark) -> bool {
    remark.kind == "fault"
}

/// Whether `kind` merely repeats what a state change says.
fn repeats_state(remark: &Remark, states: &[Transition]) -> bool {
    remark.kind == "state" && !states.is_empty()
}

/// What a lane's kind is called.
fn kind_name(kind: LaneKind) -> &'static str {
    match kind {
        LaneKind::Scenario => "scenario",
        LaneKind::Process => "process",
        LaneKind::Executor => "executor",
        LaneKind::Connection => "connection",
        LaneKind::Docker => "docker",
        LaneKind::Host => "host",
        LaneKind::Clock => "clock",
    }
}

/// A virtual time or duration for people, to three decimals: `0`, `1.25 ms`, `2 min 3.5 s`.
fn duration(ns: u64) -> String {
    const SECOND: u64 = 1_000_000_000;
    match ns {
        0 => "0".to_owned(),
        1..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{} µs", decimal(ns, 1_000)),
        1_000_000..SECOND => format!("{} ms", decimal(ns, 1_000_000)),
        _ => {
            let seconds = ns / SECOND;
            let (days, hours, minutes) =
                (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
            if days > 0 {
                format!("{days} d {hours} h {minutes} min")
            } else if hours > 0 {
                format!("{hours} h {minutes} min {} s", seconds % 60)
            } else if minutes > 0 {
                format!("{minutes} min {} s", decimal(ns % (60 * SECOND), SECOND))
            } else {
                format!("{} s", decimal(ns, SECOND))
            }
        }
    }
}

/// `value / unit`, cut after three decimals, without trailing zeros.
fn decimal(value: u64, unit: u64) -> String {
    let (whole, thousandths) = (value / unit, value % unit / (unit / 1_000));
    let text = format!("{whole}.{thousandths:03}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The text on one line and harmless on a terminal: control characters, and those that turn the
/// direction of writing, are written as escapes.
fn one_line(text: &str) -> Cow<'_, str> {
    fn steers(c: char) -> bool {
        c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    }
    if text.contains(steers) {
        let mut line = String::with_capacity(text.len() + 8);
        for c in text.chars() {
            if steers(c) { line.extend(c.escape_default()) } else { line.push(c) }
        }
        Cow::Owned(line)
    } else {
        Cow::Borrowed(text)
    }
}

/// At most `limit` characters of a text, with an ellipsis if that was not all of it.
fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        Some((end, _)) => Cow::Owned(format!("{}…", text[..end].trim_end())),
        None => Cow::Borrowed(text),
    }
}

/// "1 event", "2 events".
fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
