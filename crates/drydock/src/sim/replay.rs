//! `drydock sim replay`.

use crate::error::UsageError;
use serde_json::json;
use sim::render;
use sim::trace::{Trace, record};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Arguments {
    /// The trace.json of a violation or finding
    trace: String,
    /// Draw the run: one file for the browser
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write a sequence diagram for Mermaid
    #[arg(long, value_name = "FILE")]
    mermaid: Option<PathBuf>,
    /// Write a trace for Perfetto or chrome://tracing
    #[arg(long, value_name = "FILE")]
    perfetto: Option<PathBuf>,
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
}

fn write(path: Option<&PathBuf>, content: impl FnOnce() -> String) -> Result<(), UsageError> {
    let Some(path) = path else { return Ok(()) };
    std::fs::write(path, content())
        .map_err(|error| UsageError::new(format!("{}: {error}", path.display())))
}

/// Exit code 0: reproduced and nothing was violated. 1: reproduced, with its violation. 2: the
/// trace does not fit this program any more; the first difference is named.
pub fn main(arguments: &Arguments) -> Result<ExitCode, UsageError> {
    let trace = Trace::load(&arguments.trace)?;
    let source = trace.source()?;
    let run = record(&source, trace.strategy(), &format!("drydock sim replay {}", arguments.trace));
    write(arguments.html.as_ref(), || render::html(&run.timeline))?;
    write(arguments.mermaid.as_ref(), || render::mermaid(&run.timeline))?;
    write(arguments.perfetto.as_ref(), || render::perfetto(&run.timeline))?;

    let difference = trace.difference(&run);
    if arguments.json {
        println!(
            "{}",
            json!({
                "trace": arguments.trace,
                "scenario": trace.scenario,
                "reproduced": difference.is_none(),
                "difference": difference,
                "digest": run.trace.digest,
                "events": run.timeline.events.len(),
                "violations": run.trace.violations,
            })
        );
    } else if difference.is_none() {
        print!("{}", render::text(&run.timeline));
        println!(
            "\nReproduced event for event: {} events, digest {}",
            run.timeline.events.len(),
            run.trace.digest
        );
    }
    match difference {
        Some(difference) => Err(UsageError::new(format!(
            "{}: not reproduced: {difference} (the trace was written by version {}, this is {})",
            arguments.trace,
            trace.written_by,
            env!("CARGO_PKG_VERSION"),
        ))),
        None if run.result.violations.is_empty() => Ok(ExitCode::SUCCESS),
        None => Ok(ExitCode::from(1)),
    }
}
