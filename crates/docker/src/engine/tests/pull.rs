//! `Docker::pull`.

use super::World;
use crate::{ApiError, Docker, ErrorKind, Image};
use process::{Future, Nothing};
use std::path::Path;

impl World {
    fn pull(&self, image: &str, force: bool) -> Future<Image> {
        self.engine.pull(Path::new("/sandbox"), image, force)
    }

    fn missing(&self, image: &str) {
        let message = format!("No such image: {image}");
        self.script.refuse::<Image>(&format!("inspect image {image}"), 404, &message);
    }
}

#[test]
fn an_image_that_is_there_is_not_pulled() {
    let world = World::new();
    let image = world.pull("bb:1", false);
    assert_eq!(world.script.all(), ["inspect image bb:1"]);
    world.script.answer("inspect image bb:1", Ok(Image::default()));
    assert!(image.is_ready());
}

#[test]
fn a_missing_image_is_pulled_and_inspected_again() {
    let world = World::new();
    let image = world.pull("registry.example:5000/bb", false);
    world.missing("registry.example:5000/bb:latest");
    world.script.answer("pull registry.example:5000/bb:latest", Ok(Nothing));
    let id = Image { id: "sha256:1".to_owned(), ..Image::default() };
    world.script.answer("inspect image registry.example:5000/bb:latest", Ok(id));
    assert_eq!(image.get().map(|image| &*image.id), Some("sha256:1"));
    assert_eq!(world.script.all().len(), 3);
}

#[test]
fn a_forced_pull_does_not_ask_first() {
    let world = World::new();
    let image = world.pull("bb@sha256:0123", true);
    assert_eq!(world.script.all(), ["pull bb@sha256:0123"]);
    world.script.answer("pull bb@sha256:0123", Ok(Nothing));
    world.script.answer("inspect image bb@sha256:0123", Ok(Image::default()));
    assert!(image.is_ready());
}

#[test]
fn failures_are_worded_as_the_command_lines() {
    let world = World::new();
    let image = world.pull("registry.example/none:1", false);
    world.missing("registry.example/none:1");
    let message =
        "manifest for registry.example/none:1 not found: manifest unknown: manifest unknown";
    world.script.refuse::<Nothing>("pull registry.example/none:1", 404, message);
    let expected = format!(
        "Failed to run 'docker -H unix:///var/run/docker.sock pull registry.example/none:1': exited \
         with status 1; stderr='Error response from daemon: {message}\\n'"
    );
    assert_eq!(image.failure(), Some(&*expected));

    let image = world.pull("bb", true);
    let error = ApiError { kind: ErrorKind::Stream, message: "unexpected EOF".to_owned() };
    world.script.answer::<Nothing>("pull bb:latest", Err(error));
    let failure = image.failure().unwrap_or_default();
    assert!(failure.contains("pull bb': exited"), "{failure}");
    assert!(failure.ends_with("stderr='unexpected EOF\\n'"), "{failure}");
}

#[test]
fn other_failures() {
    let world = World::new();
    // The image vanishes right after its pull: no second pull, however often.
    let image = world.pull("bb:1", true);
    world.script.answer("pull bb:1", Ok(Nothing));
    world.missing("bb:1");
    let expected =
        "Failed to inspect image 'bb:1': Error response from daemon: No such image: bb:1";
    assert_eq!(image.failure(), Some(expected));

    // It is there, but what the daemon says of it makes no sense.
    let image = world.pull("bb:1", false);
    let error =
        ApiError { kind: ErrorKind::Malformed, message: "Unable to find Config".to_owned() };
    world.script.answer::<Image>("inspect image bb:1", Err(error));
    assert_eq!(image.failure(), Some("Unable to create image: Unable to find Config"));

    // The daemon did not answer the inspect: it may answer the pull.
    let _image = world.pull("bb:1", false);
    let error = ApiError { kind: ErrorKind::Timeout, message: "late".to_owned() };
    world.script.answer::<Image>("inspect image bb:1", Err(error));
    assert_eq!(world.script.open(), ["pull bb:1"]);
}

/// B35 among others: whichever step it is in, nothing of it stays behind.
#[test]
fn a_discard_reaches_every_step() {
    for step in 0..3 {
        let world = World::new();
        let image = world.pull("bb:1", false);
        if step > 0 {
            world.missing("bb:1");
        }
        if step > 1 {
            world.script.answer("pull bb:1", Ok(Nothing));
        }
        let expected = if step == 1 { "pull bb:1" } else { "inspect image bb:1" };
        assert_eq!(world.script.open(), [expected]);
        image.discard();
        assert!(image.is_discarded(), "step {step}");
        assert!(world.script.open().is_empty(), "step {step}");
        assert_eq!(world.script.all().len(), step + 1);
    }
}

/// B34's shape: the discard comes while the next request is being made.
#[test]
fn a_discard_during_a_request_takes_the_request_along() {
    let world = World::new();
    let image = world.pull("bb:1", false);
    let discarded = image.clone();
    world.script.meanwhile(move || {
        discarded.discard();
    });
    world.missing("bb:1");
    assert!(image.is_discarded());
    assert_eq!(world.script.all(), ["inspect image bb:1", "pull bb:1"]);
    assert!(world.script.open().is_empty());
}
