//! How fast the environment is: printed, never asserted.

use super::{Rig, code};
use std::time::Instant;

#[test]
#[ignore = "a measurement; run in release with --ignored --nocapture"]
#[allow(clippy::disallowed_methods, clippy::print_stdout, reason = "it measures real time")]
fn a_pull_is_this_fast() {
    let rounds = 20_000u32;
    for (what, pull) in [("an empty world", false), ("a world and a pull", true)] {
        let mut events = 0;
        let before = Instant::now();
        for _ in 0..rounds {
            let rig = Rig::new();
            if pull {
                let pull = rig.api.pull_image("registry/app:1", None);
                rig.settle();
                assert_eq!(code(&pull), Some(200));
            }
            events = rig.simulation.events_handled();
        }
        println!("{what}: {:?}, {events} events", before.elapsed() / rounds);
    }
    let before = Instant::now();
    for _ in 0..rounds {
        let rig = Rig::new();
        rig.run_container("c");
        let stop = rig.api.stop_container("c", 1);
        rig.settle();
        assert_eq!(code(&stop), Some(200));
    }
    println!("a world, create, start, stop: {:?}", before.elapsed() / rounds);
}
