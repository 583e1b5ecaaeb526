//! Links over sockets. The twins of `ProcessRemoteLinkTest` in
//! `3rdparty/libprocess/src/tests/process_tests.cpp`; the simulated ones are in `remote_links.rs`.

use super::{Heard, Net, PATIENCE, link, next, recorder, send};
use nix::sys::socket::{Shutdown, SockaddrIn, getpeername, shutdown};
use parking_lot::Mutex;
use process::{Pid, Queue, RemoteConnection, Upid, terminate, wait};
use std::io::Read;
use std::net::{SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::RawFd;
use std::sync::{Arc, mpsc};

/// Something to link to: upstream's `test-linkee`, a peer that takes every connection and closes
/// none by itself.
struct Linkee {
    upid: Upid,
    address: SocketAddrV4,
    accepted: mpsc::Receiver<()>,
    /// Told when anything at all comes over a connection.
    spoken_to: mpsc::Receiver<()>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Linkee {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address: SocketAddrV4 = listener.local_addr().unwrap().to_string().parse().unwrap();
        let (accept, accepted) = mpsc::channel();
        let (speak, spoken_to) = mpsc::channel();
        let streams: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let kept = Arc::clone(&streams);
        let serve = move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let mut reader = stream.try_clone().unwrap();
                kept.lock().push(stream);
                // Fails once the test is over; then this thread ends with the program.
                let _ = accept.send(());
                let speak = speak.clone();
                let read = move || {
                    let mut byte = [0];
                    if matches!(reader.read(&mut byte), Ok(1)) {
                        let _ = speak.send(());
                    }
                };
                std::thread::Builder::new().spawn(read).unwrap();
            }
        };
        std::thread::Builder::new().spawn(serve).unwrap();
        let upid = Upid::new("(1)", address.to_string());
        Linkee { upid, address, accepted, spoken_to, streams }
    }

    fn wait_for_connection(&self) {
        self.accepted.recv_timeout(PATIENCE).unwrap();
    }

    /// Closes all connections, as the death of the program does.
    fn kill(&self) {
        for stream in self.streams.lock().drain(..) {
            stream.shutdown(std::net::Shutdown::Both).unwrap();
        }
    }
}

/// The descriptor of this program's connection to `address`.
fn connection_to(address: SocketAddrV4) -> RawFd {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap();
    let found = descriptors.flatten().find_map(|entry| {
        let fd: RawFd = entry.file_name().to_str()?.parse().ok()?;
        let peer = getpeername::<SockaddrIn>(fd).ok()?;
        (SocketAddrV4::from(peer) == address).then_some(fd)
    });
    found.expect("there is a connection")
}

/// A recorder that is linked to a linkee.
fn linked(remote: RemoteConnection) -> (Net, Linkee, Pid<super::Recorder>, Queue<Heard>) {
    let net = Net::start();
    let linkee = Linkee::start();
    let (pid, queue) = recorder();
    link(&pid, &linkee.upid, remote);
    linkee.wait_for_connection();
    (net, linkee, pid, queue)
}

fn end(pid: &Pid<super::Recorder>) {
    terminate(pid, true);
    wait(pid).wait(PATIENCE).unwrap();
}

#[test]
fn remote_link() {
    let (_net, linkee, pid, queue) = linked(RemoteConnection::Reuse);
    linkee.kill();
    assert_eq!(next(&queue), Heard::Exited(linkee.upid.clone()));
    // Said once, and the link is gone: it can be made again.
    link(&pid, &linkee.upid, RemoteConnection::Reuse);
    linkee.wait_for_connection();
    assert_eq!(queue.size(), 0);
    linkee.kill();
    assert_eq!(next(&queue), Heard::Exited(linkee.upid.clone()));
    end(&pid);
}

#[test]
fn remote_relink() {
    let (_net, linkee, pid, queue) = linked(RemoteConnection::Reconnect);
    linkee.kill();
    assert_eq!(next(&queue), Heard::Exited(linkee.upid.clone()));
    end(&pid);
}

#[test]
fn remote_link_relink() {
    let (_net, linkee, pid, queue) = linked(RemoteConnection::Reuse);
    link(&pid, &linkee.upid, RemoteConnection::Reconnect);
    linkee.wait_for_connection();
    assert_eq!(queue.size(), 0);
    linkee.kill();
    assert_eq!(next(&queue), Heard::Exited(linkee.upid.clone()));
    end(&pid);
}

#[test]
fn remote_double_link_relink() {
    let (_net, linkee, linker, heard_by_linker) = linked(RemoteConnection::Reuse);
    let (relinker, heard_by_relinker) = recorder();
    link(&relinker, &linkee.upid, RemoteConnection::Reuse);
    link(&relinker, &linkee.upid, RemoteConnection::Reconnect);
    linkee.wait_for_connection();
    linkee.kill();
    assert_eq!(next(&heard_by_linker), Heard::Exited(linkee.upid.clone()));
    assert_eq!(next(&heard_by_relinker), Heard::Exited(linkee.upid.clone()));
    end(&linker);
    end(&relinker);
}

#[test]
fn remote_use_stale_link() {
    let (_net, linkee, pid, queue) = linked(RemoteConnection::Reuse);
    shutdown(connection_to(linkee.address), Shutdown::Write).unwrap();
    assert_eq!(queue.size(), 0);
    // What is sent now is lost, and shows that the link is dead.
    send(&pid, &linkee.upid, "whatever", "");
    assert_eq!(next(&queue), Heard::Exited(linkee.upid.clone()));
    assert!(linkee.spoken_to.try_recv().is_err());
    end(&pid);
}

#[test]
fn remote_stale_link_relink() {
    let (_net, linkee, pid, queue) = linked(RemoteConnection::Reuse);
    shutdown(connection_to(linkee.address), Shutdown::Write).unwrap();
    link(&pid, &linkee.upid, RemoteConnection::Reconnect);
    send(&pid, &linkee.upid, "whatever", "");
    linkee.spoken_to.recv_timeout(PATIENCE).unwrap();
    assert_eq!(queue.size(), 0);
    linkee.kill();
    assert_eq!(next(&queue), Heard::Exited(linkee.upid.clone()));
    end(&pid);
}

/// A connection that cannot be made is a link that breaks.
#[test]
fn nobody_there() {
    let _net = Net::start();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (pid, queue) = recorder();
    for address in [closed.to_string(), "host.invalid:5050".to_owned()] {
        let there = Upid::new("slave(1)", address);
        link(&pid, &there, RemoteConnection::Reuse);
        assert_eq!(next(&queue), Heard::Exited(there));
    }
    end(&pid);
}

/// Every id at the address is told of, and those who have ended are not.
#[test]
fn all_links_to_an_address_break_together() {
    let _net = Net::start();
    let linkee = Linkee::start();
    let other = Upid::new("other", linkee.upid.address());
    let (pid, queue) = recorder();
    let (gone, _) = recorder();
    link(&gone, &linkee.upid, RemoteConnection::Reuse);
    linkee.wait_for_connection();
    link(&pid, &linkee.upid, RemoteConnection::Reuse);
    link(&pid, &other, RemoteConnection::Reuse);
    end(&gone);
    // The links are there when what comes after them has been handled.
    send(&pid, &other, "whatever", "");
    linkee.spoken_to.recv_timeout(PATIENCE).unwrap();
    linkee.kill();
    let mut told = [next(&queue), next(&queue)];
    told.sort_by_key(|heard| format!("{heard:?}"));
    assert_eq!(told, [Heard::Exited(linkee.upid.clone()), Heard::Exited(other)]);
    end(&pid);
}
