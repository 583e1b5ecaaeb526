//! `stop`, `kill`, `rm`, `ps` and `version`.

use super::World;
use crate::{ApiError, Container, ContainerSummary, Docker, Engine, ErrorKind, Version};
use process::Nothing;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn stop() {
    let world = World::new();
    let stop = world.engine.stop("c", Duration::from_millis(5900), false);
    world.script.answer("stop c 5", Ok(Nothing));
    assert!(stop.is_ready());

    // Stopped already is a success for the command line; gone is not.
    let stop = world.engine.stop("c", Duration::ZERO, false);
    world.script.refuse::<Nothing>("stop c 0", 304, "");
    assert!(stop.is_ready());

    let stop = world.engine.stop("c", Duration::ZERO, false);
    world.script.refuse::<Nothing>("stop c 0", 404, "No such container: c");
    let expected = "Failed to run 'docker -H unix:///var/run/docker.sock stop -t 0 c': exited with \
                    status 1; stderr='Error response from daemon: No such container: c\\n'";
    assert_eq!(stop.failure(), Some(expected));

    let stop = world.engine.stop("c", Duration::ZERO, false);
    stop.discard();
    assert!(stop.is_discarded() && world.script.open().is_empty());
}

#[test]
fn stop_and_remove() {
    for failed in [false, true] {
        for removed in [false, true] {
            let world = World::new();
            let stop = world.engine.stop("c", Duration::from_secs(3), true);
            let answer = if failed { Err(ApiError::status(500, "x")) } else { Ok(Nothing) };
            world.script.answer("stop c 3", answer);
            let remove = format!("remove c {failed} true");
            assert!(stop.is_pending());
            let answer = if removed { Ok(Nothing) } else { Err(ApiError::status(409, "busy")) };
            world.script.answer(&remove, answer);
            assert!(stop.is_ready());
        }
    }
    let world = World::new();
    let stop = world.engine.stop("c", Duration::ZERO, true);
    world.script.answer("stop c 0", Ok(Nothing));
    stop.discard();
    assert!(stop.is_discarded() && world.script.open().is_empty());
}

#[test]
fn kill_and_rm() {
    let world = World::new();
    let kill = world.engine.kill("c", 9);
    world.script.refuse::<Nothing>("kill c 9", 409, "Container c is not running");
    let failure = kill.failure().unwrap_or_default();
    assert!(failure.contains("kill --signal=9 c': exited with status 1"), "{failure}");

    for (force, code, ready) in [(false, 404, false), (true, 404, true), (true, 409, false)] {
        let rm = world.engine.rm("c", force);
        world.script.refuse::<Nothing>(&format!("remove c {force} true"), code, "x");
        assert_eq!(rm.is_ready(), ready, "{force} {code}");
    }
    let rm = world.engine.rm("c", true);
    rm.discard();
    assert!(rm.is_discarded() && world.script.open().is_empty());
}

fn row(id: &str, names: &[&str]) -> ContainerSummary {
    let names = names.iter().map(|&name| name.to_owned()).collect();
    ContainerSummary { id: id.to_owned(), names }
}

#[test]
fn ps_inspects_in_batches_from_the_end() {
    let world = World::new();
    let ps = world.engine.ps(true, Some("mesos-"));
    let mut rows: Vec<_> = (0..150).map(|n| row("id", &[&format!("/mesos-{n}")])).collect();
    rows.insert(0, row("other", &["/other"]));
    rows.insert(0, row("linked", &["/other/mesos-x", "/mesos-linked"]));
    world.script.answer("list true", Ok(rows));
    let open = world.script.open();
    assert_eq!((open.len(), &*open[0], &*open[99]), (100, "inspect mesos-149", "inspect mesos-50"));
    for label in open {
        let container = Container { name: label.clone(), ..Container::default() };
        world.script.answer(&label, Ok(container));
    }
    let open = world.script.open();
    assert_eq!((open.len(), &*open[50]), (51, "inspect mesos-linked"));
    for label in open {
        let container = Container { name: label.clone(), ..Container::default() };
        world.script.answer(&label, Ok(container));
    }
    let containers = ps.get().unwrap();
    assert_eq!((containers.len(), &*containers[0].name), (151, "inspect mesos-149"));
}

#[test]
fn ps_fails_as_upstream() {
    let world = World::new();
    let ps = world.engine.ps(false, None);
    world.script.answer("list false", Ok(vec![row("abc", &[]), row("d", &["/d"])]));
    assert_eq!(world.script.open(), ["inspect d", "inspect abc"]);
    world.script.refuse::<Container>("inspect d", 404, "No such container: d");
    let failure = ps.failure().unwrap_or_default();
    assert!(failure.starts_with("Docker ps batch failed Collect failed: Failed to inspect"));

    let ps = world.engine.ps(false, None);
    world.script.refuse::<Vec<ContainerSummary>>("list false", 500, "x");
    assert!(ps.failure().is_some_and(|text| text.contains("docker.sock ps': exited")));

    let ps = world.engine.ps(false, None);
    world.script.answer("list false", Ok(vec![row("e", &["/e"]), row("f", &["/f"])]));
    ps.discard();
    assert!(ps.is_discarded());
    assert!(!world.script.open().contains(&"inspect e".to_owned()));
    assert!(!world.script.open().contains(&"inspect f".to_owned()));

    let ps = world.engine.ps(false, None);
    world.script.answer("list false", Ok(Vec::<ContainerSummary>::new()));
    assert_eq!(ps.get().map(Vec::len), Some(0));
}

#[test]
fn create_validates_the_version() {
    let world = World::new();
    let create = || Engine::create(Arc::clone(&world.script) as _, "unix:///s", Version::MINIMUM);
    let engine = create();
    world.script.answer("version", Ok(Version::new(20, 10, 24)));
    assert_eq!(engine.get().map(Engine::socket), Some("unix:///s"));
    assert!(!world.timers_left());

    let engine = create();
    world.script.answer("version", Ok(Version::new(1, 7, 1)));
    let expected = "Insufficient version '1.7.1' of Docker. Please upgrade to >= '1.8.0'";
    assert_eq!(engine.failure(), Some(expected));

    let engine = create();
    let error = ApiError { kind: ErrorKind::Unreachable, message: "nobody".to_owned() };
    world.script.answer::<Version>("version", Err(error));
    assert_eq!(engine.failure(), Some("Failed to get docker version: nobody"));

    let engine = create();
    world.advance(5000);
    assert_eq!(engine.failure(), Some("Timed out getting docker version"));
    assert!(world.script.open().is_empty());
}
