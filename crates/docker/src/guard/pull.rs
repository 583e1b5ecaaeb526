//! Pulls that stall: as long as something moves they may take as long as they need.

use super::{Guarded, Op};
use crate::{
    Answer, ApiError, Credentials, ErrorKind, LayerPhase, PullEvent, PullLimits, PullProgress,
    PullState,
};
use parking_lot::Mutex;
use process::{Nothing, Time, clock};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A pull, watched.
struct Watch {
    reference: String,
    limits: PullLimits,
    seen: Mutex<Seen>,
}

struct Seen {
    state: PullState,
    start: Time,
    /// When anything moved last.
    moved: Time,
    /// When a layer moved last, for those that something is being done about.
    layers: BTreeMap<String, Time>,
    /// When a timer fires next.
    armed: Time,
}

pub(super) fn pull(
    guard: &Guarded,
    reference: &str,
    credentials: Option<&Credentials>,
    progress: Option<PullEvent>,
) -> Answer<Nothing> {
    let operation = Op::new();
    let now = clock::now();
    let limits = guard.limits.pull.clone();
    let armed = now + limits.waiting.min(limits.total);
    let seen = Seen {
        state: PullState::default(),
        start: now,
        moved: now,
        layers: BTreeMap::new(),
        armed,
    };
    let (reference, seen) = (reference.to_owned(), Mutex::new(seen));
    let watch = Arc::new(Watch { reference, limits, seen });
    let follow: PullEvent = {
        let (operation, watch) = (Arc::clone(&operation), Arc::clone(&watch));
        Arc::new(move |line| {
            watch.note(&operation, &line);
            if let Some(progress) = &progress {
                progress(line);
            }
        })
    };
    watch.arm(&operation, armed - now);
    operation.request(
        || guard.api.pull_image_as(&watch.reference, credentials, Some(follow)),
        |operation, answer| operation.set(answer),
    );
    operation.future()
}

impl Watch {
    fn note(self: &Arc<Self>, operation: &Arc<Op<Nothing>>, line: &PullProgress) {
        let now = clock::now();
        let earlier = {
            let mut seen = self.seen.lock();
            let Some(layer) = seen.state.note(line) else { return };
            seen.moved = now;
            if let Some(layer) = layer {
                seen.layers.insert(layer, now);
            }
            let (deadline, _) = seen.deadline(&self.limits);
            let earlier = deadline < seen.armed;
            if earlier {
                seen.armed = deadline;
            }
            earlier.then(|| deadline - now)
        };
        if let Some(duration) = earlier {
            self.arm(operation, duration);
        }
    }

    fn arm(self: &Arc<Self>, operation: &Arc<Op<Nothing>>, duration: Duration) {
        let watch = Arc::clone(self);
        operation.after(duration, move |operation| watch.check(operation));
    }

    /// The time may be up, unless something has moved since the timer was set.
    fn check(self: &Arc<Self>, operation: &Arc<Op<Nothing>>) {
        let now = clock::now();
        let (verdict, again) = {
            let mut seen = self.seen.lock();
            let (deadline, why) = seen.deadline(&self.limits);
            if deadline <= now {
                (Some(self.stalled(&seen, &why)), None)
            } else if seen.armed <= now {
                seen.armed = deadline;
                (None, Some(deadline - now))
            } else {
                (None, None)
            }
        };
        if let Some(error) = verdict {
            // The request first: whoever is told finds the pull among those that linger.
            operation.give_up(Err(error));
        } else if let Some(duration) = again {
            self.arm(operation, duration);
        }
    }

    fn stalled(&self, seen: &Seen, why: &Why<'_>) -> ApiError {
        let limits = &self.limits;
        let stalled =
            |limit: Duration| format!("has stalled: no progress for {} s", limit.as_secs());
        let why = match why {
            Why::Total => format!("has taken longer than {} s", limits.total.as_secs()),
            Why::Idle => format!("{}, no layer is at work", stalled(limits.waiting)),
            Why::Layer { id, doing, limit } => format!("{} in {doing} layer {id}", stalled(*limit)),
        };
        let message = format!("The pull of '{}' {why} ({})", self.reference, seen.state);
        ApiError { kind: ErrorKind::Timeout, message }
    }
}

/// Which limit it is that passes.
enum Why<'a> {
    Total,
    Idle,
    Layer { id: &'a str, doing: &'static str, limit: Duration },
}

impl Seen {
    /// When the pull has stalled unless something moves until then.
    fn deadline(&self, limits: &PullLimits) -> (Time, Why<'_>) {
        let mut earliest = (self.start + limits.total, Why::Total);
        let mut busy = false;
        for (id, moved) in &self.layers {
            let phase = self.state.layers().get(id).map(|layer| layer.phase);
            let (limit, doing) = match phase {
                Some(LayerPhase::Downloading) => (limits.downloading, "downloading"),
                Some(LayerPhase::Verifying) => (limits.verifying, "verifying"),
                Some(LayerPhase::Extracting) => (limits.extracting, "extracting"),
                _ => continue,
            };
            busy = true;
            if *moved + limit < earliest.0 {
                earliest = (*moved + limit, Why::Layer { id, doing, limit });
            }
        }
        if !busy && self.moved + limits.waiting < earliest.0 {
            earliest = (self.moved + limits.waiting, Why::Idle);
        }
        earliest
    }
}
