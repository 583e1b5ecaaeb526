//! The simulated world: everything that must stay on one thread, and the loop that drives it.
//!
//! Connections live on other threads and reach it through [`bridge`](super::bridge).

use super::bridge::{Command, Exchanges};
use super::pace::{Pace, WallClock};
use process::Time;
use process::simulated::{Installed, Simulation};
use sim::environment::daemon::{Connection, DaemonSettings};
use sim::environment::host::HostSettings;
use sim::environment::{Chooser, Daemon, Environment, Faults, Natural, NaturalOrder, SimHost};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// How long things may happen before new requests are looked at.
const SLICE: Duration = Duration::from_millis(5);

/// How many requests are taken in before things happen again.
const BATCH: usize = 256;

/// The daemon and all that it needs.
pub struct World {
    /// The daemon.
    pub daemon: Daemon,
    /// How clients reach it.
    pub connection: Connection,
    /// The requests that connections wait for.
    pub exchanges: Exchanges,
    clock: WallClock,
    over: bool,
    crashed: bool,
    environment: Environment,
    simulation: Rc<Simulation>,
    _installed: Installed,
}

impl World {
    /// A world in which nothing goes wrong by itself.
    pub fn new(settings: DaemonSettings, pace: Pace) -> Self {
        let simulation = Simulation::new(false);
        let installed = simulation.install();
        let environment = Environment::new(&simulation, Chooser::new(Natural), Faults::none(), 1);
        let host = SimHost::new(environment.operations(), HostSettings::default());
        let daemon = Daemon::new(environment.operations(), &host, settings);
        let connection = daemon.connect("client");
        World {
            daemon,
            connection,
            exchanges: Exchanges::default(),
            clock: WallClock::new(pace, simulation.now()),
            over: false,
            crashed: false,
            environment,
            simulation,
            _installed: installed,
        }
    }

    /// The virtual time.
    pub fn now(&self) -> Time {
        self.simulation.now()
    }

    /// Ends [`run`](Self::run).
    pub fn end(&mut self) {
        self.over = true;
    }

    /// Drives the world until it is told to end, or nobody is left who could tell it.
    pub fn run(&mut self, commands: &Receiver<Command>) {
        while !self.over {
            let next = self.advance();
            self.exchanges.settle();
            self.report_crash();
            let first = match next {
                None => commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(wait) => commands.recv_timeout(wait),
            };
            match first {
                Ok(command) => self.obey(command, commands),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Takes commands in, at the virtual time that has been reached.
    fn obey(&mut self, first: Command, commands: &Receiver<Command>) {
        let now = WallClock::now();
        self.clock.touch(now);
        let reached = self.clock.reached(now);
        // What is due before then happens first.
        if NaturalOrder::new(&self.simulation, &self.environment)
            .next_due()
            .is_none_or(|due| due > reached)
        {
            self.simulation.advance_to(reached);
        }
        first(self);
        for command in commands.try_iter().take(BATCH) {
            command(self);
        }
    }

    /// Lets happen what is due, for a while. Returns how long nothing else will be due: at all if
    /// `None`.
    fn advance(&mut self) -> Option<Duration> {
        let slice_ends = WallClock::now() + SLICE;
        loop {
            let now = WallClock::now();
            if now >= slice_ends {
                return Some(Duration::ZERO);
            }
            let reached = self.clock.reached(now);
            let order = NaturalOrder::new(&self.simulation, &self.environment);
            if order.step(reached) {
                if self.exchanges.some_ended() {
                    self.clock.touch(now);
                }
                continue;
            }
            let Some(due) = order.next_due() else {
                self.simulation.advance_to(reached);
                return None;
            };
            self.exchanges.settle();
            match self.clock.jump(due, now, self.exchanges.somebody_waits()) {
                Ok(()) => {}
                Err(again) => {
                    self.simulation.advance_to(reached);
                    let wait = self.clock.until(due, now);
                    return Some(again.map_or(wait, |again| again.min(wait)));
                }
            }
        }
    }

    /// A panic in the simulated world is a defect of it: said once; the world goes on.
    fn report_crash(&mut self) {
        if self.crashed {
            return;
        }
        if let Some(crash) = self.simulation.crash() {
            self.crashed = true;
            eprintln!("drydock: a defect of the simulated daemon, which goes on: {crash:?}");
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Their sinks go while the simulation is still installed.
        self.exchanges = Exchanges::default();
    }
}
