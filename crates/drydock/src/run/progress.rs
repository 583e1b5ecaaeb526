//! The progress of a pull, on stderr.

use docker::{PullEvent, PullProgress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// One layer of the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Layer {
    downloaded: u64,
    size: u64,
    complete: bool,
}

/// All layers of the image, by their short ids.
#[derive(Default)]
struct Layers(BTreeMap<String, Layer>);

impl Layers {
    fn note(&mut self, line: &PullProgress) {
        // Lines about the whole have the tag as their id, or none.
        if line.id.is_empty() || line.status.starts_with("Pulling from") {
            return;
        }
        let layer = self.0.entry(line.id.clone()).or_default();
        layer.size = layer.size.max(line.total);
        match line.status.as_str() {
            "Downloading" => layer.downloaded = line.current,
            "Pulling fs layer" | "Waiting" | "Retrying" => {}
            status => {
                layer.downloaded = layer.size;
                layer.complete |= matches!(status, "Pull complete" | "Already exists");
            }
        }
    }

    fn downloaded(&self) -> u64 {
        self.0.values().map(|layer| layer.downloaded).sum()
    }

    fn size(&self) -> u64 {
        self.0.values().map(|layer| layer.size).sum()
    }

    fn text(&self) -> String {
        let complete = self.0.values().filter(|layer| layer.complete).count();
        format!("{complete} of {} layers", self.0.len())
    }
}

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

    /// Follows all pulls.
    pub fn follow(&self) -> PullEvent {
        let bar = self.0.clone();
        let layers = Mutex::new(Layers::default());
        Arc::new(move |line| {
            let mut layers = layers.lock();
            layers.note(&line);
            if layers.0.is_empty() {
                return;
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar.set_length(layers.size());
            bar.set_position(layers.downloaded());
            bar.set_message(layers.text());
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_add_up() {
        let mut layers = Layers::default();
        for (id, status, current, total) in [
            ("1", "Pulling from a/b", 0, 0),
            ("aa", "Pulling fs layer", 0, 0),
            ("bb", "Already exists", 0, 0),
            ("aa", "Downloading", 3, 10),
            ("", "Digest: sha256:x", 0, 0),
        ] {
            let (id, status) = (id.to_owned(), status.to_owned());
            layers.note(&PullProgress { id, status, current, total });
        }
        assert_eq!((layers.downloaded(), layers.size()), (3, 10));
        assert_eq!(layers.text(), "1 of 2 layers");
        let line = |status: &str, current| PullProgress {
            id: "aa".to_owned(),
            status: status.to_owned(),
            current,
            total: 10,
        };
        layers.note(&line("Extracting", 1));
        assert_eq!(layers.downloaded(), 10);
        layers.note(&line("Pull complete", 0));
        assert_eq!(layers.text(), "2 of 2 layers");
    }
}
