//! `Process_BENCHMARK_DispatchDefer`: a process that dispatches to itself and defers what follows.

use super::{LIMIT, end, timed};
use process::actix::Actor;
use process::{Context, Future, Nothing, Promise, defer, dispatch, generate_id, process, spawn};
use std::time::Duration;

/// Rounds. Upstream: the same.
pub const REPEATS: u64 = 100_000;

/// Integers that each round carries along. Upstream: the same.
pub const INTEGERS: usize = 10_240;

struct Chain {
    over: Promise<Nothing>,
    left: u64,
}

impl Actor for Chain {
    type Context = Context<Self>;
}

process!(Chain);

impl Chain {
    /// `data` is copied once a round: into the deferred callback, as upstream does with what can be
    /// moved. What cannot it copies more often; here there is no such thing.
    fn handler(&mut self, context: &mut Context<Self>, data: &[i32]) -> Future<Nothing> {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.over.set(Nothing);
            return Future::ready(Nothing);
        }
        let data = data.to_vec();
        dispatch!(context.pid(), Self::step, |this, _| this.step()).then(defer!(
            context.pid(),
            Self::handler,
            |this, context, _| this.handler(context, &data)
        ));
        Future::ready(Nothing)
    }

    fn step(&mut self) -> Future<Nothing> {
        Future::ready(Nothing)
    }
}

/// So many rounds, each of a dispatch and a deferred callback, with so many integers.
pub fn run(repeats: u64, integers: usize) -> Duration {
    let over = Promise::new();
    let is_over = over.future();
    let chain = spawn(generate_id("chain"), Chain { over, left: repeats });
    let data = vec![42; integers];
    let elapsed = timed(|| {
        dispatch!(chain, Chain::handler, |this, context| this.handler(context, &data));
        is_over.wait(LIMIT).expect("it takes far less than the limit");
    });
    end(&chain);
    elapsed
}
