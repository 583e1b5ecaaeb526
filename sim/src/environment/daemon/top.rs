//! The processes of a container, as `ps` lists them.

use super::Shared;
use super::answer::{Answer, Refusal};
use super::exchange::RequestId;
use super::program::Program;
use super::stamp::Stamp;
use super::state::State;
use super::{events, messages};
use crate::environment::host::INIT_PID;
use process::clock;
use std::sync::Arc;
use std::time::Duration;

pub(super) fn top(daemon: &Arc<Shared>, id: RequestId, name: &str, arguments: &str) {
    let result = list(daemon, &mut daemon.state.lock(), name, arguments);
    daemon.answer(id, result, Duration::ZERO);
}

const FULL: [&str; 8] = ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"];
const AUX: [&str; 11] =
    ["USER", "PID", "%CPU", "%MEM", "VSZ", "RSS", "TTY", "STAT", "START", "TIME", "COMMAND"];

fn list(
    daemon: &Shared,
    state: &mut State,
    name: &str,
    arguments: &str,
) -> Result<Answer, Refusal> {
    let container = state.find(name)?;
    if !container.is_running() {
        return Err(messages::not_running(&container.id));
    }
    if container.pid.is_none() {
        return Err(messages::is_restarting(&container.id));
    }
    let number = container.number;
    let user = match container.settled.user.as_str() {
        "" => "root",
        user => user,
    };
    let execs =
        container.execs.iter().filter_map(|number| state.execs.get(number)?.program.as_ref());
    let programs = container.program.iter().chain(execs);
    let aux = arguments.contains("aux");
    let row = |program: &Program| {
        if aux { of_aux(daemon, program, user) } else { of_full(daemon, program, user) }
    };
    let rows = programs.map(row).collect();
    let titles = if aux { AUX.to_vec() } else { FULL.to_vec() };
    events::of_container(daemon, state, number, "top");
    Ok(Answer::Processes { titles, rows })
}

/// Hours and minutes of the day.
fn started(daemon: &Shared, program: &Program) -> String {
    let stamp = Stamp::new(program.started, daemon.settings.epoch).to_string();
    stamp.get(11..16).unwrap_or_default().to_owned()
}

fn percent(program: &Program) -> u64 {
    let age = (clock::now() - program.started).as_millis().max(1) as u64;
    program.processor_time().as_millis() as u64 * 100 / age
}

fn time(program: &Program) -> (u64, u64, u64) {
    let seconds = program.processor_time().as_secs();
    (seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn of_full(daemon: &Shared, program: &Program, user: &str) -> Vec<String> {
    let (hours, minutes, seconds) = time(program);
    vec![
        user.to_owned(),
        program.pid.to_string(),
        INIT_PID.to_string(),
        percent(program).to_string(),
        started(daemon, program),
        "?".to_owned(),
        format!("{hours:02}:{minutes:02}:{seconds:02}"),
        program.argv.join(" "),
    ]
}

fn of_aux(daemon: &Shared, program: &Program, user: &str) -> Vec<String> {
    let kilobytes = program.memory() >> 10;
    let (hours, minutes, seconds) = time(program);
    let share = program.memory() as f64 * 100.0 / daemon.settings.total_memory.max(1) as f64;
    vec![
        user.to_owned(),
        program.pid.to_string(),
        format!("{}.0", percent(program)),
        format!("{share:.1}"),
        (kilobytes * 2).to_string(),
        kilobytes.to_string(),
        "?".to_owned(),
        if program.frozen { "Ds" } else { "Ss" }.to_owned(),
        started(daemon, program),
        format!("{}:{seconds:02}", hours * 60 + minutes),
        program.argv.join(" "),
    ]
}
