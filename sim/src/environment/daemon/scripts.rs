//! Which script a container's program plays.
//!
//! In this order: the first rule of the scenario that fits the container, the command line if it
//! is to be [interpreted](DaemonSettings::interpret) and is understood, the image's own script.

use super::config::Settled;
use super::image::{ImageSpec, Programs};
use super::reference::normalise;
use super::script::Script;
use super::settings::DaemonSettings;
use super::shell::{self, Surroundings, Verdict};
use std::sync::Arc;

/// The label by which a container asks for a script by name.
pub const LABEL: &str = "drydock.script";

/// Which containers play a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Those with this word in their command line.
    Command(Arc<str>),
    /// Those of this image.
    Image(Arc<str>),
    /// Those whose label [`LABEL`] has this value.
    Label(Arc<str>),
}

/// The text of a script, in the language of commands that containers are interpreted in.
///
/// # Errors
///
/// When it is not of that language.
pub fn parse(text: &str) -> Result<Script, String> {
    shell::script(text, true)
}

impl Pick {
    fn fits(&self, settled: &Settled) -> bool {
        match self {
            Pick::Command(wanted) => {
                let mut words = settled.entrypoint.iter().flatten().chain(&settled.command);
                words.any(|word| **word == **wanted)
            }
            Pick::Image(wanted) => normalise(&settled.config.image) == normalise(wanted),
            Pick::Label(wanted) => settled.label(LABEL) == Some(&**wanted),
        }
    }
}

/// The script of a container.
pub(super) fn choose(
    settings: &DaemonSettings,
    image: &ImageSpec,
    settled: &Settled,
) -> Arc<Script> {
    let rule = settings.scripts.iter().find(|(pick, _)| pick.fits(settled));
    if let Some((_, script)) = rule {
        return Arc::clone(script);
    }
    if !settings.interpret {
        return Arc::clone(&image.script);
    }
    let surroundings = Surroundings {
        env: &settled.env,
        working_dir: &settled.working_dir,
        first: !settled.config.init,
        strict: image.programs == Programs::Known,
    };
    match shell::interpret(&settled.argv(), &surroundings) {
        Verdict::Does(script) => Arc::new(script),
        Verdict::Unknown => Arc::clone(&image.script),
    }
}

/// The script of a program that is executed in a container.
pub(super) fn of_exec(
    settings: &DaemonSettings,
    programs: Programs,
    argv: &[String],
    env: &[String],
    working_dir: &str,
) -> Script {
    let strict = settings.interpret && programs == Programs::Known;
    let surroundings = Surroundings { env, working_dir, first: false, strict };
    match shell::interpret(argv, &surroundings) {
        Verdict::Does(script) => script,
        // What it would do is not known; that it ends is what most are run for.
        Verdict::Unknown => Script::exits(settings.exec, 0),
    }
}
