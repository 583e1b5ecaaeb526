//! The design's first budgets beside what this machine does: one table.
//!
//! ```text
//! make bench
//! ```
//!
//! Nothing is asserted: a slow or busy machine is no defect. Each number is the best of a few
//! rounds, because whatever else runs only ever makes them worse. `cargo bench -p drydock-process`
//! looks closer at single operations.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the real clock")]

mod libprocess;
mod messages;
mod simulated;
#[path = "../../../crates/process/benches/workloads/mod.rs"]
mod workloads;

use std::time::{Duration, Instant};

/// The one that the program `drydock` has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How often a measurement is made, unless it says otherwise.
const ROUNDS: usize = 10;

/// One line of the table.
struct Row {
    what: &'static str,
    budget: &'static str,
    measured: String,
}

/// The shortest of a few rounds; each returns how long its measured part took.
fn best(mut round: impl FnMut() -> Duration) -> Duration {
    (0..ROUNDS).map(|_| round()).min().unwrap_or_default()
}

fn timed(action: impl FnOnce()) -> Duration {
    let start = Instant::now();
    action();
    start.elapsed()
}

fn nanoseconds(time: Duration, count: u64) -> f64 {
    time.as_nanos() as f64 / count as f64
}

fn per_second(time: Duration, count: u64) -> f64 {
    count as f64 / time.as_secs_f64()
}

fn print(rows: &[Row]) {
    let width = |column: fn(&Row) -> &str, title: &str| {
        rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0).max(title.len())
    };
    let titles = ["what", "budget", "measured"];
    let (what, budget) = (width(|row| row.what, titles[0]), width(|row| row.budget, titles[1]));
    println!("{:<what$}  {:<budget$}  {}", titles[0], titles[1], titles[2]);
    for row in rows {
        println!("{:<what$}  {:<budget$}  {}", row.what, row.budget, row.measured);
    }
}

/// Measures one area of the table.
type Measure = fn() -> Vec<Row>;

fn main() {
    // `cargo test --benches` runs this too, and wants to know only that it can be run.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    // Before the first process: its address is part of a process's name.
    workloads::listen();
    let start = Instant::now();
    let measurements: [(&str, Measure); 3] = [
        ("live messages", messages::rows),
        ("libprocess's benchmarks", libprocess::rows),
        ("the simulator", simulated::rows),
    ];
    let mut rows = Vec::new();
    for (name, measure) in measurements {
        eprintln!("measuring {name}");
        rows.extend(measure());
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    println!("\nBudgets, and what this machine does ({cores} cores, best of {ROUNDS} rounds)\n");
    print(&rows);
    println!("\n{:.0} s in all", start.elapsed().as_secs_f64());
}
