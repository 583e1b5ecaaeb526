//! Peers that are slow, greedy or mad: refused, counted, and nobody else suffers.

use super::client::{Client, get};
use super::{Heard, Net, next, recorder};
use process::clock;
use process::remote::statistics;
use std::time::Duration;

const FROM: &str = "peer(1)@192.0.2.1:5050";

/// Others are still answered. No process is asked for that: one of them may be kept busy here.
fn still_alive(net: &Net) {
    assert_eq!(get(net.address(), "/nobody").status, 404);
}

#[test]
fn what_is_too_large_or_no_http_is_refused() {
    let net = Net::start();
    let before = statistics().requests_refused;
    let tests: [(Vec<u8>, u16); 5] = [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n".to_vec(), 400),
        (format!("GET /{} HTTP/1.1\r\n", "a".repeat(100_000)).into_bytes(), 431),
        (b"POST /x/ping HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n".to_vec(), 413),
        (b"POST /x/ping HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n".to_vec(), 400),
        (b"POST /x/ping HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n".to_vec(), 501),
    ];
    for (request, status) in &tests {
        let mut client = Client::connect(net.address());
        client.try_send(request);
        let answer = client.answer();
        assert_eq!(answer.status, *status, "{:?}", request.escape_ascii().to_string());
        assert!(client.is_closed());
    }
    assert_eq!(statistics().requests_refused - before, tests.len() as u64);
    still_alive(&net);
}

/// A request must arrive within a limit; a connection between requests may idle for ever.
#[test]
fn slow_senders_are_cut_off_and_idle_ones_are_not() {
    let net = Net::start();
    let mut idle = Client::connect(net.address());
    idle.send("GET /__processes__ HTTP/1.1\r\n\r\n");
    assert_eq!(idle.answer().status, 200);
    for start in ["GET / HT", "POST /x/ping HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"] {
        let mut slow = Client::connect(net.address());
        let before = statistics();
        // That the first half was seen shows in the answer to what comes before it.
        slow.send(format!("GET /__processes__ HTTP/1.1\r\n\r\n{start}"));
        assert_eq!(slow.answer().status, 200);
        // The deadline may be set a moment after the answer was sent.
        while statistics().requests_refused == before.requests_refused {
            clock::advance(Duration::from_secs(61));
            still_alive(&net);
        }
        assert_eq!(slow.answer().status, 408);
        assert!(slow.is_closed());
    }
    idle.send("GET /__processes__ HTTP/1.1\r\n\r\n");
    assert_eq!(idle.answer().status, 200);
}

#[test]
fn the_end_within_a_request_is_counted() {
    let net = Net::start();
    let before = statistics().requests_truncated;
    let mut client = Client::connect(net.address());
    client.send("POST /x/ping HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
    drop(client);
    while statistics().requests_truncated == before {
        still_alive(&net);
    }
}

/// 300 connections may be open here. More are closed at once; when some end there is room again.
#[test]
fn too_many_connections_are_refused() {
    let net = Net::start();
    let before = statistics().connections_refused;
    let mut clients: Vec<Client> = Vec::new();
    while statistics().connections_refused == before {
        clients.push(Client::connect(net.address()));
        assert!(clients.len() <= 1000, "there is no limit");
    }
    assert!(clients.len() >= 250, "{}", clients.len());
    clients.clear();
    loop {
        let mut client = Client::connect(net.address());
        if client.try_send(b"GET /__processes__ HTTP/1.1\r\n\r\n") && !client.is_closed() {
            break;
        }
    }
}

/// A receiver that does not handle what it gets slows its senders down; it does not fill memory.
#[test]
fn a_slow_process_slows_its_senders() {
    let net = Net::start();
    let (pid, queue) = recorder();
    let (entered, inside) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    pid.run("busy", move |_, _| {
        entered.send(()).unwrap();
        // Fails when the test has failed: then it ends as well.
        let _ = released.recv_timeout(super::PATIENCE);
    });
    inside.recv_timeout(super::PATIENCE).unwrap();
    // Four times what may be in flight.
    let before = statistics().messages_delivered;
    let id = pid.upid().id().to_owned();
    let body = vec![b'b'; 500_000];
    let address = net.address();
    let sender = std::thread::Builder::new()
        .spawn(move || {
            let mut client = Client::connect(address);
            for _ in 0..32 {
                let head = format!(
                    "POST /{id}/big HTTP/1.1\r\nLibprocess-From: {FROM}\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                client.send(head).send(&body);
                assert_eq!(client.answer().status, 202);
            }
        })
        .unwrap();
    // Eight of them fit. The sender cannot end before the receiver goes on.
    while statistics().messages_delivered < before + 7 {
        still_alive(&net);
    }
    for _ in 0..20 {
        still_alive(&net);
    }
    assert!(statistics().messages_delivered <= before + 9 && !sender.is_finished());
    release.send(()).unwrap();
    for _ in 0..32 {
        let Heard::Message(_, _, body) = next(&queue) else { panic!() };
        assert_eq!(body.len(), 500_000);
    }
    sender.join().unwrap();
}

#[test]
fn a_body_is_sent_when_it_is_asked_for() {
    let net = Net::start();
    let (pid, queue) = recorder();
    let mut client = Client::connect(net.address());
    client.send(format!(
        "POST /{}/ping HTTP/1.1\r\nLibprocess-From: {FROM}\r\nExpect: 100-continue\r\n\
         Content-Length: 3\r\n\r\n",
        pid.upid().id()
    ));
    assert_eq!(client.answer().status, 100);
    client.send("abc");
    assert_eq!(client.answer().status, 202);
    let Heard::Message(_, _, body) = next(&queue) else { panic!() };
    assert_eq!(body, b"abc");
}
