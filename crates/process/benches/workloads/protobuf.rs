//! `Process_BENCHMARK_ProtobufInstallHandler`: from a message to the handler of its content.

use super::{LIMIT, end, timed};
use bytes::Bytes;
use process::actix::Actor;
use process::{Context, Future, Outcome, Pid, dispatch, generate_id, process, spawn};
use prost::{Message, Name};
use std::hint::black_box;
use std::time::Duration;

/// How many submessages upstream measures with.
pub const SUBMESSAGES: [usize; 10] = [0, 1, 5, 10, 50, 100, 500, 1000, 5000, 10_000];

/// `tests.Message` of `3rdparty/libprocess/src/tests/benchmarks.proto`.
#[derive(Clone, PartialEq, Message)]
pub struct Tree {
    /// Two integers.
    #[prost(int32, repeated, packed = "false", tag = "1")]
    pub payload: Vec<i32>,
    /// Up to four more of the kind.
    #[prost(message, repeated, tag = "2")]
    pub submessages: Vec<Tree>,
}

impl Name for Tree {
    const NAME: &'static str = "Message";
    const PACKAGE: &'static str = "tests";
}

/// A tree with so many nodes below its root, four to each node, filled level by level.
///
/// Mirrors `ProtobufInstallHandlerBenchmarkProcess::createMessage`.
pub fn tree(submessages: usize) -> Tree {
    let node = || Tree { payload: vec![1, 1], submessages: Vec::new() };
    let mut nodes: Vec<Tree> = (0..=submessages).map(|_| node()).collect();
    // Node n is a child of node (n - 1) / 4: taken from the end, each is complete when it is moved.
    while nodes.len() > 1
        && let Some(last) = nodes.pop()
    {
        let parent = (nodes.len() - 1) / 4;
        nodes[parent].submessages.push(last);
    }
    let mut root = nodes.pop().expect("there is a root");
    reverse(&mut root);
    root
}

/// Children were added from the last to the first.
fn reverse(node: &mut Tree) {
    node.submessages.reverse();
    node.submessages.iter_mut().for_each(reverse);
}

struct Receiver {
    handled: u64,
}

impl Actor for Receiver {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.install(|this: &mut Self, _, _, message: Tree| {
            this.handled += 1;
            black_box(&message);
        });
    }
}

process!(Receiver);

impl Receiver {
    fn run(&mut self, context: &mut Context<Self>, data: &[u8], count: u64) -> Future<Duration> {
        let before = self.handled;
        let (upid, name) = (context.upid().clone(), Tree::full_name());
        let time = timed(|| {
            for _ in 0..count {
                let (to, body) = (upid.clone(), Bytes::copy_from_slice(data));
                let message = process::Message::new(upid.clone(), to, name.clone(), body);
                context.consume_message(self, &message);
            }
        });
        assert_eq!(self.handled - before, count);
        Future::ready(time)
    }
}

/// A process that handles trees.
pub struct Handlers(Pid<Receiver>);

impl Handlers {
    /// One that waits for the start.
    #[allow(clippy::new_without_default, reason = "it starts a process")]
    pub fn new() -> Self {
        Handlers(spawn(generate_id("receiver"), Receiver { handled: 0 }))
    }

    /// So many messages of these bytes, handled one after the other in the context of the process.
    pub fn handle(&self, data: &[u8], count: u64) -> Duration {
        let data = data.to_vec();
        let time =
            dispatch!(self.0, Receiver::run, |this, context| { this.run(context, &data, count) });
        match time.wait(LIMIT) {
            Some(Outcome::Ready(time)) => time,
            other => panic!("the process says how long it took: {other:?}"),
        }
    }

    /// Ends the process.
    pub fn end(self) {
        end(&self.0);
    }
}

/// What handling comes to without process and name: decoding.
pub fn decoded(data: &[u8], count: u64) -> Duration {
    timed(|| {
        for _ in 0..count {
            let tree = Tree::decode(black_box(data)).expect("these are the bytes of a tree");
            black_box(&tree);
        }
    })
}
