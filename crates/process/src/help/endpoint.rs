//! The help of one endpoint, section by section.

use std::fmt;

/// Writes the help of an endpoint in Markdown. Its sections come in upstream's order, in whatever
/// order they are given; only the first is there always.
///
/// ```
/// # use process::help::EndpointHelp;
/// let help = EndpointHelp::new("Tells whether the agent is well.")
///     .description(&["Answers `200 OK` when it is."])
///     .authentication(false);
/// # assert!(help.to_string().contains("### DESCRIPTION ###"));
/// ```
///
/// Mirrors `HELP` in `3rdparty/libprocess/src/help.cpp` and the helpers in
/// `3rdparty/libprocess/include/process/help.hpp`.
#[doc(alias = "process::HELP")]
#[derive(Clone, Debug)]
pub struct EndpointHelp {
    summary: String,
    description: Option<String>,
    authentication: Option<&'static str>,
    authorization: Option<String>,
    references: Option<String>,
}

impl EndpointHelp {
    /// Help with a summary of one line.
    #[doc(alias = "process::TLDR")]
    pub fn new(summary: &str) -> Self {
        EndpointHelp {
            summary: format!("{summary}\n"),
            description: None,
            authentication: None,
            authorization: None,
            references: None,
        }
    }

    /// What it does and how it is used, line by line.
    #[doc(alias = "process::DESCRIPTION")]
    pub fn description(mut self, lines: &[&str]) -> Self {
        self.description = Some(section(lines));
        self
    }

    /// Whether a request must say who makes it.
    #[doc(alias = "process::AUTHENTICATION")]
    pub fn authentication(mut self, required: bool) -> Self {
        self.authentication = Some(if required {
            "Needs authentication if HTTP authentication is enabled.\n"
        } else {
            "Needs no authentication.\n"
        });
        self
    }

    /// Who may make a request, and what of the answer they see, line by line.
    #[doc(alias = "process::AUTHORIZATION")]
    pub fn authorization(mut self, lines: &[&str]) -> Self {
        self.authorization = Some(section(lines));
        self
    }

    /// Targets of Markdown's links, line by line: `[name]: address`.
    #[doc(alias = "process::REFERENCES")]
    pub fn references(mut self, lines: &[&str]) -> Self {
        self.references = Some(section(lines));
        self
    }
}

/// Lines, and an empty one behind them.
fn section(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\n")).chain(["\n".to_owned()]).collect()
}

/// A line of usage as a block of code within a quotation.
#[doc(alias = "process::USAGE")]
pub(super) fn usage(usage: &str) -> String {
    format!(">        {usage}\n")
}

impl fmt::Display for EndpointHelp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "### TL;DR; ###\n{}", self.summary)?;
        let sections = [
            ("DESCRIPTION", self.description.as_deref()),
            ("AUTHENTICATION", self.authentication),
            ("AUTHORIZATION", self.authorization.as_deref()),
        ];
        for (title, text) in sections {
            if let Some(text) = text {
                write!(f, "\n### {title} ###\n{text}")?;
            }
        }
        match &self.references {
            Some(references) => write!(f, "\n{references}"),
            None => Ok(()),
        }
    }
}
