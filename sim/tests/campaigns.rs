//! Campaigns: deterministic, complete, and without a violation of our own making.

use sim::campaign::{CampaignOptions, CampaignReport, Progress, campaign};
use sim::environment::Faults;
use sim::scenario::Scenario;
use sim::strategy::Kind;
use std::ops::Range;

fn options(scenario: &Scenario, seeds: Range<u64>, jobs: usize) -> CampaignOptions {
    CampaignOptions {
        strategy: Kind::Random,
        seeds,
        shard: 0,
        shards: 1,
        jobs,
        faults: scenario.budgets(),
        stop_at_violation: false,
    }
}

fn hunt(name: &str, seeds: Range<u64>, jobs: usize) -> CampaignReport {
    let scenario = Scenario::load(name).unwrap();
    campaign(&scenario, &options(&scenario, seeds, jobs), &Progress::default())
}

#[test]
fn the_digest_is_the_same_twice_and_with_any_number_of_jobs() {
    for name in ["destroy-during-pull", "destroy-during-pull-agent"] {
        let one = hunt(name, 0..400, 1);
        let again = hunt(name, 0..400, 1);
        let two = hunt(name, 0..400, 2);
        assert_eq!(one.digest, again.digest, "{name}");
        assert_eq!(one.digest, two.digest, "{name}");
        assert_eq!((one.events, one.distinct), (two.events, two.distinct), "{name}");
        assert_ne!(one.digest, hunt(name, 400..800, 1).digest, "{name}");
    }
}

#[test]
fn shards_together_are_the_whole() {
    let scenario = Scenario::load("destroy-during-pull").unwrap();
    let whole = hunt("destroy-during-pull", 0..300, 1);
    let parts = (0..3).map(|shard| {
        let options = CampaignOptions { shard, shards: 3, ..options(&scenario, 0..300, 1) };
        campaign(&scenario, &options, &Progress::default())
    });
    let (digest, runs) = parts.fold((0u64, 0), |(digest, runs), part| {
        (digest.wrapping_add(part.digest), runs + part.runs)
    });
    assert_eq!((digest, runs), (whole.digest, 300));
}

#[test]
fn destroy_during_pull_has_no_violation_of_our_own_and_reaches_every_state() {
    let scenario = Scenario::load("destroy-during-pull").unwrap();
    let report = hunt("destroy-during-pull", 0..3000, 2);
    let found: Vec<_> = report.violations().map(|found| &found.violation).collect();
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(report.missed(&scenario), []);
    assert!(report.distinct > 2000, "{} distinct schedules", report.distinct);
}

/// The finding is what names a URI twice; without that there is nothing.
#[test]
fn the_fetchers_cache_has_no_violation_whatever_fails() {
    let report = hunt("fetch-cache", 0..1500, 2);
    assert_eq!(report.found.keys().collect::<Vec<_>>(), [""; 0]);
    let faults: Vec<_> = report.marks.keys().map(ToString::to_string).collect();
    for fault in ["fetch-fail", "fetch-stall", "size-fail", "size-wrong", "unlink-fail"] {
        assert!(faults.contains(&format!("fault {fault}")), "{fault}: {faults:?}");
    }
    let twice = hunt("fetch-cache-twice", 0..500, 2);
    assert_eq!(twice.violations().count(), 0);
    assert!(twice.findings().all(|found| found.violation.oracle == "I-CACHE"));
    assert!(twice.findings().count() > 0);
}

#[test]
fn the_whole_agent_has_no_violation_of_our_own() {
    let report = hunt("destroy-during-pull-agent", 0..1500, 2);
    let found: Vec<_> = report.violations().map(|found| &found.violation).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn without_faults_the_natural_order_is_one_schedule() {
    let scenario = Scenario::load("destroy-during-pull").unwrap();
    let options = CampaignOptions {
        strategy: Kind::Fifo,
        faults: Faults::none(),
        ..options(&scenario, 0..20, 1)
    };
    let report = campaign(&scenario, &options, &Progress::default());
    assert_eq!(report.distinct, 1);
    assert_eq!(report.violations().count(), 0);
    // It is the scenario's own story: destroyed at 8 s, in the middle of a pull of 22 s.
    let marks: Vec<_> = report.marks.keys().map(ToString::to_string).collect();
    assert!(marks.contains(&"destroyed in PULLING".to_owned()), "{marks:?}");
    assert!(marks.contains(&"pull cancelled while layers were coming".to_owned()), "{marks:?}");
}

#[test]
fn a_campaign_ends_when_it_is_asked_to() {
    let scenario = Scenario::load("destroy-during-pull").unwrap();
    let progress = Progress::default();
    progress.stop();
    // As many seeds as a campaign has that ends by time.
    let report = campaign(&scenario, &options(&scenario, 0..u64::MAX / 2, 2), &progress);
    assert_eq!(report.runs, 0);
    assert!(report.interrupted);
}

#[test]
fn a_violation_is_counted_from_the_first_seed_of_its_part() {
    let scenario = Scenario::load("destroy-during-pull-agent").unwrap();
    let whole = options(&scenario, 0..200, 1);
    let report = campaign(&scenario, &whole, &Progress::default());
    assert!(!report.interrupted);
    let found = report.found.values().next().expect("finding F03 is not rare");
    assert_eq!(found.after_runs, found.seed + 1);
    for shard in 0..3 {
        let part = CampaignOptions { shard, shards: 3, ..whole.clone() };
        let report = campaign(&scenario, &part, &Progress::default());
        assert!(!report.interrupted, "shard {shard}: {} runs", report.runs);
        for found in report.found.values() {
            assert_eq!(found.seed % 3, shard);
            assert_eq!(found.after_runs, found.seed / 3 + 1);
        }
    }
}
