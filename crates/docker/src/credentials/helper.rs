//! Programs that hold credentials: `docker-credential-NAME get`.
//!
//! The program reads the registry's name on its standard input and answers with JSON on its
//! standard output; an error, too, is written there, with an exit code that is not 0.

use super::Credentials;
use super::registry::Registry;
use crate::time::within;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdout, Command};

/// With this the program says that it has no credentials for the registry.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// In place of a user's name: the secret is an identity token.
const TOKEN_USER: &str = "<token>";

/// Of an error that the program reports no more than this is passed on.
const ERROR_CHARS_MAX: usize = 200;

/// A helper, and how it is run.
pub(super) struct Helper<'a> {
    /// What stands behind `docker-credential-`.
    pub(super) name: &'a str,
    /// Where the program is; among those of `PATH` if nowhere in particular.
    pub(super) directory: Option<&'a Path>,
    /// Its home, instead of the agent's.
    pub(super) home: Option<&'a Path>,
    pub(super) limit: Duration,
    pub(super) bytes_max: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

impl Helper<'_> {
    fn program(&self) -> PathBuf {
        let program = format!("docker-credential-{}", self.name);
        self.directory.map_or_else(|| PathBuf::from(&program), |directory| directory.join(&program))
    }

    /// Asks for the credentials of a registry. The program is killed when it takes too long, or
    /// when nobody waits for it any more.
    pub(super) async fn get(&self, registry: &Registry) -> Result<Option<Credentials>, String> {
        let program = self.program();
        let failed = |what: String| format!("{} get {}: {what}", program.display(), registry.key());
        match within(self.limit, self.run(&program, registry.key())).await {
            Some(Ok((true, output))) => self.parse(&output, registry).map(Some).map_err(failed),
            Some(Ok((false, output))) if says(&output, NOT_FOUND) => Ok(None),
            Some(Ok((false, output))) => Err(failed(reported(&output))),
            Some(Err(error)) => Err(failed(error)),
            None => Err(failed(format!("no answer within {} s", self.limit.as_secs()))),
        }
    }

    /// Whether it succeeded, and what it printed.
    async fn run(&self, program: &Path, server: &str) -> Result<(bool, Vec<u8>), String> {
        let mut command = Command::new(program);
        command.arg("get").kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        if let Some(home) = self.home {
            command.env("HOME", home);
        }
        let mut child = command.spawn().map_err(|error| {
            format!("cannot be run: {error}. Install it, or take it out of the configuration")
        })?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        if let Some(mut stdin) = stdin {
            // One that does not want to know has its reasons, and says them.
            let _ = stdin.write_all(format!("{server}\n").as_bytes()).await;
        }
        let output = self.read(stdout).await?;
        let status = child.wait().await.map_err(|error| error.to_string())?;
        Ok((status.success(), output))
    }

    async fn read(&self, stdout: Option<ChildStdout>) -> Result<Vec<u8>, String> {
        let mut output = Vec::new();
        let Some(stdout) = stdout else { return Ok(output) };
        let limit = self.bytes_max as u64 + 1;
        stdout.take(limit).read_to_end(&mut output).await.map_err(|error| error.to_string())?;
        if output.len() > self.bytes_max {
            return Err(format!("its answer is longer than {} bytes", self.bytes_max));
        }
        Ok(output)
    }

    /// The answer itself must not appear in any message.
    fn parse(&self, output: &[u8], registry: &Registry) -> Result<Credentials, String> {
        let answer: Answer = serde_json::from_slice(output)
            .map_err(|_| "its answer is no object with Username and Secret".to_owned())?;
        let mut credentials =
            Credentials { server_address: registry.key().to_owned(), ..Credentials::default() };
        if answer.username == TOKEN_USER {
            credentials.identity_token = answer.secret;
        } else {
            credentials.username = answer.username;
            credentials.password = answer.secret;
        }
        Ok(credentials)
    }
}

fn says(output: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(output).trim() == text
}

/// The program's own words, unless they look as if there could be a secret among them.
fn reported(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let line = text.trim().lines().next().unwrap_or_default();
    if line.is_empty() || text.contains(['{', '}']) {
        return "it failed without a message".to_owned();
    }
    let line: String = line.chars().filter(|c| !c.is_control()).take(ERROR_CHARS_MAX).collect();
    format!("it failed: {line}")
}
