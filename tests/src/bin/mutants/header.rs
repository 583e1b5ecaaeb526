//! The header of a patch in `sim/mutants`: what the mutant is, and who must catch it.
//!
//! ```text
//! # Title: a destroy in PULLING leaves the pull running
//! # Upstream: MESOS-0000, or the commit that fixed it
//! # Component: containerizer
//! # Interleaving: the destroy arrives while layers are coming;
//! #   nobody discards the future of the pull.
//! # Oracle: I-CLI
//! # Scenario: destroy-during-pull
//! # Budget: 2000
//! --- a/crates/containerizer/src/docker/destroy.rs
//! +++ b/crates/containerizer/src/docker/destroy.rs
//! ```
//!
//! The `#` may be missing. A line that begins with none of these keys continues the one before.

use std::collections::BTreeMap;

/// How many schedules a campaign may need when the header does not say.
const DEFAULT_BUDGET: u64 = 2000;

const KEYS: [&str; 7] =
    ["Title", "Upstream", "Component", "Interleaving", "Oracle", "Scenario", "Budget"];

/// What the header of a patch says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The bug, in a line.
    pub title: String,
    /// The JIRA issue, or the commit that fixed it.
    pub upstream: String,
    /// What it is a bug of.
    pub component: String,
    /// How it comes about.
    pub interleaving: String,
    /// The key of the oracle that must catch it.
    pub oracle: String,
    /// The scenario in which it must be caught.
    pub scenario: String,
    /// In how many schedules.
    pub budget: u64,
}

impl Header {
    /// Reads the header of a patch: everything before its first `diff` or `---` line. An error
    /// says what was expected; the caller names the file.
    pub fn parse(patch: &str) -> Result<Header, String> {
        let mut fields = fields(patch)?;
        let mut field = |key: &'static str| {
            fields
                .remove(key)
                .filter(|value| !value.is_empty())
                .ok_or_else(|| format!("the header has no '{key}:' line"))
        };
        let header = Header {
            title: field("Title")?,
            upstream: field("Upstream")?,
            component: field("Component")?,
            interleaving: field("Interleaving")?,
            oracle: field("Oracle")?,
            scenario: field("Scenario")?,
            budget: match field("Budget") {
                Ok(text) => number(&text)?,
                Err(_) => DEFAULT_BUDGET,
            },
        };
        if !header.oracle.starts_with("I-") || header.oracle.contains(char::is_whitespace) {
            let found = &header.oracle;
            return Err(format!("Oracle: '{found}': expected one key, for instance I-CLI"));
        }
        Ok(header)
    }
}

fn fields(patch: &str) -> Result<BTreeMap<&'static str, String>, String> {
    let mut fields: BTreeMap<&'static str, String> = BTreeMap::new();
    let mut current: Option<&'static str> = None;
    let is_header = |line: &&str| !line.starts_with("--- ") && !line.starts_with("diff ");
    for line in patch.lines().take_while(is_header) {
        let line = line.trim_start_matches('#').trim();
        if let Some((key, value)) = known(line) {
            if fields.insert(key, value.to_owned()).is_some() {
                return Err(format!("the header has two '{key}:' lines"));
            }
            current = Some(key);
        } else if !line.is_empty() {
            let value = current
                .and_then(|key| fields.get_mut(key))
                .ok_or_else(|| format!("the header begins with '{line}': expected 'Title: ...'"))?;
            value.push(' ');
            value.push_str(line);
        }
    }
    Ok(fields)
}

fn known(line: &str) -> Option<(&'static str, &str)> {
    let (name, value) = line.split_once(':')?;
    let key = KEYS.iter().find(|key| **key == name)?;
    Some((key, value.trim()))
}

fn number(text: &str) -> Result<u64, String> {
    let budget = text.replace('_', "").parse().ok().filter(|budget| *budget > 0);
    budget.ok_or_else(|| format!("Budget: '{text}': expected a number of schedules, at least 1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "--- a/x.rs\n+++ b/x.rs\n@@ -1 +1 @@\n-Oracle: I-NOT-ME\n+b\n";

    fn patch(without: &str, more: &str) -> String {
        let lines = [
            "Title: a destroy forgets the pull",
            "Upstream: MESOS-1: not its number",
            "Component: containerizer",
            "Interleaving: the destroy comes while layers are coming;",
            "    nobody discards the pull.",
            "Oracle: I-CLI",
            "Scenario: destroy-during-pull",
        ];
        let kept = lines.iter().filter(|line| without.is_empty() || !line.starts_with(without));
        kept.map(|line| format!("# {line}\n")).collect::<String>() + more + DIFF
    }

    #[test]
    fn a_header_has_its_fields_and_ends_where_the_diff_begins() {
        let header = Header::parse(&patch("", "")).unwrap();
        assert_eq!(header.title, "a destroy forgets the pull");
        assert_eq!(header.upstream, "MESOS-1: not its number");
        assert_eq!(
            header.interleaving,
            "the destroy comes while layers are coming; nobody discards the pull."
        );
        assert_eq!((header.oracle.as_str(), header.budget), ("I-CLI", 2000));
        let plain = patch("", "").replace("# ", "");
        assert_eq!(Header::parse(&plain), Ok(header.clone()));
        let git = patch("", "#\n\ndiff --git a/x.rs b/x.rs\nindex 1..2 100644\n");
        assert_eq!(Header::parse(&git), Ok(header));
    }

    #[test]
    fn a_budget_is_a_positive_number() {
        assert_eq!(Header::parse(&patch("", "# Budget: 20_000\n")).unwrap().budget, 20_000);
        for bad in ["0", "many", "-1", "1.5"] {
            let error = Header::parse(&patch("", &format!("Budget: {bad}\n"))).unwrap_err();
            assert!(error.contains(&format!("'{bad}'")), "{error}");
        }
    }

    #[test]
    fn errors_name_the_line() {
        for key in KEYS.iter().filter(|key| **key != "Budget") {
            let error = Header::parse(&patch(&format!("{key}:"), "")).unwrap_err();
            let missing = format!("no '{key}:' line");
            assert!(error.contains(&missing), "{key}: {error}");
        }
        for (text, expected) in [
            ("", "no 'Title:' line"),
            ("# something\n", "begins with 'something'"),
            ("Title: a\nTitle: b\n", "two 'Title:' lines"),
            ("Title:\n", "no 'Title:' line"),
            ("Title: x\nOrcale: I-CLI\n", "no 'Upstream:' line"),
        ] {
            let error = Header::parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let error = Header::parse(&patch("Oracle", "Oracle: I-CLI, I-TERM\n")).unwrap_err();
        assert!(error.contains("one key"), "{error}");
    }
}
