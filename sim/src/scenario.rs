//! Scenarios: what a run is about, read from TOML.

use crate::environment::{Fault, Faults};
use mesos::{Bytes, duration};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// How much of the agent takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Containerizer, fetcher, logger; a stand-in for the executor, a client for the agent.
    Containerizer,
    /// Agent, containerizer, fetcher, logger, docker executor; a stand-in for the master.
    Agent,
}

/// A bad scenario: where, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// The file or built-in name.
    pub source: String,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.message)
    }
}

impl std::error::Error for ScenarioError {}

/// A scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name: that of its file.
    pub name: String,
    /// What it is about, in a line.
    pub description: String,
    /// How much of the agent takes part.
    pub level: Level,
    /// The image the task wants.
    pub image: ImageSpec,
    /// The registry it comes from.
    #[serde(default)]
    pub registry: RegistrySpec,
    /// The task.
    #[serde(default)]
    pub task: TaskSpec,
    /// The flags of the agent's containerizer.
    #[serde(default)]
    pub flags: FlagsSpec,
    /// What the outside does.
    #[serde(default)]
    pub outside: OutsideSpec,
    /// How many faults of each kind may strike in one run, by their names.
    #[serde(default)]
    pub faults: BTreeMap<String, u32>,
    /// How it is explored.
    #[serde(default)]
    pub explore: ExploreSpec,
}

/// An image.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSpec {
    /// Its reference.
    pub reference: String,
    /// The sizes of its layers.
    pub layers: Vec<Size>,
    /// Whether the daemon has it from the start.
    #[serde(default)]
    pub present: bool,
    /// Whether the task asks for a pull all the same.
    #[serde(default)]
    pub force_pull: bool,
}

/// A registry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegistrySpec {
    /// Bytes a second, for all transfers together.
    pub bandwidth: Size,
    /// The time to the first byte of any answer.
    pub latency: Span,
}

/// A task.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TaskSpec {
    /// How many URIs it wants in its sandbox.
    pub uris: u32,
    /// How long it runs; for ever if not given.
    pub runs_for: Option<Span>,
    /// What it exits with when it ends by itself.
    pub exit_code: u8,
    /// Whether its URIs may be cached.
    pub cached: bool,
    /// Whether it names its first URI twice.
    pub twice: bool,
    /// How large the file of each URI is.
    pub uri_size: Size,
    /// How many such tasks there are, all at once (containerizer level).
    pub instances: u32,
}

/// Flags of the agent, under their names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FlagsSpec {
    /// How much the fetcher may cache.
    pub fetcher_cache_size: Size,
    /// How long a container that has ended is kept before it is removed.
    pub docker_remove_delay: Span,
}

/// What the outside does to the task.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutsideSpec {
    /// When the container is destroyed (in the natural order; exploration moves it anywhere).
    pub destroy_at: Option<Span>,
    /// When the framework kills the task.
    pub kill_at: Option<Span>,
    /// When the framework is torn down.
    pub shutdown_at: Option<Span>,
    /// How long the executor may take to register, fetch and pull included.
    pub registration_timeout: Span,
}

/// How a scenario is explored.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExploreSpec {
    /// Within how many steps from the start the outside may act.
    pub moments: u32,
    /// How many different latencies each operation may draw, 1 to 4.
    pub latencies: u32,
    /// How many faults may strike in one run, of whatever kinds.
    pub faults_at_most: u32,
    /// After how many steps the world is healed and has to converge.
    pub max_steps: u64,
}

impl Default for RegistrySpec {
    fn default() -> Self {
        RegistrySpec {
            bandwidth: Size(Bytes::megabytes(10)),
            latency: Span(Duration::from_millis(20)),
        }
    }
}

impl Default for TaskSpec {
    fn default() -> Self {
        TaskSpec {
            uris: 0,
            runs_for: None,
            exit_code: 0,
            cached: false,
            twice: false,
            uri_size: Size(Bytes::kilobytes(1)),
            instances: 1,
        }
    }
}

impl FlagsSpec {
    /// All flags that the agent's containerizer has.
    pub fn of_containerizer(&self) -> containerizer::Flags {
        containerizer::Flags {
            fetcher_cache_size: self.fetcher_cache_size.0,
            docker_remove_delay: self.docker_remove_delay.0,
            ..containerizer::Flags::default()
        }
    }
}

