//! The logger's settings: its module's parameters, and what a container may override.
//!
//! Mirrors `src/slave/container_loggers/lib_logrotate.hpp`.

use super::rotate::{NAME, Options};
use mesos::{Bytes, CommandInfo};
use std::collections::BTreeMap;
use std::path::Path;

/// What rotates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logrotate {
    /// This program: upstream's `logrotate_path`.
    Program(String),
    /// The companion itself, where there is no `logrotate`. It understands [`Options`] only.
    // differs: upstream's module does not load without the program.
    BuiltIn,
}

/// What the settings are checked against.
pub struct Machine<'a> {
    /// The size of a page of memory, in bytes.
    pub page: u64,
    /// Whether this program is there.
    pub has: &'a dyn Fn(&Path) -> bool,
    /// Whether a shell can run this `logrotate`; an error says why not.
    pub runs: &'a dyn Fn(&str) -> Result<(), String>,
}

/// The settings that a container can override.
#[doc(alias = "mesos::internal::logger::LoggerFlags")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggerFlags {
    /// The largest size of one file with standard output; a page at least.
    pub max_stdout_size: Bytes,
    /// More options for logrotate's configuration, for standard output.
    pub logrotate_stdout_options: Option<String>,
    /// The largest size of one file with standard error; a page at least.
    pub max_stderr_size: Bytes,
    /// More options for logrotate's configuration, for standard error.
    pub logrotate_stderr_options: Option<String>,
}

impl Default for LoggerFlags {
    fn default() -> Self {
        LoggerFlags {
            max_stdout_size: Bytes::megabytes(10),
            logrotate_stdout_options: None,
            max_stderr_size: Bytes::megabytes(10),
            logrotate_stderr_options: None,
        }
    }
}

impl LoggerFlags {
    /// Takes one setting; `false` when there is none of this name.
    fn take(&mut self, name: &str, value: &str) -> Result<bool, String> {
        match name {
            "max_stdout_size" => self.max_stdout_size = size(name, value)?,
            "max_stderr_size" => self.max_stderr_size = size(name, value)?,
            "logrotate_stdout_options" => self.logrotate_stdout_options = Some(value.to_owned()),
            "logrotate_stderr_options" => self.logrotate_stderr_options = Some(value.to_owned()),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Mirrors `LoggerFlags::validateSize`.
    #[doc(alias = "LoggerFlags::validateSize")]
    fn validate(&self, page: u64, logrotate: &Logrotate) -> Result<(), String> {
        if self.max_stdout_size.as_u64() < page || self.max_stderr_size.as_u64() < page {
            return Err(format!(
                "Expected --max_stdout_size and --max_stderr_size of at least {page} bytes"
            ));
        }
        if *logrotate == Logrotate::BuiltIn {
            for (name, options) in [
                ("logrotate_stdout_options", &self.logrotate_stdout_options),
                ("logrotate_stderr_options", &self.logrotate_stderr_options),
            ] {
                let options = options.as_deref().unwrap_or_default();
                Options::parse(options).map_err(|error| format!("--{name}: {error}"))?;
            }
        }
        Ok(())
    }
}

/// The parameters of the logger's module.
#[doc(alias = "mesos::internal::logger::Flags")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flags {
    /// What holds for containers that override nothing.
    pub logger: LoggerFlags,
    /// What variables of a container's command start with that override settings, in capitals.
    pub environment_variable_prefix: String,
    /// Where the companion program is.
    pub launcher_dir: String,
    /// What rotates: `logrotate_path`, or the companion where there is no such program.
    pub logrotate: Logrotate,
    /// How many threads a companion of upstream's starts.
    pub libprocess_num_worker_threads: usize,
    page: u64,
}

impl Flags {
    /// Reads the parameters, and checks them as upstream's module does.
    ///
    /// # Errors
    ///
    /// A parameter that is unknown or has an impossible value, a companion or a `logrotate_path`
    /// that cannot be run.
    pub fn load(
        parameters: &BTreeMap<String, String>,
        machine: &Machine<'_>,
    ) -> Result<Self, String> {
        let mut flags = Flags {
            logger: LoggerFlags::default(),
            environment_variable_prefix: "CONTAINER_LOGGER_".to_owned(),
            launcher_dir: "/usr/local/libexec/mesos".to_owned(),
            logrotate: Logrotate::BuiltIn,
            libprocess_num_worker_threads: 8,
            page: machine.page,
        };
        let mut path = None;
        for (name, value) in parameters {
            if flags.logger.take(name, value)? {
                continue;
            }
            match name.as_str() {
                "environment_variable_prefix" => {
                    flags.environment_variable_prefix = value.clone();
                }
                "launcher_dir" => flags.launcher_dir = value.clone(),
                "logrotate_path" => path = Some(value.clone()),
                "libprocess_num_worker_threads" => {
                    flags.libprocess_num_worker_threads =
                        value.trim().parse().map_err(|error| {
                            format!(
                                "Failed to load flag '{name}': Failed to load value '{value}': \
                                 {error}"
                            )
                        })?;
                }
                _ => return Err(format!("Failed to load unknown flag '{name}'")),
            }
        }
        if flags.libprocess_num_worker_threads < 1 {
            return Err("Expected --libprocess_num_worker_threads of at least 1".to_owned());
        }
        let companion = Path::new(&flags.launcher_dir).join(NAME);
        if !(machine.has)(&companion) {
            return Err(format!("Cannot find: {}", companion.display()));
        }
        flags.logrotate = match path {
            Some(path) => match (machine.runs)(&path) {
                Ok(()) => Logrotate::Program(path),
                Err(error) => return Err(format!("Failed to check logrotate: {error}")),
            },
            None => match (machine.runs)("logrotate") {
                Ok(()) => Logrotate::Program("logrotate".to_owned()),
                Err(_) => Logrotate::BuiltIn,
            },
        };
        flags.logger.validate(machine.page, &flags.logrotate)?;
        Ok(flags)
    }

