//! `POST /images/create`: a pull, the stream of its progress, and what becomes of it when its
//! client leaves.
//!
//! A daemon that tells its progress notices at once that its client has left. Before that, while
//! the registry has not answered, it does not; it then begins to fetch, for a moment, an image that
//! nobody wants. To know when this is over the client leaves in two steps: it closes its half of
//! the connection and goes on listening. A daemon that has noticed ends its answer. One that does
//! not is left for good after a while, which its next write will tell it.

use super::daemon::{Ask, Daemon, encode};
use super::error::broken;
use super::lines::{self, Lines};
use super::lingering::{Entry, Lingering};
use super::transport::HangUp;
use crate::time::{TimeLimit, within};
use crate::{Answer, ApiError, Credentials, ErrorKind, ImageReference, Limits, PullEvent};
use ::bollard::errors::Error;
use http_body_util::BodyExt;
use hyper::Method;
use hyper::header::{HeaderName, HeaderValue};
use process::{Nothing, Promise, live};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};

const CREDENTIALS: HeaderName = HeaderName::from_static("x-registry-auth");

/// A pull and its two ends.
pub(super) struct Pull {
    pub(super) daemon: Daemon,
    pub(super) reference: String,
    pub(super) credentials: Option<Credentials>,
    pub(super) progress: Option<PullEvent>,
    pub(super) hang_up: HangUp,
    pub(super) stage: Arc<Stage>,
}

/// How far it has come.
#[derive(Default)]
pub(super) struct Stage {
    /// The daemon tells its progress.
    answered: AtomicBool,
    when_answered: Notify,
    /// The client has left.
    left: AtomicBool,
}

impl Stage {
    fn answer(&self) {
        self.answered.store(true, Ordering::Release);
        self.when_answered.notify_one();
    }

    fn is_answered(&self) -> bool {
        self.answered.load(Ordering::Acquire)
    }

    async fn answered(&self) {
        if !self.is_answered() {
            self.when_answered.notified().await;
        }
    }

    /// How long the daemon has from here on.
    fn leave(&self, limits: &Limits) -> TimeLimit {
        self.left.store(true, Ordering::Release);
        TimeLimit::new(if self.is_answered() {
            limits.let_go_answered
        } else {
            limits.let_go_unanswered
        })
    }

    fn is_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }
}

/// Begins a pull in a task of its own. A discard completes the future at once; the task then waits
/// until the daemon has let go.
pub(super) fn begin(pull: Pull, lingering: &Lingering) -> Answer<Nothing> {
    let promise = Arc::new(Promise::new());
    let future = promise.future();
    let (leave, left) = oneshot::channel::<Entry>();
    let (lingering, reference) = (lingering.clone(), pull.reference.clone());
    let weak = Arc::downgrade(&promise);
    future.on_discard(move || {
        // In this order: who sees the future discarded finds the pull among those that linger.
        let entry = lingering.enter(&reference);
        if let Some(promise) = weak.upgrade() {
            promise.discard();
        }
        // A pull that has ended meanwhile drops the entry.
        let _ = leave.send(entry);
    });
    live::io().spawn(async move {
        let (stage, hang_up) = (Arc::clone(&pull.stage), pull.hang_up.clone());
        let daemon = pull.daemon.clone();
        let mut work = Box::pin(pull.run());
        let entry = tokio::select! {
            biased;
            Ok(entry) = left => entry,
            result = &mut work => {
                promise.set(result.map_err(|error| daemon.explain(error)));
                return;
            }
        };
        // The limit counts from before the daemon can know.
        let limit = stage.leave(daemon.limits());
        // Without a connection nobody was asked.
        let let_go = !hang_up.half_close()
            || let_go(&mut work, &stage, limit, daemon.limits().let_go_answered).await;
        // The connection goes first: what is said of the pull must be true.
        drop(work);
        drop(hang_up);
        entry.leave(let_go);
    });
    future
}

/// Listens until the daemon ends its answer; `false` when it takes too long. One that begins to
/// tell its progress only now has `then` from there.
async fn let_go<T>(
    work: &mut (impl Future<Output = T> + Unpin),
    stage: &Stage,
    limit: TimeLimit,
    then: Duration,
) -> bool {
    if stage.is_answered() {
        return limit.within(work).await.is_some();
    }
    let answered = async {
        tokio::select! {
            biased;
            _ = &mut *work => true,
            () = stage.answered() => false,
        }
    };
    match limit.within(answered).await {
        None => false,
        Some(true) => true,
        Some(false) => within(then, work).await.is_some(),
    }
}

impl Pull {
    async fn run(self) -> Result<Nothing, ApiError> {
        let response = self.daemon.ask(&self.ask()?).await?;
        self.stage.answer();
        let mut body = response.into_body();
        let mut lines = Lines::new(self.daemon.limits().line_bytes_max);
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(Error::from)?.into_data() else { continue };
            lines.push(&data);
            while let Some(line) = lines.next_line()? {
                self.report(line)?;
            }
        }
        if let Some(line) = lines.rest() {
            self.report(line).map_err(|error| match error.kind {
                ErrorKind::Malformed => broken("the pull ended in the middle of a line"),
                _ => error,
            })?;
        }
        Ok(Nothing)
    }

    fn report(&self, line: &[u8]) -> Result<(), ApiError> {
        let line = lines::parse(line)?;
        if let Some(progress) = self.progress.as_ref().filter(|_| !self.stage.is_left()) {
            progress(line);
        }
        Ok(())
    }

    fn ask(&self) -> Result<Ask, ApiError> {
        // The daemon's own answer to a name like this, without asking it.
        let parsed = ImageReference::parse(&self.reference)
            .map_err(|error| ApiError::status(400, error.to_string()))?;
        let path = format!(
            "/images/create?fromImage={}&tag={}",
            encode(&parsed.name),
            encode(parsed.pull_tag())
        );
        let ask = Ask::long(Method::POST, path).with_hang_up(self.hang_up.clone());
        let Some(credentials) = self.credentials.as_ref().filter(|it| !it.is_empty()) else {
            return Ok(ask);
        };
        let mut value = HeaderValue::try_from(credentials.header())
            .expect("base64 has no character that a header may not have");
        value.set_sensitive(true);
        Ok(ask.with_header(CREDENTIALS, value))
    }
}
