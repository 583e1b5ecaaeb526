//! `--health-*`: checks of the container's health by the daemon.

use super::Parser;
use super::numbers::{Problem, boolean, duration, integer};
use super::requirement::Requirement;
use crate::Version;
use crate::create_body::Healthcheck;

/// The options as they were given.
#[derive(Debug, Default)]
pub(super) struct Health {
    command: String,
    disabled: bool,
    check: Healthcheck,
}

impl Health {
    /// What they amount to.
    pub(super) fn check(self) -> Result<Option<Healthcheck>, Problem> {
        let Health { command, disabled, mut check } = self;
        let given = !command.is_empty() || check != Healthcheck::default();
        if disabled {
            if given {
                return Err("both --no-healthcheck and --health-...".to_owned());
            }
            check.test = vec!["NONE".to_owned()];
            return Ok(Some(check));
        }
        for (value, option) in [
            (check.interval, "--health-interval"),
            (check.timeout, "--health-timeout"),
            (check.start_period, "--health-start-period"),
            (check.start_interval, "--health-start-interval"),
            (check.retries, "--health-retries"),
        ] {
            if value < 0 {
                return Err(format!("{option} is negative"));
            }
        }
        if !command.is_empty() {
            check.test = vec!["CMD-SHELL".to_owned(), command];
        }
        Ok(given.then_some(check))
    }
}

impl Parser {
    pub(super) fn set_health(&mut self, option: &str, value: &str) -> Result<bool, Problem> {
        let health = &mut self.health;
        match option {
            "health-cmd" => health.command = value.to_owned(),
            "health-interval" => health.check.interval = duration(value)?,
            "health-timeout" => health.check.timeout = duration(value)?,
            "health-start-period" => health.check.start_period = duration(value)?,
            "health-start-interval" => {
                health.check.start_interval = duration(value)?;
                let minimum = Version::new(25, 0, 0);
                self.requirements.push(Requirement::new("--health-start-interval option", minimum));
            }
            "health-retries" => health.check.retries = integer(value)?,
            "no-healthcheck" => health.disabled = boolean(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}
