//! What the command line is told while the task runs.

use containerizer::docker::{Observer, State};
use mesos::ContainerId;
use mesos::internal::StatusUpdate;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::mpsc::Sender;

/// Something has happened.
pub enum Event {
    /// The state of the task has changed.
    Update(Box<StatusUpdate>),
    /// A container was added by the containerizer, or has gone to another state.
    Container(ContainerId, State),
    /// A container has ended, and the containerizer has forgotten it.
    Erased(ContainerId),
    /// SIGINT, SIGTERM or SIGHUP.
    Signal,
    /// A thread panicked: nothing can be relied on any more.
    Panicked,
}

/// Passes on what the containerizer does.
pub struct Watcher(
    /// To whom.
    pub Sender<Event>,
);

impl Observer for Watcher {
    fn state(&self, container: &ContainerId, _: Option<State>, to: State) {
        // The command line may have given up.
        let _ = self.0.send(Event::Container(container.clone(), to));
    }

    fn erased(&self, container: &ContainerId) {
        let _ = self.0.send(Event::Erased(container.clone()));
    }
}

/// Has signals and panics sent to `events`, from now on. Without it (which fails only when there
/// is a handler already) a signal just ends the program.
pub fn watch_process(events: &Sender<Event>) {
    let signals = events.clone();
    let _ = ctrlc::set_handler(move || {
        let _ = signals.send(Event::Signal);
    });
    let panics = Arc::new(Mutex::new(events.clone()));
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        print(panic);
        let _ = panics.lock().send(Event::Panicked);
    }));
}
