//! Over a daemon that answers as a test says, and a clock that it moves.

mod create;
mod effects;
mod pull;

use super::Guarded;
use crate::scripted::World;
use crate::{Api, ApiError, Container, ErrorKind, Limits};
use std::sync::Arc;

/// Every kind of error after which the outcome of a request is unknown.
const UNKNOWN: [ErrorKind; 5] = [
    ErrorKind::Timeout,
    ErrorKind::Broken,
    ErrorKind::Malformed,
    ErrorKind::Status(502),
    ErrorKind::Status(504),
];

struct Stage {
    world: World,
    guarded: Guarded,
    limits: Limits,
}

impl Stage {
    fn new() -> Self {
        let (world, limits) = (World::new(), Limits::default());
        let guarded = Guarded::new(Arc::clone(&world.script) as Arc<dyn Api>, limits.clone());
        Stage { world, guarded, limits }
    }

    /// Lets the next look come.
    fn next_look(&self) {
        self.world.advance(self.limits.look_interval.as_millis() as u64);
    }

    fn look(&self, found: Result<Container, ApiError>) {
        self.world.script.answer("inspect c", found);
    }

    fn finds_nothing(&self) {
        self.look(Err(ApiError::status(404, "No such container: c")));
    }

    fn nothing_left(&self) {
        assert!(self.world.script.open().is_empty(), "{:?}", self.world.script.open());
        assert!(!self.world.timers_left());
    }
}

fn error(kind: ErrorKind) -> ApiError {
    ApiError { kind, message: "no answer".to_owned() }
}

/// Not running, and never has.
fn created() -> Container {
    Container { id: "id".to_owned(), ..Container::default() }
}

fn running() -> Container {
    Container { pid: Some(7), started: true, ..created() }
}

fn exited() -> Container {
    Container { started: true, ..created() }
}
