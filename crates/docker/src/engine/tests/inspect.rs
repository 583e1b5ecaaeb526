//! `Docker::inspect`.

use super::World;
use crate::{Container, Docker};
use process::Future;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_millis(500);

fn container(started: bool) -> Container {
    Container { id: "i".to_owned(), started, ..Container::default() }
}

impl World {
    fn retrying(&self) -> Future<Container> {
        self.engine.inspect("c", Some(INTERVAL))
    }

    fn no_such_container(&self) {
        self.script.refuse::<Container>("inspect c", 404, "No such container: c");
    }
}

#[test]
fn once() {
    let world = World::new();
    let inspect = world.engine.inspect("c", None);
    world.script.answer("inspect c", Ok(container(false)));
    assert!(inspect.is_ready());
    let inspect = world.engine.inspect("c", None);
    world.no_such_container();
    let expected =
        "Failed to inspect container 'c': Error response from daemon: No such container: c";
    assert_eq!(inspect.failure(), Some(expected));
    assert!(!world.timers_left());
}

#[test]
fn again_until_started() {
    let world = World::new();
    let inspect = world.retrying();
    world.no_such_container();
    world.advance(499);
    assert_eq!(world.script.all().len(), 1);
    world.advance(1);
    assert_eq!(world.script.all().len(), 2);
    // The interval counts from the answer, not from the request.
    world.advance(10_000);
    assert_eq!(world.script.all().len(), 2);
    world.script.answer("inspect c", Ok(container(false)));
    world.advance(500);
    world.script.answer("inspect c", Ok(container(true)));
    assert!(inspect.is_ready());
    assert!(!world.timers_left());
    assert_eq!(world.script.all().len(), 3);
}

#[test]
fn a_discard_ends_it_at_any_moment() {
    // While a request is open: first and later.
    for tries in 0..2 {
        let world = World::new();
        let inspect = world.retrying();
        for _ in 0..tries {
            world.no_such_container();
            world.advance(500);
        }
        inspect.discard();
        assert!(inspect.is_discarded() && world.script.open().is_empty());
        world.advance(5000);
        assert_eq!(world.script.all().len(), tries + 1);
    }
    // Between two tries.
    let world = World::new();
    let inspect = world.retrying();
    world.no_such_container();
    world.advance(100);
    inspect.discard();
    assert!(inspect.is_discarded() && !world.timers_left());
    world.advance(5000);
    assert_eq!(world.script.all().len(), 1);
}

/// B34: the discard comes after the retry has begun and before its request is known.
#[test]
fn a_discard_during_a_retry_leaves_no_request() {
    let world = World::new();
    let inspect = world.retrying();
    world.no_such_container();
    let discarded = inspect.clone();
    world.script.meanwhile(move || {
        discarded.discard();
    });
    world.advance(500);
    assert!(inspect.is_discarded());
    assert_eq!(world.script.all().len(), 2);
    assert!(world.script.open().is_empty() && !world.timers_left());
}
