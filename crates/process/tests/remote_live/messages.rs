//! Messages in and out.

use super::client::{Client, ask};
use super::{Heard, Net, next, recorder, send};
use process::http::percent_encode;
use process::remote::statistics;
use process::{RemoteConnection, Upid, terminate, wait};
use std::io::{Read, Write};
use std::net::TcpListener;

const FROM: &str = "peer(1)@192.0.2.1:5050";

fn heard(name: &str, body: &str) -> Heard {
    Heard::Message(name.to_owned(), Upid::parse(FROM).unwrap(), body.as_bytes().to_vec())
}

#[test]
fn both_header_forms_and_both_lengths_are_delivered() {
    let net = Net::start();
    let (pid, queue) = recorder();
    let id = pid.upid().id().to_owned();
    let encoded = percent_encode(&id);
    for request in [
        format!(
            "POST /{id}/ping HTTP/1.1\r\nUser-Agent: libprocess/{FROM}\r\nLibprocess-From: {FROM}\r\nConnection: Keep-Alive\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        ),
        format!(
            "POST /{id}/ping HTTP/1.1\r\nUser-Agent: libprocess/{FROM}\r\nContent-Length: 3\r\n\r\nabc"
        ),
        format!(
            "POST /{encoded}/ping HTTP/1.0\r\nLibprocess-From: {FROM}\r\nContent-Length: 3\r\n\r\nabc"
        ),
    ] {
        let answer = ask(net.address(), &request);
        assert_eq!((answer.status, answer.body.len()), (202, 0), "{request}");
        assert_eq!(next(&queue), heard("ping", "abc"));
    }
    let answer =
        ask(net.address(), &format!("POST /{id}/a/b HTTP/1.1\r\nLibprocess-From: {FROM}\r\n\r\n"));
    assert_eq!(answer.status, 202);
    assert_eq!(next(&queue), heard("a/b", ""));
}

#[test]
fn what_cannot_be_delivered_is_answered_and_counted() {
    let net = Net::start();
    let before = statistics();
    for (head, status) in [
        (format!("POST /nobody/ping HTTP/1.1\r\nLibprocess-From: {FROM}"), 404),
        ("POST /x/ping HTTP/1.1\r\nLibprocess-From: gibberish".to_owned(), 500),
        ("POST /x/ping HTTP/1.1\r\nUser-Agent: libprocess/".to_owned(), 500),
        (format!("POST /%zz/ping HTTP/1.1\r\nLibprocess-From: {FROM}"), 500),
        (format!("POST no/slash HTTP/1.1\r\nLibprocess-From: {FROM}"), 400),
    ] {
        assert_eq!(ask(net.address(), &format!("{head}\r\n\r\n")).status, status, "{head}");
    }
    let after = statistics();
    assert_eq!(after.messages_undeliverable - before.messages_undeliverable, 1);
    assert_eq!(after.messages_malformed - before.messages_malformed, 3);
    assert_eq!(after.messages_delivered, before.messages_delivered);
}

#[test]
fn unknown_names_are_taken_and_counted() {
    let net = Net::start();
    let (pid, queue) = recorder();
    let before = statistics();
    let mut client = Client::connect(net.address());
    for name in ["unknown", "ping"] {
        let id = pid.upid().id();
        client.send(format!("POST /{id}/{name} HTTP/1.1\r\nLibprocess-From: {FROM}\r\n\r\n"));
        assert_eq!(client.answer().status, 202);
    }
    // The second was handled, so the first was, too.
    assert_eq!(next(&queue), heard("ping", ""));
    assert_eq!(statistics().messages_unhandled - before.messages_unhandled, 1);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let net = Net::start();
    let (pid, queue) = recorder();
    let id = pid.upid().id();
    let mut batch = String::new();
    // More than the connection may be owed: it is read from all the same, in time.
    for number in 0..50 {
        batch += &format!(
            "POST /{id}/ping HTTP/1.1\r\nLibprocess-From: {FROM}\r\nContent-Length: 2\r\n\r\n{number:02}\
             GET /nobody-{number} HTTP/1.1\r\n\r\n"
        );
    }
    let mut client = Client::connect(net.address());
    client.send(batch);
    for number in 0..50 {
        assert_eq!(client.answer().status, 202);
        assert_eq!(client.answer().status, 404);
        assert_eq!(next(&queue), heard("ping", &format!("{number:02}")));
    }
}

#[test]
fn a_process_that_has_ended_is_not_found() {
    let net = Net::start();
    let (pid, _) = recorder();
    let request =
        format!("POST /{}/ping HTTP/1.1\r\nLibprocess-From: {FROM}\r\n\r\n", pid.upid().id());
    assert_eq!(ask(net.address(), &request).status, 202);
    terminate(&pid, true);
    wait(&pid).wait(super::PATIENCE).unwrap();
    assert_eq!(ask(net.address(), &request).status, 404);
}

/// Takes one connection and all that comes over it until it is closed.
fn receive_all(listener: &TcpListener) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(super::PATIENCE)).unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    all
}