impl Default for FlagsSpec {
    fn default() -> Self {
        let flags = containerizer::Flags::default();
        FlagsSpec {
            fetcher_cache_size: Size(flags.fetcher_cache_size),
            docker_remove_delay: Span(flags.docker_remove_delay),
        }
    }
}

impl Default for OutsideSpec {
    fn default() -> Self {
        OutsideSpec {
            destroy_at: None,
            kill_at: None,
            shutdown_at: None,
            registration_timeout: Span(Duration::from_secs(60)),
        }
    }
}

impl Default for ExploreSpec {
    fn default() -> Self {
        ExploreSpec { moments: 64, latencies: 3, faults_at_most: 2, max_steps: 2_000 }
    }
}

/// A duration in Mesos's notation: `10secs`, `500ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Span(
    /// The duration.
    pub Duration,
);

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        duration::parse(&text)
            .map(Span)
            .map_err(|error| format!("'{text}' is no duration like 10secs or 500ms: {error}"))
    }
}

/// A number of bytes in Mesos's notation: `200MB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Size(
    /// The bytes.
    pub Bytes,
);

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Bytes::parse(&text)
            .map(Size)
            .map_err(|error| format!("'{text}' is no size like 200MB: {error}"))
    }
}

/// The scenarios that are part of this binary.
const BUILT_IN: [(&str, &str); 4] = [
    ("destroy-during-pull", include_str!("../scenarios/destroy-during-pull.toml")),
    ("destroy-during-pull-agent", include_str!("../scenarios/destroy-during-pull-agent.toml")),
    ("fetch-cache", include_str!("../scenarios/fetch-cache.toml")),
    ("fetch-cache-twice", include_str!("../scenarios/fetch-cache-twice.toml")),
];

impl Scenario {
    /// The scenario of this name, or in the file of this path.
    ///
    /// # Errors
    ///
    /// When there is no such scenario, or it is not valid: names the file, the field and what was
    /// expected.
    pub fn load(name_or_path: &str) -> Result<Scenario, ScenarioError> {
        if let Some((name, text)) = BUILT_IN.iter().find(|(name, _)| *name == name_or_path) {
            return Scenario::parse(name, text);
        }
        let path = Path::new(name_or_path);
        let looks_like_path = name_or_path.contains('/')
            || path.extension().is_some_and(|extension| extension == "toml");
        if !looks_like_path {
            let names: Vec<_> = BUILT_IN.iter().map(|(name, _)| *name).collect();
            return Err(ScenarioError {
                source: name_or_path.to_owned(),
                message: format!(
                    "no scenario of this name; there are {}, or give the path of a .toml file",
                    names.join(", ")
                ),
            });
        }
        let text = std::fs::read_to_string(path).map_err(|error| ScenarioError {
            source: name_or_path.to_owned(),
            message: format!("cannot be read: {error}"),
        })?;
        Scenario::parse(name_or_path, &text)
    }

    /// A scenario from TOML; `source` is named in errors.
    ///
    /// # Errors
    ///
    /// When the text is no valid scenario.
    pub fn parse(source: &str, text: &str) -> Result<Scenario, ScenarioError> {
        let fail = |message: String| ScenarioError { source: source.to_owned(), message };
        let scenario: Scenario =
            toml::from_str(text).map_err(|error| fail(error.to_string().trim_end().to_owned()))?;
        scenario.validate().map_err(fail)?;
        Ok(scenario)
    }

