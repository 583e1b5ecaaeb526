//! What the daemon answers: whole answers, streams, refusals.

use super::events::Event;
use super::exec::ExecView;
use super::images::{ImageView, RemovedImage};
use super::inspect::Inspection;
use super::listing::Row;
use super::network::NetworkView;
use super::progress::Progress;
use super::script::Stream;
use super::stats::StatsView;
use super::system::{DiskUsage, Info};
use super::volumes::Volume;
use std::borrow::Cow;
use std::sync::Arc;

/// The daemon says no: an HTTP status, and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// What stands behind `message` in the body.
    pub message: Cow<'static, str>,
}

impl Refusal {
    /// A refusal of this status.
    pub fn new(status: u16, message: impl Into<Cow<'static, str>>) -> Self {
        Refusal { status, message: message.into() }
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To a ping: `OK`.
    Pong,
    /// Done; there is nothing to say (204, and 200 or 201 where the API has that).
    Done,
    /// It was so already (304).
    NotModified,
    /// The versions.
    Version,
    /// What the daemon is and has.
    Info(Box<Info>),
    /// What is stored.
    DiskUsage(Box<DiskUsage>),
    /// A container was created.
    Created {
        /// Its id.
        id: Arc<str>,
        /// What is amiss with it.
        warnings: Vec<String>,
    },
    /// A wait has come to its end.
    Waited {
        /// The container's exit code.
        code: i64,
        /// Why it could not be started, or removed.
        error: Option<Arc<str>>,
    },
    /// A container.
    Container(Box<Inspection>),
    /// Containers, the newest first.
    Containers(Vec<Row>),
    /// The processes of a container.
    Processes {
        /// The names of the columns.
        titles: Vec<&'static str>,
        /// A row for each process.
        rows: Vec<Vec<String>>,
    },
    /// What a container uses, once.
    Stats(Box<StatsView>),
    /// Limits were changed.
    Updated,
    /// A program was prepared.
    ExecCreated(Arc<str>),
    /// A program in a container.
    Exec(Box<ExecView>),
    /// An image.
    Image(Box<ImageView>),
    /// Images, the newest first.
    Images(Vec<ImageView>),
    /// An image, for its history.
    History(Box<ImageView>),
    /// What was taken away of an image.
    RemovedImage(Vec<RemovedImage>),
    /// A network.
    Network(Box<NetworkView>),
    /// Networks.
    Networks(Vec<NetworkView>),
    /// A network was created.
    NetworkCreated(Arc<str>),
    /// A volume.
    Volume(Volume),
    /// Volumes.
    Volumes(Vec<Volume>),
}

/// The head of an answer whose body comes later, bit by bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Of a wait: the body is one object, [`Answer::Waited`].
    Wait,
    /// Of a pull: lines of progress.
    Pull,
    /// Of events: an object each.
    Events,
    /// Of stats: an object each.
    Stats,
    /// Of a log: frames, or raw bytes of a terminal.
    Logs {
        /// The container has a terminal.
        tty: bool,
    },
    /// Of an attachment: the connection is taken over (101, or 200 for clients that do not ask for
    /// the upgrade); frames, or raw bytes of a terminal.
    Attach {
        /// The container has a terminal.
        tty: bool,
    },
    /// Of a program that is run: as an attachment.
    Exec {
        /// The program has a terminal.
        tty: bool,
    },
}

impl Opened {
    /// Whether the connection is taken over and carries raw bytes both ways from now on.
    pub fn takes_over(self) -> bool {
        matches!(self, Opened::Attach { .. } | Opened::Exec { .. })
    }
}

/// A piece of a body.
#[derive(Clone, Debug)]
pub enum Chunk {
    /// A line of a pull's progress.
    Progress(Progress),
    /// What a program wrote.
    Output(Stream, Arc<[u8]>),
    /// Something has happened.
    Event(Arc<Event>),
    /// What a container uses.
    Stats(Box<StatsView>),
}

/// What a client gets, piece by piece. The first is the answer's head, or all of it; nothing comes
/// after one that [ends](Reply::is_last) the answer.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The whole answer; behind [`Opened::Wait`] its body.
    Answer(Result<Answer, Refusal>),
    /// The head of an answer that streams.
    Opened(Opened),
    /// A piece of its body.
    Chunk(Chunk),
    /// The body ends in order.
    Ended,
    /// The pull failed after its stream had begun: a last line says so, then the body ends.
    Failed(Cow<'static, str>),
    /// The connection breaks; whether the request took effect is unknown to the client.
    Broken,
    /// There is no daemon to connect to.
    Unreachable,
}

impl Reply {
    /// Whether this is the end of the answer.
    pub fn is_last(&self) -> bool {
        !matches!(self, Reply::Opened(_) | Reply::Chunk(_))
    }
}

/// The client's end of a request: is given what the daemon replies, as it arrives.
///
/// It is called in the client's environment context with no lock held, and dropped when the
/// client leaves or the daemon goes.
pub trait Sink: Send {
    /// Takes one reply.
    fn take(&mut self, reply: Reply);
}

impl<F: FnMut(Reply) + Send> Sink for F {
    fn take(&mut self, reply: Reply) {
        self(reply);
    }
}

/// How much of an answer a client looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Only in what comes of it: it gets one last reply, without heads and chunks.
    Outcome,
    /// In everything, as it comes.
    Everything,
}
