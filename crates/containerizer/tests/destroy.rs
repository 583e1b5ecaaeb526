//! Destroying, in whatever state a container is.

mod support;

use containerizer::docker::State;
use containerizer::{Containerizer, LaunchResult};
use mesos::status::w_exitcode;
use process::Nothing;
use std::time::Duration;
use support::fakes::FIRST_PID;
use support::{REMOVE_DELAY, STOP_TIMEOUT, World, config, failure, ready, with_uri};

/// What a destroy does to a running container: first the executor, then Docker.
const KILLED: [&str; 2] = ["kill 100 15", "stop mesos-c 5s"];

const SIGTERMED: i32 = w_exitcode(0, 15);

#[test]
fn a_container_that_is_not_even_fetching_yet_is_destroyed_as_one_that_is() {
    let world = World::new();
    let launch = world.containerizer.launch(&support::id(), config().into(), [].into(), None);
    world.deliver_calls();
    assert!(world.journal.lines().is_empty());
    let destroy = world.containerizer.destroy(&support::id());
    world.deliver_calls();
    world.settle();
    assert_eq!(failure(&launch), "Container is already destroyed");
    assert_eq!(world.journal.take(), ["terminated c", "erased c"]);
    world.ended(&destroy, None, Some("Container destroyed while fetching"));
}

#[test]
fn a_fetcher_that_dies_of_the_destroy_fails_the_launch() {
    let (world, launch) = World::in_state(State::Fetching);
    let destroy = world.destroy();
    world.exits(FIRST_PID, w_exitcode(0, 9));
    assert!(failure(&launch).starts_with("Failed to fetch all URIs for container 'c': terminated"));
    world.ended(&destroy, None, Some("Container destroyed while fetching"));
}

#[test]
fn a_pull_that_obeys_the_discard_ends_the_launch() {
    let (world, launch) = World::in_state(State::Pulling);
    let destroy = world.destroy();
    world.in_docker(|| world.pulls.last().discard());
    world.settle();
    assert!(launch.is_discarded(), "{launch}");
    world.ended(&destroy, None, Some("Container destroyed while pulling image"));
}

#[test]
fn a_pull_that_was_done_when_the_destroy_came_starts_nothing() {
    let (world, launch) = World::in_state(State::Pulling);
    let destroy = world.containerizer.destroy(&support::id());
    // The pull's continuation is on its way, but the destroy is handled first.
    world.in_docker(|| world.pulls.last().set(Default::default()));
    world.deliver_calls();
    world.settle();
    assert_eq!(failure(&launch), "Container is already destroyed");
    assert_eq!(world.logger.prepares.count(), 0);
    world.ended(&destroy, None, Some("Container destroyed while pulling image"));
}

#[test]
fn a_container_is_destroyed_while_mounting() {
    let (world, launch) = World::in_state(State::Mounting);
    let mounts = ["/", "/agent/c/1", "/else/agent/c", "/agent/other", "/working/c", "/agent/c/2"];
    *world.host.mounts.lock() = mounts.map(Into::into).to_vec();
    let destroy = world.containerizer.destroy(&support::id());
    world.deliver_calls();
    world.settle();
    assert_eq!(failure(&launch), "Container is already destroyed");
    world.ended(&destroy, None, Some("Container destroyed while mounting volumes"));
    assert_eq!(world.journal.about("unmount"), ["unmount /agent/c/2", "unmount /agent/c/1"]);
    assert!(world.journal.about("fork").is_empty());
    assert_eq!(world.logger.prepares.count(), 0);
}

#[test]
fn a_container_ends_even_if_its_volumes_cannot_be_unmounted() {
    for failing in ["mounts", "unmount"] {
        let world = World::running();
        *world.host.mounts.lock() = vec!["/agent/a/c".into(), "/agent/b/c".into()];
        world.host.fails(failing, "broken");
        let wait = world.wait();
        world.executor_exits(0);
        world.ended(&wait, Some(0), Some("Container terminated"));
        // One that fails does not keep the others from being tried.
        let tried = if failing == "unmount" { 2 } else { 0 };
        assert_eq!(world.journal.about("unmount").len(), tried);
    }
}

