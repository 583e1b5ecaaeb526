//! Recovery: which containers are taken up, and what becomes of the others.

mod support;

use containerizer::docker::State;
use containerizer::state::{ExecutorState, FrameworkState, RunState, SlaveState};
use containerizer::{Containerizer, Flags};
use docker::Container;
use mesos::container_info::Type;
use mesos::slave::ContainerTermination;
use mesos::{ContainerId, ContainerInfo, ExecutorInfo};
use process::{Future, Nothing, Upid};
use std::sync::Arc;
use support::{World, failure, flags, ready};

const OURS: &str = "c1c1c1c1-0000-4000-8000-000000000001";
const OTHER: &str = "c1c1c1c1-0000-4000-8000-000000000002";
const EXECUTOR_PID: i32 = 77;
const ADDRESS: &str = "127.0.0.1:4000";

fn ours() -> ContainerId {
    ContainerId::new(OURS)
}

fn named(name: &str) -> Container {
    Container { id: format!("id-of{name}"), name: name.to_owned(), ..Container::default() }
}

fn run() -> RunState {
    RunState {
        id: Some(ours()),
        forked_pid: Some(EXECUTOR_PID),
        libprocess_pid: Upid::parse(&format!("executor(1)@{ADDRESS}")),
        ..RunState::default()
    }
}

fn executor(run: RunState) -> ExecutorState {
    ExecutorState {
        id: "e1".into(),
        info: Some(ExecutorInfo::default()),
        latest: Some(ours()),
        runs: [(ours(), run)].into(),
        generated_for_command_task: true,
        ..ExecutorState::default()
    }
}

fn state(executor: ExecutorState) -> SlaveState {
    let framework = FrameworkState {
        id: "f1".into(),
        executors: [(executor.id.clone(), executor)].into(),
        ..FrameworkState::default()
    };
    SlaveState {
        id: "s1".into(),
        frameworks: [(framework.id.clone(), framework)].into(),
        ..SlaveState::default()
    }
}

/// A world in which the executor listens.
fn listening(flags: Flags) -> World {
    let world = World::with(flags);
    world.host.listeners.lock().insert(ADDRESS.parse().unwrap());
    world
}

fn recover(world: &World, state: Option<SlaveState>, found: &[Container]) -> Future<Nothing> {
    let recover = world.containerizer.recover(state.map(Arc::new));
    world.settle();
    assert_eq!(world.journal.take(), ["ps mesos-"]);
    world.in_docker(|| world.lists.last().set(found.to_vec()));
    world.settle();
    recover
}

fn wait(world: &World, id: &str) -> Future<Option<ContainerTermination>> {
    let wait = world.containerizer.wait(&ContainerId::new(id));
    world.settle();
    wait
}

fn terminated(status: Option<i32>, message: &str) -> Option<ContainerTermination> {
    let message = Some(message.to_owned());
    Some(ContainerTermination { status, message, ..ContainerTermination::default() })
}

fn unknown(world: &World, id: &str) -> bool {
    ready(&wait(world, id)).is_none()
}

#[test]
fn root_docker_recover() {
    let world = listening(flags());
    let found = [named(&format!("/mesos-{OURS}")), named(&format!("/mesos-{OTHER}"))];
    let recover = recover(&world, Some(state(executor(run()))), &found);
    assert_eq!(
        world.journal.take(),
        [
            format!("connect {ADDRESS}"),
            format!("reap {EXECUTOR_PID}"),
            format!("stop id-of/mesos-{OTHER} 5s remove"),
        ]
    );
    assert!(recover.is_pending(), "the orphan must have ended");
    world.stopped();
    assert!(recover.is_ready(), "{recover}");

    let wait = wait(&world, OURS);
    assert!(wait.is_pending());
    assert!(unknown(&world, OTHER));
    assert_eq!(world.observed.lives()[&ours()].states, [State::Running]);
    world.exits(EXECUTOR_PID, 0);
    assert_eq!(ready(&wait), terminated(Some(0), "Container terminated"));
    assert!(unknown(&world, OURS));
    world.passes(support::REMOVE_DELAY);
    assert_eq!(world.journal.about("rm"), [format!("rm mesos-{OURS}")]);
}

