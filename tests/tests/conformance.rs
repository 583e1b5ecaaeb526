//! The simulated daemon in the conversations that were recorded from a real Engine. No Engine is
//! needed.

mod simulated_stage;

use drydock_tests::conformance::{Records, Talk, all, document};
use simulated_stage::SimulatedStage;
use std::path::Path;

/// The whole of two transcripts, where they differ.
fn compare(path: &str, expected: &[String], found: &[String]) -> Option<String> {
    if expected == found {
        return None;
    }
    let mut text = format!("== {path}\n");
    for line in diff(expected, found) {
        text.push_str(&line);
        text.push('\n');
    }
    Some(text)
}

/// The lines of both, in order: those of one only are marked.
fn diff(expected: &[String], found: &[String]) -> Vec<String> {
    // Longest common subsequence; transcripts are short.
    let (rows, columns) = (expected.len(), found.len());
    let mut lengths = vec![vec![0_usize; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            lengths[row][column] = if expected[row] == found[column] {
                lengths[row + 1][column + 1] + 1
            } else {
                lengths[row + 1][column].max(lengths[row][column + 1])
            };
        }
    }
    let (mut row, mut column, mut lines) = (0, 0, Vec::new());
    while row < rows || column < columns {
        if row < rows && column < columns && expected[row] == found[column] {
            lines.push(format!("   {}", expected[row]));
            (row, column) = (row + 1, column + 1);
        } else if row < rows
            && (column == columns || lengths[row + 1][column] >= lengths[row][column + 1])
        {
            lines.push(format!(" E {}", expected[row]));
            row += 1;
        } else {
            lines.push(format!(" S {}", found[column]));
            column += 1;
        }
    }
    lines
}

#[test]
fn the_simulated_daemon_says_what_the_engine_says() {
    let records = Records::load().expect("the records can be read");
    let only = std::env::var("DRYDOCK_CONVERSATION").unwrap_or_default();
    let chosen: Vec<_> = all().into_iter().filter(|one| one.path().contains(&only)).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let mut problems: Vec<(usize, String)> = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut problems = Vec::new();
                    loop {
                        let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        let Some(one) = chosen.get(index) else { return problems };
                        let stage = SimulatedStage::start();
                        let mut talk = Talk::new(&stage);
                        (one.script)(&mut talk);
                        let found = talk.end();
                        match records.simulated(&one.path()) {
                            Ok(expected) => problems.extend(
                                compare(&one.path(), &expected, &found).map(|text| (index, text)),
                            ),
                            Err(problem) => problems.push((index, problem)),
                        }
                    }
                })
            })
            .collect();
        lanes.into_iter().flat_map(|lane| lane.join().expect("it has not panicked")).collect()
    });
    problems.sort();
    let text: Vec<String> = problems.iter().map(|(_, text)| text.clone()).collect();
    assert!(
        problems.is_empty(),
        "{} of {} conversations differ (E: the Engine and known differences, S: the simulated \
         daemon):\n{}",
        problems.len(),
        chosen.len(),
        text.join("\n")
    );
}

#[test]
fn there_are_enough_conversations_and_each_is_recorded() {
    let records = Records::load().expect("the records can be read");
    let all = all();
    assert!(all.len() >= 60, "{}", all.len());
    for one in &all {
        assert!(records.transcripts.contains_key(&one.path()), "{} is not recorded", one.path());
    }
    assert_eq!(records.transcripts.len(), all.len(), "there are records of no conversation");
    for difference in &records.differences {
        assert_ne!(difference.engine, difference.simulated, "{difference:?}");
        assert!(records.transcripts.contains_key(&difference.conversation), "{difference:?}");
    }
}

#[test]
fn the_document_is_current() {
    let records = Records::load().expect("the records can be read");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
    let text = document(&records);
    if std::env::var_os("DRYDOCK_WRITE_DOCS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &text).expect("it can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, text, "DRYDOCK_WRITE_DOCS=1 cargo test --workspace --test conformance");
}
