//! The simulator delivers as libprocess does, no more and no less: litmus programs, explored over
//! every choice of the next flush.
//!
//! Expected counts are from `exploration.md`, section 2: "cross" has 3 outcomes and "tri" 1 under
//! libprocess's mailboxes. Weaker models allow 4 and 2, stronger ones fewer than 3.

use parking_lot::Mutex;
use process::actix::{Actor, Handler, Message};
use process::simulated::Simulation;
use process::{Context, Future, Nothing, Pid, Promise, process, spawn, terminate};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What one execution showed: for each receiver, in the order of the receivers, what it handled.
type Observed = Vec<Vec<&'static str>>;

/// The distinct observations of `program` over all choices of flushes, and how many schedules.
fn explore(program: impl Fn(&mut Net)) -> (BTreeSet<Observed>, usize) {
    let (mut observed, mut schedules) = (BTreeSet::new(), 0);
    let mut prefix: Vec<usize> = Vec::new();
    loop {
        let taken = run(&program, &prefix, &mut observed);
        schedules += 1;
        // The last step at which there was another alternative takes the next one.
        let Some(last) = taken.iter().rposition(|&(choice, of)| choice + 1 < of) else {
            return (observed, schedules);
        };
        prefix = taken[..last].iter().map(|&(choice, _)| choice).collect();
        prefix.push(taken[last].0 + 1);
    }
}

/// Executes `program` once: follows `prefix`, then always the first choice. Returns each choice
/// with the number of its alternatives.
fn run(
    program: &impl Fn(&mut Net),
    prefix: &[usize],
    observed: &mut BTreeSet<Observed>,
) -> Vec<(usize, usize)> {
    let simulation = Simulation::new(false);
    let _installed = simulation.install();
    let mut net = Net::default();
    program(&mut net);
    let mut taken = Vec::new();
    while simulation.flushable() > 0 {
        let choice = prefix.get(taken.len()).copied().unwrap_or(0);
        taken.push((choice, simulation.flushable()));
        assert!(simulation.flush(choice), "a replay meets the same choices");
    }
    assert!(simulation.crash().is_none(), "{:?}", simulation.crash());
    observed.insert(net.logs.iter().map(|log| log.lock().clone()).collect());
    taken
}

