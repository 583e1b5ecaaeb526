//! The twins of `3rdparty/libprocess/src/tests/count_down_latch_tests.cpp`, each named after its
//! original.

use process::CountDownLatch;

#[test]
fn triggered() {
    let latch = CountDownLatch::new(5);
    let triggered = latch.triggered();
    for _ in 0..5 {
        assert!(triggered.is_pending());
        latch.decrement();
    }
    assert!(triggered.is_ready());
    latch.decrement();
}

#[test]
fn threads() {
    let latch = CountDownLatch::new(5);
    std::thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| latch.decrement());
        }
    });
    assert!(latch.triggered().is_ready());
}
