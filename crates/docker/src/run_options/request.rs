//! Run options as the request that `docker run` would send for them.

use super::RunOptions;
use super::create::RunOptionsError;
use super::render::Word;
use crate::docker_run::{CreateRequest, Parser};

impl RunOptions {
    /// What the command line would ask the daemon to create.
    ///
    /// Fails when an option is none of `docker run`'s, has a value that it would not accept, or is
    /// not for the daemon.
    pub fn create_request(&self) -> Result<CreateRequest, RunOptionsError> {
        self.check_devices()?;
        let mut parser = Parser::new();
        for word in self.words() {
            let (option, value) = match &word {
                Word::Switch(option) => (option.trim_start_matches('-'), None),
                Word::Pair(_, name, value) => (*name, Some(&**value)),
                Word::Joined(word) => split(word)?,
            };
            parser.set(option, value).map_err(|problem| RunOptionsError::Option {
                option: shown(&word, option),
                problem,
            })?;
        }
        parser.finish(&self.image, &self.arguments).map_err(|problem| {
            RunOptionsError::Invalid(format!("Options of docker run: {problem}"))
        })
    }

    /// Mirrors the checks of devices by `Docker::run` in `src/docker/docker.cpp`.
    fn check_devices(&self) -> Result<(), RunOptionsError> {
        for device in &self.devices {
            let path = &device.host_path;
            if !path.starts_with('/') {
                let message = format!("Device path '{path}' is not an absolute path");
                return Err(RunOptionsError::Invalid(message));
            }
            if device.permissions().is_empty() {
                return Err(RunOptionsError::Invalid(format!(
                    "At least one access required for --devices: none specified for '{path}'"
                )));
            }
        }
        Ok(())
    }
}

/// `--option=value` or `--option`.
fn split(word: &str) -> Result<(&str, Option<&str>), RunOptionsError> {
    let (option, value) = match word.split_once('=') {
        Some((option, value)) => (option, Some(value)),
        None => (word, None),
    };
    let name = option.strip_prefix("--").filter(|name| !name.is_empty() && !name.starts_with('-'));
    let name = name.ok_or_else(|| RunOptionsError::Option {
        option: word.to_owned(),
        problem: "not of the form --option=value".to_owned(),
    })?;
    Ok((name, value))
}

/// As it stands on the command line, but without what may be secret.
fn shown(word: &Word, option: &str) -> String {
    let (text, value) = match word {
        Word::Switch(option) => return (*option).to_owned(),
        Word::Pair(text, _, value) => (format!("{text} "), &**value),
        Word::Joined(word) => match word.split_once('=') {
            Some((text, value)) => (format!("{text}="), value),
            None => return word.clone(),
        },
    };
    let value = if option == "env" { value.split('=').next().unwrap_or_default() } else { value };
    format!("{text}{value}")
}
