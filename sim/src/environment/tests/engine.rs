//! Docker's own operations ([`docker::Engine`]) over the simulated daemon.

use super::schedules::{under_many_schedules, with_many_latencies};
use super::{Rig, millis};
use crate::environment::daemon::{ContainerState, End, ImageSpec, Script, Step, Stream};
use docker::{Docker, Engine, Output, RunOptions};
use process::host::Host;
use process::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const IMAGE: &str = "registry/app:1";

fn engine(rig: &Rig) -> Engine {
    Engine::new(Arc::clone(&rig.api), "unix:///var/run/docker.sock")
}

fn options(image: &str, name: &str) -> RunOptions {
    RunOptions { image: image.to_owned(), name: Some(name.to_owned()), ..RunOptions::default() }
}

#[test]
fn an_image_that_is_missing_is_pulled_and_then_there() {
    let rig = Rig::new();
    let engine = engine(&rig);
    let pulled = engine.pull(Path::new("/sandbox"), IMAGE, false);
    rig.settle();
    assert_eq!(pulled.get().map(|image| &*image.id), Some(&*ImageSpec::new("app", &[]).id));
    let events = rig.simulation.events_handled();
    let again = engine.pull(Path::new("/sandbox"), IMAGE, false);
    rig.settle();
    assert!(again.is_ready());
    assert_eq!(rig.simulation.events_handled() - events, 2, "one inspect");
}

#[test]
fn a_pull_that_is_discarded_ends_at_the_daemon() {
    let rig = Rig::new();
    let pulled = engine(&rig).pull(Path::new("/sandbox"), IMAGE, false);
    rig.pass(millis(500));
    assert_eq!(rig.daemon.watched_pulls(), 1);
    pulled.discard();
    assert_eq!(rig.daemon.watched_pulls(), 0);
    rig.settle();
    assert!(pulled.is_discarded() && rig.daemon.pulls().is_empty());
}

#[test]
fn a_run_ends_with_the_exit_code_of_its_container() {
    let rig = Rig::new();
    let image = ImageSpec::new("short", &[]).with_script(Script::exits(millis(700), 3));
    rig.daemon.load("short", Arc::new(image));
    let run = engine(&rig).run(&options("short", "c1"), Output::Null, Output::Null);
    rig.settle();
    assert_eq!(run.get().copied().flatten(), Some(3 << 8), "{run:?}");
    assert_eq!(rig.daemon.container("c1").map(|one| one.state), Some(ContainerState::Exited));
}

#[test]
fn a_run_ends_however_short_its_container_is() {
    under_many_schedules(|rig, schedule| {
        let image = ImageSpec::new("short", &[]).with_script(Script::exits(Duration::ZERO, 3));
        rig.daemon.load("short", Arc::new(image));
        let run = engine(rig).run(&options("short", "c1"), Output::Null, Output::Null);
        schedule.all(rig);
        assert_eq!(run.get().copied().flatten(), Some(3 << 8), "{run:?}");
    });
}

#[test]
fn what_a_container_writes_is_in_the_open_file_when_the_run_ends() {
    // In the order of time: output that lasts longer than the run waits for it is lost.
    with_many_latencies(|rig| {
        let write = |stream, text: &str| Step::Write(stream, text.into());
        let script = Script {
            steps: Arc::new([
                write(Stream::Stdout, "one\n"),
                write(Stream::Stderr, "error\n"),
                Step::Sleep(millis(5)),
                write(Stream::Stdout, "two\n"),
            ]),
            end: End::Exit(0),
            ..Script::default()
        };
        rig.daemon.load("writes", Arc::new(ImageSpec::new("writes", &[]).with_script(script)));
        let [(out, out_end), (err, err_end)] = [(); 2].map(|()| rig.host.pipe().expect("a pipe"));
        let (output, errors) = (io::read(&out), io::read(&err));
        let (stdout, stderr) = (Output::Fd(out_end.clone()), Output::Fd(err_end.clone()));
        let run = engine(rig).run(&options("writes", "c1"), stdout, stderr);
        rig.settle();
        assert_eq!(run.get(), Some(&Some(0)));
        // The run has closed its own descriptors; these are the last.
        assert!(output.is_pending() && errors.is_pending());
        out_end.close();
        err_end.close();
        rig.settle();
        assert_eq!(output.get().map(|read| &read[..]), Some(&b"one\ntwo\n"[..]));
        assert_eq!(errors.get().map(|read| &read[..]), Some(&b"error\n"[..]));
    });
}

#[test]
fn a_stop_with_removal_ends_a_run_and_leaves_nothing() {
    let rig = Rig::new();
    let engine = engine(&rig);
    let run = engine.run(&options("busybox", "c1"), Output::Null, Output::Null);
    let inspect = engine.inspect("c1", Some(millis(500)));
    rig.pass(Duration::from_secs(5));
    assert!(inspect.get().is_some_and(|container| container.pid.is_some()), "{inspect:?}");
    let stop = engine.stop("c1", Duration::from_secs(10), true);
    rig.settle();
    assert!(stop.is_ready());
    assert_eq!(run.get().copied().flatten(), Some(143 << 8), "{run:?}");
    assert!(rig.daemon.containers().is_empty() && rig.host.processes().is_empty());
}
