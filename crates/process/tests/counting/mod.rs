//! Counted allocations, for tests that look for what stays behind.
#![allow(dead_code)] // Each test file uses its own part.

use process::{Future, Promise};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts, for each thread, how many blocks it has allocated and not freed.
struct Counting;

thread_local! {
    /// Blocks that this thread has allocated and not freed.
    pub static BLOCKS: Cell<isize> = const { Cell::new(0) };
    /// How often this thread has allocated.
    pub static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count(change: isize) {
    // A thread that ends frees its last blocks when its counter is gone already.
    let _ = BLOCKS.try_with(|blocks| blocks.set(blocks.get() + change));
}

// SAFETY: everything is passed on to the system's allocator unchanged; the counter is a plain
// thread-local without a destructor, so counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1);
        let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-1);
        // SAFETY: `block` came from `alloc` above, hence from `System`, with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How long a chain of futures is, or how many there are side by side.
pub const LENGTH: usize = 100_000;

/// Runs `f` on a thread with the stack Rust gives threads, and checks that no block stays behind.
pub fn leaves_nothing(f: impl FnOnce() + Send + 'static) {
    let run = move || {
        // What the thread allocates once, it allocates now: nothing here is about that.
        drop(Future::ready(1).then(|_| Promise::<u32>::new().future()));
        let before = BLOCKS.get();
        f();
        assert_eq!(BLOCKS.get() - before, 0, "blocks left behind");
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap();
    thread.join().unwrap();
}
