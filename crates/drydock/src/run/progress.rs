//! The progress of a pull, on stderr.

use docker::{PullListener, PullPhase, PullState};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// A bar that is shown while a pull goes on.
#[derive(Clone)]
pub struct PullBar(ProgressBar);

impl PullBar {
    /// A bar; hidden unless it is to be `shown`, and until there is progress.
    pub fn new(shown: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let template = "Pulling {spinner} {bytes} of {total_bytes}, {bytes_per_sec}, {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        if shown {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        PullBar(bar)
    }

    /// Takes the bar off the screen.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }

    /// Prints something without the bar in between.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }
}

impl PullListener for PullBar {
    fn progress(&self, _image: &str, state: &PullState) {
        if state.layers().is_empty() {
            return;
        }
        self.0.enable_steady_tick(Duration::from_millis(200));
        self.0.set_length(state.size());
        self.0.set_position(state.downloaded());
        self.0.set_message(text(state));
    }
}

fn text(state: &PullState) -> String {
    let doing = match state.phase() {
        PullPhase::Waiting => "waiting",
        PullPhase::Downloading => "downloading",
        PullPhase::Verifying => "verifying",
        PullPhase::Extracting => "extracting",
        PullPhase::Finishing => "finishing",
    };
    format!("{} of {} layers, {doing}", state.complete(), state.layers().len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use docker::PullProgress;

    #[test]
    fn the_bar_says_what_is_being_done() {
        let mut state = PullState::default();
        for (id, status) in [("1", "Pulling from a/b"), ("aa", "Already exists"), ("bb", "Waiting")]
        {
            let (id, status) = (id.to_owned(), status.to_owned());
            state.note(&PullProgress { id, status, current: 0, total: 0 });
        }
        assert_eq!(text(&state), "1 of 2 layers, waiting");
        let (id, status) = ("bb".to_owned(), "Downloading".to_owned());
        state.note(&PullProgress { id, status, current: 3, total: 10 });
        assert_eq!(text(&state), "1 of 2 layers, downloading");

        let bar = PullBar::new(false);
        bar.progress("bb:1", &PullState::default());
        assert_eq!(bar.0.position(), 0);
        bar.progress("bb:1", &state);
        assert_eq!((bar.0.position(), bar.0.length()), (3, Some(10)));
    }
}
