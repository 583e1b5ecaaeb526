//! Counterparts of libprocess's own benchmarks, `3rdparty/libprocess/src/tests/benchmarks.cpp`,
//! as far as they can exist. The budgets are what the C++ original gave on a 2-core machine.
//!
//! `cargo bench -p drydock-process --bench libprocess` measures them closer, with raw actix, raw
//! channels and plain calls beside them.

use crate::workloads::{
    CLIENT_SERVER, THROUGHPUT, chain, links, listen, ping_pong, protobuf, raw_actix, typed,
};
use crate::{Row, best, nanoseconds, per_second};
use prost::Message;

/// Pings of all pairs together. Upstream: 15 million.
const PINGS: u64 = 1_000_000;

/// Requests of all clients together. Upstream: the same.
const RPCS: u64 = 80_000;

/// Messages that a handler gets in one round. Upstream: as many as in a second.
const MESSAGES: u64 = 20_000;

/// Pairs of linked processes. Upstream: the same.
const LINKS: usize = 5000;

/// Processes that come and go beside them. Upstream: the same.
const EPHEMERAL: u64 = 10_000;

const NONE: &str = "no C++ figure";

fn throughput() -> [Row; 2] {
    let game = ping_pong::Game::local(THROUGHPUT);
    let by_name = per_second(best(|| game.play(PINGS)), PINGS) / 1e6;
    game.end();
    let game = typed::Game::new(THROUGHPUT);
    let typed = per_second(best(|| game.play(PINGS)), PINGS) / 1e6;
    game.end();
    let game = raw_actix::Game::new(THROUGHPUT);
    let actix = per_second(best(|| game.play(PINGS)), PINGS) / 1e6;
    [
        Row {
            what: "libprocess: throughput, ping and pong by name",
            budget: "C++: 2.3-7.8 M/s",
            measured: format!("{by_name:.1} M/s"),
        },
        Row {
            what: "  the same, typed",
            budget: "C++: 2.3-7.8 M/s",
            measured: format!("{typed:.1} M/s (raw actix {actix:.1} M/s)"),
        },
    ]
}

fn dispatch_defer() -> [Row; 2] {
    let time = best(|| chain::run(chain::REPEATS, chain::INTEGERS)).as_secs_f64() * 1e3;
    [
        Row {
            what: "libprocess: dispatch + defer, movable",
            budget: "C++: 290-380 ms",
            measured: format!("{time:.0} ms"),
        },
        Row {
            what: "libprocess: dispatch + defer, copyable",
            budget: "C++: 550-830 ms",
            measured: "as movable: every Rust value moves".to_owned(),
        },
    ]
}

fn client_server() -> [Row; 2] {
    let game = ping_pong::Game::local(CLIENT_SERVER);
    let local = per_second(best(|| game.play(RPCS)), RPCS) / 1e6;
    game.end();
    let game = ping_pong::Game::over_sockets(CLIENT_SERVER, listen());
    let sockets = per_second(best(|| game.play(RPCS)), RPCS) / 1e3;
    game.end();
    [
        Row {
            what: "libprocess: client and server",
            budget: "C++: 1.0-1.1 M rpcs/s",
            measured: format!("{local:.1} M rpcs/s"),
        },
        Row {
            what: "  the same over two sockets",
            budget: NONE,
            measured: format!("{sockets:.0} k rpcs/s"),
        },
    ]
}

fn protobuf_handlers() -> Row {
    let handlers = protobuf::Handlers::new();
    let [small, large] = [0, 50].map(|submessages| {
        let data = protobuf::tree(submessages).encode_to_vec();
        per_second(best(|| handlers.handle(&data, MESSAGES)), MESSAGES)
    });
    handlers.end();
    Row {
        what: "libprocess: protobuf handlers, 4 / 304 bytes",
        budget: "C++: 5.4 M/s / 313 k/s",
        measured: format!("{:.1} M/s / {:.0} k/s", small / 1e6, large / 1e3),
    }
}

fn large_number_of_links() -> Row {
    let [alone, among] = [0, LINKS].map(|pairs| {
        let links = links::Links::new(pairs);
        let time = best(|| links.come_and_go(EPHEMERAL));
        links.end();
        nanoseconds(time, EPHEMERAL) / 1e3
    });
    Row {
        what: "libprocess: a process comes and goes, alone / among 5000 links",
        budget: NONE,
        measured: format!("{alone:.1} us / {among:.1} us"),
    }
}

/// The rows of libprocess's benchmarks.
pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    rows.extend(throughput());
    rows.extend(dispatch_defer());
    rows.extend(client_server());
    rows.push(protobuf_handlers());
    rows.push(large_number_of_links());
    rows
}
