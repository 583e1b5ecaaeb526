//! Ping-pong in raw actix: `do_send` there and back, or `send`.

use super::{LIMIT, Shape, timed};
use bytes::Bytes;
use process::actix::{
    self, Actor, Addr, Arbiter, ArbiterHandle, AsyncContext, Context, Handler, Message,
    MessageResult, System,
};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::{LazyLock, mpsc};
use std::time::Duration;

/// Two threads, as the port has them on two cores.
static ARBITERS: LazyLock<[ArbiterHandle; 2]> = LazyLock::new(|| {
    let (send, receive) = mpsc::channel();
    // actix starts arbiters from a thread that has a system.
    std::thread::spawn(move || {
        let system = System::new();
        let arbiters = [Arbiter::new().handle(), Arbiter::new().handle()];
        send.send(arbiters).expect("whoever starts this waits for it");
        system.run().expect("the system runs as long as the program");
    });
    receive.recv().expect("the system's thread starts the arbiters")
});

struct Ping(Addr<Client>, Bytes);
struct Pong(Bytes);

/// A question that is answered with what it carries.
struct Ask(Bytes);

/// Starts a game of so many rounds. It is over when all senders are dropped.
struct Run(u64, mpsc::Sender<()>);

macro_rules! message {
    ($($name:ident => $result:ty)*) => {$(
        impl Message for $name {
            type Result = $result;
        }
    )*};
}

message!(Ping => () Pong => () Ask => Bytes Run => ());

struct Server;

impl Actor for Server {
    type Context = Context<Self>;
}

impl Handler<Ping> for Server {
    type Result = ();

    fn handle(&mut self, Ping(client, body): Ping, _: &mut Self::Context) {
        client.do_send(Pong(body));
    }
}

impl Handler<Ask> for Server {
    type Result = MessageResult<Ask>;

    fn handle(&mut self, Ask(body): Ask, _: &mut Self::Context) -> Self::Result {
        MessageResult(body)
    }
}

struct Client {
    server: Addr<Server>,
    message: Bytes,
    under_way: u64,
    unsent: u64,
    unanswered: u64,
    over: Option<mpsc::Sender<()>>,
}

impl Actor for Client {
    type Context = Context<Self>;
}

impl Client {
    fn ping(&mut self, context: &Context<Self>) {
        self.unsent -= 1;
        self.server.do_send(Ping(context.address(), self.message.clone()));
    }
}

impl Handler<Run> for Client {
    type Result = ();

    fn handle(&mut self, Run(rounds, over): Run, context: &mut Self::Context) {
        if rounds > 0 {
            (self.unsent, self.unanswered, self.over) = (rounds, rounds, Some(over));
            (0..self.under_way.min(rounds)).for_each(|_| self.ping(context));
        }
    }
}

impl Handler<Pong> for Client {
    type Result = ();

    fn handle(&mut self, Pong(_): Pong, context: &mut Self::Context) {
        self.unanswered -= 1;
        if self.unanswered == 0 {
            self.over = None;
        } else if self.unsent > 0 {
            self.ping(context);
        }
    }
}

/// Servers and clients that wait for the start. They end when this is dropped.
pub struct Game {
    shape: Shape,
    servers: Vec<Addr<Server>>,
    clients: Vec<Addr<Client>>,
}

impl Game {
    /// Servers and clients go to the arbiters in turn, as in the port.
    pub fn new(shape: Shape) -> Self {
        let mut arbiters = ARBITERS.iter().cycle();
        let mut next = move || arbiters.next().expect("the cycle does not end");
        let servers: Vec<_> =
            (0..shape.servers).map(|_| Server::start_in_arbiter(next(), |_| Server)).collect();
        let client = |server: &Addr<Server>| {
            let server = server.clone();
            Client::start_in_arbiter(next(), move |_| Client {
                server,
                message: vec![b'1'; shape.size].into(),
                under_way: shape.under_way,
                unsent: 0,
                unanswered: 0,
                over: None,
            })
        };
        let for_each = servers.iter().flat_map(|server| (0..shape.clients).map(move |_| server));
        let clients = for_each.map(client).collect();
        Game { shape, servers, clients }
    }

    /// So many pings and as many pongs, of all clients together.
    pub fn play(&self, rounds: u64) -> Duration {
        let (over, is_over) = mpsc::channel();
        timed(|| {
            for (client, rounds) in self.clients.iter().zip(self.shape.shares(rounds)) {
                client.do_send(Run(rounds, over.clone()));
            }
            drop(over);
            wait(&is_over);
        })
    }

    /// So many questions and answers: as many tasks as there may be questions under way ask one
    /// after the other.
    pub fn ask(&self, rounds: u64) -> Duration {
        let (over, is_over) = mpsc::channel();
        let arbiters = ARBITERS.iter().rev().cycle();
        let servers = self.servers.iter().cycle();
        timed(|| {
            for ((rounds, arbiter), server) in self.shape.shares(rounds).zip(arbiters).zip(servers)
            {
                let (over, server, shape) = (over.clone(), server.clone(), self.shape);
                arbiter.spawn_fn(move || {
                    let left = Rc::new(Cell::new(rounds));
                    for _ in 0..shape.under_way.min(rounds) {
                        actix::spawn(ask(Rc::clone(&left), server.clone(), shape, over.clone()));
                    }
                });
            }
            drop(over);
            wait(&is_over);
        })
    }
}

async fn ask(left: Rc<Cell<u64>>, server: Addr<Server>, shape: Shape, over: mpsc::Sender<()>) {
    let message = Bytes::from(vec![b'1'; shape.size]);
    while let Some(one_less) = left.get().checked_sub(1) {
        left.set(one_less);
        server.send(Ask(message.clone())).await.expect("the server runs as long as the game");
    }
    drop(over);
}

/// Waits until nobody is left who could say that it is not over.
fn wait(is_over: &mpsc::Receiver<()>) {
    let over = is_over.recv_timeout(LIMIT);
    assert_eq!(over, Err(mpsc::RecvTimeoutError::Disconnected), "it takes far less than the limit");
}
