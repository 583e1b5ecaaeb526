//! The twins of `3rdparty/libprocess/src/tests/mutex_tests.cpp`, each named after its original.

use process::Mutex;

#[test]
fn lock() {
    let mutex = Mutex::new();
    assert!(mutex.lock().is_ready());
    mutex.unlock();
    assert!(mutex.lock().is_ready());
}

#[test]
fn block() {
    let mutex = Mutex::new();
    assert!(mutex.lock().is_ready());
    let locked = mutex.lock();
    assert!(locked.is_pending());
    mutex.unlock();
    assert!(locked.is_ready());
}

#[test]
fn queue() {
    let mutex = Mutex::new();
    assert!(mutex.lock().is_ready());
    let (locked1, locked2) = (mutex.lock(), mutex.lock());
    assert!(locked1.is_pending() && locked2.is_pending());
    mutex.unlock();
    assert!(locked1.is_ready() && locked2.is_pending());
    mutex.unlock();
    assert!(locked2.is_ready());
}
