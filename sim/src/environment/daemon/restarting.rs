//! Restarting a container because somebody asks for it.

use super::Shared;
use super::exchange::RequestId;
use super::stopping::{self, Purpose};
use super::{messages, starting};
use std::sync::Arc;

/// Stops it if it runs, and starts it again.
pub(super) fn restart(daemon: &Arc<Shared>, id: RequestId, name: &str, seconds: Option<i64>) {
    let found = daemon.state.lock().get_mut(name).and_then(|container| {
        if container.removing {
            return Err(messages::marked_for_removal());
        }
        Ok((container.number, container.is_running(), container.stop_time()))
    });
    match found {
        Err(refusal) => daemon.refuse(id, refusal),
        Ok((number, true, own)) => {
            let seconds = seconds.unwrap_or(own);
            stopping::begin(daemon, number, Some(id), Purpose::Restart, seconds);
        }
        Ok((number, false, _)) => starting::begin(daemon, number, Some(id), true),
    }
}
