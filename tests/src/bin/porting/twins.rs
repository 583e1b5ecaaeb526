//! Finds the twin of each upstream test.
//!
//! A twin has the name of its original in snake case. Since Rust cannot have all names, and digits
//! are set apart by some and not by others, underscores do not count, nor does a `test` at the end.
//! In a file, a directory or a module that is named after upstream's file the name is enough;
//! elsewhere it must have three words, for there are many tests that are called `discard`.

use crate::data::{Group, Reasons, Upstream};
use crate::map::snake;
use crate::source::Test;

/// How many words a twin's name must have outside of a file that is named after upstream's.
const DISTINCT: usize = 3;

/// How the reason begins that is not one: nobody has got to it yet.
const NOT_BUILT: &str = "not built yet";

/// What there is of an upstream test here.
pub enum State<'a> {
    /// Its twins.
    Twins(Vec<&'a Test>),
    /// Why it has none.
    Reason(&'a str),
    /// What it is about is not there, as this says.
    NotBuilt(&'a str),
    /// Nothing: somebody should write it.
    Open,
}

/// All upstream tests and their twins.
pub struct Twins<'a> {
    /// The groups, and what there is of each of their tests.
    pub groups: Vec<(&'a Group, Vec<(&'a Upstream, State<'a>)>)>,
}

impl<'a> Twins<'a> {
    /// Looks for them. A test that has both a twin and a reason is an error.
    pub fn new(
        groups: &'a [Group],
        reasons: &'a Reasons,
        tests: &'a [Test],
    ) -> Result<Self, String> {
        let mut found = Vec::new();
        for group in groups {
            let mut states = Vec::new();
            for upstream in &group.tests {
                let own = reasons.get(&(group.name.clone(), upstream.full()));
                let default = reasons.get(&(group.name.clone(), "*".to_owned()));
                let twins: Vec<&Test> =
                    tests.iter().filter(|test| is_twin(test, upstream, group, groups)).collect();
                states.push((
                    upstream,
                    match (twins.is_empty(), own.or(default)) {
                        (false, _) if own.is_some() => {
                            let full = upstream.full();
                            return Err(format!(
                                "{full} has a twin: remove its line in no-twin.txt"
                            ));
                        }
                        (false, _) => State::Twins(twins),
                        (true, Some(reason)) if reason.starts_with(NOT_BUILT) => {
                            State::NotBuilt(reason)
                        }
                        (true, Some(reason)) => State::Reason(reason),
                        (true, None) => State::Open,
                    },
                ));
            }
            found.push((group, states));
        }
        Ok(Twins { groups: found })
    }

    /// The twins, in the suites of a crate, in which some test is found.
    pub fn mentioning(&self, krate: &str, mentions: impl Fn(&Test) -> bool) -> Vec<String> {
        let groups = self.groups.iter().filter(|(group, _)| krate.ends_with(&group.krate));
        let states = groups.flat_map(|(_, states)| states);
        let mut names = Vec::new();
        for (upstream, state) in states {
            if let State::Twins(twins) = state
                && twins.iter().any(|test| mentions(test))
            {
                names.push(upstream.full());
            }
        }
        names
    }
}

/// Whether a test is the twin of an upstream test.
fn is_twin(test: &Test, upstream: &Upstream, group: &Group, groups: &[Group]) -> bool {
    let name = enabled(&upstream.name);
    if squash(&test.name) != squash(name) {
        return false;
    }
    let directories = test.file.split('/').map(|part| part.trim_end_matches(".rs"));
    let mut places = directories.chain(test.modules.iter().map(String::as_str));
    if places.any(|place| place == group.stem()) {
        let namesakes = group.tests.iter().filter(|other| enabled(&other.name) == name).count();
        let fixture = squash(&upstream.fixture);
        return namesakes == 1 || test.modules.iter().any(|module| squash(module) == fixture);
    }
    let named_after_another =
        groups.iter().any(|other| test.file.ends_with(&format!("/{}.rs", other.stem())));
    let words = snake(name).split('_').filter(|word| !word.is_empty()).count();
    !named_after_another && words >= DISTINCT && test.krate.ends_with(&*home(group, test))
}

/// Where twins may be: in the suites of the group's crate, or in those across crates.
fn home<'a>(group: &'a Group, test: &Test) -> std::borrow::Cow<'a, str> {
    match &test.krate[..] {
        "tests" | "sim" => test.krate.clone().into(),
        _ => (&group.krate[..]).into(),
    }
}

/// A test's name without the mark that upstream does not run it.
fn enabled(name: &str) -> &str {
    name.strip_prefix("DISABLED_").unwrap_or(name)
}

/// What of a name is compared.
fn squash(name: &str) -> String {
    let small = name.replace('_', "").to_lowercase();
    match small.strip_suffix("test") {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => small,
    }
}

#[cfg(test)]
mod tests {
    use super::{State, Twins};
    use crate::data::{Reasons, reasons, tests};
    use crate::source::{Test, read};

    const UPSTREAM: &str = "
[Collect] src/collect_tests.cpp | process | 4
CollectTest.Ready
CollectTest.Failure
AwaitTest.Failure
AwaitTest.AwaitSingleDiscard
";

    fn suite(file: &str, text: &str) -> Vec<Test> {
        read("crates/process", file, text).unwrap().tests
    }

    /// For each upstream test: the number of its twins, or the first letter of its state.
    fn states(suite: &[Test], why: &str) -> Result<String, String> {
        let groups = tests("t", UPSTREAM).unwrap();
        let reasons: Reasons = reasons("r", why, &groups).unwrap();
        let twins = Twins::new(&groups, &reasons, suite)?;
        let shown = twins.groups[0].1.iter().map(|(_, state)| match state {
            State::Twins(twins) => twins.len().to_string(),
            State::Reason(_) => "r".to_owned(),
            State::NotBuilt(_) => "n".to_owned(),
            State::Open => "o".to_owned(),
        });
        Ok(shown.collect())
    }

    #[test]
    fn in_upstreams_file_the_name_is_enough_unless_fixtures_share_it() {
        let text = "#[test] fn ready_() {} #[test] fn failure() {}
            mod await_test { #[test] fn failure() {} }";
        let suite = suite("crates/process/tests/collect_tests.rs", text);
        assert_eq!(states(&suite, "").unwrap(), "1o1o");
    }

    #[test]
    fn elsewhere_it_must_have_three_words() {
        let text = "#[test] fn ready() {} #[test] fn await_single_discard() {}";
        assert_eq!(states(&suite("crates/process/src/x.rs", text), "").unwrap(), "ooo1");
        let other = read("crates/agent", "crates/agent/src/x.rs", text).unwrap().tests;
        assert_eq!(states(&other, "").unwrap(), "oooo");
        let across = read("tests", "tests/tests/docker_x.rs", text).unwrap().tests;
        assert_eq!(states(&across, "").unwrap(), "ooo1");
    }

    #[test]
    fn reasons_are_for_tests_without_a_twin() {
        let why = "[Collect]\nCollectTest.Ready: because\n*: not built yet";
        assert_eq!(states(&[], why).unwrap(), "rnnn");
        let suite = suite("crates/process/tests/collect_tests.rs", "#[test] fn ready() {}");
        let error = states(&suite, why).unwrap_err();
        assert_eq!(error, "CollectTest.Ready has a twin: remove its line in no-twin.txt");
    }
}
