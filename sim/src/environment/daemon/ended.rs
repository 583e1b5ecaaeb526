//! The end of a container's process, and what follows from it: answers, a restart, a removal.

use super::Shared;
use super::answer::Answer;
use super::config::Restart;
use super::container::{Container, ContainerState};
use super::exchange::RequestId;
use super::lifecycle::{self, Phase};
use super::program::{self, Key};
use super::stopping::{Purpose, Stop};
use super::{events, exec, networks, output, removing, starting, volumes};
use process::{Label, clock};
use std::sync::Arc;
use std::time::Duration;

/// A run of this length forgives earlier failures.
const LONG_ENOUGH: Duration = Duration::from_secs(10);
/// The longest time between two restarts.
const RESTART_AT_MOST: Duration = Duration::from_secs(60);

/// The exit code that a container has after this wait status of its process.
pub(super) fn exit_code(status: i32) -> i64 {
    let signal = status & 0x7f;
    i64::from(if signal == 0 { status >> 8 & 0xff } else { 128 + signal })
}

/// The process of a container has ended; the daemon learns of it a moment later.
pub(super) fn process_ended(daemon: &Arc<Shared>, key: Key, status: i32) {
    let Key::Container(number) = key else { return };
    let program = {
        let mut state = daemon.state.lock();
        state.containers.get_mut(&number).and_then(|container| container.program.take())
    };
    program::stop(daemon, program);
    exec::kill_all(daemon, number);
    let shared = Arc::clone(daemon);
    daemon.operations.schedule_about(
        daemon.contexts.daemon,
        Label::plain("Daemon", "container exited"),
        daemon.settings.exit,
        move || {
            let absent = {
                let mut state = shared.state.lock();
                let absent = state.phase == Phase::Down;
                if let Some(container) = state.containers.get_mut(&number).filter(|_| absent) {
                    // It learns of it when it starts.
                    container.unseen = Some(status);
                }
                absent
            };
            if !absent {
                exited(&shared, number, status);
            }
        },
    );
}

/// Who is to be told of the end of a container.
struct Audience {
    waiters: Vec<RequestId>,
    stops: Vec<Stop>,
    followers: Vec<super::container::Follower>,
    lines: Vec<super::log::Line>,
    remover: Option<Option<RequestId>>,
    restart_in: Option<Duration>,
    auto_remove: bool,
}

/// The daemon has learnt that the container's process has ended.
pub(super) fn exited(daemon: &Arc<Shared>, number: u64, status: i32) {
    let code = exit_code(status);
    let audience = {
        let mut state = daemon.state.lock();
        state.coverage.exited += 1;
        state.generation += 1;
        let up = state.is_up();
        let Some(container) = state.containers.get_mut(&number) else { return };
        close(container, code, up)
    };
    let Audience { waiters, stops, followers, lines, remover, restart_in, auto_remove } = audience;
    output::finish(daemon, &lines, followers);
    for waiter in waiters {
        daemon.answer(waiter, Ok(Answer::Waited { code, error: None }), Duration::ZERO);
    }
    {
        let mut state = daemon.state.lock();
        events::died(daemon, &mut state, number, code);
        networks::unplug(daemon, &mut state, number);
        volumes::mounted(daemon, &mut state, number, "unmount");
    }
    let restarts = answer_stops(daemon, number, stops);
    if let Some(remover) = remover {
        removing::remove_later(daemon, number, remover);
    } else if restarts {
        // A restart that somebody asked for.
    } else if let Some(time) = restart_in {
        restart_later(daemon, number, time);
    } else if auto_remove {
        removing::remove_by_itself(daemon, number);
    }
    lifecycle::go_on(daemon);
}

