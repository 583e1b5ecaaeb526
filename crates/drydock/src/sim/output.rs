//! What a campaign leaves on disk and on the terminal.

use crate::error::UsageError;
use serde_json::{Value, json};
use sim::campaign::{CampaignOptions, CampaignReport, Found};
use sim::render;
use sim::scenario::Scenario;
use sim::trace::{RecordedRun, Source, record};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A number with its thousands apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes a recorded run: `trace.json`, `report.txt`, `timeline.html`.
pub fn write_run(directory: &Path, run: &RecordedRun) -> Result<(), UsageError> {
    let write = |name: &str, content: &str| {
        let path = directory.join(name);
        fs::write(&path, content)
            .map_err(|error| UsageError::new(format!("{}: {error}", path.display())))
    };
    fs::create_dir_all(directory)
        .map_err(|error| UsageError::new(format!("{}: {error}", directory.display())))?;
    let trace = serde_json::to_string(&run.trace)
        .map_err(|error| UsageError::new(format!("the trace has no JSON form: {error}")))?;
    write("trace.json", &trace)?;
    write("report.txt", &render::text(&run.timeline))?;
    write("timeline.html", &render::html(&run.timeline))
}

/// Records the run of one seed and writes it into its own directory below `out`.
pub fn record_seed(
    out: &Path,
    name: &str,
    scenario: &Scenario,
    toml: &str,
    options: &CampaignOptions,
    seed: u64,
) -> Result<PathBuf, UsageError> {
    let directory = out.join(name);
    let source = Source {
        scenario: scenario.clone(),
        toml: toml.to_owned(),
        strategy: options.strategy.name().to_owned(),
        seed,
        faults: options.faults.clone(),
    };
    let replay = format!("drydock sim replay {}", directory.join("trace.json").display());
    let run = record(&source, options.strategy.strategy(seed), &replay);
    write_run(&directory, &run)?;
    Ok(directory)
}

/// A directory name for a signature: letters, digits and dashes.
pub fn slug(signature: &str) -> String {
    let mut slug = String::new();
    for character in signature.chars().take(80) {
        if character.is_ascii_alphanumeric() {
            slug.extend(character.to_lowercase());
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// The campaign for machines.
pub fn to_json(
    scenario: &Scenario,
    options: &CampaignOptions,
    report: &CampaignReport,
    elapsed: Duration,
    traces: &[(String, PathBuf)],
) -> Value {
    let found = |found: &Found| {
        let signature = found.violation.signature();
        let trace = traces.iter().find(|(known, _)| *known == signature);
        json!({
            "oracle": found.violation.oracle,
            "finding": found.finding.map(|finding| finding.id),
            "signature": signature,
            "message": found.violation.message,
            "seed": found.seed,
            "runs": found.runs,
            "after_schedules": found.after_runs,
            "trace": trace.map(|(_, path)| path.join("trace.json")),
        })
    };
    let marks = report.marks.iter().map(|(mark, runs)| (mark.to_string(), json!(runs)));
    json!({
        "scenario": scenario.name,
        "strategy": options.strategy.name(),
        "seeds": [options.seeds.start, options.seeds.end],
        "schedules": report.runs,
        "distinct_schedules": report.distinct,
        "events": report.events,
        "steps": report.steps,
        "virtual_seconds": report.virtual_seconds,
        "digest": format!("{:016x}", report.digest),
        "covered": marks.collect::<serde_json::Map<_, _>>(),
        "not_reached": report.missed(scenario).iter().map(ToString::to_string).collect::<Vec<_>>(),
        "findings": report.findings().map(found).collect::<Vec<_>>(),
        "violations": report.violations().map(found).collect::<Vec<_>>(),
        "interrupted": report.interrupted,
        "elapsed_seconds": elapsed.as_secs_f64(),
    })
}

/// The campaign for people.
pub fn to_text(
    scenario: &Scenario,
    options: &CampaignOptions,
    report: &CampaignReport,
    elapsed: Duration,
    traces: &[(String, PathBuf)],
) -> String {
    let mut text = String::new();
    let seconds = elapsed.as_secs_f64().max(1e-9);
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{}: {} schedules ({} distinct) by {}, {} events, {:.1} s on {} {}: {} schedules/s",
        scenario.name,
        grouped(report.runs),
        grouped(report.distinct),
        options.strategy,
        grouped(report.events),
        seconds,
        options.jobs,
        if options.jobs == 1 { "thread" } else { "threads" },
        grouped((report.runs as f64 / seconds) as u64),
    );
    let _ = writeln!(
        text,
        "{:.1} days of virtual time; digest {:016x}{}",
        report.virtual_seconds / 86_400.0,
        report.digest,
        if report.interrupted { " (ended early: not all seeds were run)" } else { "" },
    );
    let _ = writeln!(text, "\nCovered, in how many schedules:");
    for (mark, runs) in &report.marks {
        let _ = writeln!(text, "  {:>10}  {mark}", grouped(*runs));
    }
    let missed = report.missed(scenario);
    if !missed.is_empty() {
        let missed: Vec<_> = missed.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "  never reached: {}", missed.join("; "));
    }
    let mut describe = |title: &str, found: Vec<&Found>| {
        let _ = writeln!(text, "\n{title}: {}", if found.is_empty() { "none" } else { "" });
        for one in found {
            let signature = one.violation.signature();
            let id = one.finding.map_or(String::new(), |finding| format!("{}, ", finding.id));
            let _ = writeln!(
                text,
                "  {id}{signature}\n      {} ({} of {} schedules, first with seed {})",
                one.violation.message,
                grouped(one.runs),
                grouped(report.runs),
                one.seed,
            );
            if let Some((_, path)) = traces.iter().find(|(known, _)| *known == signature) {
                let _ = writeln!(
                    text,
                    "      drydock sim replay {}",
                    path.join("trace.json").display()
                );
            }
        }
    };
    describe("Findings (upstream's own, see docs/findings)", report.findings().collect());
    describe("Violations", report.violations().collect());
    text
}
