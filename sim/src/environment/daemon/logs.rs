//! Reading a container's log.

use super::Shared;
use super::answer::{Chunk, Opened, Refusal, Reply};
use super::container::{ContainerState, Follower, Following};
use super::exchange::RequestId;
use super::log::Line;
use super::messages;
use super::request::LogOptions;
use super::script::Stream;
use super::stamp::Stamp;
use process::Label;
use std::sync::Arc;
use std::time::Duration;

/// Whether a line is one of those that were asked for, apart from their number.
pub(super) fn is_wanted(daemon: &Shared, line: &Line, options: &LogOptions) -> bool {
    let stamp = Stamp::new(line.time, daemon.settings.epoch).0;
    let stream = match line.stream {
        Stream::Stdout => options.streams.stdout,
        Stream::Stderr => options.streams.stderr,
    };
    stream
        && options.since.is_none_or(|since| stamp >= since)
        && options.until.is_none_or(|until| stamp <= until)
}

/// A line as it is sent.
pub(super) fn chunk(daemon: &Shared, line: &Line, options: &LogOptions) -> Chunk {
    if !options.timestamps && !options.details {
        return Chunk::Output(line.stream, Arc::clone(&line.bytes));
    }
    let mut bytes = Vec::with_capacity(line.bytes.len() + 32);
    if options.timestamps {
        let stamp = Stamp::new(line.time, daemon.settings.epoch);
        bytes.extend_from_slice(format!("{} ", stamp.fixed()).as_bytes());
    }
    if options.details {
        // No labels or variables are configured to be shown.
        bytes.push(b' ');
    }
    bytes.extend_from_slice(&line.bytes);
    Chunk::Output(line.stream, bytes.into())
}

pub(super) fn read(daemon: &Arc<Shared>, id: RequestId, name: &str, options: LogOptions) {
    let until = options.until;
    let found = begin(daemon, id, name, options);
    let (tty, past, follows) = match found {
        Ok(found) => found,
        Err(refusal) => return daemon.refuse(id, refusal),
    };
    daemon.reply(id, Reply::Opened(Opened::Logs { tty }), Duration::ZERO);
    for chunk in past {
        daemon.reply(id, Reply::Chunk(chunk), Duration::ZERO);
    }
    if !follows {
        return daemon.reply(id, Reply::Ended, Duration::ZERO);
    }
    if let Some(until) = until {
        let now = Stamp::new(process::clock::now(), daemon.settings.epoch).0;
        let (shared, context) = (Arc::clone(daemon), daemon.contexts.daemon);
        let label = Label::plain("Daemon", "log's time is over");
        daemon.operations.schedule(context, label, until.saturating_sub(now), move || {
            shared.state.lock().detach(id, super::request::Method::Logs);
            shared.reply(id, Reply::Ended, Duration::ZERO);
        });
    }
}

/// The lines that are there, and whether the client follows those that come.
fn begin(
    daemon: &Shared,
    id: RequestId,
    name: &str,
    options: LogOptions,
) -> Result<(bool, Vec<Chunk>, bool), Refusal> {
    if !options.streams.stdout && !options.streams.stderr {
        let message = "Bad parameters: you must choose at least one stream";
        return Err(Refusal::new(400, message));
    }
    let mut state = daemon.state.lock();
    let container = state.get_mut(name)?;
    if container.removing || container.state == ContainerState::Dead {
        return Err(messages::logs_of_dead());
    }
    if container.settled.config.log_driver == "none" {
        return Err(messages::logs_unsupported());
    }
    let wanted = container.log.lines().rev().filter(|line| is_wanted(daemon, line, &options));
    let mut past: Vec<Chunk> = wanted
        .take(options.tail.unwrap_or(usize::MAX))
        .map(|line| chunk(daemon, line, &options))
        .collect();
    past.reverse();
    let follows = options.follow && container.is_running();
    if follows {
        container.followers.push(Follower { request: id, kind: Following::Log(options) });
    }
    Ok((container.settled.config.tty, past, follows))
}
