//! The user's own credentials for registries, where `docker login` keeps them.

use crate::error::UsageError;
use docker::Config;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;

/// The configuration in the directory that `DOCKER_CONFIG` names, else in `~/.docker`. None when
/// there is no such file.
pub fn own() -> Result<Option<Config>, UsageError> {
    let Some(path) = place(std::env::var_os("DOCKER_CONFIG"), std::env::var_os("HOME")) else {
        return Ok(None);
    };
    let at = |problem: &dyn std::fmt::Display| {
        UsageError::new(format!(
            "{}: {problem}. Mend it, or set DOCKER_CONFIG to another directory",
            path.display()
        ))
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => Config::parse(&text).map(Some).map_err(|error| at(&error)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(at(&error)),
    }
}

fn place(docker_config: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let set = |value: Option<OsString>| value.filter(|value| !value.is_empty()).map(PathBuf::from);
    let directory = set(docker_config).or_else(|| Some(set(home)?.join(".docker")))?;
    Some(directory.join("config.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_the_command_lines() {
        let place = |config: &str, home: &str| {
            let path = place(Some(config.into()), Some(home.into()))?;
            Some(path.display().to_string())
        };
        assert_eq!(place("/etc/docker", "/root").as_deref(), Some("/etc/docker/config.json"));
        assert_eq!(place("", "/root").as_deref(), Some("/root/.docker/config.json"));
        assert_eq!(place("", ""), None);
    }
}
