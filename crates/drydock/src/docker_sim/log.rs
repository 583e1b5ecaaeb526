//! What the server says of itself and of each request.

use super::address::Address;
use serde_json::json;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// How it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Lines for people on stderr: requests, too.
    Lines,
    /// The same, without requests.
    Quiet,
    /// JSON objects on stdout, one a line.
    Json,
}

impl Style {
    /// JSON if asked for; requests are shown where somebody sees them, or asks for them.
    pub fn new(json: bool, verbose: bool) -> Self {
        match (json, verbose || std::io::stderr().is_terminal()) {
            (true, _) => Style::Json,
            (false, true) => Style::Lines,
            (false, false) => Style::Quiet,
        }
    }

    /// It listens now.
    pub fn ready(self, address: &Address) {
        match self {
            Style::Json => say(&json!({ "event": "ready", "listen": address.to_string() })),
            Style::Lines | Style::Quiet => eprintln!(
                "simulated Docker daemon ready; try: docker -H {address} run --rm busybox echo hello"
            ),
        }
    }

    /// A request was answered, so long after it had come; nothing, where the client left before.
    pub fn answered(self, line: &str, status: Option<u16>, after: Duration) {
        match self {
            Style::Json => say(&json!({
                "event": "request",
                "request": line,
                "status": status,
                "seconds": after.as_secs_f64(),
            })),
            Style::Lines => match status {
                Some(status) => eprintln!("{line}  {status}  {:.3}s", after.as_secs_f64()),
                None => eprintln!("{line}  client left after {:.3}s", after.as_secs_f64()),
            },
            Style::Quiet => {}
        }
    }

    /// A client left before the end of an answer that had begun.
    pub fn left(self, line: &str, after: Duration) {
        match self {
            Style::Json => say(&json!({
                "event": "left",
                "request": line,
                "seconds": after.as_secs_f64(),
            })),
            Style::Lines => {
                eprintln!("{line}  client left after {:.3}s, before the end", after.as_secs_f64());
            }
            Style::Quiet => {}
        }
    }
}

fn say(value: &serde_json::Value) {
    // Who does not read what it asked for goes without.
    let _ = writeln!(std::io::stdout(), "{value}");
}
