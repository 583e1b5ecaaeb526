//! Campaigns: many runs of one scenario, on all cores, and what they found.

use crate::coverage::{Mark, SOMETIMES};
use crate::environment::Faults;
use crate::findings::{self, Finding};
use crate::oracle::Violation;
use crate::scenario::{Level, Scenario};
use crate::strategy::Kind;
use crate::world::{RunOptions, RunResult, run};
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How many seeds a worker takes at a time.
const CHUNK: u64 = 16;

/// What a campaign runs.
#[derive(Clone, Debug)]
pub struct CampaignOptions {
    /// The strategy.
    pub strategy: Kind,
    /// The seeds; one run each.
    pub seeds: Range<u64>,
    /// Of the seeds only those with `seed % shards == shard`.
    pub shard: u64,
    /// How many parts the campaign is divided into; 1 for an undivided one.
    pub shards: u64,
    /// How many threads.
    pub jobs: usize,
    /// The fault budgets of each run.
    pub faults: Faults,
    /// End the campaign at the first violation that is not a known finding.
    pub stop_at_violation: bool,
}

impl CampaignOptions {
    /// How many runs of this part of the campaign come before that of `seed`. Counted without
    /// walking: a campaign that ends by time has more seeds than can ever be run.
    fn runs_before(&self, seed: u64) -> u64 {
        let shards = self.shards.max(1);
        // Of the seeds below `end`, those of this shard.
        let below = |end: u64| end / shards + u64::from(end % shards > self.shard);
        below(seed.max(self.seeds.start)) - below(self.seeds.start)
    }
}

/// Violations with one signature.
#[derive(Clone, Debug)]
pub struct Found {
    /// The violation in the run with the smallest seed.
    pub violation: Violation,
    /// The finding it is an instance of, if it is a known one.
    pub finding: Option<&'static Finding>,
    /// The smallest seed.
    pub seed: u64,
    /// In how many runs.
    pub runs: u64,
    /// The number of runs before its first one, in the order of the seeds.
    pub after_runs: u64,
}

/// What a campaign did and found.
#[derive(Clone, Debug, Default)]
pub struct CampaignReport {
    /// How many runs were made.
    pub runs: u64,
    /// How many events they had.
    pub events: u64,
    /// How many steps.
    pub steps: u64,
    /// How much virtual time passed in them, in seconds.
    pub virtual_seconds: f64,
    /// How many different schedules (digests) there were among them.
    pub distinct: u64,
    /// A digest over all runs, whatever their order.
    pub digest: u64,
    /// In how many runs each situation was reached.
    pub marks: BTreeMap<Mark, u64>,
    /// What was found, by signature.
    pub found: BTreeMap<String, Found>,
    /// Whether it was ended before all seeds were run.
    pub interrupted: bool,
}

impl CampaignReport {
    /// Violations that are not known findings.
    pub fn violations(&self) -> impl Iterator<Item = &Found> {
        self.found.values().filter(|found| found.finding.is_none())
    }

    /// Known findings that were met.
    pub fn findings(&self) -> impl Iterator<Item = &Found> {
        self.found.values().filter(|found| found.finding.is_some())
    }

    /// Situations that such a campaign should have reached and did not.
    pub fn missed(&self, scenario: &Scenario) -> Vec<Mark> {
        if scenario.level != Level::Containerizer || !scenario.name.starts_with("destroy-during") {
            return Vec::new();
        }
        SOMETIMES.into_iter().filter(|mark| !self.marks.contains_key(mark)).collect()
    }

    fn add(&mut self, seed: u64, result: &RunResult, digests: &mut BTreeSet<u64>) {
        self.runs += 1;
        self.events += result.events;
        self.steps += result.steps;
        self.virtual_seconds += result.end.since_epoch().as_secs_f64();
        digests.insert(result.digest);
        // A sum does not depend on the order in which workers finish.
        self.digest = self.digest.wrapping_add(mix(seed, result.digest));
        let mut marks = result.marks.clone();
        marks.sort_unstable();
        marks.dedup();
        for mark in marks {
            *self.marks.entry(mark).or_insert(0) += 1;
        }
        for violation in &result.violations {
            let found = Found {
                finding: findings::known(violation),
                violation: violation.clone(),
                seed,
                runs: 1,
                after_runs: 0,
            };
            self.merge_found(violation.signature(), found);
        }
    }

