//! A pull that goes on in the background, and can be abandoned.

use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinHandle;

use super::EngineError;

/// The client's side of a pull. Dropping it closes the connection to the Engine when the runtime
/// gets to it; [`Pull::abandon`] has closed it when it returns.
pub struct Pull {
    // `None` once it was joined.
    task: Option<JoinHandle<Result<Vec<Value>, EngineError>>>,
}

impl Pull {
    pub(super) fn spawn(
        work: impl Future<Output = Result<Vec<Value>, EngineError>> + Send + 'static,
    ) -> Pull {
        Pull { task: Some(tokio::spawn(work)) }
    }

    /// Waits for the end of the pull and returns the progress lines. After `limit` it is
    /// abandoned, which is an error.
    pub async fn finish(mut self, limit: Duration) -> Result<Vec<Value>, EngineError> {
        let task = self.task.as_mut().expect("joined only by consuming methods");
        match tokio::time::timeout(limit, task).await {
            Ok(joined) => joined.expect("a pull does not panic"),
            Err(_) => Err(EngineError::Late { request: "pull".to_owned(), limit }),
        }
    }

    /// Whether the Engine has ended the pull, one way or the other.
    pub fn is_finished(&self) -> bool {
        self.task.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Closes the connection, as a client does that is no longer interested or was killed.
    pub async fn abandon(mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            // Either the task was cancelled, or it had ended before.
            let _ = task.await;
        }
    }
}

impl Drop for Pull {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
