//! The simulated network: messages between programs, and links that break, under many schedules.

mod support;

use parking_lot::Mutex;
use process::actix::{Actor, Handler};
use process::simulated::network::Verdict;
use process::simulated::{Installed, Simulation};
use process::{Context, Exited, Pid, RemoteConnection, Upid, find, process, spawn};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

const HERE: &str = "10.0.0.1:5050";
const THERE: &str = "10.0.0.2:5051";

type Log = Arc<Mutex<Vec<String>>>;

/// Writes down the messages that reach it, and who has exited.
struct Recorder(Log);

impl Actor for Recorder {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        for name in ["a", "b", "c", "d"] {
            context.install_raw(name, move |this: &mut Self, _, from, _| {
                this.0.lock().push(format!("{name} from {}", from.id()));
            });
        }
    }
}

process!(Recorder);

impl Handler<Exited> for Recorder {
    type Result = ();

    fn handle(&mut self, Exited(who): Exited, _: &mut Self::Context) {
        self.0.lock().push(format!("exited {}", who.id()));
    }
}

/// Two programs: `p` and `q` here, `r` and `s` there.
struct Net {
    simulation: Rc<Simulation>,
    random: u64,
    log: Log,
    here: Log,
    _installed: Installed,
}

impl Net {
    fn new(seed: u64) -> Self {
        let simulation = Simulation::new(false);
        let _installed = simulation.install();
        let (log, here) = (Log::default(), Log::default());
        let net = Net { simulation, random: seed, log, here, _installed };
        net.simulation.set_address(HERE);
        spawn("p", Recorder(Arc::clone(&net.here)));
        spawn("q", Recorder(Arc::clone(&net.here)));
        net.simulation.set_address(THERE);
        net.spawn_there();
        net
    }

    fn spawn_there(&self) {
        spawn("r", Recorder(Arc::clone(&self.log)));
        spawn("s", Recorder(Arc::clone(&self.log)));
    }

    fn there(id: &str) -> Upid {
        Upid::new(id, THERE)
    }

    /// Lets `process` send these messages, each in an event of its own.
    fn sends(&mut self, process: &str, messages: &[(&'static str, &'static str)]) {
        let pid: Pid<Recorder> = find(process).unwrap();
        for &(name, to) in messages {
            pid.run("send", move |_, context| context.send_raw(&Net::there(to), name, ""));
            // The event itself is handled now; what it sends is under way.
            assert!(self.simulation.flush(self.simulation.flushable() - 1));
        }
    }

    fn link(&mut self, process: &str, to: &Upid, remote: RemoteConnection) {
        let (pid, to): (Pid<Recorder>, _) = (find(process).unwrap(), to.clone());
        pid.run("link", move |_, context| context.link_to(&to, remote));
        assert!(self.simulation.flush(self.simulation.flushable() - 1));
    }

    /// Delivers everything, in an order that the seed decides.
    fn settle(&mut self) {
        while self.simulation.flushable() > 0 {
            let choices = self.simulation.flushable() as u64;
            let mut x = self.random.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            x ^= x << 13;
            x ^= x >> 7;
            self.random = x ^ (x << 17);
            self.simulation.flush((self.random % choices) as usize);
            assert!(self.simulation.crash().is_none(), "{:?}", self.simulation.crash());
        }
    }

    /// What was received there, and what `p` and `q` were told.
    fn told(&mut self) -> (Vec<String>, Vec<String>) {
        self.settle();
        (std::mem::take(&mut self.log.lock()), std::mem::take(&mut self.here.lock()))
    }
}

/// All outcomes of a test over many schedules.
fn outcomes(test: impl Fn(&mut Net)) -> BTreeSet<String> {
    let outcome = |seed| {
        let mut net = Net::new(seed);
        test(&mut net);
        let (there, here) = net.told();
        format!("{} / {}", there.join(", "), here.join(", "))
    };
    (1..=300).map(outcome).collect()
}

fn set(outcomes: &[&str]) -> BTreeSet<String> {
    outcomes.iter().map(|outcome| (*outcome).to_owned()).collect()
}

#[test]
fn over_a_link_messages_keep_their_order() {
    let outcomes = outcomes(|net| {
        net.link("p", &Net::there("r"), RemoteConnection::Reuse);
        net.sends("p", &[("a", "r"), ("b", "r")]);
        // The connection is the program's: whoever else sends there uses it, too.
        net.sends("q", &[("c", "r")]);
    });
    assert_eq!(outcomes, set(&["a from p, b from p, c from q / "]));
}

/// Each event has a connection of its own; those of one event share one.
#[test]
fn without_a_link_they_may_overtake_each_other() {
    let apart = outcomes(|net| net.sends("p", &[("a", "r"), ("b", "r")]));
    assert_eq!(apart, set(&["a from p, b from p / ", "b from p, a from p / "]));
    let together = outcomes(|_| {
        let pid: Pid<Recorder> = find("p").unwrap();
        pid.run("send", |_, context| {
            context.send_raw(&Net::there("r"), "a", "");
            context.send_raw(&Net::there("r"), "b", "");
        });
    });
    assert_eq!(together, set(&["a from p, b from p / "]));
}

#[test]
fn a_link_made_in_between_can_reorder() {
    let outcomes = outcomes(|net| {
        net.sends("p", &[("a", "r")]);
        net.link("p", &Net::there("r"), RemoteConnection::Reuse);
        net.sends("p", &[("b", "r")]);
    });
    assert_eq!(outcomes, set(&["a from p, b from p / ", "b from p, a from p / "]));
}

