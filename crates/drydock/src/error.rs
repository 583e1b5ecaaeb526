//! What ends the program with exit code 2.

use std::fmt;

/// Bad usage or input: one line that names what and where.
#[derive(Debug)]
pub struct UsageError(String);

impl UsageError {
    /// An error with this message.
    pub fn new(message: impl fmt::Display) -> Self {
        UsageError(message.to_string())
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<sim::scenario::ScenarioError> for UsageError {
    fn from(error: sim::scenario::ScenarioError) -> Self {
        UsageError::new(error)
    }
}

impl From<sim::trace::TraceError> for UsageError {
    fn from(error: sim::trace::TraceError) -> Self {
        UsageError::new(error)
    }
}
