//! The end of what the live runtime runs: all processes and timers.
//!
//! Mirrors `process::finalize`, `ProcessManager::finalize` and `Clock::finalize` in
//! `3rdparty/libprocess/src/{process,clock}.cpp`.

use super::current::{self, Place};
use super::{clock, network, registry};

// differs: upstream joins its threads and starts new ones when it is initialized again. Here they
// stay, at rest, and the next process runs on them.
pub(crate) fn finalize() {
    let place = current::place();
    assert!(place == Place::Outside, "to finalize in {place:?} would wait for its own end");

    // What ends may wait for time to pass.
    clock::resume();
    network::stop_listening();

    // One after the other, since the end of one may bring about that of others.
    let closed = registry::close();
    while let Some((number, process)) = registry::newest() {
        process.terminate();
        drop(process);
        registry::wait_for_end(number);
    }
    drop(closed);

    drop(clock::take_timers());
    network::finalize();
}
