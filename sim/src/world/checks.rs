//! Oracles over the environment, shared by the levels: what is left behind when a container has
//! ended.

use super::World;
use crate::coverage::Mark;
use crate::environment::Fault;
use crate::environment::daemon::{ContainerState, ContainerView, Method, RequestView};
use crate::oracle::{TERMINATION_LIMIT, Violation};
use containerizer::docker::{MESOS_DOCKER_EXECUTOR, State};
use containerizer::fetcher::MESOS_FETCHER;

/// When every container has terminated and no message is on its way, nobody may still wait for a
/// pull: whoever could have cancelled it has done all it will do.
pub(super) fn leftovers_when_settled(world: &World, violations: &mut Vec<Violation>) {
    if world.daemon.watched_pulls() == 0 || !world.ledger.all_terminated() {
        return;
    }
    for pull in world.daemon.pulls() {
        if pull.connected {
            violations.push(Violation::new(
                "I-CLI",
                "a pull outlives its container",
                format!(
                    "the pull of {} goes on, its client still waiting, after the container that \
                     wanted it has terminated",
                    pull.reference
                ),
            ));
        }
    }
}

/// When every container has terminated and no message is on its way, none may run in Docker, unless
/// somebody is just ending it.
pub(super) fn containers_when_settled(world: &World, violations: &mut Vec<Violation>) {
    if !world.ledger.all_terminated() {
        return;
    }
    let ends = |request: &RequestView| {
        matches!(request.method, Method::Stop | Method::Kill | Method::Remove)
    };
    let runs = |container: &ContainerView| {
        container.state == ContainerState::Running && !container.removing
    };
    let running = world.daemon.containers().into_iter().filter(runs);
    for container in running {
        if world.daemon.requests().iter().any(ends) {
            return;
        }
        // What nobody stopped is told apart from what upstream, too, fails to stop: it would be our
        // own bug.
        let cause = if was_injected(world, &[Fault::StopFail, Fault::StopHang]) {
            "a docker container runs after its termination, its stop had failed"
        } else if world.daemon.was_stopped_early(&container.name) {
            "a docker container runs after its termination, its stop came before its start"
        } else if ended_with_its_executor(world, &container.name) {
            "a docker container runs after its termination, its executor had ended first"
        } else {
            "a docker container runs after its termination, nobody stopped it"
        };
        violations.push(Violation::new(
            "I-DOCKER",
            cause,
            format!("docker container {} runs, its termination was reported", container.name),
        ));
    }
}

/// Whether the container of this name in Docker was taken to have ended because its executor had.
fn ended_with_its_executor(world: &World, name: &str) -> bool {
    let mut ended = false;
    world.ledger.for_each(|id, life| {
        let of_executor = life.message.as_deref() == Some("Container terminated");
        ended |= of_executor && name.contains(&id.to_string());
    });
    ended
}

/// A destroy ends a container by itself; it does not just wait until the executor has had enough.
fn terminations_in_time(world: &World, violations: &mut Vec<Violation>) {
    let forked = world.host.started_in(MESOS_DOCKER_EXECUTOR).map_or(0, |event| event.0);
    world.ledger.for_each(|id, life| {
        let Some(took) = life.took.filter(|took| *took > TERMINATION_LIMIT) else { return };
        let destroying = life.states.iter().find(|(state, _)| *state == State::Destroying);
        // An executor that was not there yet could not be told to end.
        let cause = match destroying {
            Some((_, event)) if forked > *event => {
                "terminated too late, its executor was forked after the destroy"
            }
            _ => "terminated too late",
        };
        let message = format!("container {id} took {} s of virtual time to end", took.as_secs());
        violations.push(Violation::new("I-TERM", cause, message));
    });
}

fn was_injected(world: &World, faults: &[Fault]) -> bool {
    world.environment.injected().iter().any(|fault| faults.contains(fault))
}

/// When the world has come to rest, nothing of a terminated container may be left, and no
/// container may be left without a termination.
pub(super) fn leftovers_at_rest(world: &World, violations: &mut Vec<Violation>) {
    world.ledger.for_each(|id, life| {
        if life.terminations == 0 {
            let state = life.states.last().map_or("no state".to_owned(), |(s, _)| s.to_string());
            violations.push(Violation::new(
                "I-TERM",
                format!("never terminated, in {state}"),
                format!(
                    "container {id} is in {state} and will never terminate: nothing is left \
                         that could happen"
                ),
            ));
        }
    });
    terminations_in_time(world, violations);
    if !world.ledger.all_terminated() {
        return;
    }
    world.host.for_each_running(|process| {
        let (oracle, what) = match process.program.as_ref() {
            MESOS_FETCHER => ("I-CLI", "a fetcher outlives its container"),
            MESOS_DOCKER_EXECUTOR => ("I-EXEC", "an executor outlives its container"),
            _ => return,
        };
        violations.push(Violation::new(
            oracle,
            what,
            format!(
                "{} (pid {}) still runs, its container has terminated",
                process.program, process.pid
            ),
        ));
    });
    for container in world.daemon.containers() {
        let (cause, verb) = match container.state {
            ContainerState::Running => ("a docker container runs for ever", "runs"),
            _ if was_injected(world, &[Fault::RemoveFail]) => {
                ("a docker container stays for ever, its removal was refused", "is still there")
            }
            _ => ("a docker container stays for ever, nobody removed it", "is still there"),
        };
        violations.push(Violation::new(
            "I-DOCKER",
            cause,
            format!("docker container {} {verb}, its termination was reported", container.name),
        ));
    }
}

/// What the ledger and the daemon say was reached.
pub(super) fn common_marks(world: &World, marks: &mut Vec<Mark>) {
    world.ledger.for_each(|_, life| marks.extend(life.destroyed_in().map(Mark::Destroyed)));
    let coverage = world.daemon.coverage();
    for (count, mark) in [
        (coverage.pulls_completed, Mark::PullCompleted),
        (coverage.pulls_failed, Mark::PullFailed),
        (coverage.pulls_left_before_layers, Mark::PullLeftBeforeLayers),
        (coverage.pulls_left_in_layers, Mark::PullLeftInLayers),
        (coverage.pulls_left_at_the_end, Mark::PullLeftAtTheEnd),
        (coverage.pulls_completed_unwatched, Mark::PullUnwatched),
    ] {
        if count > 0 {
            marks.push(mark);
        }
    }
}
