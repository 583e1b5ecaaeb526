//! What a run prints: lines as things happen, or one JSON object at the end.

use super::progress::PullBar;
use mesos::TaskState;
use mesos::internal::StatusUpdate;
use mesos::task_status::Reason;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A status update, with the time since the launch.
pub struct Row {
    at: Duration,
    state: TaskState,
    source: Option<String>,
    reason: Option<Reason>,
    message: Option<String>,
}

impl Row {
    fn new(at: Duration, update: &StatusUpdate) -> Self {
        let status = &update.status;
        // As the v1 API has it, which is what mesos-execute prints.
        let source = status.source.map(|_| status.source().as_str_name().replace("SLAVE", "AGENT"));
        let message = status.message.clone().filter(|message| !message.is_empty());
        let reason = status.reason.map(|_| status.reason());
        Row { at, state: status.state(), source, reason, message }
    }

    fn reason_name(&self) -> Option<String> {
        self.reason.map(|reason| reason.as_str_name().replace("SLAVE", "AGENT"))
    }

    fn text(&self) -> String {
        let mut text = format!("{:>8.2} s  {:<13}", self.at.as_secs_f64(), self.state.to_string());
        for part in [&self.source, &self.reason_name()].into_iter().flatten() {
            text.push_str("  ");
            text.push_str(part);
        }
        if let Some(message) = &self.message {
            text.push_str("  ");
            text.push_str(message);
        }
        text
    }

    fn json(&self) -> Value {
        json!({
            "seconds": (self.at.as_secs_f64() * 1e6).round() / 1e6,
            "state": self.state.to_string(),
            "source": self.source,
            "reason": self.reason_name(),
            "message": self.message,
        })
    }

    /// Whether the agent said so without having asked an executor: the launch may go on.
    pub fn is_killed_during_launch(&self) -> bool {
        self.reason == Some(Reason::TaskKilledDuringLaunch)
    }
}

/// All that a run has to say.
pub struct Output {
    json: bool,
    bar: PullBar,
    task: String,
    log: PathBuf,
    rows: Vec<Row>,
    container: Option<String>,
    sandbox: Option<PathBuf>,
    /// Problems with the clean-up, and what became of signals.
    notes: Vec<String>,
}

impl Output {
    /// For a task of this name. Its log is named at the end.
    pub fn new(json: bool, bar: PullBar, task: &str, log: &Path) -> Self {
        Output {
            json,
            bar,
            task: task.to_owned(),
            log: log.to_owned(),
            rows: Vec::new(),
            container: None,
            sandbox: None,
            notes: Vec::new(),
        }
    }

    fn line(&self, text: &str) {
        if !self.json {
            // A reader that has gone (`| head`) must not end the task.
            self.bar.suspend(|| {
                let mut stdout = std::io::stdout().lock();
                let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
            });
        }
    }

    /// Something on stderr that is no part of the result.
    pub fn note(&mut self, text: &str) {
        self.notes.push(text.to_owned());
        self.bar.suspend(|| {
            let _ = writeln!(std::io::stderr(), "drydock: {text}");
        });
    }

    /// The task has a container now.
    pub fn launched(&mut self, container: String, sandbox: PathBuf) {
        self.line(&format!("Sandbox: {}", sandbox.display()));
        self.container = Some(container);
        self.sandbox = Some(sandbox);
    }

    /// The pull has ended, one way or another.
    pub fn pulled(&self) {
        self.bar.finish();
    }

    /// The state of the task has changed.
    pub fn update(&mut self, at: Duration, update: &StatusUpdate) -> &Row {
        let row = Row::new(at, update);
        if row.state.is_terminal() {
            self.bar.finish();
        }
        self.line(&row.text());
        self.rows.push(row);
        &self.rows[self.rows.len() - 1]
    }

    /// The last state of the task.
    pub fn last(&self) -> Option<TaskState> {
        self.rows.last().map(|row| row.state)
    }

    /// What the container exited with, as the executor says it.
    fn exit_status(&self) -> Option<u8> {
        let message = self.rows.last()?.message.as_ref()?;
        message.strip_prefix("Container exited with status ")?.parse().ok()
    }

    /// The end.
    pub fn finish(&self, elapsed: Duration) {
        self.bar.finish();
        let outputs = ["stdout", "stderr"].map(|name| {
            let path = self.sandbox.as_ref().map(|sandbox| sandbox.join(name));
            path.filter(|path| path.exists())
        });
        if !self.json {
            let mut written = false;
            for path in outputs.iter().flatten() {
                let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
                if size > 0 {
                    written = true;
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    self.line(&format!("{name}, {size} bytes: {}", path.display()));
                }
            }
            if !written && self.last() != Some(TaskState::TaskFinished) {
                self.line(&format!(
                    "The task wrote nothing; the agent's log: {}",
                    self.log.display()
                ));
            }
            return;
        }
        let [stdout, stderr] = outputs;
        let object = json!({
            "task_id": self.task,
            "state": self.last().map(|state| state.to_string()),
            "message": self.rows.last().and_then(|row| row.message.clone()),
            "exit_status": self.exit_status(),
            "updates": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
            "container": self.container,
            "sandbox": self.sandbox,
            "stdout": stdout,
            "stderr": stderr,
            "agent_log": self.log,
            "elapsed_seconds": elapsed.as_secs_f64(),
            "notes": self.notes,
        });
        let _ = writeln!(std::io::stdout(), "{object}");
    }
}
