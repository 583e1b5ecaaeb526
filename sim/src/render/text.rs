//! The report for terminals and mails.

use std::fmt::Write;

use super::{View, count, duration, is_fault, one_line, repeats_state};
use crate::timeline::{Event, Timeline};

/// Lane names are padded up to this width; longer ones push the label aside.
const LANE_WIDTH: usize = 28;

const LEGEND: &str = "  > on the causal chain   ! fault injected   * container changed state   X violation noticed here
  then: number, <number of the event that caused it, virtual time, actor, what it handled
";

/// What happened, for reading: the verdict, the causal chain that led to it, the container states
/// and faults around it, every event on one line, and the command that replays the run.
pub fn text(timeline: &Timeline) -> String {
    let view = View::new(timeline);
    let mut out = summary(&view);
    states(&mut out, &view);
    faults(&mut out, &view);
    events(&mut out, &view);
    put(&mut out, format_args!("\nReplay: {}\n", one_line(&timeline.replay)));
    out
}

/// The headline, the verdict and the causal chain.
pub(super) fn summary(view: &View) -> String {
    let mut out = String::new();
    put(&mut out, format_args!("{}\n", one_line(&view.headline())));
    put(&mut out, format_args!("{}\n", one_line(&view.verdict())));
    let timeline = view.timeline;
    if let Some(verdict) = &timeline.verdict {
        match timeline.event(verdict.event) {
            Some(event) => put(
                &mut out,
                format_args!("noticed after event {} at {}\n", event.id, duration(event.time_ns)),
            ),
            None => out.push_str("noticed before the first event\n"),
        }
    }
    chain(&mut out, view);
    out
}

/// Writing to a string does not fail.
fn put(out: &mut String, text: std::fmt::Arguments) {
    let _ = out.write_fmt(text);
}

fn lane_width<'a>(view: &View, events: impl Iterator<Item = &'a Event>) -> usize {
    events.map(|event| view.lane(event.lane).chars().count()).max().unwrap_or(0).min(LANE_WIDTH)
}

fn chain(out: &mut String, view: &View) {
    if view.chain.is_empty() {
        return;
    }
    let timeline = view.timeline;
    let what = if timeline.verdict.is_some() { "How it came about" } else { "The main line" };
    let (part, all) = (view.chain.len(), count(timeline.events.len(), "event"));
    put(out, format_args!("\n{what} ({part} of {all}, each caused by the one above it)\n"));
    let width = lane_width(view, view.chain.iter().copied());
    for (place, event) in view.chain.iter().enumerate() {
        let (number, time) = (place + 1, duration(event.time_ns));
        let (lane, label) = (view.lane(event.lane), one_line(&event.label));
        let lane = one_line(&lane);
        let id = format!("#{}", event.id);
        put(out, format_args!("{number:>4}. {id:>6} {time:>12}  {lane:width$}  {label}\n"));
        for line in remarks(view, event) {
            put(out, format_args!("{:27}· {line}\n", ""));
        }
        if let Some(verdict) = timeline.verdict.as_ref().filter(|it| it.event == event.id) {
            let oracle = one_line(&verdict.oracle);
            put(out, format_args!("{:27}X after this, {oracle} no longer held\n", ""));
        }
    }
}

/// The remarks of an event, its state changes first, a line each.
fn remarks(view: &View, event: &Event) -> Vec<String> {
    let states = view.states(event.id);
    let changes = states.iter().map(|state| {
        let before = state.before.map_or(String::new(), |before| format!("{} → ", before.state));
        one_line(&format!("{}: {before}{}", state.change.container, state.change.state))
            .into_owned()
    });
    let remarks = view.remarks(event.id).iter().filter(|remark| !repeats_state(remark, states));
    let remarks =
        remarks.map(|remark| one_line(&format!("{}: {}", remark.kind, remark.text)).into_owned());
    changes.chain(remarks).collect()
}

fn states(out: &mut String, view: &View) {
    let states = &view.timeline.states;
    if states.is_empty() {
        return;
    }
    out.push_str("\nContainer states\n");
    let mut containers: Vec<&str> = Vec::new();
    for change in states {
        if !containers.contains(&change.container.as_str()) {
            containers.push(&change.container);
        }
    }
    for container in containers {
        put(out, format_args!("  {}\n", one_line(container)));
        let mut changes = states.iter().filter(|change| change.container == container).peekable();
        while let Some(change) = changes.next() {
            let (time, state) = (duration(change.time_ns), one_line(&change.state));
            let stayed = changes.peek().map_or(String::new(), |next| {
                match next.time_ns.saturating_sub(change.time_ns) {
                    0 => String::new(),
                    stayed => format!("  for {}", duration(stayed)),
                }
            });
            let event = format!("#{}", change.event);
            put(out, format_args!("    {time:>12}  {event:>6}  {state}{stayed}\n"));
        }
    }
}

fn faults(out: &mut String, view: &View) {
    let faults = || view.timeline.remarks.iter().filter(|remark| is_fault(remark));
    if faults().next().is_none() {
        out.push_str("\nNo faults were injected.\n");
        return;
    }
    out.push_str("\nFaults injected\n");
    for fault in faults() {
        let (time, text) = (duration(fault.time_ns), one_line(&fault.text));
        let event = format!("#{}", fault.event);
        put(out, format_args!("    {time:>12}  {event:>6}  {text}\n"));
    }
}

fn events(out: &mut String, view: &View) {
    let events = &view.timeline.events;
    if events.is_empty() {
        out.push_str("\nNothing happened: there are no events.\n");
        return;
    }
    put(out, format_args!("\nAll {}\n{LEGEND}\n", count(events.len(), "event")));
    let lanes = lane_width(view, events.iter());
    let digits = events.len().to_string().len();
    for event in events {
        let flag = |is: bool, sign: char| if is { sign } else { ' ' };
        let flags = [
            flag(view.on_chain.contains(&event.id), '>'),
            flag(view.has_fault(event.id), '!'),
            flag(!view.states(event.id).is_empty(), '*'),
            flag(view.is_violation(event.id), 'X'),
        ];
        let flags: String = flags.iter().collect();
        let cause =
            if event.cause == 0 { "<start".to_owned() } else { format!("<{}", event.cause) };
        let (id, time) = (event.id, duration(event.time_ns));
        let (lane, label) = (view.lane(event.lane), one_line(&event.label));
        let lane = one_line(&lane);
        put(
            out,
            format_args!("{flags} {id:>digits$} {cause:<6} {time:>10}  {lane:lanes$}  {label}\n"),
        );
    }
}