    fn merge_found(&mut self, signature: String, other: Found) {
        match self.found.entry(signature) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(other);
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                let found = entry.get_mut();
                found.runs += other.runs;
                if other.seed < found.seed {
                    found.seed = other.seed;
                    found.violation = other.violation;
                }
            }
        }
    }

    fn merge(&mut self, other: CampaignReport) {
        self.runs += other.runs;
        self.events += other.events;
        self.steps += other.steps;
        self.virtual_seconds += other.virtual_seconds;
        self.digest = self.digest.wrapping_add(other.digest);
        for (mark, count) in other.marks {
            *self.marks.entry(mark).or_insert(0) += count;
        }
        for (signature, found) in other.found {
            self.merge_found(signature, found);
        }
    }
}

fn mix(seed: u64, digest: u64) -> u64 {
    let mut value = digest ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// How far a campaign has come, for whoever shows it.
#[derive(Debug, Default)]
pub struct Progress {
    runs: AtomicU64,
    events: AtomicU64,
    found: AtomicU64,
    stop: AtomicBool,
}

/// A look at a campaign under way.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Snapshot {
    /// Runs made.
    pub runs: u64,
    /// Events handled.
    pub events: u64,
    /// Runs with a violation or finding.
    pub found: u64,
}

impl Progress {
    /// How far it has come.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            runs: self.runs.load(Ordering::Relaxed),
            events: self.events.load(Ordering::Relaxed),
            found: self.found.load(Ordering::Relaxed),
        }
    }

    /// Asks the campaign to end after the runs under way.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to end.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// The options of one run of a campaign.
pub fn run_options(options: &CampaignOptions, seed: u64) -> RunOptions {
    RunOptions {
        strategy: options.strategy.strategy(seed),
        faults: options.faults.clone(),
        tracing: false,
        keep_decisions: false,
    }
}

/// Runs a campaign. The result does not depend on the number of jobs, unless it was ended early.
pub fn campaign(
    scenario: &Scenario,
    options: &CampaignOptions,
    progress: &Progress,
) -> CampaignReport {
    let next = AtomicU64::new(options.seeds.start);
    let total = Mutex::new((CampaignReport::default(), BTreeSet::new()));
    let work = || {
        let mut report = CampaignReport::default();
        let mut digests = BTreeSet::new();
        loop {
            let first = next.fetch_add(CHUNK, Ordering::Relaxed);
            if first >= options.seeds.end || progress.is_stopped() {
                break;
            }
            for seed in first..(first + CHUNK).min(options.seeds.end) {
                if seed % options.shards.max(1) != options.shard || progress.is_stopped() {
                    continue;
                }
                let result = run(scenario, run_options(options, seed));
                progress.runs.fetch_add(1, Ordering::Relaxed);
                progress.events.fetch_add(result.events, Ordering::Relaxed);
                if !result.violations.is_empty() {
                    progress.found.fetch_add(1, Ordering::Relaxed);
                }
                let new = result.violations.iter().any(|v| findings::known(v).is_none());
                report.add(seed, &result, &mut digests);
                if new && options.stop_at_violation {
                    progress.stop();
                }
            }
        }
        let mut total = total.lock();
        total.0.merge(report);
        total.1.append(&mut digests);
    };

    std::thread::scope(|scope| {
        let workers: Vec<_> = (1..options.jobs.max(1)).map(|_| scope.spawn(work)).collect();
        work();
        for worker in workers {
            // A worker can only panic outside a run (inside, panics are caught): pass it on.
            if let Err(panic) = worker.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });

    let (mut report, digests) = total.into_inner();
    report.distinct = digests.len() as u64;
    report.interrupted = report.runs < options.runs_before(options.seeds.end);
    for found in report.found.values_mut() {
        found.after_runs = options.runs_before(found.seed) + 1;
    }
    report
}
