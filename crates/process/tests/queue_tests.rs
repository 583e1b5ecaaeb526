//! The twins of `3rdparty/libprocess/src/tests/queue_tests.cpp`, each named after its original.

use process::Queue;

#[test]
fn block() {
    let queue = Queue::new();
    let get = queue.get();
    assert!(get.is_pending());
    queue.put("hello world");
    assert_eq!(get.get(), Some(&"hello world"));
}

#[test]
fn noblock() {
    let queue = Queue::new();
    queue.put("world hello");
    assert_eq!(queue.size(), 1);
    assert_eq!(queue.get().get(), Some(&"world hello"));
    assert_eq!(queue.size(), 0);
}

#[test]
fn queue() {
    let queue = Queue::new();
    let gets = [queue.get(), queue.get(), queue.get()];
    let words = ["hello", "pretty", "world"];
    for (put, word) in words.iter().enumerate() {
        assert!(gets[..put].iter().all(|get| get.is_ready()));
        assert!(gets[put..].iter().all(|get| get.is_pending()));
        queue.put(*word);
    }
    assert_eq!(gets.map(|get| *get.get().unwrap()), words);
}

#[test]
fn discard() {
    let queue = Queue::new();
    let (get1, get2) = (queue.get(), queue.get());
    assert!(get1.is_pending() && get2.is_pending());

    // A callback may use the queue: upstream hangs here.
    let again = queue.clone();
    get1.on_discarded(move || assert_eq!(again.size(), 0));
    get1.discard();
    assert!(get1.is_discarded());
    queue.put("hello");
    assert_eq!(get2.get(), Some(&"hello"));
}
