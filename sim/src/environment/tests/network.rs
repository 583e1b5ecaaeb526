//! Faults of the network, and that they are choices like all others.

use super::super::{Fault, network};
use super::*;
use actix::{Actor, Handler};
use parking_lot::Mutex;
use process::{Context, Exited, Pid, RemoteConnection, Upid, process, spawn};

const HERE: &str = "10.0.0.1:1";
const THERE: &str = "10.0.0.2:2";

type Log = Arc<Mutex<Vec<String>>>;

struct Recorder(Log);

impl Actor for Recorder {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        for name in ["one", "two"] {
            context.install_raw(name, move |this: &mut Self, _, _, _| {
                this.0.lock().push(name.to_owned());
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

/// Links two programs, sends two messages from one to the other, and returns what they noticed.
fn noticed(faults: Faults, answers: &[u32]) -> (String, Vec<Fault>, u64) {
    let rig = Rig::choosing(faults, answers);
    network::connect(&rig.simulation, rig.environment.operations());
    let log = Log::default();
    rig.simulation.set_address(THERE);
    spawn("receiver", Recorder(Arc::clone(&log)));
    rig.simulation.set_address(HERE);
    let sender: Pid<Recorder> = spawn("sender", Recorder(Arc::clone(&log)));
    let to = Upid::new("receiver", THERE);
    sender.run("send", move |_, context| {
        context.link_to(&to, RemoteConnection::Reuse);
        context.send_raw(&to, "one", "");
        context.send_raw(&to, "two", "");
        // Within the program nothing is asked.
        let own = context.upid().clone();
        context.send_raw(&own, "nothing", "");
    });
    rig.settle();
    let log = log.lock().join(" ");
    (log, rig.environment.injected(), rig.simulation.digest())
}

#[test]
fn each_fault_is_a_choice_within_its_budget() {
    let one_of_each = || {
        Faults::none()
            .with(Fault::MessageLost, 1)
            .with(Fault::MessageDoubled, 1)
            .with(Fault::ConnectionBroken, 1)
    };
    for (answers, expected, fault) in [
        (&[0, 0][..], "one two", None),
        (&[1, 0], "two", Some(Fault::MessageLost)),
        (&[0, 1], "one", Some(Fault::MessageLost)),
        (&[2, 0], "one one two", Some(Fault::MessageDoubled)),
        (&[0, 3], "exited receiver", Some(Fault::ConnectionBroken)),
    ] {
        let (log, injected, digest) = noticed(one_of_each(), answers);
        assert_eq!((&*log, injected.first().copied()), (expected, fault), "{answers:?}");
        // The same choices, the same run.
        assert_eq!(noticed(one_of_each(), answers).2, digest);
    }
    // Spent is spent: the second choice has two faults left to choose from.
    assert_eq!(noticed(one_of_each(), &[1, 2]).0, "exited receiver");
}

#[test]
fn without_a_budget_nothing_is_asked() {
    let rig = Rig::new();
    network::connect(&rig.simulation, rig.environment.operations());
    rig.simulation.set_address(HERE);
    let pid = spawn("sender", Recorder(Log::default()));
    pid.run("send", |_, context| context.send_raw(&Upid::new("x", THERE), "one", ""));
    rig.settle();
    assert!(rig.environment.injected().is_empty());
}
