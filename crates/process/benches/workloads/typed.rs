//! Ping-pong with typed messages, as processes of one program play it in this port.

use super::{LIMIT, Shape, end, timed};
use process::actix::{Actor, Handler, Message};
use process::{CountDownLatch, Pid, generate_id, process, spawn};
use std::sync::Arc;
use std::time::Duration;

struct Ping(Pid<Client>);
struct Pong;

/// Starts a game of so many rounds.
struct Run {
    rounds: u64,
    latch: Arc<CountDownLatch>,
}

macro_rules! message {
    ($($name:ident)*) => {$(
        impl Message for $name {
            type Result = ();
        }
    )*};
}

message!(Ping Pong Run);

type Context<A> = process::Context<A>;

struct Server;

impl Actor for Server {
    type Context = Context<Self>;
}

process!(Server);

impl Handler<Ping> for Server {
    type Result = ();

    fn handle(&mut self, Ping(client): Ping, _: &mut Self::Context) {
        client.tell(Pong);
    }
}

struct Client {
    server: Pid<Server>,
    under_way: u64,
    unsent: u64,
    unanswered: u64,
    latch: Option<Arc<CountDownLatch>>,
}

impl Actor for Client {
    type Context = Context<Self>;
}

process!(Client);

impl Client {
    fn ping(&mut self, context: &Context<Self>) {
        self.unsent -= 1;
        self.server.tell(Ping(context.pid().clone()));
    }
}

impl Handler<Run> for Client {
    type Result = ();

    fn handle(&mut self, Run { rounds, latch }: Run, context: &mut Self::Context) {
        if rounds == 0 {
            return latch.decrement();
        }
        (self.unsent, self.unanswered, self.latch) = (rounds, rounds, Some(latch));
        (0..self.under_way.min(rounds)).for_each(|_| self.ping(context));
    }
}

impl Handler<Pong> for Client {
    type Result = ();

    fn handle(&mut self, _: Pong, context: &mut Self::Context) {
        self.unanswered -= 1;
        if self.unsent > 0 {
            self.ping(context);
        } else if self.unanswered == 0
            && let Some(latch) = self.latch.take()
        {
            latch.decrement();
        }
    }
}

/// Servers and clients that wait for the start.
pub struct Game {
    shape: Shape,
    servers: Vec<Pid<Server>>,
    clients: Vec<Pid<Client>>,
}

impl Game {
    /// From mailbox to mailbox.
    pub fn new(shape: Shape) -> Self {
        let servers: Vec<_> =
            (0..shape.servers).map(|_| spawn(generate_id("server"), Server)).collect();
        let client = |server: &Pid<Server>| {
            let (server, under_way) = (server.clone(), shape.under_way);
            let client = Client { server, under_way, unsent: 0, unanswered: 0, latch: None };
            spawn(generate_id("client"), client)
        };
        let for_each = servers.iter().flat_map(|server| (0..shape.clients).map(move |_| server));
        let clients = for_each.map(client).collect();
        Game { shape, servers, clients }
    }

    /// So many pings and as many pongs, of all clients together.
    pub fn play(&self, rounds: u64) -> Duration {
        let latch = Arc::new(CountDownLatch::new(self.clients.len()));
        timed(|| {
            for (client, rounds) in self.clients.iter().zip(self.shape.shares(rounds)) {
                client.tell(Run { rounds, latch: Arc::clone(&latch) });
            }
            latch.triggered().wait(LIMIT).expect("it takes far less than the limit");
        })
    }

    /// Ends all processes.
    pub fn end(self) {
        self.clients.iter().for_each(end);
        self.servers.iter().for_each(end);
    }
}
