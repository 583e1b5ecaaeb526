//! The daemon's own life: it is stopped or killed, and started again.
//!
//! Without live restore its containers end with it, or at its next start if it was killed. With it
//! they go on, and it learns at its start what has become of them. Either way connections break,
//! pulls and execs are lost, and what is on its disk stays: containers and their names, images.

use super::Shared;
use super::answer::Reply;
use super::config::Restart;
use super::container::{Container, ContainerState};
use super::exchange::RequestId;
use super::state::State;
use super::stopping::{self, Purpose};
use super::{ended, program, removing, starting};
use crate::environment::operations::OpId;
use process::Label;
use process::host::OsPid;
use std::sync::Arc;
use std::time::Duration;

/// The status of a container that was being started when the daemon died, as after a crash of the
/// machine: nobody knows how its process ended.
const LOST: i64 = 255;

/// How the daemon ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// It is asked to: it stops its containers first.
    Graceful,
    /// It is killed.
    Killed,
}

/// What the daemon is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It answers.
    Up,
    /// It is stopping its containers; then it will be gone for so long.
    Closing(Duration),
    Down,
    /// It is stopping the containers that outlived it, before it answers.
    Opening,
}

/// Ends the daemon, and starts it again `down` after it has ended.
pub(super) fn restart(daemon: &Arc<Shared>, how: Shutdown, down: Duration) {
    {
        let mut state = daemon.state.lock();
        if !state.is_up() {
            return;
        }
        state.phase = Phase::Closing(down);
        state.generation += 1;
    }
    if how == Shutdown::Killed || daemon.settings.live_restore {
        return go_down(daemon);
    }
    stop_all(daemon);
    go_on(daemon);
}

/// Stops all containers that run.
fn stop_all(daemon: &Arc<Shared>) {
    let running: Vec<_> = {
        let state = daemon.state.lock();
        let running = state.containers.values().filter(|container| container.is_running());
        running.map(|container| (container.number, container.stop_time())).collect()
    };
    for (number, seconds) in running {
        stopping::begin(daemon, number, None, Purpose::Stop, seconds);
    }
}

/// A container has been started, or could not be. A daemon that is about to go stops it again.
pub(super) fn started(daemon: &Arc<Shared>, number: u64) {
    let stops = {
        let state = daemon.state.lock();
        let running = state.containers.get(&number).filter(|one| one.is_running());
        match state.phase {
            Phase::Up => return,
            _ => running.map(Container::stop_time),
        }
    };
    match stops {
        Some(seconds) => stopping::begin(daemon, number, None, Purpose::Stop, seconds),
        None => go_on(daemon),
    }
}

/// A container has ended. If it was the last that the daemon waited for, it goes on.
pub(super) fn go_on(daemon: &Arc<Shared>) {
    let phase = {
        let state = daemon.state.lock();
        let busy = state.containers.values().any(|one| one.is_running() || one.starting);
        if busy { Phase::Up } else { state.phase }
    };
    match phase {
        Phase::Closing(_) => go_down(daemon),
        Phase::Opening => go_up(daemon),
        Phase::Up | Phase::Down => {}
    }
}

/// What is to be cleared up outside the lock.
#[derive(Default)]
struct Debris {
    connected: Vec<RequestId>,
    gone: Vec<RequestId>,
    ops: Vec<OpId>,
    execs: Vec<OsPid>,
}

fn go_down(daemon: &Arc<Shared>) {
    let (debris, down) = {
        let mut state = daemon.state.lock();
        let Phase::Closing(down) = state.phase else { return };
        state.phase = Phase::Down;
        state.life += 1;
        state.generation += 1;
        state.coverage.restarts += 1;
        (forget(&mut state), down)
    };
    process::note("docker", || "the daemon is gone".to_owned());
    for op in debris.ops {
        daemon.operations.cancel(op);
    }
    for pid in debris.execs {
        daemon.host.end(pid, crate::environment::host::SIGKILL);
    }
    for id in debris.gone {
        daemon.close(id);
    }
    for id in debris.connected {
        daemon.reply(id, Reply::Broken, Duration::ZERO);
    }
    let (shared, label) = (Arc::clone(daemon), Label::plain("Daemon", "daemon started"));
    daemon.operations.schedule(daemon.contexts.daemon, label, down, move || come_back(&shared));
}

/// Forgets what is only in the daemon's memory.
fn forget(state: &mut State) -> Debris {
    let mut debris = Debris::default();
    for (id, exchange) in &state.exchanges {
        if exchange.connected { &mut debris.connected } else { &mut debris.gone }.push(*id);
    }
    for (_, pull) in std::mem::take(&mut state.pulls) {
        debris.ops.extend([pull.op, pull.notice].into_iter().flatten());
    }
    debris.ops.extend(state.transfers.clear());
    state.store.release_layers(std::iter::empty());
    state.events.clear();
    state.watchers.clear();
    for (_, exec) in std::mem::take(&mut state.execs) {
        debris.execs.extend(exec.pid());
        debris.ops.extend(exec.program.and_then(program::Program::op));
    }
    for container in state.containers.values_mut() {
        forget_container(container, &mut debris);
    }
    debris
}

fn forget_container(container: &mut Container, debris: &mut Debris) {
    if std::mem::take(&mut container.starting) {
        container.exit_code = LOST;
    }
    debris.ops.extend(container.stops.drain(..).filter_map(|stop| stop.timer));
    debris.ops.extend(container.restarts.next.take());
    if container.state == ContainerState::Restarting {
        container.state = ContainerState::Exited;
    }
    container.starter = None;
    container.queue.clear();
    container.waiters.clear();
    container.removal_waiters.clear();
    container.followers.clear();
    container.execs.clear();
    container.remover = None;
    // A removal that was under way is not taken up again.
    container.removing = false;
    container.half_way = false;
}

/// The daemon starts: it looks after the containers that it finds.
fn come_back(daemon: &Arc<Shared>) {
    let unseen: Vec<_> = {
        let mut state = daemon.state.lock();
        state.phase = Phase::Opening;
        let ended = state.containers.values_mut().filter_map(|container| {
            container.unseen.take().map(|status| (container.number, status))
        });
        ended.collect()
    };
    for (number, status) in unseen {
        ended::exited(daemon, number, status);
    }
    if daemon.settings.live_restore {
        return go_up(daemon);
    }
    stop_all(daemon);
    go_on(daemon);
}

/// The daemon answers again, and starts what it is to keep alive.
fn go_up(daemon: &Arc<Shared>) {
    let (restarted, removed) = {
        let mut state = daemon.state.lock();
        if state.phase != Phase::Opening {
            return;
        }
        state.phase = Phase::Up;
        state.generation += 1;
        let ended = state.containers.values().filter(|one| !one.is_running());
        let (mut restarted, mut removed) = (Vec::new(), Vec::new());
        for container in ended {
            let wanted = match container.restart {
                Restart::No => false,
                Restart::Always => container.started.is_some(),
                Restart::UnlessStopped => container.started.is_some() && !container.stopped_by_hand,
                Restart::OnFailure(most) => {
                    let left = most == 0 || container.restarts.count < most;
                    container.exit_code != 0 && left && !container.stopped_by_hand
                }
            };
            if wanted && container.state != ContainerState::Dead {
                restarted.push(container.number);
            } else if container.settled.config.auto_remove && container.started.is_some() {
                removed.push(container.number);
            }
        }
        (restarted, removed)
    };
    process::note("docker", || "the daemon is back".to_owned());
    for number in restarted {
        starting::begin(daemon, number, None, false);
    }
    for number in removed {
        removing::remove_by_itself(daemon, number);
    }
}
