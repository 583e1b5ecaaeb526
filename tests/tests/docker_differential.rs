//! Random operations on a real Engine and on the simulated daemon: both must say the same, to the
//! words of their errors, and be in the same state at the end. Skipped when no Engine answers.
//!
//! `DRYDOCK_DIFFERENTIAL=N` tries N sequences instead of the usual few, and
//! `DRYDOCK_DIFFERENTIAL_SEED=N` others.

mod simulated_stage;

use drydock_tests::conformance::RealStage;
use drydock_tests::conformance::differential::{Operation, Program, difference, is_sound, perform};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::Union;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use simulated_stage::{LANES, SimulatedStage};
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many sequences without a word to the contrary.
const USUAL: usize = 24;

/// The longest sequence.
const LONGEST: usize = 30;

/// Real starts and stops leave the processor idle for the most part.
const LANES_AT_ONCE: usize = 6;

fn program() -> impl Strategy<Value = Program> {
    prop_oneof![
        4 => Just(Program::Stubborn),
        3 => Just(Program::Idle),
        2 => Just(Program::True),
        2 => Just(Program::Fails),
        1 => Just(Program::Missing),
        1 => Just(Program::RemovedTrue),
        1 => Just(Program::RemovedStubborn),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let name = || 0_u8..3;
    // Not INT: what it does to a shell is a known difference.
    let signals = ["KILL", "TERM", "USR1", "HUP", "CONT", "NOSUCH"];
    Union::new_weighted(vec![
        (
            6,
            (name(), program(), any::<bool>())
                .prop_map(|(name, program, own_image)| Operation::Create {
                    name,
                    program,
                    own_image,
                })
                .boxed(),
        ),
        (6, name().prop_map(Operation::Start).boxed()),
        (
            2,
            (name(), 0_u8..2).prop_map(|(name, seconds)| Operation::Stop { name, seconds }).boxed(),
        ),
        (
            3,
            (name(), proptest::sample::select(signals.to_vec()))
                .prop_map(|(name, signal)| Operation::Kill { name, signal })
                .boxed(),
        ),
        (
            1,
            (name(), 0_u8..2)
                .prop_map(|(name, seconds)| Operation::Restart { name, seconds })
                .boxed(),
        ),
        (2, name().prop_map(Operation::Pause).boxed()),
        (2, name().prop_map(Operation::Unpause).boxed()),
        (
            3,
            (name(), any::<bool>())
                .prop_map(|(name, force)| Operation::Remove { name, force })
                .boxed(),
        ),
        (2, (name(), name()).prop_map(|(from, to)| Operation::Rename { from, to }).boxed()),
        (2, name().prop_map(Operation::Wait).boxed()),
        (1, name().prop_map(Operation::Inspect).boxed()),
        (1, Just(Operation::List).boxed()),
        (2, (0_u8..2).prop_map(Operation::Tag).boxed()),
        (
            1,
            (0_u8..2, any::<bool>())
                .prop_map(|(tag, force)| Operation::Untag { tag, force })
                .boxed(),
        ),
        (1, any::<bool>().prop_map(|force| Operation::RemoveImage { force }).boxed()),
        (3, Just(Operation::Pull).boxed()),
    ])
}

fn number(variable: &str, usual: usize) -> usize {
    let Some(text) = std::env::var_os(variable) else { return usual };
    let text = text.to_string_lossy().into_owned();
    text.parse().unwrap_or_else(|_| panic!("{variable}: '{text}': expected a number"))
}

/// Tries sequences until a lane has had its share; what the smallest that differs is.
fn lane(stage: &RealStage, lane: usize, share: usize, done: &AtomicUsize) -> Result<(), String> {
    let simulated = SimulatedStage::with_speed("20");
    let config = Config {
        cases: u32::try_from(share).unwrap_or(u32::MAX),
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let seed = number("DRYDOCK_DIFFERENTIAL_SEED", 0) as u64 + 1000 * lane as u64;
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let outcome = runner.run(&vec(operation(), 1..=LONGEST), |operations| {
        let both = std::thread::scope(|scope| {
            let engine = scope.spawn(|| perform(stage, lane, &operations));
            let simulated = perform(&simulated, lane, &operations);
            (engine.join().expect("it has not panicked"), simulated)
        });
        let (engine, simulated) = both;
        if let Some(shown) = difference(&engine, &simulated) {
            return Err(TestCaseError::fail(shown));
        }
        if !is_sound(&engine) {
            return Err(TestCaseError::fail(format!("both: {}", engine.join("\n  "))));
        }
        done.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    match outcome {
        Ok(()) => Ok(()),
        Err(TestError::Fail(reason, operations)) => {
            Err(format!("lane {lane}: {operations:?}\n{reason}"))
        }
        Err(TestError::Abort(reason)) => Err(format!("lane {lane}: {reason}")),
    }
}

#[test]
fn random_operations_have_the_same_outcome_on_both() {
    let sequences = number("DRYDOCK_DIFFERENTIAL", USUAL);
    let lanes = LANES_AT_ONCE.min(LANES).min(sequences.max(1));
    let Some(stage) = RealStage::require_with_lanes(lanes) else { return };
    let done = AtomicUsize::new(0);
    let problems: Vec<String> = std::thread::scope(|scope| {
        let (stage, done) = (&stage, &done);
        let all: Vec<_> = (0..lanes)
            .map(|number| {
                let share = sequences / lanes + usize::from(number < sequences % lanes);
                scope.spawn(move || lane(stage, number, share, done))
            })
            .collect();
        let ends = all.into_iter().map(|one| one.join().expect("it has not panicked"));
        ends.filter_map(Result::err).collect()
    });
    let done = done.into_inner();
    println!("{done} runs of random operations agree ({sequences} sequences wanted)");
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}
