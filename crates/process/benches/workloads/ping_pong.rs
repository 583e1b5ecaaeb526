//! Ping-pong with messages by name: within this program, over sockets, in the simulator.
//!
//! Mirrors `ClientProcess` and `ServerProcess` (and `Client` and `Destination`, which do the same
//! without links) in `3rdparty/libprocess/src/tests/benchmarks.cpp`. Upstream starts the clients
//! with a request each, here it is a dispatch.

use super::{LIMIT, Shape, end, timed};
use bytes::Bytes;
use process::actix::{Actor, Handler};
use process::simulated::Simulation;
use process::{
    Context, Exited, Future, Nothing, Pid, Promise, RemoteConnection, Upid, collect, dispatch,
    generate_id, process, spawn,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// Answers each ping, and links to everybody who sends one.
struct Server {
    /// The address of the clients, when it is another than they say.
    clients_at: Option<String>,
    /// Who has sent a ping so far, and where the answer goes.
    links: BTreeMap<Upid, Upid>,
}

impl Actor for Server {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.install_raw("ping", |this: &mut Self, context, from, body| {
            this.ping(context, from, body);
        });
    }
}

impl Server {
    fn ping(&mut self, context: &mut Context<Self>, from: &Upid, body: &Bytes) {
        if !self.links.contains_key(from) {
            let to = addressed(from, self.clients_at.as_deref());
            context.link_to(&to, RemoteConnection::Reuse);
            self.links.insert(from.clone(), to);
        }
        context.send_raw(&self.links[from], "pong", body.clone());
    }
}

process!(Server);

impl Handler<Exited> for Server {
    type Result = ();

    fn handle(&mut self, _: Exited, _: &mut Self::Context) {}
}

/// Sends pings, so many at once, until it has got all pongs that it wants.
struct Client {
    server: Upid,
    message: Bytes,
    under_way: u64,
    unsent: u64,
    unanswered: u64,
    over: Promise<Nothing>,
}

impl Actor for Client {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.install_raw("pong", |this: &mut Self, context, _, _| this.pong(context));
    }
}

process!(Client);

impl Handler<Exited> for Client {
    type Result = ();

    fn handle(&mut self, _: Exited, _: &mut Self::Context) {}
}

impl Client {
    fn run(&mut self, context: &mut Context<Self>, rounds: u64) -> Future<Nothing> {
        context.link_to(&self.server, RemoteConnection::Reuse);
        self.unsent = rounds;
        self.unanswered = rounds;
        if rounds == 0 {
            return Future::ready(Nothing);
        }
        self.over = Promise::new();
        (0..self.under_way.min(rounds)).for_each(|_| self.ping(context));
        self.over.future()
    }

    fn ping(&mut self, context: &Context<Self>) {
        self.unsent -= 1;
        context.send_raw(&self.server, "ping", self.message.clone());
    }

    fn pong(&mut self, context: &Context<Self>) {
        self.unanswered -= 1;
        if self.unanswered == 0 {
            self.over.set(Nothing);
        } else if self.unsent > 0 {
            self.ping(context);
        }
    }
}

fn addressed(upid: &Upid, address: Option<&str>) -> Upid {
    address.map_or_else(|| upid.clone(), |address| Upid::new(upid.id(), address))
}

/// Servers and clients that wait for the start.
pub struct Game {
    shape: Shape,
    servers: Vec<Pid<Server>>,
    clients: Vec<Pid<Client>>,
}

impl Game {
    /// From mailbox to mailbox, as in upstream's benchmarks.
    pub fn local(shape: Shape) -> Self {
        Self::new(shape, [None, None])
    }

    /// Over two connections of this program with itself: it listens on this port of the loopback
    /// address, and knows none of these names for its own. Pings go over one, pongs over the other.
    pub fn over_sockets(shape: Shape, port: u16) -> Self {
        Self::new(shape, [Some(format!("localhost:{port}")), Some(format!("LOCALHOST:{port}"))])
    }

    fn new(shape: Shape, [servers_at, clients_at]: [Option<String>; 2]) -> Self {
        let server = |_| {
            let server = Server { clients_at: clients_at.clone(), links: BTreeMap::new() };
            spawn(generate_id("server"), server)
        };
        let servers: Vec<_> = (0..shape.servers).map(server).collect();
        let client = |server: &Pid<Server>| {
            let client = Client {
                server: addressed(server.upid(), servers_at.as_deref()),
                message: vec![b'1'; shape.size].into(),
                under_way: shape.under_way,
                unsent: 0,
                unanswered: 0,
                over: Promise::new(),
            };
            spawn(generate_id("client"), client)
        };
        let for_each = servers.iter().flat_map(|server| (0..shape.clients).map(move |_| server));
        let clients = for_each.map(client).collect();
        Game { shape, servers, clients }
    }

    fn start(&self, rounds: u64) -> Future<Vec<Nothing>> {
        let run = |(client, share): (&Pid<Client>, u64)| {
            dispatch!(client, Client::run, |this, context| this.run(context, share))
        };
        collect(self.clients.iter().zip(self.shape.shares(rounds)).map(run).collect())
    }

    /// So many pings and as many pongs, of all clients together.
    pub fn play(&self, rounds: u64) -> Duration {
        timed(|| {
            let over = self.start(rounds);
            over.wait(LIMIT).expect("it takes far less than the limit");
            assert!(over.is_ready());
        })
    }
}

impl Game {
    /// Ends all processes.
    pub fn end(self) {
        self.clients.iter().for_each(end);
        self.servers.iter().for_each(end);
    }
}

/// The same game in the simulator, everybody's messages in the order in which they were sent.
pub fn simulated(shape: Shape, rounds: u64) -> Duration {
    let simulation = Simulation::new(false);
    let _installed = simulation.install();
    let game = Game::local(shape);
    timed(|| {
        let over = game.start(rounds);
        while simulation.flush(0) {}
        assert!(over.is_ready());
    })
}

/// What is left of the game without messages: a call and its result.
pub fn called(shape: Shape, rounds: u64) -> Duration {
    #[inline(never)]
    fn ping(heard: &mut u64, body: &Bytes) -> Bytes {
        *heard += 1;
        body.clone()
    }
    let (message, mut heard) = (Bytes::from(vec![b'1'; shape.size]), 0);
    timed(|| {
        for _ in 0..rounds {
            std::hint::black_box(ping(&mut heard, &message));
        }
        assert_eq!(heard, rounds);
    })
}
