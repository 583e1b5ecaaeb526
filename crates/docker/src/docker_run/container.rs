//! Options about the container itself: what it runs, as whom, with which names.

use super::Parser;
use super::numbers::{Problem, boolean, integer};
use super::platform::platform;
use super::requirement::Requirement;
use super::text::{label, variable};
use crate::Version;

impl Parser {
    pub(super) fn set_container(&mut self, option: &str, value: &str) -> Result<bool, Problem> {
        let text = || value.to_owned();
        match option {
            "name" => self.name = Some(text()),
            // An empty one removes the image's.
            "entrypoint" => self.body.entrypoint = Some(vec![text()]),
            "env" => {
                let (name, value) = variable(value)?;
                self.set_variable(&name, &value);
            }
            "user" => self.body.user = text(),
            "workdir" => self.body.working_dir = text(),
            "hostname" => self.body.hostname = text(),
            "domainname" => self.body.domainname = text(),
            "label" => {
                let (key, value) = label(value)?;
                self.body.labels.insert(key, value);
            }
            "interactive" => self.body.open_stdin = boolean(value)?,
            "tty" => self.body.tty = boolean(value)?,
            "attach" => match &*value.to_lowercase() {
                stream @ ("stdin" | "stdout" | "stderr") => self.attach.push(stream.to_owned()),
                _ => return Err("neither stdin, stdout nor stderr".to_owned()),
            },
            "stop-signal" => self.body.stop_signal = text(),
            "stop-timeout" => self.body.stop_timeout = Some(integer(value)?),
            "platform" => {
                self.body.platform = if value.is_empty() { None } else { Some(platform(value)?) };
            }
            "annotation" => {
                let (key, value) = super::text::key_value(value);
                self.body.host_config.annotations.insert(key, value);
                let minimum = Version::new(24, 0, 0);
                self.requirements.push(Requirement::new("--annotation option", minimum));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The last value of a variable counts, in the place of the first.
    fn set_variable(&mut self, name: &str, value: &str) {
        let entry = format!("{name}={value}");
        let env = &mut self.body.env;
        let same =
            |other: &&mut String| other.split_once('=').is_some_and(|(other, _)| other == name);
        match env.iter_mut().find(same) {
            Some(other) => *other = entry,
            None => env.push(entry),
        }
    }
}
