//! Thousands of connections at once: idle, half-way through a request, and done. A program of its
//! own, since it needs most of the descriptors a program may have.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use process::actix::Actor;
use process::live::{Options, initialize};
use process::{Context, CountDownLatch, process, spawn};
use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// More than any machine needs; reached only when the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// As many as there are descriptors for, at most.
const CONNECTIONS: usize = 4000;

/// What a connection may cost at most, in the middle of a request, on both ends: mostly buffers of
/// the program. The kernel's own are not counted.
const BYTES_EACH: usize = 40 * 1024;

struct Receiver(Arc<CountDownLatch>);

impl Actor for Receiver {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.install_raw("ping", |this: &mut Self, _, _, body| {
            assert_eq!(&body[..], b"abcdef");
            this.0.decrement();
        });
    }
}

process!(Receiver);

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let pages: usize = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("pages");
    pages * 4096
}

fn connect(address: SocketAddrV4) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it is admitted");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit for the test");
    stream
}

#[test]
fn thousands_of_connections() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit is known");
    let wanted = hard.min(2 * CONNECTIONS as u64 + 500);
    setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).expect("it is below the hard limit");
    // Both ends are in this program.
    let count = CONNECTIONS.min((wanted as usize).saturating_sub(500) / 2);
    assert!(count >= 200, "a program may have {wanted} descriptors only");

    let address = initialize(Options::default()).expect("a port on loopback is free");
    let latch = Arc::new(CountDownLatch::new(count));
    spawn("receiver", Receiver(Arc::clone(&latch)));
    let before = resident_bytes();

    let idle: Vec<TcpStream> = (0..count / 2).map(|_| connect(address)).collect();
    let mut busy: Vec<TcpStream> = (0..count / 2).map(|_| connect(address)).collect();
    for stream in &mut busy {
        let half = b"POST /receiver/ping HTTP/1.1\r\nLibprocess-From: a@b:1\r\nContent-Length: 6\r\n\r\nabc";
        stream.write_all(half).expect("it is taken");
    }
    for stream in &mut busy {
        stream.write_all(b"def").expect("it is taken");
    }
    let mut all: Vec<TcpStream> = busy.into_iter().chain(idle).collect();
    for stream in &mut all[count / 2..] {
        let request = b"POST /receiver/ping HTTP/1.1\r\nLibprocess-From: a@b:1\r\nContent-Length: 6\r\n\r\nabcdef";
        stream.write_all(request).expect("it is taken");
    }
    for stream in &mut all {
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).expect("it is answered");
        assert_eq!(&answer, b"HTTP/1.1 202");
    }
    for _ in all.len()..count {
        latch.decrement();
    }
    latch.triggered().wait(PATIENCE).expect("all were handled");
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < count * BYTES_EACH, "{count} connections cost {grown} bytes");
}
