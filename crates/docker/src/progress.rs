//! How far a pull has come, out of the lines that a daemon sends about its layers.

use crate::PullProgress;
use std::collections::BTreeMap;

/// A pull has fewer layers than this; lines about more are not about layers.
const LAYERS_MAX: usize = 1000;

/// The id of a layer is shorter than this, in bytes.
const ID_BYTES_MAX: usize = 128;

/// So many lines about the whole are taken for progress. There are four in an orderly pull.
const OTHERS_MAX: usize = 32;

/// So often a layer may begin anew, and each time counts as progress again. A daemon gives up after
/// five times.
const RESTARTS_MAX: u8 = 10;

/// What is being done about one layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayerPhase {
    /// Nothing yet, or nothing any more until it is tried again.
    #[default]
    Waiting,
    /// It comes from the registry.
    Downloading,
    /// It is compared with its digest.
    Verifying,
    /// It is here; others go first.
    Downloaded,
    /// It is unpacked.
    Extracting,
    /// Nothing is left to do.
    Complete,
}

/// One layer of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    /// What is being done about it.
    pub phase: LayerPhase,
    /// Bytes that came from the registry.
    pub downloaded: u64,
    /// Bytes in all, once known; compressed, as they travel.
    pub size: u64,
    /// How far it is unpacked: bytes, or whatever the daemon counts.
    pub extracted: u64,
    restarts: u8,
}

/// What a pull is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PullPhase {
    /// The registry has not answered, or other pulls go first.
    Waiting,
    /// At least one layer is being downloaded.
    Downloading,
    /// No layer is being downloaded, and one is being verified.
    Verifying,
    /// No layer is being downloaded or verified, and one is being unpacked.
    Extracting,
    /// All layers are there: the image gets its name.
    Finishing,
}

/// The state of a pull.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PullState {
    layers: BTreeMap<String, Layer>,
    others: usize,
}

impl PullState {
    /// Takes a line into account. `None` when it says nothing new; else the layer that it is
    /// about, if it is about one.
    pub fn note(&mut self, line: &PullProgress) -> Option<Option<String>> {
        let Some(phase) = layer_phase(line) else {
            self.others = (self.others + 1).min(OTHERS_MAX + 1);
            return (self.others <= OTHERS_MAX).then_some(None);
        };
        if !self.layers.contains_key(&line.id) && self.layers.len() >= LAYERS_MAX {
            return None;
        }
        let is_new = !self.layers.contains_key(&line.id);
        let layer = self.layers.entry(line.id.clone()).or_default();
        let moved = layer.advance(phase, line);
        (is_new || moved).then(|| Some(line.id.clone()))
    }

    /// All layers that were mentioned so far, by their short ids.
    pub fn layers(&self) -> &BTreeMap<String, Layer> {
        &self.layers
    }

    /// How many layers have nothing left to do.
    pub fn complete(&self) -> usize {
        self.layers.values().filter(|layer| layer.phase == LayerPhase::Complete).count()
    }

    /// Bytes downloaded, of all layers. Layers that were there before do not count.
    pub fn downloaded(&self) -> u64 {
        self.layers.values().fold(0, |sum, layer| sum.saturating_add(layer.downloaded))
    }

    /// Bytes to download, as far as is known: less than there are until every layer has begun.
    pub fn size(&self) -> u64 {
        self.layers.values().fold(0, |sum, layer| sum.saturating_add(layer.size))
    }

    /// What it is busy with.
    pub fn phase(&self) -> PullPhase {
        let any = |phase| self.layers.values().any(|layer| layer.phase == phase);
        if any(LayerPhase::Downloading) {
            PullPhase::Downloading
        } else if any(LayerPhase::Verifying) {
            PullPhase::Verifying
        } else if any(LayerPhase::Extracting) {
            PullPhase::Extracting
        } else if !self.layers.is_empty() && self.complete() == self.layers.len() {
            PullPhase::Finishing
        } else {
            PullPhase::Waiting
        }
    }
}

impl std::fmt::Display for PullState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (complete, all) = (self.complete(), self.layers.len());
        let (downloaded, size) = (self.downloaded(), self.size());
        write!(f, "{complete} of {all} layers complete, {downloaded} of {size} bytes downloaded")
    }
}

impl Layer {
    /// Whether it has moved: further than it was, or begun anew.
    fn advance(&mut self, phase: LayerPhase, line: &PullProgress) -> bool {
        let before = *self;
        if phase == LayerPhase::Downloading {
            self.size = self.size.max(line.total);
            self.downloaded = line.current;
        } else if phase > LayerPhase::Downloading {
            self.downloaded = self.size;
        }
        if phase == LayerPhase::Extracting {
            self.extracted = line.current;
        }
        self.phase = phase;
        let progress = |layer: &Layer| (layer.phase, layer.downloaded, layer.extracted);
        if progress(self) < progress(&before) {
            self.restarts = self.restarts.saturating_add(1);
        }
        self.restarts <= RESTARTS_MAX && progress(self) != progress(&before)
    }
}

