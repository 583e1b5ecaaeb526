//! The container logger and the hooks that the options of `drydock run` ask for.

use super::Arguments;
use super::house::launcher_dir;
use crate::error::UsageError;
use containerizer::hooks::{HookManager, Hooks};
use containerizer::logger::logrotate::{Flags, Machine};
use containerizer::logger::{ContainerLogger, LogrotateContainerLogger, SandboxContainerLogger};
use process::host::Host;
use slog::Logger;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A container logger that was asked for.
pub enum Choice {
    /// Files in the sandbox.
    Sandbox,
    /// Files in the sandbox, rotated.
    Logrotate(Flags),
}

impl Choice {
    /// Checks what was asked for.
    pub fn from_arguments(arguments: &Arguments) -> Result<Self, UsageError> {
        let given = &arguments.container_logger_parameters;
        if arguments.container_logger == "sandbox" {
            return match given.first() {
                None => Ok(Choice::Sandbox),
                Some((name, _)) => Err(UsageError::new(format!(
                    "--container_logger_parameters: {name}: the sandbox logger has no parameters"
                ))),
            };
        }
        let mut parameters: BTreeMap<String, String> = given.iter().cloned().collect();
        parameters.entry("launcher_dir".to_owned()).or_insert_with(launcher_dir);
        // The companion is this program, wherever it is looked for.
        let machine = Machine { page: logger::page_size(), has: &|_| true, runs: &logger::runs };
        let flags = Flags::load(&parameters, &machine)
            .map_err(|error| UsageError::new(format!("--container_logger_parameters: {error}")))?;
        Ok(Choice::Logrotate(flags))
    }

    /// Starts it.
    pub fn spawn(self, host: &Arc<dyn Host>) -> Arc<dyn ContainerLogger> {
        match self {
            Choice::Sandbox => Arc::new(SandboxContainerLogger::spawn()),
            Choice::Logrotate(flags) => {
                let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
                let own = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
                let logger =
                    LogrotateContainerLogger::spawn(flags, Arc::clone(host), own.collect());
                Arc::new(logger)
            }
        }
    }
}

/// The hooks. A binary that has some registers them here, as upstream's agent loads modules.
pub fn hooks(arguments: &Arguments, log: &Logger) -> Result<Option<Arc<dyn Hooks>>, UsageError> {
    let Some(names) = &arguments.hooks else { return Ok(None) };
    let manager = HookManager::new(log.clone());
    manager
        .initialize(names)
        .map_err(|error| UsageError::new(format!("--hooks: Error installing hooks: {error}")))?;
    Ok(Some(Arc::new(manager)))
}
