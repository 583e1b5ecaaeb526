//! `Clock::settle` for the live runtime, at no cost to messages.
//!
//! Upstream counts the threads that run a process and looks into the queue of those that wait for
//! one. Actix tells neither, and a count of all messages under way would be shared by all threads
//! and changed twice a message. Instead a settle asks.
//!
//! # The algorithm
//!
//! A *round* takes the list of all processes and puts a marker into the mailbox of each. A marker
//! that is handled reports how many events its thread has begun to handle so far; a mailbox that is
//! dropped drops its marker. A round is over when all its markers are handled or dropped.
//!
//! A settle makes a round, looks whether the clock is idle, and makes a second round. It is done if
//! both rounds found the same processes, had no marker dropped, and each process reported the same
//! count twice, and if the clock was idle: no timer due or firing, no function of `async_` at work.
//! Otherwise it starts again.
//!
//! # Why that is enough
//!
//! Let T be the moment of the look at the clock; it lies between the two markers of each process.
//!
//! - *No process is at work at T.* A process handles one thing after the other, so a handler that
//!   runs at T began after the first marker, and was counted before the second.
//! - *No mailbox holds an event at T.* Mailboxes are first in, first out, so it would have been
//!   handled before the second marker, and counted. (A process that is told to end at once drops
//!   its events uncounted. Then a stop is in its mailbox at T, and the second marker dropped.)
//! - *No process starts or ends at T.* One that starts handles its first marker only afterwards.
//!   One that ends is on the list until the last of those who wait for it was told, and handles no
//!   marker any more. One that came or went between the two lists shows in their count of changes.
//! - *Nothing else of the runtime runs at T*, since the clock is idle.
//!
//! So at T nothing runs that could send anything, and nothing is left to be handled: all is at
//! rest, and stays so until the clock is advanced or somebody outside does something. Outside are
//! the threads of tests and, as upstream, input and output: what is under way there is not waited
//! for, and may send later.
//!
//! A round waits for processes only, and each of them drops or handles its marker sooner or later,
//! whatever it spawns or ends meanwhile. A process that never comes to rest, or whose handler
//! blocks, keeps a settle waiting, as upstream.

use super::current::{self, Place, ProcessNumber};
use super::{clock, registry};
use crate::context::Context;
use crate::pid::Process;
use actix::dev::EnvelopeProxy;
use std::collections::BTreeMap;
use std::sync::mpsc;

/// Passes through a mailbox and reports when it was its turn.
pub(super) struct Marker {
    process: ProcessNumber,
    report: mpsc::Sender<(ProcessNumber, u64)>,
}

impl<A: Process> EnvelopeProxy<A> for Marker {
    fn handle(&mut self, _: &mut A, _: &mut Context<A>) {
        // The round waits as long as there are markers.
        let _ = self.report.send((self.process, current::handled()));
    }
}

/// What a round has found.
#[derive(PartialEq, Eq)]
struct Round {
    changes: u64,
    processes: usize,
    /// For each process whose marker was handled, the count of events of its thread.
    counts: BTreeMap<ProcessNumber, u64>,
}

impl Round {
    fn make() -> Self {
        let (changes, living) = registry::census();
        let processes = living.len();
        let (report, reports) = mpsc::channel();
        for (process, one) in living {
            one.mark(Marker { process, report: report.clone() });
        }
        drop(report);
        // Ends when the last marker is gone.
        Round { changes, processes, counts: reports.iter().collect() }
    }

    fn is_complete(&self) -> bool {
        self.counts.len() == self.processes
    }
}

pub(crate) fn settle() {
    assert!(clock::is_paused(), "only a paused clock can settle: pause it first");
    let place = current::place();
    assert!(place == Place::Outside, "a settle in {place:?} would wait for its own end");
    loop {
        clock::wait_until_idle();
        let before = Round::make();
        if clock::is_idle() && before.is_complete() && Round::make() == before {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{generate_id, spawn, terminate, wait};
    use actix::Actor;
    use std::time::Duration;

    struct Idle;

    impl Actor for Idle {
        type Context = Context<Self>;
    }

    crate::process!(Idle);

    /// It handled nothing that was counted, and is on neither list.
    #[test]
    fn a_process_that_came_and_went_between_two_rounds_shows() {
        let before = Round::make();
        assert!(before.is_complete());
        let pid = spawn(generate_id("idle"), Idle);
        terminate(&pid, true);
        wait(&pid).wait(Duration::from_secs(60)).expect("it has nothing to do");
        assert!(Round::make() != before);
    }

    /// Those who wait for an end hear of it while the process handles nothing any more.
    #[test]
    fn a_process_at_its_end_leaves_a_round_incomplete() {
        let (entered, is_inside) = mpsc::channel();
        let (go_on, released) = mpsc::channel::<()>();
        let pid = spawn(generate_id("idle"), Idle);
        wait(&pid).on_any(move |_| {
            entered.send(()).expect("the test waits for this");
            let _ = released.recv();
        });
        terminate(&pid, true);
        is_inside.recv().expect("the process ends");
        assert!(!Round::make().is_complete());
        drop(go_on);
    }
}