/// The second container has the name that it would have had under an agent of another id, between
/// 0.23 and 1.3.
#[test]
fn root_docker_kill_orphan_containers() {
    let world = listening(flags());
    let found = [named(&format!("/mesos-s1.{OURS}")), named(&format!("/mesos-s0.{OTHER}"))];
    let recover = recover(&world, Some(state(executor(run()))), &found);
    assert_eq!(world.journal.about("stop"), [format!("stop id-of/mesos-s0.{OTHER} 5s remove")]);
    world.stopped();
    assert!(recover.is_ready());
    let destroy = world.containerizer.destroy(&ours());
    world.settle();
    // A recovered executor is not signalled, as upstream, and the old name is kept.
    assert!(world.journal.about("kill").is_empty());
    assert_eq!(world.journal.about("stop")[1..], [format!("stop mesos-s1.{OURS} 5s")]);
    world.stopped();
    world.exits(EXECUTOR_PID, 0);
    assert_eq!(ready(&destroy), terminated(Some(0), "Container killed"));
}

#[test]
fn root_docker_skip_recover_non_docker() {
    let world = listening(flags());
    let mut executor = executor(run());
    executor.info = Some(ExecutorInfo {
        container: Some(ContainerInfo { r#type: Type::Mesos.into(), ..ContainerInfo::default() }),
        ..ExecutorInfo::default()
    });
    let recover = recover(&world, Some(state(executor)), &[]);
    assert!(recover.is_ready());
    assert_eq!(world.count(), 0);
    assert!(world.journal.take().is_empty());
}

#[test]
fn root_docker_skip_recover_malformed_uuid() {
    let world = listening(flags());
    let recover = recover(&world, Some(state(executor(run()))), &[named("/mesos-malformedUUID")]);
    assert!(recover.is_ready());
    assert_eq!(world.count(), 0, "its executor has no container, and none is wanted");
    assert!(world.journal.take().is_empty(), "nobody stops it");
}

#[test]
fn an_executor_that_had_not_registered_or_has_completed_is_left_to_the_agent() {
    let found = [named(&format!("/mesos-{OURS}"))];
    for run in [
        RunState { forked_pid: None, ..run() },
        RunState { libprocess_pid: None, ..run() },
        RunState { completed: true, ..run() },
    ] {
        let world = listening(flags());
        let recover = recover(&world, Some(state(executor(run))), &found);
        assert_eq!(
            world.journal.take(),
            [format!("stop id-of/mesos-{OURS} 5s remove")],
            "its container is an orphan"
        );
        world.stopped();
        assert!(recover.is_ready());
        assert!(unknown(&world, OURS));
    }
}

#[test]
fn what_could_not_be_read_back_is_skipped() {
    for executor in [
        ExecutorState { info: None, ..executor(run()) },
        ExecutorState { latest: None, ..executor(run()) },
        ExecutorState { runs: Default::default(), ..executor(run()) },
    ] {
        let world = listening(flags());
        let recover = recover(&world, Some(state(executor)), &[]);
        assert!(recover.is_ready());
        assert_eq!(world.count(), 0);
    }
}

/// Upstream's defect: without a container it has no name in Docker.
#[test]
fn an_executor_marked_as_docker_is_taken_up_even_if_its_container_is_gone() {
    let world = listening(flags());
    let mut executor = executor(run());
    executor.info = Some(ExecutorInfo {
        container: Some(ContainerInfo { r#type: Type::Docker.into(), ..Default::default() }),
        ..ExecutorInfo::default()
    });
    let recover = recover(&world, Some(state(executor)), &[]);
    assert!(recover.is_ready());
    assert_eq!(world.count(), 1);
    let destroy = world.containerizer.destroy(&ours());
    world.settle();
    assert_eq!(world.journal.about("stop"), ["stop  5s"]);
    world.in_docker(|| world.stops.last().fail("no such container"));
    world.exits(EXECUTOR_PID, 0);
    assert_eq!(ready(&destroy), terminated(Some(0), "Container killed"));
}

/// Its pid may be another process's by now: it is not watched, let alone signalled.
#[test]
fn an_executor_that_died_while_the_agent_was_away_ends_its_container_at_once() {
    for address in [ADDRESS, "localhost:4000"] {
        let world = World::new();
        let run = RunState { libprocess_pid: Some(Upid::new("executor(1)", address)), ..run() };
        let found = [named(&format!("/mesos-{OURS}"))];
        let recover = recover(&world, Some(state(executor(run))), &found);
        assert!(recover.is_ready());
        assert!(world.journal.about("reap").is_empty());
        assert!(world.journal.about("kill").is_empty());
        assert!(world.journal.about("stop").is_empty());
        let life = world.observed.lives()[&ours()].clone();
        let expected = terminated(None, "Container terminated").unwrap();
        assert_eq!(life.terminations, [Ok(expected)]);
        assert!(unknown(&world, OURS));
        world.passes(support::REMOVE_DELAY);
        assert_eq!(world.journal.about("rm"), [format!("rm mesos-{OURS}")]);
    }
}

#[test]
fn an_executor_with_a_container_of_its_own_is_known_by_the_name_of_that() {
    let world = listening(flags());
    let found = [named(&format!("/mesos-s1.{OURS}.executor"))];
    recover(&world, Some(state(executor(run()))), &found);
    world.exits(EXECUTOR_PID, 0);
    world.passes(support::REMOVE_DELAY);
    let name = format!("mesos-s1.{OURS}.executor");
    assert_eq!(
        world.journal.about("rm"),
        [format!("rm {name}"), format!("rm {name}.executor")],
        "as upstream, which takes the executor's container for the task's"
    );
}

/// Since the names of 1.4 have one part less, the id is looked for in the wrong one. Upstream's, too.
#[test]
fn an_executors_container_by_todays_name_is_not_found() {
    let world = listening(flags());
    let found = [named(&format!("/mesos-{OURS}.executor"))];
    let recover = recover(&world, None, &found);
    assert!(recover.is_ready());
    assert!(world.journal.take().is_empty(), "it is not even an orphan");
}

#[test]
fn without_a_state_all_that_is_ours_is_an_orphan() {
    let world = World::new();
    let found = [named(&format!("/mesos-{OURS}")), named("/mesos-x"), named("/other")];
    let recover = recover(&world, None, &found);
    assert_eq!(world.journal.about("stop"), [format!("stop id-of/mesos-{OURS} 5s remove")]);
    world.stopped();
    assert!(recover.is_ready());
}

#[test]
fn orphans_are_left_alone_on_request() {
    let world = listening(Flags { docker_kill_orphans: false, ..flags() });
    let found = [named(&format!("/mesos-{OURS}")), named(&format!("/mesos-{OTHER}"))];
    let recover = recover(&world, Some(state(executor(run()))), &found);
    assert!(recover.is_ready());
    assert_eq!(world.count(), 1);
    assert!(world.journal.about("stop").is_empty());
}

#[test]
fn recovery_fails_with_the_daemon_with_a_stop_and_with_an_unmount() {
    let world = World::new();
    let recovery = world.containerizer.recover(None);
    world.settle();
    world.in_docker(|| world.lists.last().fail("no daemon"));
    world.settle();
    assert_eq!(failure(&recovery), "no daemon");
    drop(world);

    let found = [named(&format!("/mesos-{OURS}"))];
    let world = World::new();
    let recovery = recover(&world, None, &found);
    world.in_docker(|| world.stops.last().fail("it does not stop"));
    world.settle();
    assert!(failure(&recovery).ends_with("it does not stop"), "{recovery}");
    drop(world);

    let world = World::new();
    *world.host.mounts.lock() = vec![format!("/agent/{OURS}/v").into()];
    world.host.fails("unmount", "busy");
    let recovery = recover(&world, None, &found);
    world.stopped();
    assert_eq!(
        failure(&recovery),
        format!(
            "Unable to unmount volumes for Docker container '{OURS}': Failed to unmount volume \
             '/agent/{OURS}/v': busy"
        )
    );
}

#[test]
fn root_docker_recover_persistent_volumes() {
    let world = listening(flags());
    let volume = format!("/agent/slaves/s1/frameworks/f1/executors/e1/runs/{OURS}/v");
    *world.host.mounts.lock() = vec!["/proc".into(), volume.clone().into()];
    recover(&world, Some(state(executor(run()))), &[named(&format!("/mesos-{OURS}"))]);
    assert!(world.journal.about("unmount").is_empty(), "its task goes on");
    let destroy = world.containerizer.destroy(&ours());
    world.settle();
    world.stopped();
    world.exits(EXECUTOR_PID, 0);
    assert!(destroy.is_ready());
    assert_eq!(world.journal.about("unmount"), [format!("unmount {volume}")]);
    assert_eq!(*world.host.mounts.lock(), [std::path::PathBuf::from("/proc")]);
}

#[test]
fn root_docker_recover_orphaned_persistent_volumes() {
    let world = World::new();
    let volume = format!("/agent/slaves/s1/frameworks/f1/executors/e1/runs/{OURS}/v");
    *world.host.mounts.lock() = vec![volume.clone().into()];
    // What was checkpointed of the run is lost.
    let state = state(ExecutorState { latest: None, runs: [].into(), ..executor(run()) });
    let recover = recover(&world, Some(state), &[named(&format!("/mesos-{OURS}"))]);
    assert!(world.journal.about("unmount").is_empty(), "the container still uses it");
    world.stopped();
    assert!(recover.is_ready());
    assert_eq!(world.journal.about("unmount"), [format!("unmount {volume}")]);
    assert!(world.host.mounts.lock().is_empty());
}
