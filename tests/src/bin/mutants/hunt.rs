//! Building the copy's `drydock`, and running a campaign with it.

use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a build or a campaign may take: far more than any does, so that one that hangs is
/// reported.
const LIMIT: Duration = Duration::from_secs(1200);

/// How many lines of a failed program's output are shown.
const TAIL: usize = 40;

/// Where things are.
pub struct Workshop {
    /// The copy of the source tree.
    pub tree: PathBuf,
    /// The work tree's own target directory: what is built from the registry is the same there.
    pub target: PathBuf,
    /// Everything of the mutants': the copy, its program, logs, traces.
    pub mutants: PathBuf,
}

/// What a campaign found first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catch {
    /// The oracles that were violated in that schedule.
    pub oracles: Vec<String>,
    /// How many schedules it took.
    pub schedules: u64,
    /// What the first of them said.
    pub message: String,
}

impl Workshop {
    /// Builds `drydock` from the copy as it is. `name` names the log.
    pub fn build(&self, name: &str) -> Result<(), String> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut cargo = Command::new(cargo);
        // With --workspace what comes from the registry has the features it has in the work tree.
        cargo.args(["build", "--locked", "--workspace", "--bin", "drydock"]);
        cargo.current_dir(&self.tree);
        cargo.env("CARGO_TARGET_DIR", self.mutants.join("build"));
        // What cargo builds on the way goes where the work tree's goes, the program does not.
        cargo.env("CARGO_BUILD_BUILD_DIR", &self.target);
        let log = self.log(name, "build");
        let status = run(&mut cargo, &log, &log)?;
        if status.success() { Ok(()) } else { Err(format!("it does not build:\n{}", tail(&log))) }
    }

    /// Runs a campaign until its first violation; `None` when it finds none.
    pub fn campaign(
        &self,
        name: &str,
        scenario: &str,
        budget: u64,
    ) -> Result<Option<Catch>, String> {
        let mut drydock = Command::new(self.mutants.join("build/debug/drydock"));
        drydock.args(["sim", "run", scenario, "--seeds", &format!("0..{budget}")]);
        drydock.args(["--stop-at-violation", "--jobs", "1", "--json", "--out"]);
        drydock.arg(self.mutants.join("found").join(name)).current_dir(&self.mutants);
        let (stdout, stderr) = (self.log(name, "json"), self.log(name, "campaign"));
        let status = run(&mut drydock, &stdout, &stderr)?;
        let report = fs::read_to_string(&stdout)
            .map_err(|error| format!("{}: {error}", stdout.display()))?;
        // 0: nothing found. 1: a violation. Anything else is no answer.
        match status.code() {
            Some(0 | 1) => read(&report),
            _ => Err(format!("drydock sim run {scenario}: {status}\n{}", tail(&stderr))),
        }
    }

    fn log(&self, name: &str, kind: &str) -> PathBuf {
        self.mutants.join("logs").join(format!("{name}.{kind}"))
    }
}

/// Runs a program to its end, or to the limit.
fn run(command: &mut Command, stdout: &Path, stderr: &Path) -> Result<ExitStatus, String> {
    let create = |path: &Path| -> Result<File, String> {
        let directory = path.parent().unwrap_or(path);
        fs::create_dir_all(directory)
            .and_then(|()| File::create(path))
            .map_err(|error| format!("{}: {error}", path.display()))
    };
    let out = create(stdout)?;
    let err = match stdout == stderr {
        true => out.try_clone().map_err(|error| format!("{}: {error}", stdout.display()))?,
        false => create(stderr)?,
    };
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .spawn()
        .map_err(|error| format!("{program}: {error}"))?;
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if start.elapsed() < LIMIT => std::thread::sleep(Duration::from_millis(20)),
            Ok(None) => {
                // Whether or not it can be killed, it has failed.
                let _ = child.kill();
                let _ = child.wait();
                let limit = LIMIT.as_secs();
                return Err(format!("{program} took more than {limit} s\n{}", tail(stderr)));
            }
            Err(error) => return Err(format!("{program}: {error}")),
        }
    }
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

/// Reads what `drydock sim run --json` prints.
fn read(report: &str) -> Result<Option<Catch>, String> {
    let odd = |what: &str| format!("drydock sim run --json: {what}: {report}");
    let report: Value = serde_json::from_str(report).map_err(|error| odd(&error.to_string()))?;
    let violations = report["violations"].as_array().ok_or_else(|| odd("no violations"))?;
    let after = |violation: &Value| violation["after_schedules"].as_u64();
    let Some(first) = violations.iter().min_by_key(|violation| after(violation)) else {
        return Ok(None);
    };
    // A schedule may violate several oracles.
    let same = violations.iter().filter(|violation| after(violation) == after(first));
    let mut oracles: Vec<_> =
        same.filter_map(|violation| violation["oracle"].as_str().map(str::to_owned)).collect();
    oracles.sort();
    oracles.dedup();
    let schedules = after(first).ok_or_else(|| odd("no after_schedules"))?;
    let message = first["message"].as_str().unwrap_or_default().to_owned();
    Ok(Some(Catch { oracles, schedules, message }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_schedule_counts_with_all_that_it_violates() {
        let one = |oracle: &str, after: u64| {
            format!(r#"{{"oracle":"{oracle}","after_schedules":{after},"message":"{oracle}!"}}"#)
        };
        let report = |violations: &[String]| {
            format!(r#"{{"violations":[{}],"findings":[]}}"#, violations.join(","))
        };
        assert_eq!(read(&report(&[])), Ok(None));
        let violations = [one("I-CLI", 70), one("I-TERM", 7), one("I-FUT", 7)];
        let found = read(&report(&violations)).unwrap().unwrap();
        assert_eq!((found.oracles.join(" "), found.schedules), ("I-FUT I-TERM".to_owned(), 7));
        assert_eq!(found.message, "I-TERM!");
        for bad in ["", "[]", "{}", r#"{"violations":[{}]}"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn output_goes_to_the_logs_and_its_end_is_shown() {
        let lab = tempfile::tempdir().expect("a directory");
        let log = lab.path().join("logs/x");
        let mut shell = Command::new("sh");
        shell.args(["-c", "for n in $(seq 100); do echo $n; done; echo error >&2; exit 3"]);
        let status = run(&mut shell, &log, &log).expect("there is a shell");
        assert_eq!(status.code(), Some(3));
        let text = tail(&log);
        assert!(text.starts_with("62\n") && text.ends_with("100\nerror"), "{text}");
    }
}
