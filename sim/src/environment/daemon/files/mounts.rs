//! Where in a container what is mounted.

use super::plain;
use crate::environment::daemon::config::ContainerConfig;
use crate::environment::daemon::volumes;
use std::sync::Arc;

/// What a path below a mount leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The container's own files, upon those of its image.
    Layer,
    /// `/dev`.
    Devices,
    /// `/proc`.
    Processes,
    /// `/sys`.
    System,
    /// A named volume.
    Volume(Arc<str>),
    /// A path of the machine.
    Bind(String),
}

/// A mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// Where it is, plain.
    pub(super) target: String,
    pub(super) source: Source,
    pub(super) read_only: bool,
}

/// The mounts of a container, the root first.
pub(super) fn of(config: &ContainerConfig) -> Vec<Mount> {
    let usual = [
        ("", Source::Layer, false),
        ("/dev", Source::Devices, false),
        ("/proc", Source::Processes, false),
        ("/sys", Source::System, true),
    ];
    let mut mounts: Vec<Mount> = usual
        .into_iter()
        .map(|(target, source, read_only)| Mount { target: target.to_owned(), source, read_only })
        .collect();
    let is_short = |mount: &Mount| match &mount.source {
        Source::Bind(source) => super::is_short(&mount.target) && super::is_short(source),
        _ => super::is_short(&mount.target),
    };
    mounts.extend(config.binds.iter().filter_map(|bind| bound(bind)).filter(is_short));
    mounts
}

/// The mount of a bind. One without a source is a volume without a name: the container's own.
fn bound(bind: &str) -> Option<Mount> {
    let mut parts = bind.split(':');
    let (source, target) = (parts.next()?, parts.next()?);
    let read_only = parts.next().is_some_and(|mode| mode.split(',').any(|word| word == "ro"));
    let source = match volumes::name_in(bind) {
        Some(name) => Source::Volume(name.into()),
        None => Source::Bind(plain("", source)),
    };
    Some(Mount { target: plain("", target), source, read_only })
}

/// The mount that a plain path is in, and the rest of the path.
pub(super) fn find<'m, 'p>(mounts: &'m [Mount], path: &'p str) -> Option<(&'m Mount, &'p str)> {
    let within = |mount: &&Mount| {
        path.strip_prefix(mount.target.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    // The last of the deepest ones; the root fits every path.
    let found = mounts.iter().filter(within).max_by_key(|mount| mount.target.len())?;
    Some((found, path.get(found.target.len()..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_has_a_path() {
        let config = ContainerConfig {
            binds: ["/src/:/data:ro", "vol:/data/deep/", "/alone"].map(str::to_owned).to_vec(),
            ..ContainerConfig::default()
        };
        let mounts = of(&config);
        for (path, source, rest, read_only) in [
            ("", Source::Layer, "", false),
            ("/database", Source::Layer, "/database", false),
            ("/alone", Source::Layer, "/alone", false),
            ("/data/x", Source::Bind("/src".into()), "/x", true),
            ("/data/deep", Source::Volume("vol".into()), "", false),
            ("/data/deeper", Source::Bind("/src".into()), "/deeper", true),
            ("/dev/null", Source::Devices, "/null", false),
            ("/sys", Source::System, "", true),
        ] {
            let (mount, found) = find(&mounts, path).unwrap();
            assert_eq!(
                (&mount.source, found, mount.read_only),
                (&source, rest, read_only),
                "{path}"
            );
        }
    }
}
