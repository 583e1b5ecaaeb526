//! Whoever wants to know how pulls get on.

use super::Engine;
use crate::{Answer, PullEvent, PullState};
use parking_lot::Mutex;
use process::Nothing;
use std::sync::Arc;

/// How a pull ended for those who wanted the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PullEnd {
    /// The image is there.
    Pulled,
    /// It failed, with this message.
    Failed(String),
    /// Nobody wants it any more.
    Cancelled,
}

/// What becomes of a pull whose client has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lingering {
    /// The daemon may still be at work on it.
    Begun,
    /// The daemon has let go of it.
    LetGo,
    /// It is not watched any more; the daemon may be at work on it, or not.
    GivenUp,
}

/// Is told of pulls, in the context of whoever reads the daemon's answer. Several pulls, even of
/// one image, may be under way at once.
pub trait PullListener: Send + Sync + 'static {
    /// The pull has come further.
    fn progress(&self, image: &str, state: &PullState);

    /// The pull is over, for its client.
    fn ended(&self, image: &str, end: PullEnd) {
        let _ = (image, end);
    }

    /// The daemon is perhaps not done with a pull that is over. Comes after [`Self::ended`].
    fn lingers(&self, image: &str, state: Lingering) {
        let _ = (image, state);
    }
}

/// One pull, for its listener.
pub(super) struct Followed {
    engine: Engine,
    listener: Arc<dyn PullListener>,
    image: String,
    state: Mutex<PullState>,
}

impl Followed {
    pub(super) fn new(engine: &Engine, image: &str) -> Option<Arc<Self>> {
        let listener = Arc::clone(engine.listener.as_ref()?);
        let (engine, image) = (engine.clone(), image.to_owned());
        Some(Arc::new(Followed { engine, listener, image, state: Mutex::default() }))
    }

    pub(super) fn progress(self: &Arc<Self>) -> PullEvent {
        let followed = Arc::clone(self);
        Arc::new(move |line| {
            let state = {
                let mut state = followed.state.lock();
                state.note(&line).map(|_| state.clone())
            };
            if let Some(state) = state {
                followed.listener.progress(&followed.image, &state);
            }
        })
    }

    /// Tells how it ends, and what comes then.
    pub(super) fn watch(self: &Arc<Self>, answer: &Answer<Nothing>) {
        let followed = Arc::clone(self);
        answer.on_any(move |answer| {
            let (listener, image) = (Arc::clone(&followed.listener), followed.image.clone());
            let end = match answer.get() {
                Some(Ok(Nothing)) => PullEnd::Pulled,
                Some(Err(error)) => PullEnd::Failed(error.to_string()),
                None => PullEnd::Cancelled,
            };
            listener.ended(&image, end);
            let pulls = followed.engine.lingering_pulls();
            let newest = pulls.into_iter().rfind(|pull| pull.reference == image);
            if let Some(pull) = newest.filter(|pull| pull.released.is_pending()) {
                listener.lingers(&image, Lingering::Begun);
                pull.released.on_any(move |released| {
                    let let_go = released.get() == Some(&true);
                    let state = if let_go { Lingering::LetGo } else { Lingering::GivenUp };
                    listener.lingers(&image, state);
                });
            }
        });
    }
}
