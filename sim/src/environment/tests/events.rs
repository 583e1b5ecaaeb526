//! Events: what is told, to whom, and for how long.

use super::{Rig, Talk, millis, seconds};
use crate::environment::daemon::{Chunk, EventOptions, Filters, Request, json};
use serde_json::Value;
use std::time::Duration;

fn follow(rig: &Rig, options: EventOptions) -> Talk {
    rig.send(Request::Events(options))
}

fn filtered(filters: Filters) -> EventOptions {
    EventOptions { filters, ..EventOptions::default() }
}

fn bodies(talk: &Talk) -> Vec<Value> {
    let body = |chunk: Chunk| serde_json::from_slice(&json::chunk(&chunk, false)).unwrap();
    talk.chunks().into_iter().map(body).collect()
}

fn actions(talk: &Talk) -> Vec<String> {
    let action = |event: Value| {
        format!("{} {}", event["Type"].as_str().unwrap(), event["Action"].as_str().unwrap())
    };
    bodies(talk).into_iter().map(action).collect()
}

fn now(rig: &Rig) -> Duration {
    rig.daemon.settings().epoch + rig.simulation.now().since_epoch()
}

#[test]
fn the_life_of_a_container_is_told_in_order() {
    let rig = Rig::interpreting();
    let talk = follow(&rig, EventOptions::default());
    rig.pass(millis(10));
    rig.run("c1", "sleep 1000");
    rig.ask(Request::Stop { container: "c1".into(), seconds: Some(0) }).expect(204);
    rig.ask(Request::Rename { container: "c1".into(), name: "c2".into() }).expect(204);
    rig.ask(Request::Remove { container: "c2".into(), force: false, volumes: false }).expect(204);
    // As recorded from an Engine for the same requests.
    assert_eq!(
        actions(&talk),
        [
            "container create",
            "network connect",
            "container start",
            "container kill",
            "container kill",
            "container die",
            "network disconnect",
            "container stop",
            "container rename",
            "container destroy",
        ]
    );
    let all = bodies(&talk);
    assert_eq!(all[3]["Actor"]["Attributes"]["signal"], "15");
    assert_eq!(all[4]["Actor"]["Attributes"]["signal"], "9");
    assert_eq!(all[5]["Actor"]["Attributes"]["exitCode"], "137");
    assert_eq!(all[8]["Actor"]["Attributes"]["oldName"], "/c1");
    assert_eq!(all[9]["Actor"]["Attributes"]["name"], "c2");
    assert_eq!(all[0]["from"], "bb:1");
}

#[test]
fn filters_choose() {
    let rig = Rig::interpreting();
    let of = |name: &str, value: &str| Filters::default().with(name, value);
    let talks = [
        (of("type", "network"), 4),
        (of("type", "container"), 7),
        (of("event", "die"), 2),
        (of("event", "die").with("event", "start"), 4),
        (of("container", "one"), 4),
        (of("image", "bb:1"), 7),
        (of("image", "bb"), 7),
        (of("image", "other"), 0),
        (of("label", "a=b"), 0),
        (of("type", "container").with("container", "two").with("event", "create"), 1),
    ]
    .map(|(filters, count)| (follow(&rig, filtered(filters)), count));
    rig.pass(millis(10));
    for name in ["one", "two"] {
        rig.run(name, "exit 0");
    }
    rig.ask(Request::Remove { container: "one".into(), force: true, volumes: false }).expect(204);
    for (index, (talk, count)) in talks.iter().enumerate() {
        assert_eq!(actions(talk).len(), *count, "{index}: {:?}", actions(talk));
    }
}

#[test]
fn the_past_is_told_up_to_a_time() {
    let rig = Rig::interpreting();
    rig.run("c1", "sleep 1; exit 0");
    let middle = now(&rig);
    rig.pass(seconds(2));
    let until = |since| EventOptions { since, until: Some(now(&rig)), ..EventOptions::default() };
    let (all, later) = (follow(&rig, until(None)), follow(&rig, until(Some(middle))));
    rig.pass(millis(10));
    assert_eq!(actions(&all)[..3], ["container create", "network connect", "container start"]);
    assert_eq!(actions(&later), ["container die", "network disconnect"]);
    assert!(all.is_over() && later.is_over());
    // Without a bound nothing is told of the past, and the stream does not end.
    let open = follow(&rig, EventOptions::default());
    let future = EventOptions { until: Some(now(&rig) + seconds(5)), ..EventOptions::default() };
    let ending = follow(&rig, future);
    rig.pass(seconds(4));
    assert!(open.chunks().is_empty() && !ending.is_over());
    rig.pass(seconds(2));
    assert!(!open.is_over() && ending.is_over());
    open.call.hang_up();
    assert!(rig.daemon.requests().is_empty());
    let backwards = EventOptions {
        since: Some(seconds(5)),
        until: Some(seconds(3)),
        ..EventOptions::default()
    };
    let refusal = rig.ask(Request::Events(backwards)).refusal();
    assert_eq!(refusal.status, 400);
    assert_eq!(refusal.message, "`since` time (5) cannot be after `until` time (3)");
}

#[test]
fn so_many_events_are_remembered() {
    let rig = Rig::interpreting();
    for _ in 0..300 {
        rig.send(Request::Tag { image: "bb:1".into(), repository: "x".into(), tag: "1".into() });
        rig.pass(millis(1));
    }
    assert_eq!(rig.daemon.events().len(), 256);
}

#[test]
fn images_networks_and_volumes_are_told_of() {
    let rig = Rig::new();
    let talk = follow(&rig, EventOptions::default());
    rig.pass(millis(10));
    rig.send(Request::Pull { reference: "registry/app:1".into(), credentials: None });
    rig.pass(seconds(5));
    rig.ask(Request::RemoveImage { image: "registry/app:1".into(), force: false });
    let config =
        crate::environment::daemon::NetworkConfig { name: "net".to_owned(), ..Default::default() };
    rig.ask(Request::CreateNetwork { config });
    rig.ask(Request::RemoveNetwork { network: "net".into() });
    let (name, driver) = (Some("vol".into()), String::new());
    rig.ask(Request::CreateVolume { name, driver, labels: Vec::new() });
    rig.ask(Request::RemoveVolume { volume: "vol".into(), force: false });
    assert_eq!(
        actions(&talk),
        [
            "image pull",
            "image untag",
            "image delete",
            "network create",
            "network destroy",
            "volume create",
            "volume destroy",
        ]
    );
    let pulled = &bodies(&talk)[0];
    assert_eq!(pulled["id"], "registry/app:1");
    assert_eq!(pulled["Actor"]["Attributes"]["name"], "registry/app");
}
