//! The conversations, in groups.

mod facts;
mod files;
mod images;
mod looking;
mod programs;
mod statuses;
mod system;

use super::talk::Talk;

/// A conversation that can be had with any daemon.
#[derive(Clone, Copy)]
pub struct Conversation {
    /// What it is about: the file of its record.
    pub group: &'static str,
    /// What is shown.
    pub name: &'static str,
    /// Has it.
    pub script: fn(&mut Talk<'_>),
    /// Makes the registry misbehave: nothing else may use that meanwhile.
    pub troubles: bool,
}

impl Conversation {
    /// `GROUP/NAME`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.group, self.name)
    }
}

type Script = (&'static str, fn(&mut Talk<'_>));

/// Those that change or need what only one may have at a time come one by one.
const GROUPS: [(&str, &[Script], bool); 8] = [
    ("facts", facts::ALL, true),
    ("statuses", statuses::ALL, false),
    ("programs", programs::ALL, false),
    ("files", files::ALL, false),
    ("looking", looking::ALL, false),
    ("images", images::ALL, true),
    ("pulls", images::PULLS, true),
    ("system", system::ALL, false),
];

/// The names of the groups.
pub fn names() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().map(|(name, _, _)| *name)
}

/// All conversations.
pub fn all() -> Vec<Conversation> {
    let of = |(group, scripts, troubles): &(&'static str, &'static [Script], bool)| {
        let (group, troubles) = (*group, *troubles);
        scripts.iter().map(move |(name, script)| Conversation {
            group,
            name,
            script: *script,
            troubles,
        })
    };
    GROUPS.iter().flat_map(of).collect()
}
