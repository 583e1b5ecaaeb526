//! Where things lie below the agent's work directory, as far as containerizers look for them.
//!
//! Mirrors `src/slave/paths.cpp`; the agent's own share of it is in the agent's crate.

use mesos::resource::ReservationInfo;
use mesos::resource::disk_info::source::Type;
use mesos::{ContainerId, ExecutorId, FrameworkId, Resource, SlaveId};
use std::path::{Path, PathBuf};

/// What a sandbox's path says.
#[doc(alias = "paths::ExecutorRunPath")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExecutorRun {
    /// The agent.
    pub(crate) agent: SlaveId,
    /// The framework.
    pub(crate) framework: FrameworkId,
    /// The executor.
    pub(crate) executor: ExecutorId,
    /// The run.
    pub(crate) container: ContainerId,
}

/// Takes apart the path of a sandbox, or of something in it.
///
/// Mirrors `parseExecutorRunPath` in `src/slave/paths.cpp`.
#[doc(alias = "paths::parseExecutorRunPath")]
pub(crate) fn parse_executor_run(work_dir: &Path, directory: &Path) -> Option<ExecutorRun> {
    let below = directory.strip_prefix(work_dir).ok()?;
    let parts: Vec<&str> = below.components().filter_map(|it| it.as_os_str().to_str()).collect();
    match parts[..] {
        ["slaves", agent, "frameworks", framework, "executors", executor, "runs", run, ..] => {
            Some(ExecutorRun {
                agent: agent.into(),
                framework: framework.into(),
                executor: executor.into(),
                container: run.into(),
            })
        }
        _ => None,
    }
}

/// The directory of an agent.
#[doc(alias = "paths::getSlavePath")]
pub(crate) fn slave(work_dir: &Path, agent: &SlaveId) -> PathBuf {
    work_dir.join("slaves").join(&agent.value)
}

/// The sandbox of one run of an executor.
#[doc(alias = "paths::getExecutorRunPath")]
pub(crate) fn executor_run(
    work_dir: &Path,
    agent: &SlaveId,
    framework: &FrameworkId,
    executor: &ExecutorId,
    container: &ContainerId,
) -> PathBuf {
    slave(work_dir, agent)
        .join("frameworks")
        .join(&framework.value)
        .join("executors")
        .join(&executor.value)
        .join("runs")
        .join(container.to_string())
}

/// Where a persistent volume's files lie.
///
/// Mirrors `getPersistentVolumePath` in `src/slave/paths.cpp`.
// differs: what upstream aborts at (a volume without a reservation, an id that is no name of a
// directory, a kind of disk that cannot be mounted) is an error. CSI volumes are not ported.
#[doc(alias = "paths::getPersistentVolumePath")]
pub(crate) fn persistent_volume(work_dir: &Path, volume: &Resource) -> Result<PathBuf, String> {
    let missing = |what: &str| format!("Persistent volume of disk '{}' has no {what}", volume.name);
    let disk = volume.disk.as_ref().ok_or_else(|| missing("disk info"))?;
    let id = &disk.persistence.as_ref().ok_or_else(|| missing("persistence"))?.id;
    let role = volume
        .reservations
        .last()
        .and_then(|reservation: &ReservationInfo| reservation.role.as_deref());
    let role = role.ok_or_else(|| missing("reservation"))?;
    if !is_name(id) {
        return Err(format!("Persistent volume '{id}': its id cannot be the name of a directory"));
    }
    // The name of one directory, whatever the depth of the role. No role contains a blank.
    let role = role.replace('/', " ");
    if !is_name(&role) {
        return Err(format!("Persistent volume '{id}': its role '{role}' is no role"));
    }
    let in_roles = |root: &Path| root.join("volumes").join("roles").join(&role).join(id);
    let Some(source) = &disk.source else { return Ok(in_roles(work_dir)) };
    if source.id.is_some() {
        return Err(format!("Persistent volume '{id}': volumes of CSI plug-ins are not supported"));
    }
    // A relative root is one below the work directory.
    match source.r#type() {
        Type::Path => {
            let root = source.path.as_ref().and_then(|path| path.root.as_ref());
            Ok(in_roles(&work_dir.join(root.ok_or_else(|| missing("root of its path"))?)))
        }
        Type::Mount => {
            let root = source.mount.as_ref().and_then(|mount| mount.root.as_ref());
            Ok(work_dir.join(root.ok_or_else(|| missing("root of its mount"))?))
        }
        Type::Block | Type::Raw | Type::Unknown => {
            Err(format!("Persistent volume '{id}': unsupported type of its disk's source"))
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesos::resource::DiskInfo;
    use mesos::resource::disk_info::{Persistence, Source, source};

    #[test]
    fn a_sandbox_path_names_four_things() {
        let sandbox = executor_run(
            Path::new("/w"),
            &"S".into(),
            &"F".into(),
            &"e:1".into(),
            &ContainerId::new("c"),
        );
        assert_eq!(sandbox, Path::new("/w/slaves/S/frameworks/F/executors/e:1/runs/c"));
        let expected = ExecutorRun {
            agent: "S".into(),
            framework: "F".into(),
            executor: "e:1".into(),
            container: ContainerId::new("c"),
        };
        assert_eq!(parse_executor_run(Path::new("/w"), &sandbox), Some(expected.clone()));
        assert_eq!(parse_executor_run(Path::new("/w/"), &sandbox.join("x")), Some(expected));
        for elsewhere in ["/v/slaves/S/frameworks/F/executors/e/runs/c", "/w/slaves/S", "/w"] {
            assert_eq!(parse_executor_run(Path::new("/w"), Path::new(elsewhere)), None);
        }
    }

    fn volume(role: &str, id: &str, source: Option<Source>) -> Resource {
        Resource {
            name: "disk".into(),
            reservations: vec![ReservationInfo {
                role: Some(role.into()),
                ..ReservationInfo::default()
            }],
            disk: Some(DiskInfo {
                persistence: Some(Persistence { id: id.into(), principal: None }),
                source,
                ..DiskInfo::default()
            }),
            ..Resource::default()
        }
    }

    #[test]
    fn volumes_lie_by_role_and_source() {
        let path = |volume: &Resource| persistent_volume(Path::new("/w"), volume);
        let of = |r#type: Type, root: &str| Source {
            r#type: r#type.into(),
            path: Some(source::Path { root: Some(root.into()) }),
            mount: Some(source::Mount { root: Some(root.into()) }),
            ..Source::default()
        };
        for (volume, expected) in [
            (volume("a/b", "v", None), "/w/volumes/roles/a b/v"),
            (volume("r", "v", Some(of(Type::Path, "/d"))), "/d/volumes/roles/r/v"),
            (volume("r", "v", Some(of(Type::Path, "d"))), "/w/d/volumes/roles/r/v"),
            (volume("r", "v", Some(of(Type::Mount, "/d"))), "/d"),
            (volume("r", "v", Some(of(Type::Mount, "d"))), "/w/d"),
        ] {
            assert_eq!(path(&volume), Ok(expected.into()));
        }
        for (volume, expected) in [
            (volume("r", "../v", None), "Persistent volume '../v': its id cannot be the name"),
            (volume("..", "v", None), "Persistent volume 'v': its role '..' is no role"),
            (
                volume("r", "v", Some(of(Type::Raw, "/d"))),
                "Persistent volume 'v': unsupported type",
            ),
            (
                Resource { reservations: Vec::new(), ..volume("r", "v", None) },
                "Persistent volume of disk 'disk' has no reservation",
            ),
            (Resource::default(), "Persistent volume of disk '' has no disk info"),
        ] {
            let error = path(&volume).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
