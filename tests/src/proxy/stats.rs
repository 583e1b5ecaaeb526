//! What the proxy counts.

use std::collections::BTreeMap;

/// The counters of a proxy, since its start.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// The number of requests, by `METHOD PATH`, counted when they arrive.
    pub requests: BTreeMap<String, u64>,
    /// Requests that [`super::Fault::Hold`] holds now.
    pub held: u64,
    /// Requests that were answered by [`super::Fault::Answer`], or for want of authorization.
    pub refused: u64,
    /// What was transferred, by digest.
    pub blobs: BTreeMap<String, BlobStats>,
}

/// The transfers of one blob.
#[derive(Clone, Debug, Default)]
pub struct BlobStats {
    /// The size, as the registry states it.
    pub size: u64,
    /// Bytes handed on to clients, all transfers together. Some of them may still lie in buffers
    /// (some 100 kB when the client reads slowly), so that a client has at most these.
    pub bytes_sent: u64,
    /// Transfers that are in flight now.
    pub in_flight: u64,
    /// Of those, the ones that [`super::Fault::StallAfter`] has stopped.
    pub stalled: u64,
    /// Transfers that began.
    pub started: u64,
    /// Transfers that came to their end.
    pub completed: u64,
}

impl Stats {
    /// The number of transfers in flight.
    pub fn blob_transfers_in_flight(&self) -> u64 {
        self.blobs.values().map(|blob| blob.in_flight).sum()
    }

    /// The number of transfers that began.
    pub fn blob_transfers_started(&self) -> u64 {
        self.blobs.values().map(|blob| blob.started).sum()
    }

    /// Bytes of blobs handed on to clients.
    pub fn blob_bytes_sent(&self) -> u64 {
        self.blobs.values().map(|blob| blob.bytes_sent).sum()
    }

    /// Bytes handed on of blobs of at least `size` bytes: not 0 once the first byte of a big
    /// layer was sent.
    pub fn bytes_sent_of_blobs_over(&self, size: u64) -> u64 {
        let big = self.blobs.values().filter(|blob| blob.size >= size);
        big.map(|blob| blob.bytes_sent).sum()
    }

    /// The number of transfers that are stalled.
    pub fn stalled(&self) -> u64 {
        self.blobs.values().map(|blob| blob.stalled).sum()
    }

    /// The number of requests whose `METHOD PATH` contains `part`.
    pub fn requests_matching(&self, part: &str) -> u64 {
        let matching = self.requests.iter().filter(|(request, _)| request.contains(part));
        matching.map(|(_, count)| count).sum()
    }
}
