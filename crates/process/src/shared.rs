//! `Shared`: a value for many readers, which one of them may own when all others are gone.
//!
//! Mirrors `3rdparty/libprocess/include/process/shared.hpp`. Where [`Shared::own`] is not needed,
//! a plain `Arc` is the translation; an empty `Shared` is an `Option`.

use crate::future::{Future, Promise};
use crate::owned::Owned;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A handle for reading a value.
#[doc(alias = "process::Shared")]
pub struct Shared<T: Send + Sync + 'static>(Arc<Data<T>>);

struct Data<T: Send + Sync + 'static> {
    /// There until this is dropped.
    value: Option<T>,
    /// Somebody waits to become the owner.
    owned: AtomicBool,
    promise: Promise<Owned<T>>,
}

impl<T: Send + Sync + 'static> Drop for Data<T> {
    fn drop(&mut self) {
        if *self.owned.get_mut()
            && let Some(value) = self.value.take()
        {
            self.promise.set(Owned::new(value));
        }
    }
}

impl<T: Send + Sync + 'static> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Shared(Arc::clone(&self.0))
    }
}

/// Equal when they are handles to the same value.
impl<T: Send + Sync + 'static> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T: Send + Sync + 'static> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.value.as_ref().expect("the value is taken only when the last handle is gone")
    }
}

impl<T: Send + Sync + 'static> Shared<T> {
    /// Shares `value`.
    pub fn new(value: T) -> Self {
        Shared(Arc::new(Data {
            value: Some(value),
            owned: AtomicBool::new(false),
            promise: Promise::new(),
        }))
    }

    /// Whether this is the only handle.
    #[doc(alias = "Shared::unique")]
    pub fn is_unique(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// Gives this handle up; ready with the value once all other handles are gone too. Fails when
    /// another handle was given up in this way before.
    #[doc(alias = "Shared::own")]
    pub fn own(self) -> Future<Owned<T>> {
        if self.0.owned.swap(true, Ordering::AcqRel) {
            return Future::failed("Ownership has already been transferred");
        }
        self.0.promise.future()
    }
}
