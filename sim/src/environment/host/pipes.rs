//! Open files in memory: pipes' ends, and files that are appended to.
//!
//! A read or write that need not wait is done at once, as the kernel does it. What waits is told by
//! an [operation](crate::environment::operations) once something has changed.

use super::Shared;
use crate::environment::operations::Operations;
use bytes::Bytes;
use parking_lot::Mutex;
use process::io::{Descriptor, File};
use process::simulated::ContextId;
use process::{Future, Label, Promise};
use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

const TRANSFER: Label = Label::plain("Host", "pipe");

/// How much a pipe holds, in bytes: Linux's default.
pub(super) const PIPE_CAPACITY: usize = 65_536;

const CLOSED: &str = "Bad file descriptor: the descriptor is closed";

/// One descriptor of the simulated host, until it is closed.
struct SimFile {
    number: i32,
    open: Mutex<Option<Open>>,
}

#[derive(Clone)]
enum Open {
    Read(Arc<End>),
    Write(Arc<End>),
    Append(Weak<Shared>, PathBuf),
}

impl fmt::Debug for SimFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.open.lock() {
            Some(_) => write!(f, "Descriptor({})", self.number),
            None => f.write_str("Descriptor(closed)"),
        }
    }
}

impl SimFile {
    fn descriptor(number: i32, open: Open) -> Descriptor {
        Descriptor::new(Arc::new(SimFile { number, open: Mutex::new(Some(open)) }))
    }

    fn open(&self) -> Result<Open, String> {
        self.open.lock().clone().ok_or_else(|| CLOSED.to_owned())
    }
}

/// A pipe: the end to read from, and the end to write into.
pub(super) fn pipe(
    numbers: [i32; 2],
    operations: &Operations,
    context: ContextId,
    latency: Duration,
) -> (Descriptor, Descriptor) {
    let pipe = Arc::new(Pipe {
        operations: operations.clone(),
        context,
        latency,
        state: Mutex::new(State { readers: 1, writers: 1, ..State::default() }),
    });
    let read = End { pipe: Arc::clone(&pipe), reads: true };
    let write = End { pipe, reads: false };
    (
        SimFile::descriptor(numbers[0], Open::Read(Arc::new(read))),
        SimFile::descriptor(numbers[1], Open::Write(Arc::new(write))),
    )
}

/// A file that is written to at its end.
pub(super) fn append(number: i32, host: Weak<Shared>, path: PathBuf) -> Descriptor {
    SimFile::descriptor(number, Open::Append(host, path))
}

/// Whether the descriptor is of a simulated host and open; an error says what it is instead.
pub(super) fn check(descriptor: &Descriptor) -> Result<(), String> {
    match descriptor.file().downcast_ref::<SimFile>() {
        Some(file) => file.open().map(drop),
        None => Err(format!("{descriptor:?} is no descriptor of this host")),
    }
}

impl File for SimFile {
    fn number(&self) -> Option<i32> {
        self.open.lock().as_ref().map(|_| self.number)
    }

    fn read(&self, limit: usize) -> Future<Bytes> {
        match self.open() {
            Ok(Open::Read(end)) => end.pipe.read(limit),
            Ok(_) => Future::failed("Bad file descriptor: it is open for writing only"),
            Err(error) => Future::failed(error),
        }
    }

    fn write(&self, data: Bytes) -> Future<usize> {
        match self.open() {
            Ok(Open::Write(end)) => end.pipe.write(data),
            Ok(Open::Append(host, path)) => {
                let Some(host) = host.upgrade() else { return Future::failed(CLOSED) };
                let appended = host.state.lock().files.append(&path, &data);
                appended.map(|()| data.len()).into()
            }
            Ok(Open::Read(_)) => Future::failed("Bad file descriptor: it is open for reading only"),
            Err(error) => Future::failed(error),
        }
    }

    fn duplicate(&self) -> Result<Arc<dyn File>, String> {
        Ok(Arc::new(SimFile { number: self.number, open: Mutex::new(Some(self.open()?)) }))
    }

    fn close(&self) {
        // Dropped outside the lock.
        let open = self.open.lock().take();
        drop(open);
    }
}

/// One end of a pipe, shared by all descriptors of it.
struct End {
    pipe: Arc<Pipe>,
    reads: bool,
}

impl Drop for End {
    fn drop(&mut self) {
        {
            let mut state = self.pipe.state.lock();
            let ends = if self.reads { &mut state.readers } else { &mut state.writers };
            *ends -= 1;
        }
        self.pipe.changed();
    }
}

struct Pipe {
    operations: Operations,
    context: ContextId,
    latency: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    buffer: VecDeque<u8>,
    /// Ends to read from, and reads that wait: they go on when the end is closed.
    readers: usize,
    /// Ends to write into, and writes that wait.
    writers: usize,
    reads: VecDeque<(usize, Promise<Bytes>)>,
    writes: VecDeque<(Bytes, Promise<usize>)>,
    /// Those who wait are about to be told.
    scheduled: bool,
}