#[test]
fn before_the_fork_a_destroy_waits_for_the_launch() {
    let (world, launch) = World::in_state(State::Running);
    let destroy = world.destroy();
    world.passes(Duration::from_secs(3600));
    world.waits(&destroy);
    assert_eq!(world.life().states.last(), Some(&State::Destroying));

    // As upstream the executor is started nevertheless, and nobody signals it: it is the agent
    // that tells it to go when it registers.
    world.prepared();
    assert_eq!(ready(&launch), LaunchResult::Success);
    assert!(world.journal.about("kill").is_empty());
    assert_eq!(world.journal.about("stop"), ["stop mesos-c 5s"]);
    world.stopped();
    world.waits(&destroy);
    world.executor_exits(0);
    world.ended(&destroy, Some(0), Some("Container killed"));
}

#[test]
fn before_the_fork_a_destroy_is_over_when_somebody_destroys_after_the_launch_failed() {
    let (world, launch) = World::in_state(State::Running);
    let first = world.destroy();
    world.logger.prepares.last().fail("no pipe");
    world.settle();
    assert_eq!(failure(&launch), "no pipe");
    world.waits(&first);
    let second = world.destroy();
    world.ended(&first, None, None);
    world.ended(&second, None, None);
    assert!(world.journal.about("stop").is_empty());
}

#[test]
fn a_running_container_is_stopped_and_waited_for() {
    let world = World::running();
    world.journal.take();
    let destroy = world.destroy();
    assert_eq!(world.journal.take(), KILLED);
    world.waits(&destroy);
    world.stopped();
    world.waits(&destroy);
    world.executor_exits(SIGTERMED);
    assert_eq!(world.journal.take(), ["mounts", "terminated c", "erased c"]);
    world.ended(&destroy, Some(SIGTERMED), Some("Container killed"));
    let states = [State::Fetching, State::Pulling, State::Mounting, State::Running];
    assert_eq!(world.life().states[..4], states);
    assert_eq!(world.life().states[4..], [State::Destroying]);
}

#[test]
fn an_executor_may_end_before_the_stop_is_done() {
    let world = World::running();
    let destroy = world.destroy();
    world.executor_exits(SIGTERMED);
    world.waits(&destroy);
    world.stopped();
    world.ended(&destroy, Some(SIGTERMED), Some("Container killed"));
}

#[test]
fn an_executor_that_cannot_be_signalled_is_no_obstacle() {
    let world = World::running();
    world.host.fails("kill 100", "no such process");
    let destroy = world.destroy();
    world.stopped();
    world.executor_exits(0);
    world.ended(&destroy, Some(0), Some("Container killed"));
}

#[test]
fn an_executor_whose_status_nobody_knows_ends_its_container_without_one() {
    let world = World::running();
    let wait = world.wait();
    world.host.exit(FIRST_PID, None);
    world.settle();
    world.ended(&wait, None, Some("Container terminated"));
}

#[test]
fn an_executor_that_exits_by_itself_ends_its_container() {
    let world = World::running();
    let wait = world.wait();
    world.waits(&wait);
    world.journal.take();
    world.executor_exits(w_exitcode(1, 0));
    assert_eq!(world.journal.take(), ["mounts", "terminated c", "erased c"]);
    world.ended(&wait, Some(w_exitcode(1, 0)), Some("Container terminated"));
    assert!(world.journal.about("stop").is_empty());
}

#[test]
fn what_is_left_in_docker_is_removed_later() {
    for killed in [true, false] {
        let world = World::running();
        if killed {
            world.destroy();
            world.stopped();
        }
        world.passes(Duration::from_secs(7));
        world.executor_exits(0);
        assert_eq!(world.count(), 0);
        world.passes(REMOVE_DELAY - Duration::from_nanos(1));
        assert!(world.journal.about("rm").is_empty());
        world.passes(Duration::from_nanos(1));
        assert_eq!(world.journal.about("rm"), ["rm mesos-c"]);
        world.passes(REMOVE_DELAY * 10);
        assert_eq!(world.journal.about("rm").len(), 1);
    }
}

#[test]
fn what_never_ran_is_not_removed() {
    for state in [State::Fetching, State::Pulling, State::Mounting] {
        let (world, _launch) = World::in_state(state);
        world.containerizer.destroy(&support::id());
        world.deliver_calls();
        world.passes(REMOVE_DELAY * 2);
        assert!(world.journal.about("rm").is_empty());
        assert!(world.journal.about("stop").is_empty());
        assert_eq!(world.count(), 0);
    }
}

