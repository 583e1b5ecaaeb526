//! The proxy of the support library, tested without Docker: before a tiny server of this file.

#![allow(clippy::disallowed_methods, reason = "a test of real sockets in real time")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use drydock_tests::{Fault, Proxy, Target};

const LIMIT: Duration = Duration::from_secs(10);

/// A server for `.../blobs/sha256:SIZE`: answers every request with SIZE bytes, or with 2.
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

fn serve(mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().expect("a second handle")).lines();
    let first = lines.next().and_then(Result::ok).unwrap_or_default();
    let rest = lines.map_while(Result::ok).take_while(|line| !line.is_empty());
    assert!(rest.count() > 0, "a Host header at least");
    let path = first.split(' ').nth(1).unwrap_or_default();
    let size = path.split("sha256:").nth(1).and_then(|size| size.parse().ok()).unwrap_or(2);
    let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n");
    let _ = stream.write_all(&vec![b'x'; size]);
}

/// Asks the proxy; reading is up to the caller.
fn get(proxy: &Proxy, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(proxy.address()).expect("the proxy listens");
    stream.set_read_timeout(Some(LIMIT)).expect("a valid limit");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").expect("sent");
    stream
}

/// The number of bytes of the body, and the head.
fn read(mut stream: TcpStream) -> (String, usize) {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer before the limit");
    let text = String::from_utf8(answer).expect("ASCII");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), body.len())
}

fn blob(size: usize) -> String {
    format!("/v2/a/blobs/sha256:{size}")
}

#[test]
fn passes_everything_on_and_counts_it() {
    let proxy = Proxy::start(upstream()).expect("a proxy");
    assert_eq!(read(get(&proxy, &blob(3_000_000))).1, 3_000_000);
    assert_eq!(read(get(&proxy, "/v2/a/manifests/1")).1, 2);
    let stats = proxy.stats();
    assert_eq!(stats.blob_bytes_sent(), 3_000_000);
    assert_eq!(stats.bytes_sent_of_blobs_over(3_000_001), 0);
    assert_eq!(stats.requests_matching("GET /v2/a/manifests/"), 1);
    assert_eq!(stats.blobs["sha256:3000000"].completed, 1);
}

#[test]
fn the_limits_hold_for_each_transfer_and_for_all_together() {
    let proxy = Proxy::start(upstream()).expect("a proxy");
    let two_at_once = || {
        let begin = Instant::now();
        let transfers = [get(&proxy, &blob(50_000)), get(&proxy, &blob(50_000))];
        assert_eq!(transfers.map(|stream| read(stream).1), [50_000; 2]);
        begin.elapsed()
    };
    proxy.limit_total(Some(100_000));
    let shared = two_at_once();
    assert!(shared >= Duration::from_millis(950), "100 kB at 100 kB/s took {shared:?}");
    proxy.limit_total(None);
    proxy.limit_each(Some(100_000));
    let apart = two_at_once();
    assert!(apart >= Duration::from_millis(450), "50 kB at 100 kB/s took {apart:?}");
    proxy.limit_each(None);
    let free = two_at_once();
    assert!(free < apart, "without a limit it took {free:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_transfer_goes_on_when_released() {
    let proxy = Proxy::start(upstream()).expect("a proxy");
    let guard = proxy.inject(Target::Blobs, Fault::StallAfter(1000));
    assert_eq!(read(get(&proxy, &blob(999))).1, 999, "shorter blobs pass");
    let stream = get(&proxy, &blob(100_000));
    let stats = proxy.wait_until("stall", LIMIT, |stats| stats.stalled() == 1).await;
    assert_eq!(stats.expect("stalled").blobs["sha256:100000"].bytes_sent, 1000);
    guard.release();
    assert_eq!(read(stream).1, 100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upstream_transfer_ends_with_the_client() {
    let proxy = Proxy::start(upstream()).expect("a proxy");
    let _guard = proxy.inject(Target::Blobs, Fault::StallAfter(0));
    let stream = get(&proxy, &blob(100_000));
    proxy.wait_until("stall", LIMIT, |stats| stats.stalled() == 1).await.expect("stalled");
    drop(stream);
    let gone = |stats: &drydock_tests::Stats| stats.blob_transfers_in_flight() == 0;
    let stats = proxy.wait_until("end", LIMIT, gone).await.expect("ended");
    assert_eq!((stats.stalled(), stats.blobs["sha256:100000"].completed), (0, 0));
}

#[test]
fn a_cut_transfer_ends_early() {
    let proxy = Proxy::start(upstream()).expect("a proxy");
    let _guard = proxy.inject(Target::Blobs, Fault::CutAfter(5000));
    assert_eq!(read(get(&proxy, &blob(100_000))).1, 5000);
    assert_eq!(proxy.stats().blobs["sha256:100000"].completed, 0);
}

#[test]
fn a_refusal_has_the_headers_of_its_status_and_ends_after_its_times() {
    let proxy = Proxy::start(upstream()).expect("a proxy");
    for (status, header) in [(401, "www-authenticate: Basic"), (429, "retry-after:"), (500, "")] {
        let _guard = proxy.inject_times(Target::Manifests, Fault::Answer(status), 1);
        let (head, _) = read(get(&proxy, "/v2/a/manifests/1"));
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert!(head.contains(header), "{head}");
        let (head, _) = read(get(&proxy, "/v2/a/manifests/1"));
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    }
    assert_eq!(proxy.stats().refused, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_request_reaches_the_registry_when_released() {
    let proxy = Proxy::start(upstream()).expect("a proxy");
    let guard = proxy.inject(Target::Path("/v2/a/".to_owned()), Fault::Hold);
    let stream = get(&proxy, &blob(10));
    let held = |stats: &drydock_tests::Stats| stats.held == 1;
    let stats = proxy.wait_until("held", LIMIT, held).await.expect("held");
    assert_eq!(stats.blob_transfers_started(), 0);
    drop(guard);
    assert_eq!(read(stream).1, 10);
    assert_eq!(proxy.stats().held, 0);
}

#[tokio::test]
async fn a_condition_that_does_not_come_true_says_what_it_was() {
    let proxy = Proxy::start(upstream()).expect("a proxy");
    let never = proxy.wait_until("pigs fly", Duration::from_millis(20), |_| false).await;
    let text = never.expect_err("they do not").to_string();
    assert!(text.starts_with("not within 20ms: pigs fly; the proxy's counters:"), "{text}");
}
