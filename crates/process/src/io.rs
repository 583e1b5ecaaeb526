//! `io`: reading and writing open files without waiting for them.
//!
//! Mirrors `3rdparty/libprocess/include/process/io.hpp` and `src/io.cpp`. What an open file is
//! depends on the host: live it is a descriptor of the kernel, in the simulator a pipe or a file in
//! memory. Both are a [`File`]; the functions here are the same for both.

use crate::future::{Future, Nothing};
use crate::loop_::loop_here;
use bytes::Bytes;
use std::any::Any;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

/// How much [`read`] asks for at once, in bytes.
#[doc(alias = "io::BUFFERED_READ_SIZE")]
pub const BUFFERED_READ_SIZE: usize = 16 * 4096;

/// How much [`redirect`] takes at once unless told otherwise, in bytes: upstream's default.
pub const REDIRECT_CHUNK: usize = 4096;

/// An open file of some host: a file, a pipe's end, a socket. The last one to let go closes it.
pub trait File: Any + fmt::Debug + Send + Sync {
    /// Its number, by which a child that inherits it knows it; `None` once it is closed.
    fn number(&self) -> Option<i32>;

    /// Up to `limit` bytes, as soon as there are some; none at the end of the file. Discarding
    /// the future gives up without having taken anything.
    fn read(&self, limit: usize) -> Future<Bytes>;

    /// Writes the beginning of `data`, as soon as some of it can be written, and says how much.
    fn write(&self, data: Bytes) -> Future<usize>;

    /// Another descriptor of the same open file, to be closed on its own.
    fn duplicate(&self) -> Result<Arc<dyn File>, String>;

    /// Closes it for all who share this descriptor. Reads and writes that have begun go on.
    fn close(&self);
}

/// A handle to an open file: upstream's `int_fd`. Clones share one descriptor, which is closed by
/// [`close`](Self::close) or when the last of them is dropped.
#[doc(alias = "int_fd")]
#[derive(Clone)]
// differs: no number that could be closed twice; and it is made non-blocking when it is first read
// or written, so there is no `prepare_async` that could be forgotten.
pub struct Descriptor(Arc<dyn File>);

impl Descriptor {
    /// A handle to `file`.
    pub fn new(file: Arc<dyn File>) -> Self {
        Descriptor(file)
    }

    /// The open file, for the host that made it.
    pub fn file(&self) -> &dyn Any {
        &*self.0
    }

    /// Its number, by which a child that inherits it knows it; `None` once it is closed.
    pub fn number(&self) -> Option<i32> {
        self.0.number()
    }

    /// Another descriptor of the same open file, to be closed on its own. Fails when this one is
    /// closed.
    #[doc(alias = "os::dup")]
    pub fn duplicate(&self) -> Result<Self, String> {
        self.0.duplicate().map(Descriptor)
    }

    /// Closes the descriptor for all who share it; a second time does nothing. Reads and writes
    /// that have begun go on.
    #[doc(alias = "os::close")]
    pub fn close(&self) {
        self.0.close();
    }
}

/// Two handles are equal when they share one descriptor.
impl PartialEq for Descriptor {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Descriptor {}

impl fmt::Debug for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Up to `limit` bytes, as soon as there are some; none at the end of the file, or for a `limit`
/// of 0. Fails when the descriptor is closed or cannot be read.
#[doc(alias = "io::read")]
pub fn read_some(from: &Descriptor, limit: usize) -> Future<Bytes> {
    if limit == 0 {
        return Future::ready(Bytes::new());
    }
    from.0.read(limit)
}

/// Everything up to the end of the file: for a pipe, until nobody can write into it any more.
/// Reads from a descriptor of its own, so that closing `from` does not end it.
#[doc(alias = "io::read")]
pub fn read(from: &Descriptor) -> Future<Bytes> {
    let from = match from.duplicate() {
        Ok(from) => from,
        Err(error) => return Future::failed(error),
    };
    let (source, mut buffer) = (from.clone(), Vec::new());
    let whole = loop_here(
        move || read_some(&source, BUFFERED_READ_SIZE),
        move |data: &Bytes| {
            if data.is_empty() {
                let whole = Bytes::from(std::mem::take(&mut buffer));
                return Future::ready(ControlFlow::Break(whole));
            }
            buffer.extend_from_slice(data);
            Future::ready(ControlFlow::Continue(()))
        },
    );
    whole.on_any(move |_| from.close());
    whole
}

/// Writes the beginning of `data`, as soon as some of it can be written, and says how much. Fails
/// when the descriptor is closed, or nobody can read what is written.
#[doc(alias = "io::write")]
pub fn write_some(to: &Descriptor, data: Bytes) -> Future<usize> {
    if data.is_empty() {
        return Future::ready(0);
    }
    to.0.write(data)
}

/// Writes all of `data`, however long the reader takes. Writes to a descriptor of its own, so that
/// closing `to` does not end it.
#[doc(alias = "io::write")]
pub fn write(to: &Descriptor, data: impl Into<Bytes>) -> Future<Nothing> {
    let to = match to.duplicate() {
        Ok(to) => to,
        Err(error) => return Future::failed(error),
    };
    let written = write_all(&to, data.into());
    written.on_any(move |_| to.close());
    written
}

fn write_all(to: &Descriptor, data: Bytes) -> Future<Nothing> {
    // What is left is known to both steps: the one writes it, the other sees how much was taken.
    let left = Arc::new(parking_lot::Mutex::new(data));
    let (to, rest) = (to.clone(), Arc::clone(&left));
    loop_here(
        move || {
            let data = rest.lock().clone();
            write_some(&to, data)
        },
        move |length: &usize| {
            let mut left = left.lock();
            let taken = (*length).min(left.len());
            let _ = left.split_to(taken);
            let done = left.is_empty();
            Future::ready(if done {
                ControlFlow::Break(Nothing)
            } else {
                ControlFlow::Continue(())
            })
        },
    )
}

/// Sees what a [`redirect`] passes on, before it is passed on.
pub type RedirectHook = Box<dyn FnMut(&[u8]) + Send>;

/// Passes on what `from` has to `to`, or drops it when there is no `to`, until `from` ends; in
/// pieces of up to `chunk` bytes, each shown to `hooks` first. Works on descriptors of its own, so
/// that closing `from` and `to` does not end it. Fails when either of them cannot be used.
#[doc(alias = "io::redirect")]
pub fn redirect(
    from: &Descriptor,
    to: Option<&Descriptor>,
    chunk: usize,
    mut hooks: Vec<RedirectHook>,
) -> Future<Nothing> {
    let own = from.duplicate().and_then(|from| {
        let to = to.map(Descriptor::duplicate).transpose()?;
        Ok((from, to))
    });
    let (from, to) = match own {
        Ok(own) => own,
        Err(error) => return Future::failed(error),
    };
    let (source, target) = (from.clone(), to.clone());
    let redirected = loop_here(
        move || read_some(&source, chunk.max(1)),
        move |data: &Bytes| {
            if data.is_empty() {
                return Future::ready(ControlFlow::Break(Nothing));
            }
            for hook in &mut hooks {
                hook(data);
            }
            match &target {
                // differs: upstream writes to /dev/null.
                None => Future::ready(ControlFlow::Continue(())),
                Some(target) => write_all(target, data.clone()).map(|_| ControlFlow::Continue(())),
            }
        },
    );
    redirected.on_any(move |_| {
        from.close();
        if let Some(to) = to {
            to.close();
        }
    });
    redirected
}
