//! Descriptors of the kernel, read and written on the runtime for input and output.

use super::readiness::{Interest, Readiness};
use crate::future::{Future, Promise, Value};
use crate::io::{Descriptor, File};
use crate::live::io;
use bytes::Bytes;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use parking_lot::Mutex;
use std::fmt;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Notify;

/// One descriptor of the kernel, until it is closed.
struct KernelFile(Mutex<Option<Arc<Open>>>);

/// What stays open as long as anybody works with it.
pub(super) struct Open {
    pub(super) fd: OwnedFd,
    /// Registrations, from the first time that something had to be waited for.
    readable: Mutex<Option<Arc<Readiness>>>,
    writable: Mutex<Option<Arc<Readiness>>>,
}

impl fmt::Debug for KernelFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.lock().as_ref() {
            Some(open) => write!(f, "Descriptor({})", open.fd.as_raw_fd()),
            None => f.write_str("Descriptor(closed)"),
        }
    }
}

/// A handle to a descriptor of the kernel.
pub(super) fn descriptor(fd: OwnedFd) -> Descriptor {
    let open = Open { fd, readable: Mutex::default(), writable: Mutex::default() };
    Descriptor::new(Arc::new(KernelFile(Mutex::new(Some(Arc::new(open))))))
}

/// The descriptor of the kernel behind a handle, kept open as long as it is held.
pub(super) fn open(descriptor: &Descriptor) -> Result<Arc<Open>, String> {
    descriptor
        .file()
        .downcast_ref::<KernelFile>()
        .ok_or_else(|| format!("{descriptor:?} is no descriptor of this host"))?
        .open()
}

/// Both ends of a pipe. No child inherits them unless it is told to.
pub(super) fn pipe() -> Result<(OwnedFd, OwnedFd), String> {
    nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(|errno| format!("Failed to make a pipe: {errno}"))
}

/// Opens a file for writing to its end; it is created if need be.
pub(super) fn append(path: &Path) -> Result<OwnedFd, String> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o644)
        .open(path)
        .map(OwnedFd::from)
        .map_err(|error| format!("Failed to open '{}': {error}", path.display()))
}

impl KernelFile {
    fn open(&self) -> Result<Arc<Open>, String> {
        self.0.lock().clone().ok_or_else(|| format!("{}: the descriptor is closed", Errno::EBADF))
    }

    fn when_possible<T: Value>(
        &self,
        interest: Interest,
        attempt: impl Fn(&OwnedFd) -> nix::Result<T> + Send + 'static,
    ) -> Future<T> {
        match self.open() {
            Ok(open) => open.when_possible(interest, attempt),
            Err(error) => Future::failed(error),
        }
    }
}

impl File for KernelFile {
    fn number(&self) -> Option<i32> {
        self.0.lock().as_ref().map(|open| open.fd.as_raw_fd())
    }

    fn read(&self, limit: usize) -> Future<Bytes> {
        self.when_possible(Interest::Read, move |fd| {
            let mut buffer = vec![0; limit];
            let length = nix::unistd::read(fd, &mut buffer)?;
            buffer.truncate(length);
            // Small pieces may be kept for long: not with the whole buffer behind them.
            buffer.shrink_to_fit();
            Ok(Bytes::from(buffer))
        })
    }

    fn write(&self, data: Bytes) -> Future<usize> {
        self.when_possible(Interest::Write, move |fd| nix::unistd::write(fd, &data))
    }

    fn duplicate(&self) -> Result<Arc<dyn File>, String> {
        // The kernel's descriptor is the same; it is closed when both are.
        Ok(Arc::new(KernelFile(Mutex::new(Some(self.open()?)))))
    }

    fn close(&self) {
        let open = self.0.lock().take();
        drop(open);
    }
}

impl Open {
    /// Tries at once, then each time the kernel says that it may be possible.
    fn when_possible<T: Value>(
        self: Arc<Self>,
        interest: Interest,
        attempt: impl Fn(&OwnedFd) -> nix::Result<T> + Send + 'static,
    ) -> Future<T> {
        if let Err(errno) = self.make_non_blocking() {
            return Future::failed(errno.to_string());
        }
        match retried(&self.fd, &attempt) {
            Ok(value) => return Future::ready(value),
            Err(Errno::EAGAIN) => {}
            Err(errno) => return Future::failed(errno.to_string()),
        }
        let readiness = match self.readiness(interest) {
            Ok(readiness) => readiness,
            Err(error) => return Future::failed(describe(&error)),
        };
        let promise = Promise::new();
        let future = promise.future();
        let discarded = Arc::new(Notify::new());
        let discard = Arc::clone(&discarded);
        future.on_discard(move || discard.notify_one());
        io().spawn(async move {
            loop {
                let ready = tokio::select! {
                    () = discarded.notified() => return promise.discard(),
                    ready = readiness.ready() => ready,
                };
                let result =
                    ready.and_then(|()| readiness.attempt(|| Ok(retried(&self.fd, &attempt)?)));
                match result {
                    Ok(value) => return promise.set(value),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => return promise.fail(describe(&error)),
                }
            }
        });
        future
    }

    /// What the descriptor leads to is not waited for from now on, by anybody who shares it.
    fn make_non_blocking(&self) -> nix::Result<()> {
        let flags = OFlag::from_bits_retain(fcntl(&self.fd, FcntlArg::F_GETFL)?);
        if !flags.contains(OFlag::O_NONBLOCK) {
            fcntl(&self.fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        }
        Ok(())
    }

    fn readiness(&self, interest: Interest) -> std::io::Result<Arc<Readiness>> {
        let mut readiness = match interest {
            Interest::Read => self.readable.lock(),
            Interest::Write => self.writable.lock(),
        };
        if let Some(readiness) = &*readiness {
            return Ok(Arc::clone(readiness));
        }
        let registered = Arc::new(Readiness::of(&self.fd, interest)?);
        Ok(Arc::clone(readiness.insert(registered)))
    }
}

/// A signal is no reason to give up.
fn retried<T>(fd: &OwnedFd, attempt: &impl Fn(&OwnedFd) -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match attempt(fd) {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
}

/// As the attempts that did not have to wait describe it.
fn describe(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(errno) => Errno::from_raw(errno).to_string(),
        None => error.to_string(),
    }
}
