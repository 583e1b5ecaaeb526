//! The twins of `3rdparty/libprocess/src/tests/rwlock_tests.cpp`, each named after its original.

use process::{Future, Nothing, ReadWriteLock};

#[test]
fn lock_when_unlocked() {
    let lock = ReadWriteLock::new();
    assert!(lock.write_lock().is_ready());
    lock.write_unlock();
    assert!(lock.read_lock().is_ready());
    lock.read_unlock();
    assert!(lock.write_lock().is_ready());
    lock.write_unlock();
}

#[test]
fn block_reads() {
    let lock = ReadWriteLock::new();
    assert!(lock.write_lock().is_ready());
    let read = lock.read_lock();
    assert!(read.is_pending());
    lock.write_unlock();
    assert!(read.is_ready());
    lock.read_unlock();
}

#[test]
fn block_writes() {
    let lock = ReadWriteLock::new();
    assert!(lock.write_lock().is_ready());
    let write = lock.write_lock();
    assert!(write.is_pending());
    lock.write_unlock();
    assert!(write.is_ready());
    lock.write_unlock();

    assert!(lock.read_lock().is_ready());
    let write = lock.write_lock();
    assert!(write.is_pending());
    lock.read_unlock();
    assert!(write.is_ready());
    lock.write_unlock();
}

#[test]
fn concurrent_reads() {
    let lock = ReadWriteLock::new();
    assert!((0..3).all(|_| lock.read_lock().is_ready()));
    let write = lock.write_lock();
    for _ in 0..3 {
        assert!(write.is_pending());
        lock.read_unlock();
    }
    assert!(write.is_ready());
    lock.write_unlock();
}

/// Readers run in groups and do not overtake a writer.
#[test]
fn no_starvation() {
    let lock = ReadWriteLock::new();
    assert!(lock.read_lock().is_ready());
    let waiters = [
        lock.write_lock(),
        lock.read_lock(),
        lock.read_lock(),
        lock.write_lock(),
        lock.read_lock(),
        lock.read_lock(),
    ];
    let ready = || waiters.iter().filter(|waiter: &&Future<Nothing>| waiter.is_ready()).count();
    let in_order = || waiters.iter().map(Future::is_ready).is_sorted_by(|a, b| a >= b);

    assert_eq!(ready(), 0);
    lock.read_unlock();
    assert_eq!(ready(), 1);
    lock.write_unlock();
    assert_eq!(ready(), 3);
    lock.read_unlock();
    assert_eq!(ready(), 3);
    lock.read_unlock();
    assert_eq!(ready(), 4);
    assert!(in_order());
    lock.write_unlock();
    assert_eq!(ready(), 6);
    lock.read_unlock();
    lock.read_unlock();
    assert!(lock.write_lock().is_ready());
}