#[test]
fn within_a_program_nothing_is_lost_or_overtaken() {
    let outcomes = outcomes(|net| {
        net.simulation.set_network(|_| Verdict::Lose);
        let pid: Pid<Recorder> = find("p").unwrap();
        pid.run("send", |_, context| {
            for name in ["a", "b", "c"] {
                context.send_raw(&Upid::new("q", HERE), name, "");
            }
            context.send_raw(&Upid::new("nobody", HERE), "d", "");
        });
    });
    assert_eq!(outcomes, set(&[" / a from p, b from p, c from p"]));
}

#[test]
fn faults_lose_and_double_messages() {
    let outcomes = outcomes(|net| {
        net.link("p", &Net::there("r"), RemoteConnection::Reuse);
        let count = Cell::new(0);
        net.simulation.set_network(move |message| {
            count.set(count.get() + 1);
            assert_eq!(message.to.address(), THERE);
            [Verdict::Deliver, Verdict::Lose, Verdict::Duplicate, Verdict::Deliver][count.get() - 1]
        });
        net.sends("p", &[("a", "r"), ("b", "r"), ("c", "r"), ("d", "r")]);
    });
    assert_eq!(outcomes, set(&["a from p, c from p, c from p, d from p / "]));
}

#[test]
fn a_break_loses_what_is_under_way_and_is_told() {
    let outcomes = outcomes(|net| {
        net.link("p", &Net::there("r"), RemoteConnection::Reuse);
        net.link("q", &Net::there("s"), RemoteConnection::Reuse);
        let count = Cell::new(0);
        net.simulation.set_network(move |_| {
            count.set(count.get() + 1);
            if count.get() == 2 { Verdict::Break } else { Verdict::Deliver }
        });
        net.sends("p", &[("a", "r"), ("b", "r")]);
        net.settle();
        // Afterwards there is a new connection, without a link.
        net.sends("p", &[("c", "r")]);
    });
    // Both are told by the connection that broke: in order.
    assert_eq!(outcomes, set(&["c from p / exited r, exited s"]));
}

/// Nothing arrives, and nobody is told, until it is healed.
#[test]
fn a_partition_is_silent() {
    let outcomes = outcomes(|net| {
        net.link("p", &Net::there("r"), RemoteConnection::Reuse);
        net.sends("p", &[("a", "r")]);
        net.simulation.cut(HERE, THERE);
        net.sends("p", &[("b", "r")]);
        net.simulation.heal(HERE, THERE);
        net.sends("p", &[("c", "r")]);
    });
    assert_eq!(outcomes, set(&["a from p, c from p / "]));
    let unreachable = self::outcomes(|net| {
        net.simulation.cut(HERE, THERE);
        net.link("p", &Net::there("r"), RemoteConnection::Reuse);
    });
    assert_eq!(unreachable, set(&[" / exited r"]));
}

#[test]
fn a_message_finds_whoever_is_there_when_it_arrives() {
    let outcomes = outcomes(|net| {
        net.sends("p", &[("a", "late")]);
        net.simulation.set_address(THERE);
        spawn("late", Recorder(Arc::clone(&net.log)));
    });
    assert_eq!(outcomes, set(&["a from p / "]));
    let nobody = self::outcomes(|net| net.sends("p", &[("a", "nobody"), ("b", "r")]));
    assert_eq!(nobody, set(&["b from p / "]));
}

/// A wrong id at a live address is silently fine, as upstream.
#[test]
fn a_link_asks_nothing_of_the_peer() {
    let outcomes = outcomes(|net| {
        net.link("p", &Net::there("nobody"), RemoteConnection::Reuse);
        net.link("p", &Upid::new("x", "10.0.0.9:1"), RemoteConnection::Reuse);
    });
    assert_eq!(outcomes, set(&[" / exited x"]));
}

#[test]
fn a_linker_that_has_ended_is_told_nothing() {
    let outcomes = outcomes(|net| {
        net.link("p", &Net::there("r"), RemoteConnection::Reuse);
        net.link("q", &Net::there("r"), RemoteConnection::Reuse);
        let pid: Pid<Recorder> = find("p").unwrap();
        process::kill(&pid);
        net.simulation.break_connection(HERE, THERE);
    });
    assert_eq!(outcomes, set(&[" / exited r"]));
}

mod process_tests {
    //! Twins of `ProcessRemoteLinkTest`; those with sockets are in `remote_live/links.rs`.

    use super::*;

    #[test]
    fn remote_link() {
        let outcomes = outcomes(|net| {
            net.link("p", &Net::there("r"), RemoteConnection::Reuse);
            net.sends("p", &[("a", "r")]);
            net.simulation.kill_program(THERE);
            net.settle();
            // It is gone; what comes back under the same name is not linked.
            net.simulation.set_address(THERE);
            net.spawn_there();
            net.simulation.kill_program(THERE);
        });
        assert_eq!(outcomes, set(&[" / exited r"]));
    }

    #[test]
    fn remote_use_stale_link() {
        let outcomes = outcomes(|net| {
            net.link("p", &Net::there("r"), RemoteConnection::Reuse);
            assert!(net.simulation.make_stale(HERE, THERE));
            net.settle();
            assert!(net.here.lock().is_empty());
            net.sends("p", &[("a", "r")]);
        });
        assert_eq!(outcomes, set(&[" / exited r"]));
    }

    #[test]
    fn remote_stale_link_relink() {
        let outcomes = outcomes(|net| {
            net.link("p", &Net::there("r"), RemoteConnection::Reuse);
            assert!(net.simulation.make_stale(HERE, THERE));
            net.link("p", &Net::there("r"), RemoteConnection::Reconnect);
            net.sends("p", &[("a", "r")]);
            net.settle();
            assert!(net.here.lock().is_empty());
            net.simulation.kill_program(THERE);
        });
        assert_eq!(outcomes, set(&["a from p / exited r"]));
    }
}
