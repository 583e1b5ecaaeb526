//! Futures that somebody waits for: at the end of a run none may be pending or abandoned.

use crate::oracle::Violation;
use parking_lot::Mutex;
use process::Future;
use process::future::Value;
use std::sync::Arc;

type Look = Box<dyn Fn() -> Option<String> + Send>;

#[derive(Default)]
struct Entries {
    futures: Vec<(&'static str, Look)>,
    launched: bool,
}

/// The futures that a client of the containerizer has been given.
#[derive(Clone, Default)]
pub struct Watched(Arc<Mutex<Entries>>);

impl Watched {
    /// Watches the future of an operation of this name.
    pub fn add<T: Value>(&self, operation: &'static str, future: &Future<T>) {
        let future = future.clone();
        let look = move || future.is_pending().then(|| future.to_string());
        self.0.lock().futures.push((operation, Box::new(look)));
    }

    /// Notes that the launch ended well.
    pub fn launched(&self) {
        self.0.lock().launched = true;
    }

    /// Whether the launch ended well.
    pub fn has_launched(&self) -> bool {
        self.0.lock().launched
    }

    /// Reports futures that are pending or abandoned (which is pending for ever).
    pub fn check(&self, violations: &mut Vec<Violation>) {
        for (operation, look) in &self.0.lock().futures {
            if let Some(state) = look() {
                violations.push(Violation::new(
                    "I-FUT",
                    format!("{operation} {}", state.to_lowercase()),
                    format!(
                        "the future of a {operation} is still {}: nothing is left that could \
                             complete it",
                        state.to_lowercase()
                    ),
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use process::Promise;

    #[test]
    fn what_is_pending_or_abandoned_is_i_fut_and_nothing_else() {
        let watched = Watched::default();
        let pending = Promise::<u8>::new();
        watched.add("pending", &pending.future());
        watched.add("abandoned", &Promise::<u8>::new().future());
        watched.add("ready", &Future::ready(1));
        watched.add("failed", &Future::<u8>::failed("no"));
        let mut violations = Vec::new();
        watched.check(&mut violations);
        let signatures: Vec<_> = violations.iter().map(Violation::signature).collect();
        assert_eq!(signatures, ["I-FUT: pending pending", "I-FUT: abandoned abandoned"]);
    }
}
