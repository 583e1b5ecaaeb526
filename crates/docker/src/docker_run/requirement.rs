//! What only newer daemons can do. Older ones ignore a field that they do not know, so the daemon's
//! version is asked for before.

use super::is_user_defined;
use crate::Version;
use crate::create_body::CreateBody;
use std::fmt;

/// Something that a daemon can do from some version on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// What it is.
    pub what: &'static str,
    /// Since when.
    pub minimum: Version,
}

impl Requirement {
    pub(super) fn new(what: &'static str, minimum: Version) -> Self {
        Requirement { what, minimum }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} requires Docker version {} or higher", self.what, self.minimum)
    }
}

/// Adds what the whole request needs.
pub(super) fn of_body(body: &CreateBody, requirements: &mut Vec<Requirement>) {
    let mut add = |needed: bool, what, (major, minor, patch)| {
        if needed {
            requirements.push(Requirement::new(what, Version::new(major, minor, patch)));
        }
    };
    let host = &body.host_config;
    let endpoints = &body.networking_config.endpoints_config;

    // The checks of `Docker::run` in `src/docker/docker.cpp`.
    add(is_user_defined(&host.network_mode), "A user-defined network", (1, 9, 0));
    let host_network = host.network_mode == "host";
    add(host_network && !host.dns.is_empty(), "--dns option with host network", (1, 12, 0));
    add(!host.dns_options.is_empty(), "--dns-opt option", (1, 9, 0));

    add(endpoints.len() > 1, "More than one network", (25, 0, 0));
    let elsewhere = |(name, endpoint): (&String, &crate::create_body::EndpointSettings)| {
        *name != host.network_mode && !endpoint.mac_address.is_empty()
    };
    add(endpoints.iter().any(elsewhere), "A mac-address of one network", (25, 0, 0));
    let priority = endpoints.values().any(|endpoint| endpoint.gw_priority != 0);
    add(priority, "gw-priority of a network", (28, 0, 0));
    for mount in &host.mounts {
        if let Some(bind) = &mount.bind_options {
            let recursive = bind.read_only_non_recursive || bind.read_only_force_recursive;
            add(recursive, "bind-recursive of a mount", (25, 0, 0));
        }
        let volume = mount.volume_options.as_ref();
        let subpath = volume.is_some_and(|volume| !volume.subpath.is_empty());
        add(subpath, "volume-subpath of a mount", (26, 0, 0));
        add(mount.r#type == "image", "A mount of type image", (28, 0, 0));
    }
}
