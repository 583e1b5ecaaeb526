//! The twins of `3rdparty/libprocess/src/tests/shared_tests.cpp`, each named after its original.
//! `Null` has none: an empty `Shared` is an `Option` here.

use process::Shared;

/// That a `Shared` cannot be written through is checked by the compiler.
#[test]
fn const_access() {
    let shared = Shared::new(10);
    assert_eq!(*shared, 10);
}

#[test]
fn reset() {
    let shared = Shared::new(42);
    let shared2 = shared.clone();
    assert!(!shared.is_unique() && !shared2.is_unique());
    assert!(shared == shared2);
    drop(shared);
    assert!(shared2.is_unique());
    assert_eq!(*shared2, 42);
}

/// Ready when the last handle is gone, for the first who asked.
#[test]
fn own() {
    let shared = Shared::new(42);
    let shared2 = shared.clone();
    let shared3 = shared.clone();
    let future = shared2.own();
    let refused = shared3.own();
    assert_eq!(refused.failure(), Some("Ownership has already been transferred"));
    assert!(future.is_pending());
    drop(shared);
    let owned = future.get().unwrap();
    assert_eq!(owned.with(|value| *value), Some(42));
    assert_eq!(owned.release(), Some(42));
}

/// Dropped without an owner, the value is dropped.
#[test]
fn dropped_with_the_last_handle() {
    let value = std::sync::Arc::new(());
    let shared = Shared::new(std::sync::Arc::clone(&value));
    drop(shared.clone());
    drop(shared);
    assert_eq!(std::sync::Arc::strong_count(&value), 1);
}
