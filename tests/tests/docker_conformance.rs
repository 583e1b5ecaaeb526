//! A real Engine in the conversations that were recorded from one, and the simulated daemon beside
//! it. Skipped when no Engine answers. `DRYDOCK_WRITE_CONFORMANCE=1` records them anew.

mod simulated_stage;

use drydock_tests::conformance::{Conversation, RealStage, Records, Stage, Talk, all};
use simulated_stage::SimulatedStage;
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

fn have(conversation: &Conversation, stage: &dyn Stage) -> Vec<String> {
    let mut talk = Talk::new(stage);
    (conversation.script)(&mut talk);
    talk.end()
}

/// All conversations with the real Engine: those that need a well-behaved registry at the same
/// time, the others one by one.
fn with_engine(stage: &RealStage, chosen: &[Conversation]) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = vec![Vec::new(); chosen.len()];
    let next = AtomicUsize::new(0);
    let quiet: Vec<usize> = (0..chosen.len()).filter(|index| !chosen[*index].troubles).collect();
    let mut all: Vec<(usize, Vec<String>)> = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut found = Vec::new();
                    while let Some(index) = quiet.get(next.fetch_add(1, Ordering::Relaxed)) {
                        found.push((*index, have(&chosen[*index], stage)));
                    }
                    found
                })
            })
            .collect();
        lanes.into_iter().flat_map(|lane| lane.join().expect("it has not panicked")).collect()
    });
    for (index, one) in chosen.iter().enumerate().filter(|(_, one)| one.troubles) {
        all.push((index, have(one, stage)));
    }
    for (index, lines) in all {
        found[index] = lines;
    }
    found
}

#[test]
fn the_engine_says_what_was_recorded_and_the_simulated_daemon_says_it_too() {
    let Some(stage) = RealStage::require() else { return };
    let only = std::env::var("DRYDOCK_CONVERSATION").unwrap_or_default();
    let chosen: Vec<_> = all().into_iter().filter(|one| one.path().contains(&only)).collect();
    let engine = with_engine(&stage, &chosen);
    let mut records = Records::load().expect("the records can be read");
    if std::env::var_os("DRYDOCK_WRITE_CONFORMANCE").is_some_and(|value| value == "1") {
        let existing: Vec<String> = all().iter().map(Conversation::path).collect();
        records.transcripts.retain(|path, _| existing.contains(path));
        for (one, lines) in chosen.iter().zip(&engine) {
            records.transcripts.insert(one.path(), lines.clone());
        }
        records.save().expect("the records can be written");
        return;
    }
    let mut table = String::new();
    let mut problems = String::new();
    let _ = writeln!(table, "{:<72} {:<8} {:<10} verdict", "conversation", "Engine", "simulated");
    for (one, found) in chosen.iter().zip(&engine) {
        let path = one.path();
        let recorded = records.transcripts.get(&path).cloned().unwrap_or_default();
        let simulated = have(one, &SimulatedStage::start());
        let known = records.simulated(&path).unwrap_or_default();
        let engine_same = *found == recorded;
        let simulated_same = simulated == known;
        let verdict = match (engine_same, simulated_same, known == recorded) {
            (true, true, true) => "same",
            (true, true, false) => "known difference",
            _ => "DIFFERS",
        };
        let word = |same| if same { "record" } else { "OTHER" };
        let _ = writeln!(
            table,
            "{path:<72} {:<8} {:<10} {verdict}",
            word(engine_same),
            word(simulated_same)
        );
        if !engine_same {
            let _ = writeln!(
                problems,
                "== {path}\nrecorded:\n  {}\nthe Engine now:\n  {}",
                recorded.join("\n  "),
                found.join("\n  ")
            );
        }
        if !simulated_same {
            let _ = writeln!(
                problems,
                "== {path}\nexpected:\n  {}\nsimulated:\n  {}",
                known.join("\n  "),
                simulated.join("\n  ")
            );
        }
    }
    println!("{table}");
    assert!(problems.is_empty(), "{table}\n{problems}");
}
