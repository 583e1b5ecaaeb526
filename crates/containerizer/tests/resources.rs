//! What an agent has to offer.

mod support;

use containerizer::resources::resources;
use mesos::Resources;
use std::path::Path;
use support::fakes::FakeHost;
use support::log;

fn offered(text: &str, gpus: u32, host: &FakeHost) -> Resources {
    resources(text, "r", Path::new("/agent"), gpus, host, &log()).unwrap()
}

/// In megabytes.
fn amounts(all: &Resources) -> [Option<f64>; 4] {
    ["cpus", "gpus", "mem", "disk"].map(|name| all.scalar(name))
}

#[test]
fn what_is_not_said_is_taken_from_the_machine_but_for_a_part() {
    let host = FakeHost::default();
    let all = offered("", 0, &host);
    let gigabytes = |count: f64| Some(count * 1024.0);
    assert_eq!(amounts(&all), [Some(4.0), None, gigabytes(7.0), gigabytes(59.0)]);
    let ports = all.ports().unwrap();
    assert_eq!((ports.range[0].begin, ports.range[0].end), (31_000, 32_000));
    assert!(all.iter().all(|it| it.reservations[0].role.as_deref() == Some("r")));

    // Of a small machine, half.
    *host.memory.lock() = Some(1 << 30);
    assert_eq!(amounts(&offered("", 0, &host))[2], Some(512.0));
}

#[test]
fn what_is_said_counts_even_if_it_is_nothing() {
    let host = FakeHost::default();
    let all = offered("cpus:0;mem(*):16;disk:1;ports:[1-2]", 0, &host);
    assert_eq!(amounts(&all), [None, None, Some(16.0), Some(1.0)]);
    assert_eq!(all.ports().unwrap().range.len(), 1);
}

#[test]
fn gpus_are_those_that_there_are() {
    let host = FakeHost::default();
    for (text, there, expected) in
        [("", 0, None), ("", 2, Some(2.0)), ("gpus:1", 2, Some(1.0)), ("gpus:1", 0, None)]
    {
        assert_eq!(amounts(&offered(text, there, &host))[1], expected, "{text} of {there}");
    }
}

#[test]
fn a_machine_that_cannot_be_asked_has_the_default() {
    let host = FakeHost::default();
    for what in ["cpus", "memory", "disk"] {
        host.fails(what, "broken");
    }
    assert_eq!(amounts(&offered("", 0, &host)), [Some(1.0), None, Some(1024.0), Some(10_240.0)]);
}

#[test]
fn a_text_that_is_none_is_refused() {
    let host = FakeHost::default();
    for text in ["cpus", "cpus:x", "cpus:1;cpus:[1-2]"] {
        let refused = resources(text, "*", Path::new("/agent"), 0, &host, &log());
        assert!(refused.is_err(), "{text}");
    }
}
