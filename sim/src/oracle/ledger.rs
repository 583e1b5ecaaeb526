//! The ledger: what the containerizer said about its containers, and the oracles on that alone.

use super::Violation;
use containerizer::docker::{Observer, State};
use mesos::ContainerId;
use mesos::slave::ContainerTermination;
use parking_lot::Mutex;
use process::{Time, clock};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How much virtual time a destroy may take. What a destroy waits for takes seconds; a container
/// whose end comes later than this came to it by itself.
pub const TERMINATION_LIMIT: Duration = Duration::from_secs(60 * 60);

/// In which state a container was when its end began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DestroyedIn {
    /// This state.
    State(State),
    /// Its launch had failed.
    LaunchFailed,
}

/// One container's life so far.
#[derive(Clone, Debug)]
pub struct Life {
    /// Its states and the events in which it entered them.
    pub states: Vec<(State, u64)>,
    /// When it entered DESTROYING.
    pub destroying_since: Option<Time>,
    /// How much virtual time it spent in DESTROYING.
    pub took: Option<Duration>,
    /// How often its termination was completed.
    pub terminations: u32,
    /// The message of its termination.
    pub message: Option<String>,
    /// The event of its (first) termination.
    pub terminated_at: Option<u64>,
    /// Whether the containerizer has forgotten it.
    pub erased: bool,
}

impl Life {
    /// In which state the container was when it was ended; `None` while it lives.
    pub fn destroyed_in(&self) -> Option<DestroyedIn> {
        self.terminated_at?;
        let mut states = self.states.iter().rev().map(|(state, _)| *state);
        let last = states.next()?;
        if self.message.is_none() {
            return Some(DestroyedIn::LaunchFailed);
        }
        let state = if last == State::Destroying { states.next().unwrap_or(last) } else { last };
        Some(DestroyedIn::State(state))
    }
}

#[derive(Default)]
struct Entries {
    lives: BTreeMap<ContainerId, Life>,
    violations: Vec<Violation>,
    unsettled: usize,
}

/// Keeps the lives of all containers of a run.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Mutex<Entries>>);

impl Ledger {
    /// Violations found since the last call.
    pub fn take_violations(&self) -> Vec<Violation> {
        let mut entries = self.0.lock();
        if entries.unsettled > 0 {
            entries.unsettled = 0;
            let Entries { lives, violations, .. } = &mut *entries;
            let stays = |life: &Life| life.terminations > 0 && !life.erased;
            for id in lives.iter().filter(|(_, life)| stays(life)).map(|(id, _)| id) {
                violations.push(Violation::new(
                    "I-MAP",
                    "terminated but not erased",
                    format!("container {id} has terminated and is still in the map"),
                ));
            }
        }
        std::mem::take(&mut entries.violations)
    }

    /// All lives, by container.
    pub fn lives(&self) -> BTreeMap<ContainerId, Life> {
        self.0.lock().lives.clone()
    }

    /// Calls `f` with each life.
    pub fn for_each(&self, mut f: impl FnMut(&ContainerId, &Life)) {
        for (id, life) in &self.0.lock().lives {
            f(id, life);
        }
    }

    /// Whether there was a container, and all there were have terminated.
    pub fn all_terminated(&self) -> bool {
        let entries = self.0.lock();
        !entries.lives.is_empty() && entries.lives.values().all(|life| life.terminations > 0)
    }
}

fn event() -> u64 {
    process::simulated::current_event().0
}

impl Observer for Ledger {
    fn state(&self, container: &ContainerId, from: Option<State>, to: State) {
        process::note("state", || format!("{container} {to}"));
        let mut entries = self.0.lock();
        let Entries { lives, violations, .. } = &mut *entries;
        let life = lives.entry(container.clone()).or_insert_with(|| Life {
            states: Vec::with_capacity(5),
            destroying_since: None,
            took: None,
            terminations: 0,
            message: None,
            terminated_at: None,
            erased: false,
        });
        let last = life.states.last().map(|(state, _)| *state);
        // What the containerizer says it comes from is checked too: the two must agree.
        let forward = last == from && last.is_none_or(|last| to > last) && !life.erased;
        if !forward {
            let before = match last {
                _ if life.erased => "GONE".to_owned(),
                Some(last) => last.to_string(),
                None => "nothing".to_owned(),
            };
            violations.push(Violation::new(
                "I-STATE",
                format!("{to} after {before}"),
                format!("container {container} went from {before} to {to}"),
            ));
        }
        life.states.push((to, event()));
        if to == State::Destroying {
            life.destroying_since = Some(clock::now());
        }
    }

    fn terminated(
        &self,
        container: &ContainerId,
        termination: Result<&ContainerTermination, &str>,
    ) {
        process::note("terminated", || match termination {
            Ok(value) => {
                format!("{container}: {}", value.message.as_deref().unwrap_or("(no message)"))
            }
            Err(error) => format!("{container}: failed: {error}"),
        });
        let mut entries = self.0.lock();
        entries.unsettled += 1;
        let Entries { lives, violations, .. } = &mut *entries;
        let Some(life) = lives.get_mut(container) else {
            violations.push(Violation::new(
                "I-TERM",
                "termination of an unknown container",
                format!("container {container} has terminated and was never there"),
            ));
            return;
        };
        life.terminations += 1;
        if life.terminations > 1 {
            violations.push(Violation::new(
                "I-TERM",
                "terminated twice",
                format!("container {container} has terminated {} times", life.terminations),
            ));
            return;
        }
        life.took = life.destroying_since.map(|since| clock::now() - since);
        life.terminated_at = Some(event());
        life.message =
            termination.map_or_else(|error| Some(error.to_owned()), |ok| ok.message.clone());
    }

    fn erased(&self, container: &ContainerId) {
        process::note("state", || format!("{container} GONE"));
        if let Some(life) = self.0.lock().lives.get_mut(container) {
            life.erased = true;
        }
    }
}
