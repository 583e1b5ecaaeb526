//! `drydock sim run`.

use super::{arguments, output};
use crate::error::UsageError;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sim::campaign::{CampaignOptions, Progress, campaign};
use sim::scenario::Scenario;
use sim::strategy::Kind;
use std::io::IsTerminal;
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// How many schedules a campaign has when nothing else is said.
const DEFAULT_SEEDS: u64 = 10_000;

#[derive(clap::Args)]
pub struct Arguments {
    /// A scenario by name (see `drydock sim list`), or the path of a .toml file
    scenario: String,
    /// Who decides: random or fifo
    #[arg(long, default_value = "random")]
    strategy: Kind,
    /// Run these seeds, one schedule each: A..B, or a count [default: 0..10000]
    #[arg(long, value_parser = arguments::seeds, conflicts_with = "time")]
    seeds: Option<Range<u64>>,
    /// Run for so long instead: 60s, 10m, 8h
    #[arg(long = "for", value_name = "DURATION", value_parser = arguments::duration)]
    time: Option<Duration>,
    /// How many threads [default: all cores]
    #[arg(long)]
    jobs: Option<usize>,
    /// At most K faults in a run, or the budgets of single kinds: K, or kind=K,...
    #[arg(long, value_name = "K|kind=K,..")]
    faults: Option<String>,
    /// Which behaviour to run: upstream's, defects included
    #[arg(long, value_parser = ["upstream", "hardened"], default_value = "upstream")]
    fidelity: String,
    /// Run only the I-th of N parts of the seeds: I/N
    #[arg(long, value_name = "I/N", value_parser = arguments::shard)]
    shard: Option<(u64, u64)>,
    /// Where to write campaign.json and, for each violation and finding, trace.json, report.txt
    /// and timeline.html [default: drydock-out, if something is found]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Also write the run of this seed, whatever it finds
    #[arg(long, value_name = "SEED")]
    record: Option<u64>,
    /// End at the first violation that is no known finding
    #[arg(long)]
    stop_at_violation: bool,
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
}

/// Shows progress and watches the time until the campaign has ended.
fn attend(
    progress: &Progress,
    until: Option<Duration>,
    total: Option<u64>,
    done: &mpsc::Receiver<()>,
) {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style = match total {
        Some(_) => "{bar:30} {pos}/{len} schedules, {per_sec}, {msg} (eta {eta})",
        None => "{spinner} {pos} schedules, {per_sec}, {msg} ({elapsed})",
    };
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    let start = now();
    while matches!(
        done.recv_timeout(Duration::from_millis(100)),
        Err(mpsc::RecvTimeoutError::Timeout)
    ) {
        let now = progress.snapshot();
        bar.set_position(now.runs);
        bar.set_message(format!(
            "{} events, {} with something found",
            output::grouped(now.events),
            output::grouped(now.found)
        ));
        if until.is_some_and(|limit| start.elapsed() >= limit) {
            progress.stop();
        }
    }
    bar.finish_and_clear();
}

#[allow(clippy::disallowed_methods)] // Measures this program, not what it simulates.
fn now() -> Instant {
    Instant::now()
}

pub fn main(arguments: &Arguments) -> Result<ExitCode, UsageError> {
    let scenario = Scenario::load(&arguments.scenario)?;
    if arguments.fidelity != "upstream" {
        return Err(UsageError::new(
            "--fidelity hardened: the port keeps upstream's behaviour so far; the fixes come with \
             the findings. Use --fidelity upstream",
        ));
    }
    let toml = match Scenario::built_in_text(&arguments.scenario) {
        Some(text) => text.to_owned(),
        None => std::fs::read_to_string(&arguments.scenario)
            .map_err(|error| UsageError::new(format!("{}: {error}", arguments.scenario)))?,
    };
    let faults = match &arguments.faults {
        Some(text) => arguments::faults(text, &scenario).map_err(UsageError::new)?,
        None => scenario.budgets(),
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let jobs = arguments.jobs.unwrap_or(cores);
    if jobs == 0 || jobs > 1024 {
        return Err(UsageError::new(format!("--jobs {jobs}: expected 1 to 1024")));
    }
    let (shard, shards) = arguments.shard.unwrap_or((0, 1));
    let options = CampaignOptions {
        strategy: arguments.strategy,
        seeds: match (&arguments.seeds, arguments.time) {
            (Some(seeds), _) => seeds.clone(),
            (None, Some(_)) => arguments::endless(),
            (None, None) => 0..DEFAULT_SEEDS,
        },
        shard,
        shards,
        jobs,
        faults,
        stop_at_violation: arguments.stop_at_violation,
    };

    let progress = Arc::new(Progress::default());
    let on_signal = Arc::clone(&progress);
    // Ctrl-C ends the campaign and reports what there is. Without a handler it just ends.
    let _ = ctrlc::set_handler(move || on_signal.stop());
    let start = now();
    let (ended, done) = mpsc::channel();
    let report = std::thread::scope(|scope| {
        let total = arguments
            .time
            .is_none()
            .then(|| (options.seeds.end - options.seeds.start) / options.shards);
        let attending = &progress;
        scope.spawn(move || attend(attending, arguments.time, total, &done));
        let mut report = campaign(&scenario, &options, &progress);
        // A campaign that was to end by time has no seeds left out.
        report.interrupted &= arguments.time.is_none();
        // The receiver may have gone only if its thread panicked, which the scope reports.
        let _ = ended.send(());
        report
    });
    let elapsed = start.elapsed();

    let default_out = PathBuf::from("drydock-out");
    let out = arguments.out.clone().or_else(|| {
        let needed = report.violations().next().is_some() || arguments.record.is_some();
        needed.then_some(default_out)
    });
    let mut traces = Vec::new();
    if let Some(out) = &out {
        for (signature, found) in &report.found {
            let name = match found.finding {
                Some(finding) => format!("{}-{}", finding.id, output::slug(signature)),
                None => output::slug(signature),
            };
            let directory =
                output::record_seed(out, &name, &scenario, &toml, &options, found.seed)?;
            traces.push((signature.clone(), directory));
        }
        if let Some(seed) = arguments.record {
            let name = format!("seed-{seed}");
            let directory = output::record_seed(out, &name, &scenario, &toml, &options, seed)?;
            eprintln!("wrote {}", directory.join("timeline.html").display());
        }
        let json = output::to_json(&scenario, &options, &report, elapsed, &traces);
        let path = out.join("campaign.json");
        std::fs::create_dir_all(out)
            .and_then(|()| std::fs::write(&path, format!("{json:#}\n")))
            .map_err(|error| UsageError::new(format!("{}: {error}", path.display())))?;
    }

    if arguments.json {
        println!("{}", output::to_json(&scenario, &options, &report, elapsed, &traces));
    } else {
        print!("{}", output::to_text(&scenario, &options, &report, elapsed, &traces));
    }
    let clean = report.violations().next().is_none();
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
