//! Traces: runs on disk, as scenario and decisions, and their replay.

use crate::environment::{Fault, Faults};
use crate::findings;
use crate::oracle::Violation;
use crate::scenario::{Scenario, ScenarioError};
use crate::strategy::{Recorded, Replay, Strategy};
use crate::stream::Decision;
use crate::timeline::{Timeline, Verdict};
use crate::world::{Recording, RunOptions, RunResult, run};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The format of trace files. Changes when old files no longer replay.
pub const VERSION: u32 = 1;

/// A trace file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// The format's version.
    pub drydock_trace: u32,
    /// The version of Drydock that wrote it.
    pub written_by: String,
    /// The scenario's name.
    pub scenario: String,
    /// The whole scenario, so that the trace replays when the file has changed or gone.
    pub scenario_toml: String,
    /// The strategy that found it.
    pub strategy: String,
    /// The seed that found it.
    pub seed: u64,
    /// The fault budgets.
    pub faults: Vec<(String, u32)>,
    /// How many faults in all.
    pub faults_at_most: u32,
    /// The digest of the run, in hexadecimal.
    pub digest: String,
    /// The signatures of what was violated.
    pub violations: Vec<String>,
    /// What happened, in words.
    pub message: String,
    /// All decisions: label, alternatives, chosen.
    pub decisions: Vec<(String, u32, u32)>,
    /// The digest after each event, in hexadecimal: names the first event that differs.
    pub events: Vec<String>,
}

/// Why a trace cannot be replayed.
#[derive(Debug)]
pub enum TraceError {
    /// The file is not there, or cannot be read.
    Unreadable(String),
    /// It is no trace, or one of another version.
    Invalid(String),
    /// Its scenario is not valid.
    Scenario(ScenarioError),
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TraceError::Unreadable(message) | TraceError::Invalid(message) => f.write_str(message),
            TraceError::Scenario(error) => write!(f, "the trace's scenario: {error}"),
        }
    }
}

impl std::error::Error for TraceError {}

/// What a recorded run is made from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The scenario.
    pub scenario: Scenario,
    /// Its TOML.
    pub toml: String,
    /// The strategy's name.
    pub strategy: String,
    /// The seed.
    pub seed: u64,
    /// The fault budgets.
    pub faults: Faults,
}

/// A run made again with everything recorded.
pub struct RecordedRun {
    /// What became of it.
    pub result: RunResult,
    /// As data.
    pub timeline: Timeline,
    /// As a file.
    pub trace: Trace,
}

/// Runs once more with everything recorded. `replay` is the command that the reports name.
pub fn record(source: &Source, strategy: Box<dyn Strategy + Send>, replay: &str) -> RecordedRun {
    let options =
        RunOptions { strategy, faults: source.faults.clone(), tracing: true, keep_decisions: true };
    let mut result = run(&source.scenario, options);
    let recording = result.recording.take().unwrap_or_else(|| Recording {
        lanes: Vec::new(),
        events: Vec::new(),
        remarks: Vec::new(),
        states: Vec::new(),
        digests: Vec::new(),
    });
    let trace = trace(source, &result, &recording);
    let timeline = timeline(source, &result, recording, replay);
    RecordedRun { result, timeline, trace }
}

fn trace(source: &Source, result: &RunResult, recording: &Recording) -> Trace {
    let budgets = Fault::ALL.iter().filter_map(|(fault, name)| {
        let budget = source.faults.budget(*fault);
        (budget > 0).then(|| ((*name).to_owned(), budget))
    });
    Trace {
        drydock_trace: VERSION,
        written_by: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: source.scenario.name.clone(),
        scenario_toml: source.toml.clone(),
        strategy: source.strategy.clone(),
        seed: source.seed,
        faults: budgets.collect(),
        faults_at_most: source.faults.total(),
        digest: hex(result.digest),
        violations: result.violations.iter().map(Violation::signature).collect(),
        message: result
            .violations
            .first()
            .map_or_else(|| "no violation".to_owned(), |violation| violation.message.clone()),
        decisions: result.decisions.iter().map(decision).collect(),
        events: recording.digests.iter().map(|digest| hex(*digest)).collect(),
    }
}

fn decision(decision: &Decision) -> (String, u32, u32) {
    (decision.label.to_owned(), decision.alternatives, decision.chosen)
}

fn hex(digest: u64) -> String {
    format!("{digest:016x}")
}

