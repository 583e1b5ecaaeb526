//! `Docker::run`: what the options make of it.

use super::World;
use crate::{ApiError, Attachment, Docker, ErrorKind, Output, RunOptions, Version};
use process::{Future, Nothing, Promise};
use std::path::PathBuf;

fn file(name: &str) -> Output {
    Output::Path(PathBuf::from(name))
}

fn run(world: &World, network: &str, options: &[&str]) -> Future<Option<i32>> {
    let options = RunOptions {
        name: Some("c".to_owned()),
        image: "bb:1".to_owned(),
        network: Some(network.to_owned()),
        additional_options: options.iter().map(|&option| option.to_owned()).collect(),
        ..RunOptions::default()
    };
    world.engine.run(&options, file("out"), file("err"))
}

fn attached() -> Attachment {
    let finished = Promise::new();
    finished.set(Nothing);
    Attachment { finished: finished.future() }
}

#[test]
fn options_that_are_none_fail_before_anything_is_asked() {
    for (options, message) in [
        (&["--no-such=1"][..], "Option '--no-such=1' of docker run: docker run has no such option"),
        (&["-d"], "Option '-d' of docker run: not of the form --option=value"),
        (&["--rm=true", "--restart=always"], "Options of docker run: both --restart and --rm"),
    ] {
        let world = World::new();
        let status = run(&world, "bridge", options);
        assert_eq!(status.failure(), Some(message));
        assert_eq!(world.script.all(), Vec::<String>::new());
    }
}

#[test]
fn a_daemon_that_is_too_old_for_an_option_is_noticed_before_the_create() {
    let annotated: (&str, &[&str]) = ("bridge", &["--annotation=a=b"]);
    for ((network, options), version, message) in [
        (("mine", &[][..]), "1.8.3", "A user-defined network requires Docker version 1.9.0"),
        (("host", &["--dns=1.1.1.1"]), "1.11.2", "--dns option with host network requires"),
        (("bridge", &["--dns-opt=x"]), "1.8.9", "--dns-opt option requires"),
        (annotated, "20.10.24", "--annotation option requires Docker version 24.0.0 or higher"),
        // Of several, the one that asks for most.
        (("mine", annotated.1), "20.10.24", "--annotation option requires"),
    ] {
        let world = World::new();
        let status = run(&world, network, options);
        assert_eq!(world.script.all(), ["version"]);
        world.script.answer("version", Ok(Version::parse(version).unwrap()));
        let failure = status.failure().unwrap();
        let insufficient = format!("Insufficient version '{version}' of Docker");
        assert!(failure.starts_with(message) && failure.contains(&insufficient), "{failure}");
        assert_eq!(world.script.all(), ["version"]);
    }
}

#[test]
fn a_daemon_that_is_new_enough_goes_on_with_the_create() {
    let world = World::new();
    let status = run(&world, "mine", &["--annotation=a=b"]);
    world.script.answer("version", Ok(Version::new(24, 0, 0)));
    assert_eq!(world.script.all(), ["version", "create c of bb:1"]);
    assert!(status.is_pending());
    drop(world);
    // Networks of Docker's own need nothing.
    let world = World::new();
    run(&world, "bridge", &["--dns=1.1.1.1"]);
    assert_eq!(world.script.all(), ["create c of bb:1"]);
}

#[test]
fn a_daemon_that_does_not_say_its_version_fails_the_run() {
    let world = World::new();
    let status = run(&world, "mine", &[]);
    world.advance(5_000);
    let failure = status.failure().unwrap();
    assert!(failure.ends_with("Timed out getting docker version"), "{failure}");
    assert!(world.script.open().is_empty());
    drop(world);

    let world = World::new();
    let status = run(&world, "mine", &[]);
    let kind = ErrorKind::Unreachable;
    let error = ApiError { kind, message: "gone".to_owned() };
    world.script.answer::<Version>("version", Err(error));
    let failure = status.failure().unwrap();
    assert!(failure.ends_with("Failed to get docker version: gone"), "{failure}");
    drop(world);

    let world = World::new();
    let status = run(&world, "mine", &[]);
    status.discard();
    assert!(status.is_discarded() && world.script.open().is_empty() && !world.timers_left());
}

#[test]
fn only_streams_that_are_attached_are_written() {
    for (options, expected) in [
        (&[][..], (file("out"), file("err"))),
        (&["--attach=stdout"], (file("out"), Output::Null)),
        (&["--attach=STDERR"], (Output::Null, file("err"))),
        (&["--attach=stdin"], (Output::Null, Output::Null)),
    ] {
        let world = World::new();
        run(&world, "bridge", options);
        world.script.answer("create c of bb:1", Ok("id".to_owned()));
        assert_eq!(*world.script.attached.lock(), [expected], "{options:?}");
    }
}

#[test]
fn standard_input_that_is_open_ends_before_the_start() {
    let world = World::new();
    let status = run(&world, "bridge", &["--interactive=true"]);
    world.script.answer("create c of bb:1", Ok("id".to_owned()));
    world.script.answer("attach c", Ok(attached()));
    assert_eq!(world.script.open(), ["close stdin c"]);
    world.script.answer("close stdin c", Ok(Nothing));
    assert_eq!(world.script.open(), ["wait c NextExit", "start c"]);
    world.script.answer("start c", Ok(Nothing));
    world.script.answer("wait c NextExit", Ok(0_i64));
    assert_eq!(status.get(), Some(&Some(0)));
    drop(world);

    let world = World::new();
    let status = run(&world, "bridge", &["--interactive=true"]);
    world.script.answer("create c of bb:1", Ok("id".to_owned()));
    world.script.answer("attach c", Ok(attached()));
    world.script.refuse::<Nothing>("close stdin c", 500, "no");
    assert_eq!(status.get(), Some(&Some(125 << 8)));
    assert!(!world.script.all().contains(&"start c".to_owned()));
}

#[test]
fn the_name_that_counts_is_the_last_one() {
    let world = World::new();
    run(&world, "bridge", &["--name=other"]);
    world.script.answer("create other of bb:1", Ok("id".to_owned()));
    assert_eq!(world.script.open(), ["attach other"]);
}