#[test]
fn a_second_destroy_joins_the_first() {
    let world = World::running();
    let first = world.destroy();
    let second = world.destroy();
    let wait = world.wait();
    assert_eq!(world.journal.about("kill").len(), 1);
    assert_eq!(world.stops.count(), 1);
    world.stopped();
    world.executor_exits(SIGTERMED);
    for asked in [first, second, wait] {
        world.ended(&asked, Some(SIGTERMED), Some("Container killed"));
    }
    assert_eq!(ready(&world.destroy()), None, "by now it is unknown");
}

#[test]
fn a_destroy_just_after_the_executor_has_exited_is_told_of_that() {
    let world = World::running();
    world.in_context(world.contexts.host, || world.host.exit(FIRST_PID, Some(0)));
    let destroy = world.containerizer.destroy(&support::id());
    while world.journal.about("terminated").is_empty() {
        assert!(world.sim.flush(0));
    }
    world.settle();
    world.ended(&destroy, Some(0), Some("Container terminated"));
    assert!(world.journal.about("stop").is_empty());
}

#[test]
fn a_stop_that_does_not_work_has_no_consequence() {
    for discarded in [false, true] {
        let world = World::running();
        let destroy = world.destroy();
        world.in_docker(|| match discarded {
            true => world.stops.last().discard(),
            false => world.stops.last().fail("no such container"),
        });
        world.settle();
        world.waits(&destroy);
        world.executor_exits(SIGTERMED);
        world.ended(&destroy, Some(SIGTERMED), Some("Container killed"));
        world.passes(REMOVE_DELAY);
        assert_eq!(world.journal.about("rm"), ["rm mesos-c"]);
    }
}

/// Nobody asks for the pid of a command task's container, so there is nobody to kill; and the
/// destroy goes on waiting for the stop, as upstream's does.
#[test]
fn a_stop_that_hangs_is_waited_for() {
    type Answer = fn(&process::Promise<Nothing>) -> bool;
    let answers: [Answer; 3] = [|it| it.set(Nothing), |it| it.fail("late"), |it| it.discard()];
    for answer in answers {
        let world = World::running();
        let destroy = world.destroy();
        let deadline = world.sim.now() + STOP_TIMEOUT + Duration::from_secs(1);
        assert_eq!(world.sim.next_timer(), Some(deadline));
        world.executor_exits(SIGTERMED);
        world.passes(STOP_TIMEOUT + Duration::from_secs(2));
        world.waits(&destroy);
        assert_eq!(world.journal.about("kill"), ["kill 100 15"]);
        assert!(!world.stops.last().future().has_discard());
        world.in_docker(|| answer(&world.stops.last()));
        world.settle();
        world.ended(&destroy, Some(SIGTERMED), Some("Container killed"));
    }
}

#[test]
fn a_stop_in_time_cancels_the_alarm() {
    let world = World::running();
    world.destroy();
    world.stopped();
    assert_eq!(world.sim.next_timer(), None);
}

#[test]
fn a_failed_launch_is_destroyed_without_a_message_whatever_failed() {
    let (world, launch) = World::in_state(State::Pulling);
    world.in_docker(|| world.pulls.last().fail("no such image"));
    world.settle();
    let wait = world.wait();
    world.waits(&wait);
    assert_eq!(failure(&launch), "no such image");
    let destroy = world.destroy();
    world.ended(&destroy, None, None);
    world.ended(&wait, None, None);
    assert_eq!(world.life().states, [State::Fetching, State::Pulling]);
}

#[test]
fn containers_do_not_disturb_each_other() {
    let (world, launch) = World::in_state(State::Pulling);
    let other = mesos::ContainerId::new("other");
    let second = world.containerizer.launch(&other, with_uri(config()).into(), [].into(), None);
    world.settle();
    assert_eq!(world.count(), 2);
    world.destroy();
    assert_eq!(world.count(), 1);
    assert!(second.is_pending());
    world.pulled();
    assert!(launch.is_discarded());
    world.executor_exits(0);
    world.pulled();
    world.prepared();
    assert_eq!(ready(&second), LaunchResult::Success);
    assert!(world.journal.lines().contains(&"fork mesos-docker-executor other".to_owned()));
}
