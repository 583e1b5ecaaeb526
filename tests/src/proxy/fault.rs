//! The faults that a proxy can inject, and which requests they befall.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

/// Which requests a fault befalls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `HEAD` and `GET` of manifests.
    Manifests,
    /// `GET` of blobs: configurations and layers.
    Blobs,
    /// Every request whose path contains this text: a digest, a repository, `/v2/`.
    Path(String),
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It stays unanswered, and does not reach the registry, until the guard is dropped.
    Hold,
    /// This status and no content, without asking the registry. With 401 goes a challenge for a
    /// password, with 429 a `Retry-After`.
    Answer(u16),
    /// The transfer stops after so many bytes, with the connection open, until the guard is
    /// dropped. A shorter blob passes.
    StallAfter(u64),
    /// The connection is closed after so many bytes, or fewer when the client reads slowly: what
    /// it could not take yet is discarded. A shorter blob passes.
    CutAfter(u64),
}

/// Keeps a fault in force. Dropping it lets held requests and stalled transfers go on.
#[must_use = "dropping the guard lifts the fault"]
pub struct FaultGuard {
    entry: Arc<Entry>,
    list: Arc<Mutex<Vec<Arc<Entry>>>>,
}

impl FaultGuard {
    /// Lifts the fault; the same as dropping the guard, but readable.
    pub fn release(self) {}
}

impl Drop for FaultGuard {
    fn drop(&mut self) {
        self.list.lock().retain(|entry| !Arc::ptr_eq(entry, &self.entry));
        self.entry.lifted.send_replace(true);
    }
}

/// A fault in force.
struct Entry {
    target: Target,
    fault: Fault,
    // `None`: no limit.
    times_left: Mutex<Option<u32>>,
    lifted: watch::Sender<bool>,
}

/// Becomes ready when a fault is lifted.
#[derive(Clone)]
pub(super) struct Lifted(watch::Receiver<bool>);

impl Lifted {
    pub(super) async fn wait(&mut self) {
        // An error means that the fault is gone altogether.
        let _ = self.0.wait_for(|lifted| *lifted).await;
    }
}

/// What befalls one request: at most one fault of each kind.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) hold: Option<Lifted>,
    pub(super) answer: Option<u16>,
    pub(super) stall: Option<(u64, Lifted)>,
    pub(super) cut: Option<u64>,
}

/// The faults in force, oldest first.
#[derive(Default)]
pub(super) struct Faults(Arc<Mutex<Vec<Arc<Entry>>>>);

impl Faults {
    pub(super) fn add(&self, target: Target, fault: Fault, times: Option<u32>) -> FaultGuard {
        let entry = Arc::new(Entry {
            target,
            fault,
            times_left: Mutex::new(times),
            lifted: watch::Sender::new(false),
        });
        self.0.lock().push(entry.clone());
        FaultGuard { entry, list: self.0.clone() }
    }

    /// What befalls this request; uses up one time of each fault that does.
    pub(super) fn plan(&self, method: &str, path: &str) -> Plan {
        let mut plan = Plan::default();
        for entry in self.0.lock().iter() {
            if entry.target.matches(method, path) && !plan.has(&entry.fault) && entry.take_one() {
                plan.add(&entry.fault, Lifted(entry.lifted.subscribe()));
            }
        }
        plan
    }
}

impl Plan {
    fn has(&self, fault: &Fault) -> bool {
        match fault {
            Fault::Hold => self.hold.is_some(),
            Fault::Answer(_) => self.answer.is_some(),
            Fault::StallAfter(_) => self.stall.is_some(),
            Fault::CutAfter(_) => self.cut.is_some(),
        }
    }

    fn add(&mut self, fault: &Fault, lifted: Lifted) {
        match *fault {
            Fault::Hold => self.hold = Some(lifted),
            Fault::Answer(status) => self.answer = Some(status),
            Fault::StallAfter(bytes) => self.stall = Some((bytes, lifted)),
            Fault::CutAfter(bytes) => self.cut = Some(bytes),
        }
    }
}

impl Entry {
    fn take_one(&self) -> bool {
        match &mut *self.times_left.lock() {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}

impl Target {
    fn matches(&self, method: &str, path: &str) -> bool {
        match self {
            Target::Manifests => matches!(method, "GET" | "HEAD") && path.contains("/manifests/"),
            Target::Blobs => method == "GET" && path.contains("/blobs/sha256:"),
            Target::Path(part) => path.contains(part),
        }
    }
}
