//! Time limits of connections, by the clock of processes, so that tests can move it.

use crate::Timer;
use crate::live::clock;
use std::time::Duration;
use tokio::sync::oneshot;

/// Completes once the clock has moved on by so much; cancelled when dropped.
pub(super) struct Deadline {
    timer: Timer,
    fired: oneshot::Receiver<()>,
}

impl Deadline {
    pub(super) fn after(duration: Duration) -> Self {
        let (sender, fired) = oneshot::channel();
        let timer = clock::timer(duration, move || {
            // Whoever waited may have stopped waiting.
            let _ = sender.send(());
        });
        Deadline { timer, fired }
    }

    pub(super) async fn passed(&mut self) {
        // The sender is dropped without a word only when all timers are: then time has stopped.
        if (&mut self.fired).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        clock::cancel(&self.timer);
    }
}

/// Completes when the deadline passes, or never when there is none.
pub(super) async fn passed(deadline: &mut Option<Deadline>) {
    match deadline {
        Some(deadline) => deadline.passed().await,
        None => std::future::pending().await,
    }
}
