//! Where conversations take place: a daemon, and a registry that can be made to misbehave.

use std::fmt;

use crate::engine::Endpoint;

/// How the registry behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It answers.
    None,
    /// It answers slowly: a layer takes seconds.
    Slow,
    /// It does not answer what is asked about manifests.
    HoldsManifests,
    /// It sends a part of a large layer, then nothing.
    StallsLayers,
    /// It refuses manifests with this status.
    RefusesManifests(u16),
    /// It cuts the connection of each layer.
    CutsLayers,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::None => f.write_str("as usual"),
            Trouble::Slow => f.write_str("slow"),
            Trouble::HoldsManifests => f.write_str("does not answer about manifests"),
            Trouble::StallsLayers => f.write_str("falls silent in layers"),
            Trouble::RefusesManifests(status) => write!(f, "answers {status} about manifests"),
            Trouble::CutsLayers => f.write_str("cuts layers"),
        }
    }
}

/// What the registry is busy with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transfers {
    /// Layers that are being transferred.
    pub layers: usize,
    /// Questions about manifests that are not answered.
    pub held: usize,
}

/// A daemon and its registry. The registry has the images `bb:1`, `ep:1` and `big:1`; the daemon
/// has the first of them.
pub trait Stage: Sync {
    /// Where the daemon listens.
    fn endpoint(&self) -> &Endpoint;
    /// What the names of images begin with: `HOST/NAMESPACE`.
    fn registry(&self) -> &str;
    /// The same where only `u` with the password `p` may pull.
    fn private_registry(&self) -> &str;
    /// How the registry is to behave from now on.
    fn set_trouble(&self, trouble: Trouble);
    /// What the registry is busy with.
    fn transfers(&self) -> Transfers;

    /// The registry's host and port.
    fn registry_host(&self) -> &str {
        self.registry().split('/').next().unwrap_or_default()
    }
    /// The private registry's.
    fn private_host(&self) -> &str {
        self.private_registry().split('/').next().unwrap_or_default()
    }
    /// What both have in common.
    fn namespace(&self) -> &str {
        self.registry().split('/').nth(1).unwrap_or_default()
    }
}