    fn validate(&self) -> Result<(), String> {
        for name in self.faults.keys() {
            if Fault::from_name(name).is_none() {
                let known: Vec<_> = Fault::ALL.iter().map(|(_, name)| *name).collect();
                return Err(format!(
                    "faults.{name}: no such fault; expected one of {}",
                    known.join(", ")
                ));
            }
        }
        let outside = &self.outside;
        let misplaced = match self.level {
            Level::Agent => outside.destroy_at.map(|_| "destroy_at"),
            Level::Containerizer => {
                let kill = outside.kill_at.map(|_| "kill_at");
                kill.or(outside.shutdown_at.map(|_| "shutdown_at"))
            }
        };
        if let Some(field) = misplaced {
            return Err(format!(
                "outside.{field}: not in a scenario of this level: the containerizer level has \
                 destroy_at, the agent level kill_at and shutdown_at"
            ));
        }
        if self.level == Level::Agent && self.task.instances != 1 {
            return Err("task.instances: not in a scenario of the agent level".to_owned());
        }
        if !(1..=8).contains(&self.task.instances) {
            return Err(format!("task.instances: expected 1 to 8, found {}", self.task.instances));
        }
        // Files are in memory.
        if self.task.uri_size.0 == Bytes::ZERO || self.task.uri_size.0 > Bytes::kilobytes(64) {
            return Err(format!(
                "task.uri_size: expected 1B to 64KB, found {}",
                self.task.uri_size.0
            ));
        }
        if self.image.layers.is_empty() {
            return Err("image.layers: an image has at least one layer".to_owned());
        }
        if self.registry.bandwidth.0 == Bytes::ZERO {
            return Err("registry.bandwidth: must be more than 0B".to_owned());
        }
        if !(1..=4).contains(&self.explore.latencies) {
            return Err(format!(
                "explore.latencies: expected 1 to 4, found {}",
                self.explore.latencies
            ));
        }
        if self.explore.max_steps == 0 || self.explore.max_steps > 1_000_000 {
            return Err(format!(
                "explore.max_steps: expected 1 to 1000000, found {}",
                self.explore.max_steps
            ));
        }
        if self.explore.moments > 1_000_000 {
            return Err(format!(
                "explore.moments: expected at most 1000000, found {}",
                self.explore.moments
            ));
        }
        Ok(())
    }

    /// The fault budgets of one run.
    pub fn budgets(&self) -> Faults {
        let budgets = self
            .faults
            .iter()
            .filter_map(|(name, budget)| Fault::from_name(name).map(|fault| (fault, *budget)));
        budgets
            .fold(Faults::none(), |faults, (fault, budget)| faults.with(fault, budget))
            .at_most(self.explore.faults_at_most)
    }

    /// The scenarios that are part of this binary, by name.
    ///
    /// # Errors
    ///
    /// Never for a released binary: a test parses all of them.
    pub fn built_in() -> Result<Vec<Scenario>, ScenarioError> {
        BUILT_IN.iter().map(|(name, text)| Scenario::parse(name, text)).collect()
    }

    /// The TOML of a built-in scenario.
    pub fn built_in_text(name: &str) -> Option<&'static str> {
        BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_scenario_is_valid_and_named_as_its_file() {
        for (scenario, (name, _)) in Scenario::built_in().unwrap().iter().zip(BUILT_IN) {
            assert_eq!(scenario.name, name);
        }
    }

    #[test]
    fn an_error_names_the_field_and_what_was_expected() {
        let (pull, agent, cache) =
            ("destroy-during-pull", "destroy-during-pull-agent", "fetch-cache");
        for (name, from, to, expected) in [
            (
                pull,
                "[faults]",
                "[faults]\npull-sideways = 1",
                "faults.pull-sideways: no such fault",
            ),
            (pull, "level = \"containerizer\"", "level = \"kernel\"", "unknown variant `kernel`"),
            (pull, "description", "descriptoin", "unknown field `descriptoin`"),
            (pull, "destroy_at = \"", "destroy_at = \"soon", "is no duration like 10secs"),
            (agent, "uris = 1", "instances = 2", "task.instances: not in a scenario of the agent"),
            (cache, "instances = 3", "instances = 0", "task.instances: expected 1 to 8, found 0"),
            (cache, "instances = 3", "instances = 9", "task.instances: expected 1 to 8, found 9"),
            (cache, "uri_size = \"100B\"", "uri_size = \"0B\"", "task.uri_size: expected 1B to"),
            (cache, "uri_size = \"100B\"", "uri_size = \"1GB\"", "task.uri_size: expected 1B to"),
            (cache, "fetcher_cache_size", "cache_size", "unknown field `cache_size`"),
        ] {
            let text = Scenario::built_in_text(name).unwrap();
            assert!(text.contains(from), "{from}");
            let error = Scenario::parse("x.toml", &text.replace(from, to)).unwrap_err().to_string();
            assert!(error.starts_with("x.toml: "), "{error}");
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = Scenario::load("nonsense").unwrap_err().to_string();
        assert!(error.contains("destroy-during-pull"), "{error}");
        assert!(Scenario::load("/does/not/exist.toml").unwrap_err().to_string().contains("cannot"));
    }
}
