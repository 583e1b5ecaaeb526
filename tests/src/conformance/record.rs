//! What the Engine was recorded to say, and where the simulated daemon is known to differ.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::groups;

/// A difference that is known: instead of these lines of the record, the simulated daemon says
/// those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `GROUP/CONVERSATION`.
    pub conversation: String,
    /// What the Engine says: lines that follow each other.
    pub engine: Vec<String>,
    /// What the simulated daemon says in their place.
    pub simulated: Vec<String>,
    /// Why it may.
    pub reason: String,
}

/// The records.
#[derive(Clone, Debug, Default)]
pub struct Records {
    /// By `GROUP/CONVERSATION`.
    pub transcripts: BTreeMap<String, Vec<String>>,
    /// In the order of the file.
    pub differences: Vec<Difference>,
}

/// Where the records lie.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/conformance")
}

const HEAD: &str = "== ";

impl Records {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// Which file cannot be read, or what in it is wrong.
    pub fn load() -> Result<Records, String> {
        let mut records = Records::default();
        for group in groups::names() {
            let path = directory().join(format!("{group}.txt"));
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let mut name = String::new();
            for line in text.lines() {
                if let Some(title) = line.strip_prefix(HEAD) {
                    name = format!("{group}/{title}");
                    records.transcripts.insert(name.clone(), Vec::new());
                } else if let Some(lines) = records.transcripts.get_mut(&name) {
                    lines.push(line.to_owned());
                }
            }
        }
        for lines in records.transcripts.values_mut() {
            while lines.last().is_some_and(String::is_empty) {
                lines.pop();
            }
        }
        let path = directory().join("differences.json");
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let value: Value =
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let all = value.as_array().ok_or("differences.json: expected a list")?;
        for one in all {
            records.differences.push(difference(one)?);
        }
        Ok(records)
    }

    /// Writes the transcripts.
    ///
    /// # Errors
    ///
    /// Which file cannot be written.
    pub fn save(&self) -> Result<(), String> {
        let mut files: BTreeMap<&str, String> = BTreeMap::new();
        for conversation in groups::all() {
            let Some(lines) = self.transcripts.get(&conversation.path()) else { continue };
            let text = files.entry(conversation.group).or_default();
            let _ = writeln!(text, "{HEAD}{}", conversation.name);
            for line in lines {
                let _ = writeln!(text, "{line}");
            }
            text.push('\n');
        }
        for (group, text) in files {
            let path = directory().join(format!("{group}.txt"));
            let text = format!("{}\n", text.trim_end());
            std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }

    /// What the simulated daemon is to say in this conversation.
    ///
    /// # Errors
    ///
    /// Which known difference has no place in the record.
    pub fn simulated(&self, conversation: &str) -> Result<Vec<String>, String> {
        let mut lines = self.transcripts.get(conversation).cloned().unwrap_or_default();
        for one in self.differences.iter().filter(|one| one.conversation == conversation) {
            let length = one.engine.len();
            let at = lines.windows(length.max(1)).position(|window| window == one.engine);
            let at = at.ok_or_else(|| {
                format!("{conversation}: a known difference is not in the record: {one:?}")
            })?;
            lines.splice(at..at + length, one.simulated.iter().cloned());
        }
        Ok(lines)
    }
}

fn difference(value: &Value) -> Result<Difference, String> {
    let text = |name: &str| {
        let found = value[name].as_str().filter(|text| !text.is_empty());
        found.map(str::to_owned).ok_or_else(|| format!("differences.json: no {name} in {value}"))
    };
    let lines = |name: &str| {
        let all = value[name].as_array().into_iter().flatten();
        let lines: Option<Vec<String>> = all.map(|one| one.as_str().map(str::to_owned)).collect();
        lines.ok_or_else(|| format!("differences.json: {name} is no list of texts in {value}"))
    };
    Ok(Difference {
        conversation: text("conversation")?,
        engine: lines("engine")?,
        simulated: lines("simulated")?,
        reason: text("reason")?,
    })
}

/// `docs/conformance.md`, from the records.
pub fn document(records: &Records) -> String {
    let all = groups::all();
    let differing =
        |path: &str| records.differences.iter().filter(|one| one.conversation == path).count();
    let same = all.iter().filter(|one| differing(&one.path()) == 0).count();
    let steps: usize = records
        .transcripts
        .values()
        .flatten()
        .filter(|line| !line.starts_with(' ') && !line.is_empty())
        .count();
    let mut text = format!(
        "# Conformance of the simulated daemon\n\n\
         Written by `DRYDOCK_WRITE_DOCS=1 cargo test --workspace --test conformance`; do not \
         edit.\n\n\
         {} conversations ({steps} steps) were recorded from Docker Engine 20.10.24. The simulated \
         daemon (`drydock docker-sim`) has {same} of them word for word as the Engine, and the \
         others apart from the differences below. `make test` holds the simulated daemon against \
         the records, `make test-docker` the records against a real Engine. What they say is in \
         `tests/golden/conformance/`.\n\n\
         | conversation | steps | simulated daemon |\n|---|---|---|\n",
        all.len(),
    );
    for one in &all {
        let path = one.path();
        let lines = records.transcripts.get(&path).map_or(&[][..], Vec::as_slice);
        let steps = lines.iter().filter(|line| !line.starts_with(' ')).count();
        let verdict = match differing(&path) {
            0 => "same".to_owned(),
            1 => "1 known difference".to_owned(),
            more => format!("{more} known differences"),
        };
        let _ = writeln!(text, "| {path} | {steps} | {verdict} |");
    }
    text.push_str("\n## Known differences\n\n");
    if records.differences.is_empty() {
        text.push_str("None.\n");
    }
    for one in &records.differences {
        let show = |lines: &[String]| match lines {
            [] => "nothing".to_owned(),
            lines => {
                lines.iter().map(|line| format!("`{}`", line.trim())).collect::<Vec<_>>().join(", ")
            }
        };
        let _ = writeln!(
            text,
            "- **{}**: {}\n  - Engine: {}\n  - simulated: {}",
            one.conversation,
            one.reason,
            show(&one.engine),
            show(&one.simulated)
        );
    }
    text
}