/// Notes the end, and takes out who waited for it.
fn close(container: &mut Container, code: i64, up: bool) -> Audience {
    let ran = container.started.map_or(Duration::ZERO, |started| clock::now() - started);
    // One that ends because the daemon does is restarted when the daemon is.
    let restart_in = if up { restart_delay(container, code, ran) } else { None };
    container.state =
        if restart_in.is_some() { ContainerState::Restarting } else { ContainerState::Exited };
    container.pid = None;
    container.program = None;
    container.execs.clear();
    container.exit_code = code;
    container.finished = Some(clock::now());
    let (lines, followers) = output::ended(container);
    let restarted_by_hand = container.stops.iter().any(|stop| stop.purpose == Purpose::Restart);
    Audience {
        waiters: std::mem::take(&mut container.waiters),
        stops: std::mem::take(&mut container.stops),
        followers,
        lines,
        remover: container.removing.then(|| container.remover.take()),
        restart_in,
        auto_remove: container.settled.config.auto_remove && !restarted_by_hand && up,
    }
}

/// When the restart policy wants the container to be started again.
fn restart_delay(container: &mut Container, code: i64, ran: Duration) -> Option<Duration> {
    if ran >= LONG_ENOUGH {
        container.restarts.in_a_row = 0;
    }
    let wanted = match container.restart {
        Restart::No => false,
        Restart::Always | Restart::UnlessStopped => true,
        Restart::OnFailure(0) => code != 0,
        Restart::OnFailure(most) => code != 0 && container.restarts.count < most,
    };
    if !wanted || container.stopped_by_hand || container.removing {
        return None;
    }
    let doubled = container.restarts.in_a_row.min(16);
    container.restarts.count += 1;
    container.restarts.in_a_row += 1;
    Some((Duration::from_millis(100) * 2_u32.pow(doubled)).min(RESTART_AT_MOST))
}

fn restart_later(daemon: &Arc<Shared>, number: u64, time: Duration) {
    let shared = Arc::clone(daemon);
    let label = Label::plain("Daemon", "container restarts");
    let op = daemon.operations.schedule(daemon.contexts.daemon, label, time, move || {
        {
            let mut state = shared.state.lock();
            let Some(container) = state.containers.get_mut(&number) else { return };
            if container.restarts.next.take().is_none() {
                return;
            }
        }
        starting::begin(&shared, number, None, false);
    });
    if let Some(container) = daemon.state.lock().containers.get_mut(&number) {
        container.restarts.next = Some(op);
    }
}

/// Answers those who stopped the container; whether one of them starts it again.
fn answer_stops(daemon: &Arc<Shared>, number: u64, stops: Vec<Stop>) -> bool {
    let mut restarter = None;
    for stop in stops {
        if let Some(timer) = stop.timer {
            daemon.operations.cancel(timer);
        }
        if stop.purpose != Purpose::Kill {
            events::of_container(daemon, &mut daemon.state.lock(), number, "stop");
        }
        match (stop.purpose, stop.request) {
            (Purpose::Restart, request) => restarter = Some(request),
            (_, Some(request)) => daemon.answer(request, Ok(Answer::Done), Duration::ZERO),
            (_, None) => {}
        }
    }
    let Some(request) = restarter else { return false };
    let removed = {
        let mut state = daemon.state.lock();
        state.containers.get_mut(&number).is_none_or(|container| {
            container.stopped_by_hand = false;
            container.removing
        })
    };
    if removed {
        if let Some(request) = request {
            daemon.refuse(request, super::messages::marked_for_removal());
        }
        return true;
    }
    starting::begin(daemon, number, request, true);
    true
}

/// A restart that the policy was about to make does not happen: the container has ended.
pub(super) fn cancel_restart(daemon: &Arc<Shared>, number: u64) {
    let (op, waiters, stops) = {
        let mut state = daemon.state.lock();
        state.generation += 1;
        let Some(container) = state.containers.get_mut(&number) else { return };
        let Some(op) = container.restarts.next.take() else { return };
        container.state = ContainerState::Exited;
        let waiters = std::mem::take(&mut container.waiters);
        (op, (waiters, container.exit_code), std::mem::take(&mut container.stops))
    };
    daemon.operations.cancel(op);
    let (waiters, code) = waiters;
    for waiter in waiters {
        daemon.answer(waiter, Ok(Answer::Waited { code, error: None }), Duration::ZERO);
    }
    answer_stops(daemon, number, stops);
}
