//! The counterparts of libprocess's own benchmarks, with raw actix, raw tokio channels, the
//! simulator and plain calls beside them in the same run.
//!
//! One element is a ping and its pong, a process that comes and goes, a dispatch with a deferred
//! callback, a message handled, a snapshot. `make bench` says what the C++ original does.
#![allow(missing_docs)] // Criterion's macros make undocumented functions.

mod workloads;

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group,
    criterion_main,
};
use prost::Message;
use std::time::Duration;
use workloads::{
    CLIENT_SERVER, Shape, THROUGHPUT, chain, links, metrics, ping_pong, protobuf, raw_actix,
    raw_tokio, typed,
};

/// The one that the program `drydock` has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// Pairs of linked processes. Upstream: the same.
const LINKS: usize = 5000;

fn measure(group: &mut Group<'_>, name: &str, mut run: impl FnMut(u64) -> Duration) {
    group.bench_function(name, |bencher| bencher.iter_custom(&mut run));
}

/// Ping-pong within this program, in all ways that there are.
fn local(group: &mut Group<'_>, shape: Shape) {
    group.throughput(Throughput::Elements(1));
    let game = ping_pong::Game::local(shape);
    measure(group, "port, by name", |rounds| game.play(rounds));
    game.end();
    let game = typed::Game::new(shape);
    measure(group, "port, typed", |rounds| game.play(rounds));
    game.end();
    let game = raw_actix::Game::new(shape);
    measure(group, "actix, do_send", |rounds| game.play(rounds));
    measure(group, "actix, send", |rounds| game.ask(rounds));
    measure(group, "tokio, channels", |rounds| raw_tokio::play(shape, rounds));
    measure(group, "simulated, by name", |rounds| ping_pong::simulated(shape, rounds));
    measure(group, "plain call", |rounds| ping_pong::called(shape, rounds));
}

fn client_server(criterion: &mut Criterion) {
    let port = workloads::listen();
    let mut group = criterion.benchmark_group("client and server");
    local(&mut group, CLIENT_SERVER);
    let game = ping_pong::Game::over_sockets(CLIENT_SERVER, port);
    measure(&mut group, "port, over sockets", |rounds| game.play(rounds));
    game.end();
    group.finish();
}

fn throughput(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("throughput");
    local(&mut group, THROUGHPUT);
    group.finish();
}

fn large_number_of_links(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("links");
    group.throughput(Throughput::Elements(1));
    for pairs in [0, LINKS] {
        let links = links::Links::new(pairs);
        group.bench_function(BenchmarkId::new("processes come and go, pairs", pairs), |bencher| {
            bencher.iter_custom(|processes| links.come_and_go(processes));
        });
        links.end();
    }
    group.finish();
}

fn dispatch_defer(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dispatch and defer");
    group.throughput(Throughput::Elements(1));
    for integers in [0, 10, 100, 1000, chain::INTEGERS] {
        group.bench_function(BenchmarkId::new("integers", integers), |bencher| {
            bencher.iter_custom(|repeats| chain::run(repeats, integers));
        });
    }
    group.finish();
}

fn protobuf_install_handler(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("protobuf handlers");
    group.throughput(Throughput::Elements(1));
    let handlers = protobuf::Handlers::new();
    for submessages in protobuf::SUBMESSAGES {
        let data = protobuf::tree(submessages).encode_to_vec();
        let id = |name| BenchmarkId::new(name, data.len());
        group.bench_function(id("handled, bytes"), |bencher| {
            bencher.iter_custom(|count| handlers.handle(&data, count));
        });
        group.bench_function(id("decoded, bytes"), |bencher| {
            bencher.iter_custom(|count| protobuf::decoded(&data, count));
        });
    }
    handlers.end();
    group.finish();
}

fn metrics_scalability(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("metrics");
    group.throughput(Throughput::Elements(1));
    // A snapshot of many takes as long as many of few.
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    for count in metrics::COUNTERS {
        let counters = metrics::Counters::new(count);
        let id = |name| BenchmarkId::new(name, count);
        group.bench_function(id("snapshot, counters"), |bencher| {
            bencher.iter_custom(|snapshots| counters.snapshots(snapshots));
        });
        group.bench_function(id("request, counters"), |bencher| {
            bencher.iter_custom(|requests| counters.requests(requests));
        });
        group.bench_function(id("removed and added, counters"), |bencher| {
            bencher.iter_custom(|times| counters.replace(times));
        });
        counters.end();
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500))
        .sample_size(20);
    targets = client_server, throughput, large_number_of_links, dispatch_defer,
        protobuf_install_handler, metrics_scalability
}
criterion_main!(benches);
