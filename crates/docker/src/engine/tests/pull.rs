//! `Docker::pull`.

use super::World;
use crate::{
    ApiError, Credentials, Docker, Engine, ErrorKind, Image, Keychain, Lingering, LingeringPull,
    PullEnd, PullListener, PullState,
};
use parking_lot::Mutex;
use process::{Future, Nothing, Promise, clock};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// Credentials that a test hands out.
#[derive(Default)]
struct Keys {
    asked: Mutex<Vec<(PathBuf, String)>>,
    promise: Arc<Promise<Option<Credentials>>>,
}

impl Keychain for Keys {
    fn credentials(&self, directory: &Path, image: &str) -> Future<Option<Credentials>> {
        self.asked.lock().push((directory.to_owned(), image.to_owned()));
        let weak = Arc::downgrade(&self.promise);
        let future = self.promise.future();
        future.on_discard(move || {
            if let Some(promise) = weak.upgrade() {
                promise.discard();
            }
        });
        future
    }
}

impl World {
    fn with_keys(&self) -> (Arc<Keys>, Engine) {
        let keys = Arc::new(Keys::default());
        (Arc::clone(&keys), self.engine.clone().with_keychain(keys as Arc<dyn Keychain>))
    }
}

#[test]
fn credentials_are_looked_for_when_there_is_something_to_pull() {
    let world = World::new();
    let (keys, engine) = world.with_keys();
    let image = engine.pull(Path::new("/sandbox"), "r.example/bb", false);
    assert!(keys.asked.lock().is_empty());
    world.missing("r.example/bb:latest");
    let asked = ("/sandbox".into(), "r.example/bb:latest".to_owned());
    assert_eq!(*keys.asked.lock(), [asked]);
    let credentials = Credentials { username: "user".to_owned(), ..Credentials::default() };
    keys.promise.set(Some(credentials));
    world.script.answer("pull r.example/bb:latest as user", Ok(Nothing));
    world.script.answer("inspect image r.example/bb:latest", Ok(Image::default()));
    assert!(image.is_ready());

    let (keys, engine) = world.with_keys();
    let _image = engine.pull(Path::new("/sandbox"), "bb:1", true);
    keys.promise.set(None);
    assert_eq!(world.script.open(), ["pull bb:1"]);
}

#[test]
fn without_the_credentials_there_is_no_pull() {
    let world = World::new();
    let (keys, engine) = world.with_keys();
    let image = engine.pull(Path::new("/sandbox"), "bb", true);
    keys.promise.fail("docker-credential-x get: it failed");
    let expected = "Failed to find credentials for the pull of 'bb': docker-credential-x get: it \
                    failed";
    assert_eq!(image.failure(), Some(expected));

    let (keys, engine) = world.with_keys();
    let image = engine.pull(Path::new("/sandbox"), "bb", true);
    image.discard();
    assert!(image.is_discarded() && keys.promise.future().is_discarded());
    assert!(world.script.all().is_empty());
}

/// What a listener was told.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl PullListener for Told {
    fn progress(&self, image: &str, state: &PullState) {
        self.0.lock().push(format!("{image}: {state}"));
    }

    fn ended(&self, image: &str, end: PullEnd) {
        self.0.lock().push(format!("{image}: {end:?}"));
    }

    fn lingers(&self, image: &str, state: Lingering) {
        self.0.lock().push(format!("{image}: {state:?}"));
    }
}

impl World {
    fn listened(&self) -> (Arc<Told>, Future<Image>) {
        let told = Arc::new(Told::default());
        let engine = self.engine.clone().with_pull_listener(Arc::clone(&told) as _);
        let image = engine.pull(Path::new("/sandbox"), "bb:1", true);
        (told, image)
    }
}

#[test]
fn listeners_are_told_of_every_step_and_of_the_end() {
    let world = World::new();
    let (told, _image) = world.listened();
    world.script.progress("pull bb:1", "aa", "Downloading", 3, 10);
    world.script.progress("pull bb:1", "aa", "Downloading", 3, 10);
    world.script.progress("pull bb:1", "aa", "Pull complete", 0, 0);
    world.script.answer("pull bb:1", Ok(Nothing));
    let lines = [
        "bb:1: 0 of 1 layers complete, 3 of 10 bytes downloaded",
        "bb:1: 1 of 1 layers complete, 10 of 10 bytes downloaded",
        "bb:1: Pulled",
    ];
    assert_eq!(*told.0.lock(), lines);

    let (told, image) = world.listened();
    world.script.refuse::<Nothing>("pull bb:1", 404, "manifest unknown");
    assert!(image.is_failed());
    let line = "bb:1: Failed(\"Error response from daemon: manifest unknown\")";
    assert_eq!(*told.0.lock(), [line]);

    let (told, image) = world.listened();
    image.discard();
    assert_eq!(*told.0.lock(), ["bb:1: Cancelled"]);
}

#[test]
fn listeners_are_told_what_becomes_of_a_pull_that_was_left() {
    for (let_go, last) in [(true, "bb:1: LetGo"), (false, "bb:1: GivenUp")] {
        let world = World::new();
        let (told, image) = world.listened();
        let released = Promise::new();
        let lingering = |reference: &str| LingeringPull {
            reference: reference.to_owned(),
            since: clock::now(),
            released: released.future(),
        };
        world.script.lingers(lingering("bb:1"));
        world.script.lingers(lingering("other:1"));
        image.discard();
        assert_eq!(world.engine.lingering_pulls().len(), 2);
        assert_eq!(*told.0.lock(), ["bb:1: Cancelled", "bb:1: Begun"]);
        released.set(let_go);
        assert_eq!(told.0.lock().last().map(String::as_str), Some(last));
    }
}
