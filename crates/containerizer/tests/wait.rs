//! Waiting, asking and updating.

mod support;

use containerizer::docker::State;
use containerizer::{Containerizer, LaunchResult};
use mesos::{ContainerId, ContainerStatus, Resource, resources};
use process::Nothing;
use std::collections::{BTreeMap, BTreeSet};
use support::{World, config, id, ready};

fn update(world: &World, container: &ContainerId, requests: Vec<Resource>) {
    let limits = BTreeMap::from([("cpus".to_owned(), f64::INFINITY)]);
    let update = world.containerizer.update(container, requests, limits);
    world.settle();
    assert_eq!(ready(&update), Nothing);
}

fn gpus() -> Vec<Resource> {
    vec![resources::scalar("gpus", 1.0)]
}

#[test]
fn a_wait_is_over_with_the_container_in_each_state() {
    for (state, message) in [
        (State::Fetching, "Container destroyed while fetching"),
        (State::Pulling, "Container destroyed while pulling image"),
        (State::Mounting, "Container destroyed while mounting volumes"),
    ] {
        let (world, _launch) = World::in_state(state);
        let wait = world.containerizer.wait(&id());
        world.deliver_calls();
        assert!(wait.is_pending());
        let destroy = world.containerizer.destroy(&id());
        world.deliver_calls();
        world.settle();
        world.ended(&wait, None, Some(message));
        world.ended(&destroy, None, Some(message));
        assert_eq!(ready(&world.wait()), None, "by now it is unknown");
    }
}

/// A hole that upstream has: all who wait share one future.
#[test]
fn fixme_a_wait_that_is_discarded_spoils_the_others() {
    let world = World::running();
    let (first, second) = (world.wait(), world.wait());
    first.discard();
    world.executor_exits(0);
    assert!(first.is_discarded());
    assert!(second.is_discarded(), "{second}");
    assert_eq!(world.life().terminations.len(), 1);
}

#[test]
fn a_status_is_the_containers_id_whether_known_or_not() {
    let world = World::new();
    let status = world.containerizer.status(&id());
    world.settle();
    let expected = ContainerStatus { container_id: Some(id()), ..ContainerStatus::default() };
    assert_eq!(ready(&status), expected);
}

#[test]
fn containers_are_those_that_have_not_ended() {
    let (world, _launch) = World::in_state(State::Pulling);
    let other = ContainerId::new("other");
    let _other = world.containerizer.launch(&other, config().into(), [].into(), None);
    world.settle();
    let containers = world.containerizer.containers();
    world.settle();
    assert_eq!(ready(&containers), BTreeSet::from([id(), other.clone()]));
    world.destroy();
    let containers = world.containerizer.containers();
    world.settle();
    assert_eq!(ready(&containers), BTreeSet::from([other]));
}

#[test]
fn an_update_of_an_unknown_container_is_ignored() {
    let world = World::new();
    update(&world, &id(), gpus());
    assert_eq!(world.count(), 0);
    assert!(world.journal.lines().is_empty());
}

#[test]
fn an_update_is_remembered_and_nothing_else() {
    // What is remembered shows in what is allocated.
    let (world, launch) = World::in_state(State::Pulling);
    update(&world, &id(), gpus());
    world.pulled();
    assert!(launch.is_pending());
    assert_eq!(world.journal.about("allocate"), ["allocate 1"]);
    drop(world);

    let (world, launch) = World::in_state(State::Pulling);
    update(&world, &id(), gpus());
    update(&world, &id(), vec![resources::scalar("cpus", 2.0)]);
    world.pulled();
    world.prepared();
    assert_eq!(ready(&launch), LaunchResult::Success);
    world.journal.take();
    update(&world, &id(), vec![resources::scalar("cpus", 4.0)]);
    assert!(world.journal.lines().is_empty());
    assert_eq!(world.docker.calls().len(), 1, "nothing but the pull");
}

#[test]
fn an_update_of_a_container_that_is_being_destroyed_is_ignored() {
    let world = World::running();
    let destroy = world.destroy();
    update(&world, &id(), gpus());
    world.stopped();
    world.executor_exits(0);
    world.ended(&destroy, Some(0), Some("Container killed"));
}
