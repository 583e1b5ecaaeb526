//! What happens when something that a Docker suite needs is missing: skip, or fail.

use std::io::Write;

use crate::engine::Engine;

/// When this variable is `1`, a missing Engine or program fails a test instead of skipping it.
/// `make test-docker` sets it.
pub const REQUIRE_VARIABLE: &str = "DRYDOCK_REQUIRE_DOCKER";

/// The Docker Engine at `DOCKER_HOST`, or at the default socket.
///
/// When none answers: `None`, after printing `skipped: no Docker Engine at ...`, so that a test
/// begins with `let Some(engine) = require_engine() else { return };`.
///
/// # Panics
///
/// When none answers and `DRYDOCK_REQUIRE_DOCKER=1`.
pub fn require_engine() -> Option<Engine> {
    match Engine::detect() {
        Ok(engine) => Some(engine),
        Err(error) => skip(&error),
    }
}

/// Skips the calling test: prints `skipped: REASON (TEST)` and returns `None`.
///
/// The line goes to the standard error itself, past the test harness, which would hide it.
///
/// # Panics
///
/// When `DRYDOCK_REQUIRE_DOCKER=1`.
pub fn skip<T>(reason: &dyn std::fmt::Display) -> Option<T> {
    assert!(
        std::env::var_os(REQUIRE_VARIABLE).is_none_or(|value| value != "1"),
        "{reason}\n{REQUIRE_VARIABLE}=1 forbids to skip; \
         run tests/docker-setup as root, which installs and starts what is missing"
    );
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("unnamed test");
    // In one piece: tests/tally counts these lines, and other tests write at the same time. Nobody
    // is left to be told when the standard error is closed.
    let _ = std::io::stderr().write_all(format!("skipped: {reason} ({test})\n").as_bytes());
    None
}
