//! The twins of `3rdparty/libprocess/src/tests/owned_tests.cpp`, each named after its original.

use process::Owned;

#[test]
fn access() {
    let owned = Owned::new(42);
    assert_eq!(owned.with(|value| *value), Some(42));
    owned.with(|value| *value = 10);
    assert_eq!(owned.with(|value| *value), Some(10));
}

/// There is no empty `Owned`, but one whose value somebody has taken.
#[test]
fn null() {
    let owned = Owned::new(42);
    let other = owned.clone();
    assert_eq!(owned.release(), Some(42));
    assert!(owned.is_null() && other.is_null());
    assert_eq!(other.release(), None);
    assert_eq!(other.with(|_| ()), None);
}

#[test]
fn share() {
    let owned = Owned::new(42);
    let shared = owned.share().unwrap();
    assert!(owned.is_null());
    assert!(owned.share().is_none());
    assert!(shared.is_unique());
    assert_eq!(*shared, 42);
    {
        let shared2 = shared.clone();
        assert_eq!(*shared2, 42);
        assert!(!shared.is_unique() && !shared2.is_unique());
    }
    assert!(shared.is_unique());
}

#[test]
fn release() {
    let owned = Owned::new(Box::new(42));
    assert_eq!(owned.release(), Some(Box::new(42)));
    assert!(owned.is_null());
}