fn timeline(source: &Source, result: &RunResult, recording: Recording, replay: &str) -> Timeline {
    let verdict = result.violations.first().map(|violation| Verdict {
        oracle: violation.oracle.to_owned(),
        finding: findings::known(violation).map(|finding| finding.id.to_owned()),
        message: violation.message.clone(),
        event: violation.event,
    });
    let Recording { lanes, events, remarks, states, digests: _ } = recording;
    let mut timeline = Timeline {
        scenario: source.scenario.name.clone(),
        seed: Some(source.seed),
        strategy: source.strategy.clone(),
        replay: replay.to_owned(),
        verdict,
        lanes,
        events,
        remarks,
        states,
        chain: Vec::new(),
    };
    let end = match &timeline.verdict {
        Some(verdict) => verdict.event,
        // Without a violation: how the last container came to its end.
        None => timeline.states.last().map_or(timeline.events.len() as u64, |state| state.event),
    };
    timeline.chain = timeline.causes_of(end);
    timeline
}

impl Trace {
    /// A trace from the text of a file; `path` is named in errors.
    ///
    /// # Errors
    ///
    /// When the text is no trace of this version, naming the field.
    pub fn parse(path: &str, text: &str) -> Result<Trace, TraceError> {
        let version: serde_json::Value = serde_json::from_str(text)
            .map_err(|error| TraceError::Invalid(format!("{path}: no JSON: {error}")))?;
        match version.get("drydock_trace").map(serde_json::Value::as_u64) {
            Some(Some(found)) if found == u64::from(VERSION) => {}
            Some(found) => {
                return Err(TraceError::Invalid(format!(
                    "{path}: drydock_trace: this program replays version {VERSION}, found {}",
                    found.map_or("no number".to_owned(), |found| found.to_string())
                )));
            }
            None => {
                return Err(TraceError::Invalid(format!(
                    "{path}: no Drydock trace: the field drydock_trace is missing"
                )));
            }
        }
        serde_json::from_str(text).map_err(|error| TraceError::Invalid(format!("{path}: {error}")))
    }

    /// A trace from a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is no trace.
    pub fn load(path: &str) -> Result<Trace, TraceError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| TraceError::Unreadable(format!("{path}: cannot be read: {error}")))?;
        Trace::parse(path, &text)
    }

    /// What the run was made from.
    ///
    /// # Errors
    ///
    /// When the trace's scenario is not valid or it names an unknown fault.
    pub fn source(&self) -> Result<Source, TraceError> {
        let scenario =
            Scenario::parse(&self.scenario, &self.scenario_toml).map_err(TraceError::Scenario)?;
        let mut faults = Faults::none();
        for (name, budget) in &self.faults {
            let fault = Fault::from_name(name).ok_or_else(|| {
                TraceError::Invalid(format!("faults: there is no fault '{name}'"))
            })?;
            faults = faults.with(fault, *budget);
        }
        Ok(Source {
            scenario,
            toml: self.scenario_toml.clone(),
            strategy: self.strategy.clone(),
            seed: self.seed,
            faults: faults.at_most(self.faults_at_most),
        })
    }

    /// The recorded decisions as a strategy.
    pub fn strategy(&self) -> Box<dyn Strategy + Send> {
        let recorded = self.decisions.iter().map(|(label, alternatives, chosen)| Recorded {
            label: label.clone(),
            alternatives: *alternatives,
            chosen: *chosen,
        });
        Box::new(Replay::new(recorded.collect()))
    }

    /// Compares a replay with what was recorded: `None` when they are the same event for event,
    /// otherwise what differs first.
    pub fn difference(&self, replayed: &RecordedRun) -> Option<String> {
        let pairs = self.events.iter().zip(&replayed.trace.events);
        if let Some(index) = pairs.clone().position(|(recorded, now)| recorded != now) {
            let event = replayed.timeline.events.get(index);
            return Some(format!(
                "event {} differs: now it is {}",
                index + 1,
                event.map_or("missing".to_owned(), |event| format!(
                    "{} at {:.6}s",
                    event.label,
                    event.time_ns as f64 / 1e9
                ))
            ));
        }
        if self.events.len() != replayed.trace.events.len() {
            return Some(format!(
                "the recorded run has {} events, this one {}",
                self.events.len(),
                replayed.trace.events.len()
            ));
        }
        if self.digest != replayed.trace.digest {
            return Some("the digests differ".to_owned());
        }
        if let Some(divergence) = &replayed.result.divergence {
            return Some(divergence.clone());
        }
        if self.violations != replayed.trace.violations {
            return Some(format!(
                "recorded violations: {:?}, now: {:?}",
                self.violations, replayed.trace.violations
            ));
        }
        None
    }
}
