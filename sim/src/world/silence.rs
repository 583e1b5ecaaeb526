//! Keeps panics of simulated actors off the terminal: they are caught and reported as I-CRASH.

use std::cell::Cell;
use std::sync::Once;

thread_local! {
    static SILENT: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Until it is dropped, panics on this thread are not printed.
pub(super) struct Silenced {
    before: bool,
}

/// Silences this thread. Panics of other threads are printed as before.
pub(super) fn panics() -> Silenced {
    HOOK.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // While a thread ends its flag may be gone; then it is not in a run either.
            if !SILENT.try_with(Cell::get).unwrap_or(false) {
                print(panic);
            }
        }));
    });
    Silenced { before: SILENT.replace(true) }
}

impl Drop for Silenced {
    fn drop(&mut self) {
        SILENT.set(self.before);
    }
}
