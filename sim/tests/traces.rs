//! Traces: what was recorded replays event for event, and everything else is refused with a reason.

use sim::render;
use sim::scenario::Scenario;
use sim::strategy::Kind;
use sim::trace::{RecordedRun, Source, Trace, record};
use std::path::Path;

fn source(name: &str, seed: u64) -> Source {
    let scenario = Scenario::load(name).unwrap();
    let toml = Scenario::built_in_text(name).unwrap().to_owned();
    let faults = scenario.budgets();
    Source { scenario, toml, strategy: "random".to_owned(), seed, faults }
}

fn recorded(name: &str, seed: u64) -> RecordedRun {
    record(&source(name, seed), Kind::Random.strategy(seed), "replay me")
}

fn replay(trace: &Trace) -> RecordedRun {
    record(&trace.source().unwrap(), trace.strategy(), "replay me")
}

#[test]
fn any_trace_replays_event_for_event() {
    for name in ["destroy-during-pull", "destroy-during-pull-agent"] {
        for seed in 0..60 {
            let run = recorded(name, seed);
            let text = serde_json::to_string(&run.trace).unwrap();
            let trace = Trace::parse("trace.json", &text).unwrap();
            let again = replay(&trace);
            assert_eq!(trace.difference(&again), None, "{name}, seed {seed}");
            assert_eq!(render::text(&run.timeline), render::text(&again.timeline));
        }
    }
}

#[test]
fn a_changed_decision_is_noticed_at_its_first_consequence() {
    let run = recorded("destroy-during-pull", 3);
    let mut noticed = 0;
    for index in 0..run.trace.decisions.len() {
        let mut trace = run.trace.clone();
        let (_, alternatives, chosen) = &mut trace.decisions[index];
        *chosen = (*chosen + 1) % *alternatives;
        noticed += u32::from(trace.difference(&replay(&trace)).is_some());
    }
    // Some decisions make no difference to the run; most do.
    assert!(noticed as usize > run.trace.decisions.len() / 2, "{noticed}");
}

#[test]
fn a_shortened_stream_is_named_as_such() {
    let mut trace = recorded("destroy-during-pull", 5).trace;
    trace.decisions.pop();
    let again = replay(&trace);
    let difference = trace.difference(&again).unwrap();
    assert!(difference.contains("event") || difference.contains("decision"), "{difference}");
}

#[test]
fn what_is_no_trace_is_refused_with_the_reason() {
    let good = serde_json::to_string(&recorded("destroy-during-pull", 1).trace).unwrap();
    for (text, expected) in [
        ("".to_owned(), "no JSON"),
        ("[]".to_owned(), "drydock_trace is missing"),
        ("{\"drydock_trace\": 99}".to_owned(), "replays version 1, found 99"),
        ("{\"drydock_trace\": \"1\"}".to_owned(), "found no number"),
        ("{\"drydock_trace\": 1}".to_owned(), "missing field"),
        (good.replace("\"seed\":", "\"sead\":"), "unknown field `sead`"),
        (good.replace("\"seed\":1", "\"seed\":-1"), "invalid value"),
    ] {
        let error = Trace::parse("x.json", &text).unwrap_err().to_string();
        assert!(error.starts_with("x.json: "), "{error}");
        assert!(error.contains(expected), "{error}");
    }
    let mut trace = Trace::parse("x.json", &good).unwrap();
    trace.faults.push(("pull-sideways".to_owned(), 1));
    assert!(trace.source().unwrap_err().to_string().contains("pull-sideways"));
    trace.scenario_toml = "name = 3".to_owned();
    assert!(trace.source().unwrap_err().to_string().contains("the trace's scenario"));
    assert!(Trace::load("/does/not/exist").unwrap_err().to_string().contains("cannot be read"));
}

/// Every stored finding still happens under its recorded decisions. (Digests are not compared: they
/// change with every new message, and these files are to last.)
#[test]
fn the_stored_findings_replay() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/findings");
    let mut replayed = Vec::new();
    for entry in std::fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path().join("trace.json");
        if !path.exists() {
            continue;
        }
        let trace = Trace::load(path.to_str().unwrap()).unwrap();
        let run = replay(&trace);
        assert_eq!(run.trace.violations, trace.violations, "{}", path.display());
        let verdict = run.timeline.verdict.unwrap();
        replayed.push(verdict.finding.unwrap_or_else(|| panic!("{}: no finding", path.display())));
    }
    replayed.sort();
    let known: Vec<_> = sim::findings::FINDINGS.iter().map(|finding| finding.id).collect();
    assert_eq!(replayed, known, "one stored trace for each finding");
}
