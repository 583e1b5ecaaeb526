//! Scripts: what the programs in containers do.
//!
//! A script is a list of steps, what comes after the last of them, and what signals do to it. It
//! comes from the scenario, from an image, or from a command line in the mini language of
//! [`shell`](super::shell).

use super::shell::{Handler, Text};
use crate::environment::host::Behaviour;
use std::sync::Arc;
use std::time::Duration;

/// One of a container's output streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// Its number in the header of a frame.
    pub fn number(self) -> u8 {
        match self {
            Stream::Stdout => 1,
            Stream::Stderr => 2,
        }
    }
}

/// One thing that a program does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Lets time pass.
    Sleep(Duration),
    /// Keeps a processor busy for this long.
    Work(Duration),
    /// Writes.
    Write(Stream, Arc<str>),
    /// Takes this many bytes more of memory, evenly over the time. Beyond its container's limit
    /// it is killed.
    Grow(u64, Duration),
    /// Reads standard input to its end; writes what it reads to standard output if `true`.
    Read(bool),
    /// From now on this signal has this consequence.
    On(i32, Reaction),
    /// Goes on with the step of this index.
    Repeat(usize),
    /// Ends with this exit code.
    Exit(u8),
    /// A shell plays this text, and ends with its last status.
    Shell(Arc<Text>),
}

/// What comes after a program's last step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// It runs until it is killed.
    #[default]
    Never,
    /// It exits with this code.
    Exit(u8),
    /// It dies of this signal.
    Signal(i32),
}

/// What a signal does to a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reaction {
    /// It dies of it.
    #[default]
    Die,
    /// Nothing: it ignores the signal, or is a container's first process and has no handler.
    Ignore,
    /// It dies of it, but takes this long.
    DieAfter(Duration),
    /// It exits with this code, this long after.
    Exit(u8, Duration),
    /// A shell does this when its current step has ended, and then goes on.
    Run(Handler),
}

/// Why a container's program cannot even be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartRefusal {
    /// There is no such program: exit code 127.
    NotFound,
    /// It is no program, or must not be run: exit code 126.
    NotExecutable,
    /// Something else: exit code 128.
    Other {
        /// The status of the answer.
        status: u16,
        /// The daemon's words.
        message: Arc<str>,
    },
}

/// What a program does. By default it runs until it is stopped, which SIGTERM does at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// What it does first.
    pub steps: Arc<[Step]>,
    /// What comes then.
    pub end: End,
    /// What SIGTERM does to it.
    pub on_term: Reaction,
    /// What other signals do to it, SIGKILL apart and those that do nothing by default.
    pub on_others: Reaction,
    /// Why it is never started, if it is not.
    pub refusal: Option<StartRefusal>,
    /// The memory it has from the start, in bytes.
    pub memory: u64,
}

impl Default for Script {
    fn default() -> Self {
        Script {
            steps: Arc::default(),
            end: End::Never,
            on_term: Reaction::Die,
            on_others: Reaction::Die,
            refusal: None,
            memory: 2 << 20,
        }
    }
}

impl Script {
    /// Exits with `code` after this time.
    pub fn exits(after: Duration, code: u8) -> Self {
        Script { steps: Arc::new([Step::Sleep(after)]), end: End::Exit(code), ..Script::default() }
    }

    /// Takes no notice of SIGTERM.
    pub fn deaf() -> Self {
        Script { on_term: Reaction::Ignore, ..Script::default() }
    }

    /// Is never started.
    pub fn refused(refusal: StartRefusal) -> Self {
        Script { refusal: Some(refusal), ..Script::default() }
    }

    /// Does these steps.
    pub fn of(steps: impl Into<Arc<[Step]>>, end: End) -> Self {
        Script { steps: steps.into(), end, ..Script::default() }
    }

    /// Whether SIGTERM does nothing to it.
    pub fn ignores_sigterm(&self) -> bool {
        self.on_term == Reaction::Ignore
    }
}

impl From<Behaviour> for Script {
    fn from(behaviour: Behaviour) -> Self {
        let end = match (behaviour.runs_for, behaviour.status) {
            (None, _) => End::Never,
            (Some(_), status) if status & 0x7f == 0 => End::Exit((status >> 8 & 0xff) as u8),
            (Some(_), status) => End::Signal(status & 0x7f),
        };
        let on_term = if behaviour.ignores_sigterm {
            Reaction::Ignore
        } else if behaviour.stops_in.is_zero() {
            Reaction::Die
        } else {
            Reaction::DieAfter(behaviour.stops_in)
        };
        let steps: Vec<Step> = behaviour.runs_for.map(Step::Sleep).into_iter().collect();
        Script { steps: steps.into(), end, on_term, ..Script::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_behaviour_of_the_host_is_a_script() {
        let second = Duration::from_secs(1);
        let behaviour = Behaviour { runs_for: Some(second), status: 3 << 8, ..Default::default() };
        assert_eq!(Script::from(behaviour), Script::exits(second, 3));
        assert_eq!(Script::from(Behaviour::default()), Script::default());
        let deaf = Behaviour { ignores_sigterm: true, ..Behaviour::default() };
        assert!(Script::from(deaf).ignores_sigterm());
        let killed = Behaviour { runs_for: Some(second), status: 9, ..Behaviour::default() };
        assert_eq!(Script::from(killed).end, End::Signal(9));
        let slow = Behaviour { stops_in: second, ..Behaviour::default() };
        assert_eq!(Script::from(slow).on_term, Reaction::DieAfter(second));
    }
}
