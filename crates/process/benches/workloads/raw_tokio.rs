//! Ping-pong over raw tokio channels.

use super::{Shape, timed};
use bytes::Bytes;
use std::sync::LazyLock;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Two threads, as the port has them on two cores.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_multi_thread().worker_threads(2).build();
    runtime.expect("a runtime needs two threads")
});

struct Ping(UnboundedSender<Bytes>, Bytes);

async fn serve(mut pings: UnboundedReceiver<Ping>) {
    while let Some(Ping(client, body)) = pings.recv().await {
        // A client that has got all that it wanted is gone.
        let _ = client.send(body);
    }
}

async fn ask(server: UnboundedSender<Ping>, shape: Shape, rounds: u64) {
    let (send, mut receive) = unbounded_channel();
    let message = Bytes::from(vec![b'1'; shape.size]);
    let ping = || {
        let sent = server.send(Ping(send.clone(), message.clone()));
        sent.expect("the server stays as long as its clients");
    };
    let mut unsent = rounds;
    for _ in 0..shape.under_way.min(rounds) {
        unsent -= 1;
        ping();
    }
    for _ in 0..rounds {
        receive.recv().await.expect("a sender is kept here");
        if unsent > 0 {
            unsent -= 1;
            ping();
        }
    }
}

/// So many pings and as many pongs, of all clients together.
pub fn play(shape: Shape, rounds: u64) -> Duration {
    timed(|| {
        let server = |_| {
            let (send, receive) = unbounded_channel();
            RUNTIME.spawn(serve(receive));
            send
        };
        let servers: Vec<_> = (0..shape.servers).map(server).collect();
        let for_each = servers.iter().flat_map(|server| (0..shape.clients).map(move |_| server));
        let clients: Vec<_> = for_each
            .zip(shape.shares(rounds))
            .map(|(server, rounds)| RUNTIME.spawn(ask(server.clone(), shape, rounds)))
            .collect();
        for client in clients {
            RUNTIME.block_on(client).expect("no client panics");
        }
    })
}
