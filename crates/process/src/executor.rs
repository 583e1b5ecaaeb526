//! `Executor`: a context of its own for functions that belong to no process.
//!
//! Mirrors `3rdparty/libprocess/include/process/executor.hpp`.

use crate::context::Context;
use crate::future::{Future, Value};
use crate::pid::Pid;
use crate::spawn::{generate_id, spawn, terminate};
use actix::Actor;

/// Runs functions one after the other, apart from whoever asks for it.
#[doc(alias = "process::Executor")]
pub struct Executor {
    pid: Pid<ExecutorProcess>,
}

impl Default for Executor {
    fn default() -> Self {
        Self::new()
    }
}

impl Executor {
    /// A context of its own.
    pub fn new() -> Self {
        Executor { pid: spawn(generate_id("__executor__"), ExecutorProcess) }
    }

    /// Runs `f` in this context; the future it returns decides the one returned here.
    #[doc(alias = "Executor::execute")]
    pub fn execute<T: Value>(&self, f: impl FnOnce() -> Future<T> + Send + 'static) -> Future<T> {
        self.pid.call("Executor::execute", move |_, _| f())
    }

    /// A callback that runs `f` in this context when it is called.
    #[doc(alias = "Executor::defer")]
    pub fn defer<T: Send + 'static>(
        &self,
        f: impl FnOnce(T) + Send + 'static,
    ) -> impl FnOnce(T) + Send + 'static {
        let pid = self.pid.clone();
        move |value| pid.run("Executor::defer", move |_, _| f(value))
    }

    /// Nothing that is not running already will run after this.
    #[doc(alias = "Executor::stop")]
    pub fn stop(&self) {
        terminate(&self.pid, true);
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.stop();
    }
}

struct ExecutorProcess;

impl Actor for ExecutorProcess {
    type Context = Context<Self>;
}

crate::process!(ExecutorProcess);
