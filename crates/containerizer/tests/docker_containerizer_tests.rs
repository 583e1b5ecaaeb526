//! Twins of upstream's `src/tests/containerizer/docker_containerizer_tests.cpp`, one level lower:
//! without an agent, and with a Docker, an operating system and a logger in the test's hands.

mod support;

use containerizer::Containerizer;
use containerizer::docker::State;
use containerizer::fetcher::MESOS_FETCHER;
use mesos::ContainerId;
use mesos::status::w_exitcode;
use support::fakes::FIRST_PID;
use support::{World, config, failure, ready, with_uri};

#[test]
fn root_docker_destroy_while_fetching() {
    let (world, launch) = World::in_state(State::Fetching);
    assert_eq!(world.journal.about("fork"), [format!("fork {MESOS_FETCHER}")]);
    let destroy = world.destroy();
    assert_eq!(world.journal.about("kill"), [format!("kill {FIRST_PID} 9")]);
    world.ended(&destroy, None, Some("Container destroyed while fetching"));
    assert!(launch.is_pending(), "it waits for the fetcher to die");

    // The fetch was done just before the kill: even so nothing is started.
    world.exits(FIRST_PID, 0);
    assert_eq!(failure(&launch), "Container is already destroyed");
    assert!(world.docker.calls().is_empty());
    assert!(world.host.running().is_empty());
    assert_eq!(world.logger.prepares.count(), 0);
    assert_eq!(world.life().states, [State::Fetching]);
}

/// Upstream's mocks the method that sets PULLING, so it destroys in FETCHING; this one does not.
#[test]
fn root_docker_destroy_while_pulling() {
    let (world, launch) = World::in_state(State::Pulling);
    let pull = world.pulls.last();
    assert!(!pull.future().has_discard());
    let destroy = world.destroy();
    assert!(pull.future().has_discard());
    world.ended(&destroy, None, Some("Container destroyed while pulling image"));
    assert!(launch.is_pending(), "it waits for the pull to end");

    world.pulled();
    assert!(launch.is_discarded(), "{launch}");
    assert_eq!(world.docker.calls().len(), 1, "nothing but the pull");
    assert_eq!(world.logger.prepares.count(), 0);
    assert!(world.host.running().is_empty());
    assert_eq!(world.life().states, [State::Fetching, State::Pulling]);
}

#[test]
fn root_docker_destroy_unknown_container() {
    let world = World::new();
    assert_eq!(ready(&world.destroy()), None);
    let destroy = world.containerizer.destroy(&ContainerId::new("c").child("d"));
    world.settle();
    assert_eq!(ready(&destroy), None);
    assert!(world.observed.lives().is_empty());
}

#[test]
fn root_docker_wait_unknown_container() {
    let world = World::new();
    assert_eq!(ready(&world.wait()), None);
}

#[test]
fn root_docker_fetch_failure() {
    let (world, launch) = World::in_state(State::Fetching);
    world.exits(FIRST_PID, w_exitcode(1, 0));
    assert_eq!(
        failure(&launch),
        "Failed to fetch all URIs for container 'c': exited with status 1"
    );
    assert!(world.docker.calls().is_empty());
    assert_eq!(world.count(), 1, "it is for the agent to destroy it");
    world.ended(&world.destroy(), None, None);
    assert!(world.journal.about("kill").is_empty());
}

#[test]
fn root_docker_docker_pull_failure() {
    let (world, launch) = World::in_state(State::Pulling);
    world.in_docker(|| world.pulls.last().fail("some error from docker pull"));
    world.settle();
    assert_eq!(failure(&launch), "some error from docker pull");
    assert_eq!(world.logger.prepares.count(), 0);
    assert_eq!(world.count(), 1, "it is for the agent to destroy it");
    world.ended(&world.destroy(), None, None);
}

#[test]
fn root_docker_launch_sandbox_with_colon() {
    let world = World::new();
    let sandbox = "/agent/slaves/S/frameworks/F/executors/a:b/runs/c";
    let mut config = with_uri(config());
    config.directory = sandbox.into();
    world.launch(config);
    let link = "/agent/slaves/S/docker/links/c";
    assert_eq!(
        world.journal.take()[..3],
        [
            "mkdir /agent/slaves/S/docker/links".to_owned(),
            format!("symlink {link} -> {sandbox}"),
            format!("touch {link}/stdout root"),
        ]
    );
    world.exits(FIRST_PID, 0);
    assert_eq!(world.journal.about("pull"), [format!("pull bb:1 {link}")]);
    world.pulled();
    world.prepared();
    let executor = FIRST_PID + 1;
    let forked = world.host.forked(executor);
    assert_eq!(forked.directory(), Some(link.as_ref()));
    assert!(forked.argv.contains(&format!("--sandbox_directory={link}")), "{:?}", forked.argv);

    assert!(world.journal.about("remove").is_empty());
    let wait = world.wait();
    world.exits(executor, 0);
    world.ended(&wait, Some(0), Some("Container terminated"));
    assert_eq!(world.journal.about("remove"), [format!("remove {link}")]);
}
