//! `Owned`: what it becomes in Rust, and the one use that needs a type.
//!
//! Mirrors `3rdparty/libprocess/include/process/owned.hpp`.
//!
//! | C++ | here |
//! |---|---|
//! | `Owned<T>` with one owner | `T`, or `Box<T>` where the type is behind a trait |
//! | `Owned<T>` that is copied (upstream's is a `shared_ptr` in disguise) | `Arc<T>` |
//! | an empty `Owned<T>` | `Option` |
//! | `Owned<T>` as a future's value, `Owned::share`, `Owned::release` | [`Owned`] |

use crate::shared::Shared;
use parking_lot::Mutex;
use std::sync::Arc;

/// A value that exactly one of the holders of a future may take over.
///
/// Futures hand copies of their value to many callbacks; copies of this one are handles to the
/// same place, and the first who [releases](Owned::release) it has it.
#[doc(alias = "process::Owned")]
pub struct Owned<T>(Arc<Mutex<Option<T>>>);

impl<T> Clone for Owned<T> {
    fn clone(&self) -> Self {
        Owned(Arc::clone(&self.0))
    }
}

/// Equal when they are handles to the same value.
impl<T> PartialEq for Owned<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> std::fmt::Debug for Owned<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_null() { "Owned(null)" } else { "Owned" })
    }
}

impl<T> Owned<T> {
    /// Takes `value` over.
    pub fn new(value: T) -> Self {
        Owned(Arc::new(Mutex::new(Some(value))))
    }

    /// Whether somebody has taken the value.
    pub fn is_null(&self) -> bool {
        self.0.lock().is_none()
    }

    /// Works on the value in its place; `None` when somebody has taken it. The value is locked
    /// meanwhile.
    pub fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.0.lock().as_mut().map(f)
    }

    /// Takes the value out; `None` when somebody has before.
    #[doc(alias = "Owned::release")]
    pub fn release(&self) -> Option<T> {
        self.0.lock().take()
    }
}

impl<T: Send + Sync + 'static> Owned<T> {
    /// Takes the value out, to be read by many; `None` when somebody has taken it before.
    #[doc(alias = "Owned::share")]
    pub fn share(&self) -> Option<Shared<T>> {
        self.release().map(Shared::new)
    }
}