/// What is told to those who wait, with no lock held.
#[derive(Default)]
struct Told {
    reads: Vec<(Promise<Bytes>, Bytes)>,
    writes: Vec<(Promise<usize>, Option<usize>)>,
    discarded: (Vec<Promise<Bytes>>, Vec<Promise<usize>>),
}

impl State {
    /// Some data, or none at the end; `None` when it has to be waited for.
    fn read(&mut self, limit: usize) -> Option<Bytes> {
        if self.buffer.is_empty() && self.writers > 0 {
            return None;
        }
        let length = limit.min(self.buffer.len());
        Some(self.buffer.drain(..length).collect())
    }

    /// How much was written, or nothing when nobody will read it; `None` when it has to wait.
    fn write(&mut self, data: &Bytes) -> Option<Option<usize>> {
        if self.readers == 0 {
            return Some(None);
        }
        let length = data.len().min(PIPE_CAPACITY - self.buffer.len());
        if length == 0 {
            return None;
        }
        self.buffer.extend(&data[..length]);
        Some(Some(length))
    }

    fn is_anything_due(&self) -> bool {
        let read = !self.reads.is_empty() && (!self.buffer.is_empty() || self.writers == 0);
        let write =
            !self.writes.is_empty() && (self.buffer.len() < PIPE_CAPACITY || self.readers == 0);
        let discarded = self.reads.iter().any(|(_, promise)| promise.future().has_discard())
            || self.writes.iter().any(|(_, promise)| promise.future().has_discard());
        read || write || discarded
    }

    fn transfer(&mut self, told: &mut Told) {
        self.take_discarded(told);
        loop {
            let before = (self.reads.len(), self.writes.len());
            if let Some((limit, promise)) = self.reads.pop_front() {
                match self.read(limit) {
                    Some(data) => {
                        self.readers -= 1;
                        told.reads.push((promise, data));
                    }
                    None => self.reads.push_front((limit, promise)),
                }
            }
            if let Some((data, promise)) = self.writes.pop_front() {
                match self.write(&data) {
                    Some(written) => {
                        self.writers -= 1;
                        told.writes.push((promise, written));
                    }
                    None => self.writes.push_front((data, promise)),
                }
            }
            if before == (self.reads.len(), self.writes.len()) {
                return;
            }
        }
    }

    fn take_discarded(&mut self, told: &mut Told) {
        for (limit, promise) in std::mem::take(&mut self.reads) {
            if promise.future().has_discard() {
                self.readers -= 1;
                told.discarded.0.push(promise);
            } else {
                self.reads.push_back((limit, promise));
            }
        }
        for (data, promise) in std::mem::take(&mut self.writes) {
            if promise.future().has_discard() {
                self.writers -= 1;
                told.discarded.1.push(promise);
            } else {
                self.writes.push_back((data, promise));
            }
        }
    }
}

impl Pipe {
    fn read(self: &Arc<Self>, limit: usize) -> Future<Bytes> {
        let future = {
            let mut state = self.state.lock();
            // In turn: who waits already is served first.
            let data = if state.reads.is_empty() { state.read(limit) } else { None };
            match data {
                Some(data) => Future::ready(data),
                None => {
                    let promise = Promise::new();
                    let future = promise.future();
                    state.readers += 1;
                    state.reads.push_back((limit, promise));
                    future
                }
            }
        };
        self.heed_discard(&future);
        self.changed();
        future
    }

    fn write(self: &Arc<Self>, data: Bytes) -> Future<usize> {
        let future = {
            let mut state = self.state.lock();
            let written = if state.writes.is_empty() { state.write(&data) } else { None };
            match written {
                Some(Some(length)) => Future::ready(length),
                Some(None) => Future::failed("Broken pipe"),
                None => {
                    let promise = Promise::new();
                    let future = promise.future();
                    state.writers += 1;
                    state.writes.push_back((data, promise));
                    future
                }
            }
        };
        self.heed_discard(&future);
        self.changed();
        future
    }

    fn heed_discard<T: process::future::Value>(self: &Arc<Self>, future: &Future<T>) {
        if future.is_pending() {
            let pipe = Arc::downgrade(self);
            future.on_discard(move || {
                if let Some(pipe) = pipe.upgrade() {
                    pipe.changed();
                }
            });
        }
    }

    /// Lets those who wait be told, if there is something to tell them.
    fn changed(self: &Arc<Self>) {
        {
            let mut state = self.state.lock();
            if state.scheduled || !state.is_anything_due() {
                return;
            }
            state.scheduled = true;
        }
        let pipe = Arc::clone(self);
        let transfer = move || pipe.transfer();
        self.operations.schedule_about(self.context, TRANSFER, self.latency, transfer);
    }

    fn transfer(self: &Arc<Self>) {
        let mut told = Told::default();
        {
            let mut state = self.state.lock();
            state.scheduled = false;
            state.transfer(&mut told);
        }
        for (promise, data) in told.reads {
            promise.set(data);
        }
        for (promise, written) in told.writes {
            match written {
                Some(length) => promise.set(length),
                None => promise.fail("Broken pipe"),
            };
        }
        for promise in told.discarded.0 {
            promise.discard();
        }
        for promise in told.discarded.1 {
            promise.discard();
        }
    }
}
