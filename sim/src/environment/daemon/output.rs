//! What programs write, and who is told: attachments, logs, clients of an exec; and what clients
//! send them.

use super::Shared;
use super::answer::{Chunk, Opened, Reply};
use super::container::{Container, ContainerState, Follower, Following};
use super::exchange::RequestId;
use super::log::Line;
use super::logs;
use super::messages;
use super::program::{self, Key};
use super::request::Streams;
use super::script::Stream;
use process::clock;
use std::sync::Arc;
use std::time::Duration;

impl Streams {
    fn has(self, stream: Stream) -> bool {
        match stream {
            Stream::Stdout => self.stdout,
            Stream::Stderr => self.stderr,
        }
    }
}

/// A terminal has one stream, and ends its lines as terminals do.
fn through_terminal(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len() + 1);
    for byte in bytes {
        if *byte == b'\n' {
            text.push(b'\r');
        }
        text.push(*byte);
    }
    text
}

/// A program has written. Called with no lock held.
pub(super) fn written(daemon: &Arc<Shared>, key: Key, stream: Stream, bytes: &Arc<[u8]>) {
    match key {
        Key::Container(number) => container_wrote(daemon, number, stream, bytes),
        Key::Exec(number) => {
            let client =
                daemon.state.lock().execs.get(&number).and_then(|exec| exec.client(stream));
            if let Some((client, tty)) = client {
                send(daemon, client, stream, bytes, tty);
            }
        }
    }
}

fn send(daemon: &Arc<Shared>, client: RequestId, stream: Stream, bytes: &Arc<[u8]>, tty: bool) {
    let chunk = if tty {
        Chunk::Output(Stream::Stdout, through_terminal(bytes).into())
    } else {
        Chunk::Output(stream, Arc::clone(bytes))
    };
    daemon.reply(client, Reply::Chunk(chunk), Duration::ZERO);
}

fn container_wrote(daemon: &Arc<Shared>, number: u64, stream: Stream, bytes: &Arc<[u8]>) {
    let (attached, lines, tty) = {
        let mut state = daemon.state.lock();
        let Some(container) = state.containers.get_mut(&number) else { return };
        let tty = container.settled.config.tty;
        let logged = if tty { through_terminal(bytes) } else { bytes.to_vec() };
        let to_log = if tty { Stream::Stdout } else { stream };
        let lines = container.log.write(clock::now(), to_log, &logged);
        let attached: Vec<RequestId> = container
            .followers
            .iter()
            .filter(|one| match &one.kind {
                Following::Attached(streams) => streams.has(to_log),
                Following::Log(_) => false,
            })
            .map(|one| one.request)
            .collect();
        (attached, lines, tty)
    };
    for client in attached {
        send(daemon, client, stream, bytes, tty);
    }
    lines_written(daemon, number, &lines);
}

/// Tells those who follow the log.
fn lines_written(daemon: &Arc<Shared>, number: u64, lines: &[Line]) {
    if lines.is_empty() {
        return;
    }
    let chunks: Vec<_> = {
        let state = daemon.state.lock();
        let Some(container) = state.containers.get(&number) else { return };
        let mut chunks = Vec::new();
        for follower in &container.followers {
            let Following::Log(options) = &follower.kind else { continue };
            let wanted = lines.iter().filter(|line| logs::is_wanted(daemon, line, options));
            chunks
                .extend(wanted.map(|line| (follower.request, logs::chunk(daemon, line, options))));
        }
        chunks
    };
    for (client, chunk) in chunks {
        daemon.reply(client, Reply::Chunk(chunk), Duration::ZERO);
    }
}

/// A container's program has ended: so have its streams. Gives those to be told.
pub(super) fn ended(container: &mut Container) -> (Vec<Line>, Vec<Follower>) {
    let lines = container.log.flush(clock::now());
    (lines, std::mem::take(&mut container.followers))
}

/// Tells those who followed a container its last lines, and that there are no more.
pub(super) fn finish(daemon: &Arc<Shared>, lines: &[Line], followers: Vec<Follower>) {
    for follower in followers {
        if let Following::Log(options) = &follower.kind {
            for line in lines.iter().filter(|line| logs::is_wanted(daemon, line, options)) {
                let chunk = logs::chunk(daemon, line, options);
                daemon.reply(follower.request, Reply::Chunk(chunk), Duration::ZERO);
            }
        }
        daemon.reply(follower.request, Reply::Ended, Duration::ZERO);
    }
}

pub(super) fn attach(
    daemon: &Arc<Shared>,
    id: RequestId,
    name: &str,
    streams: Streams,
    logs: bool,
    stream: bool,
) {
    let (tty, past) = {
        let mut state = daemon.state.lock();
        let found = state.find(name).and_then(|container| match container.state {
            ContainerState::Paused => Err(messages::paused_attach(name)),
            ContainerState::Restarting => Err(messages::restarting_attach(name)),
            _ => Ok(container.number),
        });
        let number = match found {
            Ok(number) => number,
            Err(refusal) => {
                drop(state);
                return daemon.refuse(id, refusal);
            }
        };
        super::events::of_container(daemon, &mut state, number, "attach");
        let Some(container) = state.containers.get_mut(&number) else { return };
        let past: Vec<Line> = container
            .log
            .lines()
            .filter(|line| logs && streams.has(line.stream))
            .cloned()
            .collect();
        if stream {
            // Also one that has ended: it may be started again.
            let kind = Following::Attached(streams);
            container.followers.push(Follower { request: id, kind });
        }
        (container.settled.config.tty, past)
    };
    daemon.reply(id, Reply::Opened(Opened::Attach { tty }), Duration::ZERO);
    for line in past {
        let chunk = Chunk::Output(line.stream, line.bytes);
        daemon.reply(id, Reply::Chunk(chunk), Duration::ZERO);
    }
    if !stream {
        daemon.reply(id, Reply::Ended, Duration::ZERO);
    }
}

/// What the client of an attachment or an exec sends has arrived.
pub(super) fn input(daemon: &Arc<Shared>, id: RequestId, bytes: Option<&[u8]>) {
    let key = {
        let state = daemon.state.lock();
        let attached = state.containers.values().find(|container| {
            container.settled.config.open_stdin
                && container.followers.iter().any(|one| match &one.kind {
                    Following::Attached(streams) => one.request == id && streams.stdin,
                    Following::Log(_) => false,
                })
        });
        let of_exec = || {
            let exec = state.execs.values().find(|exec| exec.takes_input_from(id))?;
            Some(Key::Exec(exec.number))
        };
        match attached {
            // The end of what one client sends is the end of input only if there is to be but one.
            Some(container) if bytes.is_none() && !container.settled.config.stdin_once => None,
            Some(container) => Some(Key::Container(container.number)),
            None => of_exec(),
        }
    };
    if let Some(key) = key {
        program::feed(daemon, key, bytes);
    }
}