/// What a line says about the layer of its id; `None` for lines about the whole.
fn layer_phase(line: &PullProgress) -> Option<LayerPhase> {
    if line.id.is_empty() || line.id.len() >= ID_BYTES_MAX {
        return None;
    }
    Some(match line.status.as_str() {
        "Pulling fs layer" | "Waiting" => LayerPhase::Waiting,
        "Downloading" => LayerPhase::Downloading,
        "Verifying Checksum" => LayerPhase::Verifying,
        "Download complete" => LayerPhase::Downloaded,
        "Extracting" => LayerPhase::Extracting,
        "Pull complete" | "Already exists" => LayerPhase::Complete,
        status if status.starts_with("Retrying in ") => LayerPhase::Waiting,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, status: &str, current: u64, total: u64) -> PullProgress {
        PullProgress { id: id.to_owned(), status: status.to_owned(), current, total }
    }

    fn moves(state: &mut PullState, line: PullProgress) -> Option<Option<String>> {
        state.note(&line)
    }

    #[test]
    fn layers_add_up() {
        let mut state = PullState::default();
        assert_eq!(state.phase(), PullPhase::Waiting);
        for (id, status, current, total, phase) in [
            ("1", "Pulling from a/b", 0, 0, PullPhase::Waiting),
            ("aa", "Pulling fs layer", 0, 0, PullPhase::Waiting),
            ("bb", "Already exists", 0, 0, PullPhase::Waiting),
            ("aa", "Downloading", 3, 10, PullPhase::Downloading),
        ] {
            state.note(&line(id, status, current, total));
            assert_eq!(state.phase(), phase, "{status}");
        }
        let text = "1 of 2 layers complete, 3 of 10 bytes downloaded";
        assert_eq!(state.to_string(), text);
        for (status, current, phase) in [
            ("Verifying Checksum", 0, PullPhase::Verifying),
            ("Download complete", 0, PullPhase::Waiting),
            ("Extracting", 1, PullPhase::Extracting),
            ("Pull complete", 0, PullPhase::Finishing),
        ] {
            assert!(state.note(&line("aa", status, current, 10)).is_some(), "{status}");
            assert_eq!((state.phase(), state.downloaded()), (phase, 10), "{status}");
        }
        assert_eq!((state.complete(), state.size()), (2, 10));
    }

    #[test]
    fn only_what_changes_is_movement() {
        let mut state = PullState::default();
        let aa = Some(Some("aa".to_owned()));
        assert_eq!(moves(&mut state, line("aa", "Pulling fs layer", 0, 0)), aa);
        assert_eq!(moves(&mut state, line("aa", "Waiting", 0, 0)), None);
        assert_eq!(moves(&mut state, line("aa", "Downloading", 0, 10)), aa);
        assert_eq!(moves(&mut state, line("aa", "Downloading", 0, 10)), None);
        assert_eq!(moves(&mut state, line("aa", "Downloading", 5, 10)), aa);
        assert_eq!(moves(&mut state, line("aa", "Extracting", 1, 10)), aa);
        assert_eq!(moves(&mut state, line("aa", "Extracting", 1, 10)), None);
        assert_eq!(moves(&mut state, line("aa", "Extracting", 2, 10)), aa);
    }

    #[test]
    fn beginning_anew_for_ever_is_no_movement() {
        let mut state = PullState::default();
        let mut moved = 0;
        for _ in 0..100 {
            moved += [0, 3, 5]
                .into_iter()
                .filter(|&current| state.note(&line("aa", "Downloading", current, 10)).is_some())
                .count();
            state.note(&line("aa", "Retrying in 1 second", 0, 0));
        }
        assert!((10..100).contains(&moved), "{moved}");
        assert_eq!(state.note(&line("aa", "Downloading", 6, 10)), None);
    }

    #[test]
    fn a_flood_of_lines_is_no_progress_and_is_not_kept() {
        let mut state = PullState::default();
        let moved = (0..10_000).filter(|_| state.note(&line("", "Hm", 0, 0)).is_some()).count();
        assert_eq!(moved, OTHERS_MAX);
        let layers = (0..10_000).map(|n| line(&n.to_string(), "Waiting", 0, 0));
        assert_eq!(layers.filter(|line| state.note(line).is_some()).count(), LAYERS_MAX);
        assert_eq!(state.layers().len(), LAYERS_MAX);
        state.note(&line(&"x".repeat(1000), "Waiting", 0, 0));
        state.note(&line("0", "Downloading", u64::MAX, u64::MAX));
        state.note(&line("1", "Downloading", u64::MAX, u64::MAX));
        assert_eq!((state.layers().len(), state.size()), (LAYERS_MAX, u64::MAX));
    }
}
