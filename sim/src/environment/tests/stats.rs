//! Stats: what a container uses, as it is told.

use super::{Rig, Talk, millis, seconds};
use crate::environment::daemon::{Chunk, Request, json};
use serde_json::Value;

fn stats(rig: &Rig, stream: bool, one_shot: bool) -> Talk {
    rig.send(Request::Stats { container: "c1".into(), stream, one_shot })
}

fn bodies(talk: &Talk) -> Vec<Value> {
    let body = |chunk: Chunk| serde_json::from_slice(&json::chunk(&chunk, false)).unwrap();
    talk.chunks().into_iter().map(body).collect()
}

const NEVER: &str = "0001-01-01T00:00:00Z";

#[test]
fn a_stream_has_a_look_each_second_until_the_removal() {
    let rig = Rig::interpreting();
    rig.create("c1", &["sh", "-c", "work 100"]);
    let talk = stats(&rig, true, false);
    rig.pass(millis(2500));
    assert_eq!(bodies(&talk).len(), 3);
    assert!(bodies(&talk).iter().all(|look| look["read"] == NEVER));
    rig.start("c1").expect(204);
    rig.pass(seconds(3));
    let looks = bodies(&talk);
    let last = looks.last().unwrap();
    let used = |side: &str| last[side]["cpu_usage"]["total_usage"].as_u64().unwrap();
    let system = |side: &str| last[side]["system_cpu_usage"].as_u64().unwrap();
    // Of two processors it keeps one busy.
    let (busy, all) =
        (used("cpu_stats") - used("precpu_stats"), system("cpu_stats") - system("precpu_stats"));
    assert_eq!(busy * 2, all);
    assert_eq!(last["pids_stats"]["current"], 1);
    assert!(last["memory_stats"]["usage"].as_u64() > Some(0));
    assert_eq!(last["memory_stats"]["limit"], rig.daemon.settings().total_memory);
    rig.ask(Request::Kill { container: "c1".into(), signal: 9 }).expect(204);
    rig.pass(seconds(2));
    assert_eq!(bodies(&talk).last().unwrap()["read"], NEVER);
    assert!(!talk.is_over());
    rig.ask(Request::Remove { container: "c1".into(), force: false, volumes: false }).expect(204);
    assert!(talk.is_over());
    rig.settle();
}

#[test]
fn one_look_is_compared_with_the_one_before_unless_it_is_not_to_wait() {
    let rig = Rig::interpreting();
    rig.run("c1", "sleep 100");
    let (waits, at_once) = (stats(&rig, false, false), stats(&rig, false, true));
    rig.pass(millis(500));
    assert!(waits.is_silent());
    assert_eq!(at_once.body()["preread"], NEVER);
    rig.pass(millis(600));
    assert_ne!(waits.body()["preread"], NEVER);
    rig.ask(Request::Kill { container: "c1".into(), signal: 9 }).expect(204);
    assert_eq!(
        rig.ask(Request::Stats { container: "c1".into(), stream: false, one_shot: false }).body()["read"],
        NEVER
    );
}

#[test]
fn a_stream_ends_with_its_client() {
    let rig = Rig::interpreting();
    rig.run("c1", "sleep 100");
    let talk = stats(&rig, true, false);
    rig.pass(millis(1500));
    talk.call.hang_up();
    assert!(rig.daemon.requests().is_empty());
    rig.settle();
}