type Log = Arc<Mutex<Vec<&'static str>>>;
type Reaction = Box<dyn FnMut(&'static str) + Send>;

/// The processes of one execution and their logs.
#[derive(Default)]
struct Net {
    logs: Vec<Log>,
}

impl Net {
    /// A process that logs what it handles and reacts to it.
    fn receiver(&mut self, reaction: impl FnMut(&'static str) + Send + 'static) -> Pid<Node> {
        let log = Log::default();
        self.logs.push(Arc::clone(&log));
        let node = Node { log, start: None, reaction: Box::new(reaction) };
        spawn(format!("node({})", self.logs.len()), node)
    }

    /// A process that acts once, as it starts.
    fn sender(&mut self, name: &str, start: impl FnOnce() + Send + 'static) -> Pid<Node> {
        let node =
            Node { log: Log::default(), start: Some(Box::new(start)), reaction: Box::new(|_| {}) };
        spawn(name, node)
    }
}

struct Node {
    log: Log,
    start: Option<Box<dyn FnOnce() + Send>>,
    reaction: Reaction,
}

impl Actor for Node {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        if let Some(start) = self.start.take() {
            start();
        }
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.log.lock().push("stopped");
    }
}

process!(Node);

struct Say(&'static str);

impl Message for Say {
    type Result = ();
}

impl Handler<Say> for Node {
    type Result = ();

    fn handle(&mut self, Say(what): Say, _: &mut Self::Context) {
        self.log.lock().push(what);
        (self.reaction)(what);
    }
}

struct Ask;

impl Message for Ask {
    type Result = Future<Nothing>;
}

impl Handler<Ask> for Node {
    type Result = Future<Nothing>;

    fn handle(&mut self, _: Ask, _: &mut Self::Context) -> Future<Nothing> {
        Future::ready(Nothing)
    }
}

#[test]
fn cross_has_three_outcomes() {
    let (observed, _) = explore(|net| {
        let r1 = net.receiver(|_| {});
        let r2 = net.receiver(|_| {});
        let (p1, p2) = (r1.clone(), r2.clone());
        net.sender("p", move || {
            p1.tell(Say("a"));
            p2.tell(Say("b"));
        });
        net.sender("q", move || {
            r2.tell(Say("c"));
            r1.tell(Say("d"));
        });
    });
    let impossible = vec![vec!["d", "a"], vec!["b", "c"]];
    assert_eq!(observed.len(), 3, "{observed:?}");
    assert!(!observed.contains(&impossible));
}

#[test]
fn tri_has_one_outcome() {
    let (observed, schedules) = explore(|net| {
        let c = net.receiver(|_| {});
        let forward = c.clone();
        let b = net.receiver(move |_| forward.tell(Say("m3")));
        net.sender("a", move || {
            c.tell(Say("m1"));
            b.tell(Say("m2"));
        });
    });
    assert_eq!(observed, BTreeSet::from([vec![vec!["m1", "m3"], vec!["m2"]]]));
    assert_eq!(schedules, 1, "there is never a choice");
}

/// `r` is busy sending while two more messages and the terminate arrive.
fn terminated(inject: bool) -> BTreeSet<Observed> {
    let (observed, _) = explore(move |net| {
        let elsewhere = net.receiver(|_| {});
        let r = net.receiver(move |what| elsewhere.tell(Say(what)));
        net.sender("x", move || {
            r.tell(Say("m1"));
            r.tell(Say("m2"));
            r.tell(Say("m3"));
            terminate(&r, inject);
        });
    });
    observed.into_iter().map(|logs| vec![logs[1].clone()]).collect()
}

#[test]
fn injected_terminate_jumps_the_queue() {
    let expected = [
        vec![vec!["m1", "stopped"]],
        vec![vec!["m1", "m2", "stopped"]],
        vec![vec!["m1", "m2", "m3", "stopped"]],
    ];
    assert_eq!(terminated(true), BTreeSet::from(expected));
}

#[test]
fn terminate_without_inject_waits_its_turn() {
    assert_eq!(terminated(false), BTreeSet::from([vec![vec!["m1", "m2", "m3", "stopped"]]]));
}

/// `clients` processes send `rounds` messages each to one server.
fn fan_in(clients: usize, rounds: usize) -> (usize, usize) {
    const NAMES: [&str; 4] = ["1", "2", "3", "4"];
    let (observed, schedules) = explore(move |net| {
        let server = net.receiver(|_| {});
        for name in &NAMES[..clients] {
            let server = server.clone();
            net.sender(name, move || (0..rounds).for_each(|_| server.tell(Say(name))));
        }
    });
    (observed.len(), schedules)
}

#[test]
fn fan_in_has_the_multinomial_number_of_orders() {
    // Without replies each schedule is an order of its own: there is nothing else to choose.
    assert_eq!(fan_in(3, 1), (6, 6));
    assert_eq!(fan_in(4, 1), (24, 24));
    assert_eq!(fan_in(3, 2), (90, 90));
    assert_eq!(fan_in(3, 3), (1680, 1680));
    assert_eq!(fan_in(4, 2), (2520, 2520));
}

/// Each client sends its second request when the first is answered.
#[test]
fn three_clients_with_two_rounds_of_replies_have_90_orders() {
    let (observed, schedules) = explore(|net| {
        let clients = Arc::new(Mutex::new(Vec::<Pid<Node>>::new()));
        let all = Arc::clone(&clients);
        let server = net.receiver(move |name| {
            let number: usize = name.parse().unwrap();
            let client = all.lock()[number].clone();
            client.tell(Say("reply"));
        });
        for name in ["0", "1", "2"] {
            let (mut left, again) = (1, server.clone());
            let client = net.receiver(move |_| {
                if left > 0 {
                    left -= 1;
                    again.tell(Say(name));
                }
            });
            clients.lock().push(client);
            let first = server.clone();
            net.sender(&format!("first {name}"), move || first.tell(Say(name)));
        }
    });
    let orders: BTreeSet<_> = observed.iter().map(|logs| logs[0].clone()).collect();
    assert_eq!(orders.len(), 90);
    assert!(schedules > 90, "the replies' flushes are choices too: {schedules}");
}

/// A process handles nothing while one of its sends is under way: as if the send had not returned.
#[test]
fn a_handler_ends_with_its_last_send() {
    let simulation = Simulation::new(false);
    let _installed = simulation.install();
    let mut net = Net::default();
    let sink = net.receiver(|_| {});
    let busy = net.receiver(move |what| sink.tell(Say(what)));
    net.sender("x", move || {
        busy.tell(Say("1"));
        busy.tell(Say("2"));
    });
    // Delivering "1" makes `busy` send; "2" arrives and waits until that send is through.
    simulation.flush(0);
    simulation.flush(0);
    assert_eq!(*net.logs[1].lock(), ["1"]);
    while simulation.flush(0) {}
    assert_eq!(*net.logs[1].lock(), ["1", "2"]);
    assert_eq!(*net.logs[0].lock(), ["1", "2"]);
}

/// What an inline callback sends, it sends from the process that completes the future.
#[test]
fn callbacks_send_from_the_completer() {
    let (observed, _) = explore(|net| {
        let sink = net.receiver(|_| {});
        let promise = Promise::<Nothing>::new();
        let later = sink.clone();
        promise.future().on_any(move |_| later.tell(Say("callback")));
        net.sender("completer", move || {
            sink.tell(Say("before"));
            promise.set(Nothing);
            sink.tell(Say("after"));
        });
    });
    assert_eq!(observed, BTreeSet::from([vec![vec!["before", "callback", "after"]]]));
}

/// The future of a call to a process that is gone, or goes before its turn, is abandoned.
#[test]
fn a_call_to_a_process_that_is_gone_is_abandoned() {
    let simulation = Simulation::new(false);
    let _installed = simulation.install();
    let mut net = Net::default();
    let node = net.receiver(|_| {});
    terminate(&node, true);
    let before = node.dispatch(Ask);
    assert!(before.is_pending() && !before.is_abandoned());
    while simulation.flush(0) {}
    assert!(before.is_abandoned());
    let after = node.dispatch(Ask);
    while simulation.flush(0) {}
    assert!(after.is_abandoned());
    assert_eq!(*net.logs[0].lock(), ["stopped"]);
}

/// Equal choices give equal runs, event by event; unequal ones are told apart.
#[test]
fn digests_follow_the_choices() {
    let digest = |choices: &[usize]| {
        let simulation = Simulation::new(true);
        let _installed = simulation.install();
        let mut net = Net::default();
        let server = net.receiver(|_| {});
        for name in ["p", "q"] {
            let server = server.clone();
            net.sender(name, move || server.tell(Say(name)));
        }
        choices.iter().for_each(|&choice| assert!(simulation.flush(choice)));
        // Which sender came first shows in the causes of the events only.
        let (events, _) = simulation.take_record();
        (simulation.digest(), events.iter().map(|event| event.cause).collect::<Vec<_>>())
    };
    assert_eq!(digest(&[0, 0]), digest(&[0, 0]));
    assert_ne!(digest(&[0, 0]).1, digest(&[1, 0]).1);
}
