//! The daemon's data.

use super::containers::Container;
use super::observe::Coverage;
use super::pull::Pull;
use super::request::{Exchange, Request, RequestId};
use super::settings::ImageSpec;
use super::transfer::Transfer;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Everything that the daemon and its registry know.
#[derive(Default)]
pub(super) struct State {
    /// Containers by number, which counts up.
    pub(super) containers: BTreeMap<u64, Container>,
    /// Reserved names; each is a container's.
    pub(super) names: BTreeMap<Arc<str>, u64>,
    pub(super) images: BTreeMap<Arc<str>, Arc<ImageSpec>>,
    pub(super) layers: BTreeSet<Arc<str>>,
    pub(super) registry: BTreeMap<Arc<str>, Arc<ImageSpec>>,
    pub(super) pulls: BTreeMap<RequestId, Pull>,
    pub(super) transfers: BTreeMap<Arc<str>, Transfer>,
    pub(super) requests: BTreeMap<RequestId, Request>,
    pub(super) coverage: Coverage,
    /// Names of containers that somebody stopped before they were started, or created.
    pub(super) stopped_early: BTreeSet<Arc<str>>,
    pub(super) generation: u64,
    next_request: RequestId,
    next_container: u64,
}

/// An image reference with its tag: `busybox` is `busybox:latest`.
pub(super) fn normalise(reference: &str) -> Cow<'_, str> {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    if name.contains(':') || name.contains('@') {
        Cow::Borrowed(reference)
    } else {
        Cow::Owned(format!("{reference}:latest"))
    }
}

const ID_DIGITS: usize = 64;
const HEX: &[u8; 16] = b"0123456789abcdef";

/// The id of a container: its number at the end, its number scrambled at the start, so that ids
/// differ within their first twelve digits, as real ones do.
fn container_id(number: u64) -> Arc<str> {
    let scrambled = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995_9d1b_58c3;
    let mut id = [b'0'; ID_DIGITS];
    for digit in 0..16 {
        let shift = 60 - 4 * digit;
        id[digit] = HEX[(scrambled >> shift & 15) as usize];
        id[ID_DIGITS - 16 + digit] = HEX[(number >> shift & 15) as usize];
    }
    std::str::from_utf8(&id).unwrap_or_default().into()
}

/// The number in a full container id.
fn number_in(id: &str) -> Option<u64> {
    if id.len() != ID_DIGITS {
        return None;
    }
    u64::from_str_radix(id.get(ID_DIGITS - 16..)?, 16).ok()
}

impl State {
    /// Takes a request in.
    pub(super) fn open(&mut self, request: Request) -> RequestId {
        self.next_request += 1;
        self.requests.insert(self.next_request, request);
        self.next_request
    }

    /// A number and an id for a new container.
    pub(super) fn new_id(&mut self) -> (u64, Arc<str>) {
        self.next_container += 1;
        (self.next_container, container_id(self.next_container))
    }

    /// The number of the container of this name (with or without `/`), full id, or unambiguous
    /// start of an id.
    pub(super) fn resolve(&self, name: &str) -> Option<u64> {
        let name = name.strip_prefix('/').unwrap_or(name);
        if let Some(number) = self.names.get(name) {
            return Some(*number);
        }
        if let Some(number) = number_in(name) {
            return self.containers.get(&number).filter(|one| *one.id == *name).map(|_| number);
        }
        if name.is_empty() || !name.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let mut matching = self.containers.iter().filter(|(_, one)| one.id.starts_with(name));
        match (matching.next(), matching.next()) {
            (Some((number, _)), None) => Some(*number),
            _ => None,
        }
    }

    /// The container of this name or id.
    pub(super) fn find(&self, name: &str) -> Option<&Container> {
        self.containers.get(&self.resolve(name)?)
    }

    /// Takes the promise of a wait request away from the container that it waits for.
    pub(super) fn take_waiter(&mut self, id: RequestId) -> Option<Exchange<i64>> {
        self.containers.values_mut().find_map(|container| {
            let index = container.waiters.iter().position(|waiter| waiter.id == id)?;
            Some(container.waiters.remove(index))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_without_tag_means_latest() {
        assert_eq!(normalise("busybox"), "busybox:latest");
        assert_eq!(normalise("registry:5000/a/b"), "registry:5000/a/b:latest");
        assert_eq!(normalise("a/b:1"), "a/b:1");
        assert_eq!(normalise("a@sha256:00"), "a@sha256:00");
    }

    #[test]
    fn an_id_contains_its_number() {
        let id = container_id(0x1234);
        assert_eq!(id.len(), 64);
        assert_eq!(number_in(&id), Some(0x1234));
        assert_ne!(id[..12], container_id(0x1235)[..12]);
    }
}
