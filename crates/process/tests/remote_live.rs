//! The network with real sockets: what others send to this program, and what it sends to others.

#[path = "remote_live/client.rs"]
mod client;
#[path = "remote_live/limits.rs"]
mod limits;
#[path = "remote_live/messages.rs"]
mod messages;
#[path = "remote_live/links.rs"]
mod process_tests;
#[path = "remote_live/routes.rs"]
mod routes;

use parking_lot::{Mutex, MutexGuard};
use process::actix::{Actor, Handler};
use process::clock;
use process::live::{Options, initialize};
use process::remote::Limits;
use process::{Context, Exited, Pid, Queue, RemoteConnection, Upid, generate_id, process, spawn};
use std::net::SocketAddrV4;
use std::sync::LazyLock;
use std::time::Duration;

/// More than any machine needs; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

static NETWORK: LazyLock<SocketAddrV4> = LazyLock::new(|| {
    let limits = Limits {
        body: 1 << 20,
        connections: 300,
        in_flight: 4 << 20,
        pipelined: 4,
        ..Limits::default()
    };
    let delegate = Some("delegate".to_owned());
    initialize(Options { delegate, limits, ..Options::default() }).unwrap()
});

/// One test at a time: they share the network, its counters and the clock, which stands still.
struct Net(#[allow(dead_code)] MutexGuard<'static, ()>);

impl Net {
    fn start() -> Self {
        static ONE: Mutex<()> = Mutex::new(());
        let guard = ONE.lock();
        let _ = *NETWORK;
        clock::pause();
        Net(guard)
    }

    fn address(&self) -> SocketAddrV4 {
        *NETWORK
    }

    /// The same address by another name, which libprocess does not know for its own.
    fn alias(&self) -> String {
        format!("localhost:{}", NETWORK.port())
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        clock::resume();
    }
}

/// What a [`Recorder`] was told.
#[derive(Clone, Debug, PartialEq)]
enum Heard {
    Message(String, Upid, Vec<u8>),
    Exited(Upid),
}

/// A process that tells what reaches it.
struct Recorder {
    heard: Queue<Heard>,
}

impl Actor for Recorder {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        for name in ["ping", "pong", "big", "mesos.internal.PingSlaveMessage", "a/b"] {
            context.install_raw(name, move |this: &mut Self, _, from, body| {
                this.heard.put(Heard::Message(name.to_owned(), from.clone(), body.to_vec()));
            });
        }
    }
}

process!(Recorder);

impl Handler<Exited> for Recorder {
    type Result = ();

    fn handle(&mut self, Exited(who): Exited, _: &mut Self::Context) {
        self.heard.put(Heard::Exited(who));
    }
}

/// A recorder and what it hears.
fn recorder() -> (Pid<Recorder>, Queue<Heard>) {
    let heard = Queue::new();
    (spawn(generate_id("recorder"), Recorder { heard: heard.clone() }), heard)
}

/// The next thing that is heard.
#[track_caller]
fn next(heard: &Queue<Heard>) -> Heard {
    match heard.get().wait(PATIENCE) {
        Some(process::future::Outcome::Ready(heard)) => heard,
        other => panic!("nothing was heard: {other:?}"),
    }
}

fn link(pid: &Pid<Recorder>, to: &Upid, remote: RemoteConnection) {
    let to = to.clone();
    pid.run("link", move |_, context| context.link_to(&to, remote));
}

fn send(pid: &Pid<Recorder>, to: &Upid, name: &'static str, body: &'static str) {
    let to = to.clone();
    pid.run("send", move |_, context| context.send_raw(&to, name, body));
}
