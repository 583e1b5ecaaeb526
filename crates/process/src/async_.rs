//! `async`: a function run aside, its result as a future.
//!
//! Mirrors `3rdparty/libprocess/include/process/async.hpp`.

use crate::context::Context;
use crate::future::{Future, Promise, Value};
use crate::live::current::{self, Place};
use crate::spawn::{generate_id, spawn, terminate};
use crate::{live, simulated};
use actix::Actor;

/// Runs `f` elsewhere: live on a thread where it may block, in the simulator as an event of its
/// own that is scheduled like any other.
#[doc(alias = "process::async")]
#[doc(alias = "AsyncExecutor::execute")]
pub fn async_<T: Value>(f: impl FnOnce() -> T + Send + 'static) -> Future<T> {
    if simulated::now().is_some() {
        return in_a_process(f);
    }
    let promise = Promise::new();
    let future = promise.future();
    // differs: upstream's process occupies one of its few worker threads.
    let busy = live::clock::busy();
    drop(live::io().spawn_blocking(move || {
        // Callbacks of the future belong to what a settle waits for, also when a panic of `f` drops
        // the promise, which abandons it.
        let _busy = busy;
        let _here = current::enter_place(Place::Aside);
        let promise = promise;
        promise.set(f());
    }));
    future
}

fn in_a_process<T: Value>(f: impl FnOnce() -> T + Send + 'static) -> Future<T> {
    let pid = spawn(generate_id("__async_executor__"), AsyncExecutorProcess);
    pid.call("AsyncExecutorProcess::execute", |_, context| {
        terminate(context.pid(), true);
        Future::ready(f())
    })
}

struct AsyncExecutorProcess;

impl Actor for AsyncExecutorProcess {
    type Context = Context<Self>;
}

crate::process!(AsyncExecutorProcess);
