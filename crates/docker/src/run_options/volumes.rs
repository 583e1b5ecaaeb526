//! The volumes of a container: of the host, of the sandbox, of a driver; and the sandbox itself.

use super::RunOptions;
use super::create::{RunOptionsError, invalid};
use mesos::container_info::DockerInfo;
use mesos::volume::{Mode, source};
use mesos::{ContainerInfo, Volume};
use std::path::Path;

impl RunOptions {
    /// Mirrors the part about volumes of `Docker::RunOptions::create` in `src/docker/docker.cpp`.
    pub(super) fn add_volumes(
        &mut self,
        container_info: &ContainerInfo,
        docker_info: &DockerInfo,
        sandbox_directory: &str,
        mapped_directory: &str,
    ) -> Result<(), RunOptionsError> {
        #[expect(deprecated, reason = "tasks still use it")]
        let given_driver = docker_info.volume_driver.as_deref();
        let mut driver: Option<&str> = None;
        for volume in &container_info.volumes {
            let container = in_directory(mapped_directory, &volume.container_path);
            if let Some(host_path) = &volume.host_path {
                let relative = [host_path, &volume.container_path].map(|it| !is_absolute(it));
                if relative == [true, true] {
                    return Err(invalid(format!(
                        "Both host_path '{host_path}' and container_path '{}' of a volume are \
                         relative",
                        volume.container_path
                    )));
                }
                // With a driver it is the name of a volume.
                let host = match given_driver {
                    Some(_) => host_path.clone(),
                    None => in_directory(sandbox_directory, host_path),
                };
                self.volumes.push(format!("{host}:{container}:{}", mode(volume)?));
                continue;
            }
            let source = volume.source.as_ref();
            let source = source.ok_or_else(|| invalid("Host path or volume source is required"))?;
            // Others belong to the other containerizer; upstream skips these, too.
            if source.r#type() != source::Type::DockerVolume {
                continue;
            }
            let (name, wanted) = match &source.docker_volume {
                Some(volume) => (&*volume.name, volume.driver.as_deref()),
                None => ("", None),
            };
            if let (Some(driver), Some(wanted)) = (driver, wanted)
                && driver != wanted
            {
                return Err(invalid(format!(
                    "Only one volume driver is supported: there are '{driver}' and '{wanted}'"
                )));
            }
            driver = wanted.or(driver);
            self.volumes.push(format!("{name}:{container}:{}", mode(volume)?));
        }
        self.volumes.push(format!("{sandbox_directory}:{mapped_directory}"));

        if let (Some(driver), Some(given)) = (driver, given_driver)
            && driver != given
        {
            return Err(invalid(format!(
                "Only one volume driver per task is supported: there are '{driver}' and '{given}'"
            )));
        }
        self.volume_driver = given_driver.or(driver).map(str::to_owned);
        Ok(())
    }
}

fn mode(volume: &Volume) -> Result<&'static str, RunOptionsError> {
    match Mode::try_from(volume.mode) {
        Ok(Mode::Rw) => Ok("rw"),
        Ok(Mode::Ro) => Ok("ro"),
        Err(_) => Err(invalid("Unsupported volume mode")),
    }
}

fn is_absolute(path: &str) -> bool {
    Path::new(path).is_absolute()
}

/// stout's `path::join`, with exactly one separator, unless the path needs no directory.
fn in_directory(directory: &str, path: &str) -> String {
    if is_absolute(path) {
        path.to_owned()
    } else {
        format!("{}/{}", directory.trim_end_matches('/'), path.trim_start_matches('/'))
    }
}