    /// The settings for a container: the agent's, and what its command's environment overrides.
    pub(super) fn overridden(&self, command: &CommandInfo) -> Result<LoggerFlags, String> {
        let mut settings = self.logger.clone();
        let variables = command.environment.iter().flat_map(|it| &it.variables);
        // Of two variables with one name the last one counts.
        let mut given = BTreeMap::new();
        for variable in variables {
            if let Some(name) = variable.name.strip_prefix(&self.environment_variable_prefix) {
                let value = variable.value.clone().unwrap_or_default();
                given.insert(name.to_ascii_lowercase(), value);
            }
        }
        for (name, value) in given {
            if !settings.take(&name, &value)? {
                return Err(format!("Failed to load unknown flag '{name}'"));
            }
        }
        settings.validate(self.page, &self.logrotate)?;
        Ok(settings)
    }
}

pub(super) fn size(name: &str, value: &str) -> Result<Bytes, String> {
    Bytes::parse(value).map_err(|error| {
        format!("Failed to load flag '{name}': Failed to load value '{value}': {error}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesos::{Environment, environment::Variable};

    fn load(given: &[(&str, &str)], logrotate: bool) -> Result<Flags, String> {
        let parameters = given.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let runs = |path: &str| match path {
            "logrotate" if logrotate => Ok(()),
            "/opt/logrotate" => Ok(()),
            path => Err(format!("{path}: not found")),
        };
        let machine = Machine { page: 4096, has: &|path| path.starts_with("/usr"), runs: &runs };
        Flags::load(&parameters.collect(), &machine)
    }

    #[test]
    fn parameters_have_upstreams_defaults() {
        let flags = load(&[], true).expect("defaults");
        assert_eq!(flags.logger, LoggerFlags::default());
        assert_eq!(flags.logger.max_stdout_size, Bytes::megabytes(10));
        assert_eq!(flags.environment_variable_prefix, "CONTAINER_LOGGER_");
        assert_eq!(flags.libprocess_num_worker_threads, 8);
        assert_eq!(flags.logrotate, Logrotate::Program("logrotate".to_owned()));
        assert_eq!(load(&[], false).expect("defaults").logrotate, Logrotate::BuiltIn);
        let own = load(&[("logrotate_path", "/opt/logrotate")], false).expect("it is there");
        assert_eq!(own.logrotate, Logrotate::Program("/opt/logrotate".to_owned()));
    }

    #[test]
    fn bad_parameters_are_named() {
        for (name, value, expected) in [
            ("max_stdout_size", "4095B", "of at least 4096 bytes"),
            ("max_stderr_size", "1KB", "of at least 4096 bytes"),
            ("max_stdout_size", "many", "Failed to load flag 'max_stdout_size'"),
            ("libprocess_num_worker_threads", "0", "of at least 1"),
            ("libprocess_num_worker_threads", "x", "'libprocess_num_worker_threads'"),
            ("launcher_dir", "/nowhere", "Cannot find: /nowhere/mesos-logrotate-logger"),
            ("logrotate_path", "/no/logrotate", "Failed to check logrotate: /no/logrotate"),
            ("max_size", "1MB", "Failed to load unknown flag 'max_size'"),
            ("logrotate_stdout_options", "compress", "--logrotate_stdout_options: line 1"),
        ] {
            let error = load(&[(name, value)], false).expect_err(name);
            assert!(error.contains(expected), "{error}");
        }
        // What logrotate makes of its options is its own affair.
        assert!(load(&[("logrotate_stdout_options", "compress")], true).is_ok());
    }

    #[test]
    fn a_container_overrides_what_it_names() {
        let flags = load(&[("max_stderr_size", "2MB")], true).expect("valid");
        let with = |variables: &[(&str, &str)]| {
            let variable = |(name, value): &(&str, &str)| Variable {
                name: (*name).to_owned(),
                value: Some((*value).to_owned()),
                ..Variable::default()
            };
            let variables = variables.iter().map(variable).collect();
            let command = CommandInfo {
                environment: Some(Environment { variables }),
                ..CommandInfo::default()
            };
            flags.overridden(&command)
        };
        let settings = with(&[
            ("CONTAINER_LOGGER_MAX_STDOUT_SIZE", "1MB"),
            ("CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS", "rotate 3"),
            ("MAX_STDERR_SIZE", "nothing of ours"),
        ]);
        let expected = LoggerFlags {
            max_stdout_size: Bytes::megabytes(1),
            logrotate_stdout_options: Some("rotate 3".to_owned()),
            max_stderr_size: Bytes::megabytes(2),
            logrotate_stderr_options: None,
        };
        assert_eq!(settings, Ok(expected));
        let unknown = with(&[("CONTAINER_LOGGER_LAUNCHER_DIR", "/")]);
        assert_eq!(unknown, Err("Failed to load unknown flag 'launcher_dir'".to_owned()));
        assert!(with(&[("CONTAINER_LOGGER_MAX_STDOUT_SIZE", "1B")]).is_err());
    }
}
