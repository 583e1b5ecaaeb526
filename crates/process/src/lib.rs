//! libprocess on actix: futures, processes and a clock, with one actor definition for two
//! runtimes.
//!
//! | C++ | here |
//! |---|---|
//! | `Future<T>`, `Promise<T>` | [`Future`], [`Promise`] |
//! | `class X : public Process<X>` | `impl Actor for X { type Context = Context<X>; }` and `process!(X);` |
//! | `spawn`, `terminate`, `wait`, `link` | [`spawn`], [`terminate`], [`wait`], [`Context::link`] |
//! | `finalize` | [`finalize()`] |
//! | `dispatch(pid, &X::f, …)` | [`dispatch!`], or a typed message by [`Pid::dispatch`] |
//! | `defer(self(), …)` | [`defer!`], [`defer_any!`] |
//! | `delay`, `Clock`, `Timeout` | [`Context::delay`], [`clock`], [`Timeout`] |
//! | `loop`, `ControlFlow` | [`loop_`], [`loop_in`], [`loop_here`], [`std::ops::ControlFlow`] |
//! | `Sequence`, `Mutex`, `ReadWriteLock`, `Queue`, `CountDownLatch`, `RateLimiter` | the same |
//! | `async`, `after`, `Executor` | [`async_`], [`after()`], [`Executor`] |
//! | `metrics::add`, `Counter`, `PullGauge`, `PushGauge`, `Timer`, `TimeSeries` | [`metrics`] |
//! | `HELP`, `Help` | [`help`] |
//! | `subprocess`, `reap`, `os::killtree` | [`host::Host`], [`reap`], [`pstree`] |
//! | `io::read`, `io::write`, `io::redirect` | [`io`] |
//! | `Owned`, `Shared` | what Rust has; [`Owned`] and [`Shared`] for `Shared::own` |
//!
//! What upstream has and this does not:
//!
//! | C++ | why not, and what there is instead |
//! |---|---|
//! | `Latch` | it blocks a thread, which processes must not: a [`Promise`] and its future, or [`CountDownLatch`]; code that is no process has [`Future::wait`] |
//! | `Once`, `StateMachine` | not used by what is ported; `std::sync::Once`, an enum |
//! | `run` | not used by what is ported; [`async_`] |
//! | `discard(futures)`, `setPromises`, `failPromises`, `discardPromises` | loops of one line |
//! | `wait(pid, duration)`, thread donation | waiting is a future: [`wait`], then [`Future::wait`] outside of processes |
//! | `spawn(…, manage)` | the runtime owns an actor from [`spawn`] on and drops it at its end |
//! | `inject::exited` | `pid.tell(Exited(…))`: an end is a message like any other |
//! | `eventCount` | actix does not tell what is in a mailbox; only the master asks |
//! | `UPID::resolve` | a [`Pid`] is resolved from the start |
//! | `lost` | upstream never calls it |
//! | `workers` | as many arbiters as cores, two at least; nobody asks |
//!
//! Start with [`future`], then [`Pid`]. The live runtime is [`live`], the simulated one
//! [`simulated`]; which of them a call means depends on whether a simulation is installed on this
//! thread, and nothing but the driver of a simulation needs to know.

mod after;
mod async_;
pub mod clock;
mod context;
mod count_down_latch;
mod event;
mod executor;
pub mod filter;
mod finalize;
pub mod future;
mod handlers;
pub mod help;
pub mod host;
pub mod http;
pub mod io;
mod label;
mod limiter;
pub mod live;
mod loop_;
mod macros;
pub mod metrics;
mod mutex;
pub mod os;
mod owned;
mod pid;
pub mod pstree;
mod queue;
pub mod reap;
pub mod remote;
mod rwlock;
mod sequence;
mod shared;
pub mod simulated;
mod spawn;
mod stout;
mod subprocess;
mod system;
mod timeout;
mod times;
mod transport;

#[doc(hidden)]
pub use actix;

pub use after::after;
pub use async_::async_;
pub use clock::{Time, Timer};
pub use context::Context;
pub use count_down_latch::CountDownLatch;
pub use event::Event;
pub use executor::Executor;
pub use finalize::finalize;
pub use future::{
    Failure, Future, Nothing, Outcome, Promise, await_all, await_one, collect, select,
};
pub use label::{EventId, Label};
pub use limiter::RateLimiter;
pub use loop_::{loop_, loop_here, loop_in};
pub use mutex::Mutex;
pub use owned::Owned;
pub use pid::{Pid, Process, Upid};
pub use queue::Queue;
pub use remote::{Message, RemoteConnection};
pub use rwlock::ReadWriteLock;
pub use sequence::Sequence;
pub use shared::Shared;
pub use simulated::note;
pub use spawn::{Exited, find, generate_id, kill, process_ids, spawn, terminate, wait};
pub use timeout::Timeout;
pub use transport::{post, request};
