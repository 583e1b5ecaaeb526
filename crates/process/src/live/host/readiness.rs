//! Waiting until a descriptor can be read or written.
//!
//! Tokio's way for any descriptor, `AsyncFd`, is `unsafe`. Its pipes own what they wait for, so
//! they are not; and that they do not check whether it is a pipe is what serves here.

use crate::live::io;
use std::io::Result;
use std::os::fd::{AsFd, OwnedFd};
use tokio::net::unix::pipe::{Receiver, Sender};

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interest {
    Read,
    Write,
}

/// The registration of a descriptor with the runtime for input and output.
pub(super) enum Readiness {
    Read(Receiver),
    Write(Sender),
}

impl Readiness {
    /// Registers a descriptor of its own for the same open file.
    pub(super) fn of(fd: impl AsFd, interest: Interest) -> Result<Self> {
        let own: OwnedFd = fd.as_fd().try_clone_to_owned()?;
        let _entered = io().enter();
        Ok(match interest {
            Interest::Read => Readiness::Read(Receiver::from_owned_fd_unchecked(own)?),
            Interest::Write => Readiness::Write(Sender::from_owned_fd_unchecked(own)?),
        })
    }

    /// Waits until an attempt is worth while.
    pub(super) async fn ready(&self) -> Result<()> {
        match self {
            Readiness::Read(receiver) => receiver.readable().await,
            Readiness::Write(sender) => sender.writable().await,
        }
    }

    /// Makes an attempt, unless it is known to be in vain. One that would have to wait shows that
    /// the descriptor is not ready after all.
    pub(super) fn attempt<T>(&self, attempt: impl FnOnce() -> Result<T>) -> Result<T> {
        match self {
            Readiness::Read(receiver) => receiver.try_io(attempt),
            Readiness::Write(sender) => sender.try_io(attempt),
        }
    }
}