#[test]
fn without_a_link_a_connection_ends_when_all_is_sent() {
    let _net = Net::start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = Upid::new("peer(1)", listener.local_addr().unwrap().to_string());
    let (pid, _) = recorder();
    send(&pid, &peer, "ping", "abc");
    let own = pid.upid();
    let expected = format!(
        "POST /peer(1)/ping HTTP/1.1\r\nUser-Agent: libprocess/{own}\r\nLibprocess-From: {own}\r\n\
         Connection: Keep-Alive\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        peer.address()
    );
    assert_eq!(receive_all(&listener), expected);
    // And again: a new one.
    send(&pid, &peer, "ping", "abc");
    assert_eq!(receive_all(&listener), expected);
}

/// Answers are thrown away, even those that nobody asked for and that never end.
#[test]
fn answers_are_ignored() {
    let _net = Net::start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = Upid::new("peer(1)", listener.local_addr().unwrap().to_string());
    let (pid, queue) = recorder();
    super::link(&pid, &peer, RemoteConnection::Reuse);
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(&vec![b'x'; 1 << 20]).unwrap();
    send(&pid, &peer, "ping", "");
    let mut start = [0; 5];
    stream.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"POST ");
    drop(stream);
    assert_eq!(next(&queue), Heard::Exited(peer));
}

#[test]
fn names_that_no_request_line_can_hold_are_not_sent() {
    let _net = Net::start();
    let (pid, _) = recorder();
    let before = statistics();
    let to = Upid::new("a b", "127.0.0.1:9");
    let own = pid.upid().clone();
    process::post(&own, &to, "ping", "");
    process::post(&own, &Upid::new("a", "127.0.0.1:9"), "x HTTP/1.1\r\nEvil: yes", "");
    assert_eq!(statistics().messages_lost - before.messages_lost, 2);
}

/// Through the sockets of this very program: it does not know the other name of its address.
#[test]
fn a_round_trip_over_sockets() {
    let net = Net::start();
    let (ping, heard_by_ping) = recorder();
    let (pong, heard_by_pong) = recorder();
    let there = Upid::new(pong.upid().id(), net.alias());
    super::link(&ping, &there, RemoteConnection::Reuse);
    for _ in 0..3 {
        send(&ping, &there, "ping", "x");
        let Heard::Message(name, from, body) = next(&heard_by_pong) else { panic!() };
        assert_eq!((&*name, &from, &body[..]), ("ping", ping.upid(), &b"x"[..]));
        // The answer goes to the address of the sender, which is this program's own.
        send(&pong, &from, "pong", "y");
        let Heard::Message(name, from, _) = next(&heard_by_ping) else { panic!() };
        assert_eq!((&*name, &from), ("pong", pong.upid()));
    }
}

/// Ten thousand messages over one link arrive all, in order, and big ones among them whole.
#[test]
fn order_is_kept_over_a_link() {
    let net = Net::start();
    let (sender, _) = recorder();
    let (receiver, queue) = recorder();
    let there = Upid::new(receiver.upid().id(), net.alias());
    super::link(&sender, &there, RemoteConnection::Reuse);
    let to = there.clone();
    sender.run("burst", move |_, context| {
        for number in 0..10_000u32 {
            if number % 100 == 0 {
                context.send_raw(&to, "big", vec![b'b'; 100_000]);
            }
            context.send_raw(&to, "ping", number.to_string());
        }
    });
    for number in 0..10_000u32 {
        if number % 100 == 0 {
            let Heard::Message(name, _, body) = next(&queue) else { panic!() };
            assert_eq!((&*name, body.len()), ("big", 100_000));
        }
        let Heard::Message(name, _, body) = next(&queue) else { panic!() };
        assert_eq!((&*name, body), ("ping", number.to_string().into_bytes()));
    }
}
