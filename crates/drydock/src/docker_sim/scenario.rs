//! What is in the simulated world: images, registry, programs, faults. Read from TOML.

use mesos::Bytes;
use serde::Deserialize;
use sim::environment::Daemon;
use sim::environment::daemon::rules::Rule;
use sim::environment::daemon::scripts::{self, Pick};
use sim::environment::daemon::{
    Credentials, DaemonSettings, ImageSpec, Layer, Programs, Script, StartRefusal,
};
use sim::scenario::{Size, Span};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The world without a scenario.
const DEFAULT: &str = include_str!("default.toml");

/// How a scenario is written, for people.
pub const HELP: &str = "\
Scenarios are TOML; what they leave out is as without a scenario, except for images.

  faults = [\"pull:stall@30%\"]         as --fault

  [daemon]                            all optional
  name = \"simulated\"                  the machine's
  live_restore = false                containers outlive the daemon
  max_downloads = 3                   layers at the same time
  create = \"20ms\"  start = \"150ms\"  exec = \"30ms\"  remove = \"20ms\"    how long these take
  processors = 2  memory = \"8GB\"
  devices = [\"/dev/fuse\"]             the machine's; without it, some usual ones

  [registry]
  latency = \"100ms\"                   of each answer
  bandwidth = \"10MB\"                  a second, for each layer
  extraction = \"100MB\"                a second

  [[image]]
  reference = \"web:1\"
  layers = [\"2MB\", { name = \"base\", size = \"30MB\" }]   those of one name are shared
  present = false                     it need not be pulled
  credentials = { user = \"user\", password = \"secret\" }   who may pull it
  entrypoint = []  command = []  env = []  labels = {}  ports = []  user = \"\"  workdir = \"\"
  programs = \"any\"                    known: other commands than those of scripts do not exist
  script = \"echo ready; sleep 5\"      what a command does that is not of this language
  never_starts = \"not-found\"          or not-executable: its containers cannot be started
  ignores_sigterm = false
  about = \"\"                          for the list of images

  [[program]]                         goes before what the image says
  image = \"\" | command = \"\" | label = \"\"   which containers: of this image, with this word in
                                      their command line, with the label drydock.script=...
  script, never_starts, ignores_sigterm   as above

A script is what `sh -c` would do of: sleep N, echo, printf, cat, env, true, false, exit N, trap,
ls, touch, mkdir, rm, test, eat SIZE [in TIME] (memory), work TIME (processor), joined by ; && || if
while until for, with > and >> to files. Without one a program runs until it is stopped.

Containers have files of their own, volumes, devices, and with --host-files what they bind; what is
not modelled of all this is refused with a message and exit code 2.";

/// A scenario for the server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    #[serde(default)]
    faults: Vec<String>,
    #[serde(default)]
    daemon: DaemonTable,
    #[serde(default)]
    registry: RegistryTable,
    #[serde(default, rename = "image")]
    images: Vec<ImageTable>,
    #[serde(default, rename = "program")]
    programs: Vec<ProgramTable>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct DaemonTable {
    name: Option<String>,
    live_restore: bool,
    max_downloads: Option<usize>,
    create: Option<Span>,
    start: Option<Span>,
    exec: Option<Span>,
    remove: Option<Span>,
    processors: Option<u32>,
    memory: Option<Size>,
    devices: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RegistryTable {
    latency: Option<Span>,
    bandwidth: Option<Size>,
    extraction: Option<Size>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageTable {
    reference: String,
    layers: Vec<LayerEntry>,
    #[serde(default)]
    present: bool,
    credentials: Option<Login>,
    entrypoint: Option<Vec<String>>,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    env: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    ports: Vec<String>,
    #[serde(default)]
    user: String,
    #[serde(default)]
    workdir: String,
    #[serde(default)]
    programs: Known,
    script: Option<String>,
    never_starts: Option<NeverStarts>,
    #[serde(default)]
    ignores_sigterm: bool,
    #[serde(default)]
    about: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgramTable {
    image: Option<String>,
    command: Option<String>,
    label: Option<String>,
    script: Option<String>,
    never_starts: Option<NeverStarts>,
    #[serde(default)]
    ignores_sigterm: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a size like \"2MB\", or { name = \"base\", size = \"2MB\" }"
)]
enum LayerEntry {
    Own(Size),
    Shared(SharedLayer),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SharedLayer {
    name: String,
    size: Size,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    user: String,
    password: String,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Known {
    #[default]
    Any,
    Known,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum NeverStarts {
    NotFound,
    NotExecutable,
}

/// An image that can be pulled, for people.
pub struct Listed {
    /// Its reference.
    pub reference: String,
    /// The size of all its layers.
    pub size: Bytes,
    /// What it is for.
    pub about: String,
}

impl Scenario {
    /// The one that is there without a file.
    pub fn built_in() -> Self {
        Scenario::parse("the built-in scenario", DEFAULT).expect("a test reads it")
    }

    /// From a file.
    ///
    /// # Errors
    ///
    /// One line with the file, where in it, and what was expected.
    pub fn load(path: &std::path::Path) -> Result<Self, String> {
        let source = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{source}: cannot be read: {error}"))?;
        Scenario::parse(&source, &text)
    }

    /// From TOML; `source` is named in errors.
    fn parse(source: &str, text: &str) -> Result<Self, String> {
        let scenario: Scenario = toml::from_str(text).map_err(|error| {
            let message = error.message().replace('\n', " ");
            match error.span() {
                Some(span) => {
                    let before = text.get(..span.start).unwrap_or_default();
                    let number = before.matches('\n').count();
                    let line = text.lines().nth(number).unwrap_or_default().trim();
                    format!("{source}: line {}: {message}, in: {line}", number + 1)
                }
                None => format!("{source}: {message}"),
            }
        })?;
        let fail = |problem: String| format!("{source}: {problem}");
        scenario.check().map_err(fail)?;
        Ok(scenario)
    }

    fn check(&self) -> Result<(), String> {
        self.rules()?;
        for (field, size) in
            [("bandwidth", self.registry.bandwidth), ("extraction", self.registry.extraction)]
        {
            if size.is_some_and(|size| size.0 == Bytes::ZERO) {
                return Err(format!("registry.{field}: must be more than 0B"));
            }
        }
        if self.daemon.max_downloads == Some(0) {
            return Err("daemon.max_downloads: must be more than 0".to_owned());
        }
        if self.daemon.processors == Some(0) {
            return Err("daemon.processors: must be more than 0".to_owned());
        }
        let devices = self.daemon.devices.iter().flatten();
        if let Some(bad) = devices.into_iter().find(|device| !device.starts_with("/dev/")) {
            return Err(format!("daemon.devices: '{bad}': expected a path below /dev"));
        }
        for image in &self.images {
            let of = |field: &str| format!("image {}: {field}", image.reference);
            let (name, tag) = match image.reference.rsplit_once(':') {
                Some((name, tag)) if !tag.contains('/') => (name, tag),
                _ => (image.reference.as_str(), ""),
            };
            sim::environment::daemon::reference::join(name, tag).map_err(|refusal| {
                format!("image.reference: '{}': {}", image.reference, refusal.message)
            })?;
            if image.layers.is_empty() {
                return Err(of("layers: an image has at least one layer"));
            }
            if let Some(bad) = image.env.iter().find(|line| !line.contains('=')) {
                return Err(of(&format!("env: '{bad}': expected NAME=VALUE")));
            }
            script(image.script.as_deref(), image.never_starts, image.ignores_sigterm)
                .map_err(|problem| of(&problem))?;
        }
        for (number, program) in self.programs.iter().enumerate() {
            let of = |problem: String| format!("program {}: {problem}", number + 1);
            program.pick().map_err(of)?;
            script(program.script.as_deref(), program.never_starts, program.ignores_sigterm)
                .map_err(of)?;
        }
        Ok(())
    }

    /// The faults.
    ///
    /// # Errors
    ///
    /// Which of them is none.
    pub fn rules(&self) -> Result<Vec<Rule>, String> {
        self.faults
            .iter()
            .map(|text| text.parse().map_err(|error| format!("faults: {error}")))
            .collect()
    }

    /// How the daemon is set up; virtual time begins at `epoch`.
    pub fn settings(&self, epoch: Duration) -> DaemonSettings {
        let usual = DaemonSettings::default();
        let (daemon, registry) = (&self.daemon, &self.registry);
        let span = |given: Option<Span>, usual| given.map_or(usual, |span| span.0);
        let size = |given: Option<Size>, usual| given.map_or(usual, |size| size.0.as_u64());
        let program = |one: &ProgramTable| {
            let script = script(one.script.as_deref(), one.never_starts, one.ignores_sigterm);
            // Both were checked when the scenario was read.
            Some((one.pick().ok()?, Arc::new(script.ok()?)))
        };
        DaemonSettings {
            live_restore: daemon.live_restore,
            max_downloads: daemon.max_downloads.unwrap_or(usual.max_downloads),
            create: span(daemon.create, usual.create),
            start: span(daemon.start, usual.start),
            exec: span(daemon.exec, usual.exec),
            remove: span(daemon.remove, usual.remove),
            processors: daemon.processors.unwrap_or(usual.processors),
            total_memory: size(daemon.memory, usual.total_memory),
            devices: daemon.devices.as_ref().map_or(usual.devices, |devices| {
                devices.iter().map(|device| Arc::from(device.as_str())).collect()
            }),
            name: daemon.name.as_deref().map_or(usual.name, Arc::from),
            registry: span(registry.latency, usual.registry),
            bandwidth: size(registry.bandwidth, usual.bandwidth),
            extraction: size(registry.extraction, usual.extraction),
            // A line of progress for each, as an Engine shows about ten a second.
            tick_at_most: 1 << 20,
            interpret: true,
            scripts: self.programs.iter().filter_map(program).collect(),
            epoch,
            ..usual
        }
    }

    /// Puts the images where they belong.
    pub fn furnish(&self, daemon: &Daemon) {
        for table in &self.images {
            let image = Arc::new(table.image());
            if table.present {
                daemon.load(&table.reference, Arc::clone(&image));
            }
            daemon.publish_for(table.credentials(), &table.reference, image);
        }
    }

    /// All who may log in.
    pub fn logins(&self) -> Vec<Credentials> {
        self.images.iter().filter_map(ImageTable::credentials).collect()
    }

    /// All images that can be pulled.
    pub fn images(&self) -> Vec<Listed> {
        let listed = |table: &ImageTable| Listed {
            reference: table.reference.clone(),
            size: Bytes::new(table.image().bytes()),
            about: table.about.clone(),
        };
        self.images.iter().map(listed).collect()
    }
}

impl ImageTable {
    fn credentials(&self) -> Option<Credentials> {
        let login = self.credentials.as_ref()?;
        Some(Credentials {
            user: login.user.as_str().into(),
            password: login.password.as_str().into(),
        })
    }

    fn image(&self) -> ImageSpec {
        let size = |entry: &LayerEntry| match entry {
            LayerEntry::Own(size) | LayerEntry::Shared(SharedLayer { size, .. }) => size.0.as_u64(),
        };
        let sizes: Vec<u64> = self.layers.iter().map(size).collect();
        let mut image = ImageSpec::new(&self.reference, &sizes);
        for (layer, entry) in image.layers.iter_mut().zip(&self.layers) {
            if let LayerEntry::Shared(shared) = entry {
                let digest = ImageSpec::new(&format!("layer {}", shared.name), &[layer.bytes]);
                *layer = Layer { digest: Arc::clone(&digest.layers[0].digest), bytes: layer.bytes };
            }
        }
        let environment = self.env.iter().filter_map(|line| line.split_once('='));
        image.environment =
            environment.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if !self.command.is_empty() || self.entrypoint.is_some() {
            image.command.clone_from(&self.command);
        }
        image.entrypoint.clone_from(&self.entrypoint);
        image.labels.clone_from(&self.labels);
        image.exposed_ports.clone_from(&self.ports);
        image.user.clone_from(&self.user);
        image.working_dir.clone_from(&self.workdir);
        image.programs = match self.programs {
            Known::Any => Programs::Any,
            Known::Known => Programs::Known,
        };
        let script = script(self.script.as_deref(), self.never_starts, self.ignores_sigterm);
        // It was checked when the scenario was read.
        image.script = Arc::new(script.unwrap_or_default());
        image
    }
}

impl ProgramTable {
    fn pick(&self) -> Result<Pick, String> {
        match (&self.image, &self.command, &self.label) {
            (Some(image), None, None) => Ok(Pick::Image(image.as_str().into())),
            (None, Some(word), None) => Ok(Pick::Command(word.as_str().into())),
            (None, None, Some(value)) => Ok(Pick::Label(value.as_str().into())),
            _ => Err("expected one of image, command and label".to_owned()),
        }
    }
}

fn script(
    text: Option<&str>,
    never_starts: Option<NeverStarts>,
    ignores_sigterm: bool,
) -> Result<Script, String> {
    let refusal = never_starts.map(|why| match why {
        NeverStarts::NotFound => StartRefusal::NotFound,
        NeverStarts::NotExecutable => StartRefusal::NotExecutable,
    });
    let script = match text {
        Some(text) => scripts::parse(text).map_err(|error| format!("script: {error}"))?,
        None if ignores_sigterm => Script::deaf(),
        None => Script::default(),
    };
    let on_term = if ignores_sigterm { Script::deaf().on_term } else { script.on_term.clone() };
    Ok(Script { refusal, on_term, ..script })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_scenario_is_one() {
        let scenario = Scenario::built_in();
        let listed = scenario.images();
        assert!(listed.iter().any(|image| image.reference == "busybox"));
        assert!(listed.iter().all(|image| !image.about.is_empty()));
        assert_eq!(scenario.logins().len(), 1);
    }

    #[test]
    fn layers_of_one_name_are_shared() {
        let text = r#"
            [[image]]
            reference = "a"
            layers = [{ name = "base", size = "1MB" }, "1MB"]
            [[image]]
            reference = "b"
            layers = [{ name = "base", size = "1MB" }, "1MB"]
        "#;
        let scenario = Scenario::parse("x.toml", text).unwrap();
        let (a, b) = (scenario.images[0].image(), scenario.images[1].image());
        assert_eq!(a.layers[0], b.layers[0]);
        assert_ne!(a.layers[1], b.layers[1]);
    }

    #[test]
    fn an_error_is_one_line_with_the_file_and_the_field() {
        let image =
            |line: &str| format!("[[image]]\nreference = \"a\"\nlayers = [\"1MB\"]\n{line}");
        for (text, expected) in [
            ("faults = [\"pul:stall\"]".to_owned(), "faults: fault 'pul:stall'"),
            ("faults = 1".to_owned(), "line 1: invalid type"),
            ("[registry]\nbandwidth = \"fast\"".to_owned(), "line 2: 'fast' is no size like"),
            ("[registry]\nbandwidth = \"0B\"".to_owned(), "registry.bandwidth: must be more"),
            ("[registry]\nlatency = 5".to_owned(), "line 2: invalid type"),
            ("[daemon]\nspeed = 1".to_owned(), "line 2: unknown field `speed`"),
            ("[daemon]\nmax_downloads = 0".to_owned(), "daemon.max_downloads"),
            ("[daemon]\ndevices = [\"fuse\"]".to_owned(), "daemon.devices: 'fuse'"),
            (image("script = \"make coffee\""), "image a: script: 'make coffee' is not of"),
            (image("env = [\"A\"]"), "image a: env: 'A'"),
            (image("never_starts = \"maybe\""), "unknown variant `maybe`"),
            (image("[[program]]"), "program 1: expected one of"),
            ("[[image]]\nreference = \"A\"\nlayers = [\"1MB\"]".to_owned(), "image.reference: 'A'"),
            ("[[image]]\nreference = \"a\"\nlayers = []".to_owned(), "image a: layers"),
            ("[[image]]\nreference = \"a\"\nlayers = [5]".to_owned(), "expected a size like"),
            ("what".to_owned(), "line 1:"),
        ] {
            let error = Scenario::parse("x.toml", &text).unwrap_err();
            assert!(error.starts_with("x.toml: ") && error.contains(expected), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
        let missing = Scenario::load(std::path::Path::new("/does/not/exist.toml")).unwrap_err();
        assert!(missing.starts_with("/does/not/exist.toml: cannot be read"), "{missing}");
    }

    #[test]
    fn programs_are_what_the_scenario_says() {
        let deaf = script(Some("sleep 5"), None, true).unwrap();
        assert!(deaf.ignores_sigterm() && !deaf.steps.is_empty());
        let never = script(None, Some(NeverStarts::NotFound), false).unwrap();
        assert_eq!(never.refusal, Some(StartRefusal::NotFound));
    }
}
