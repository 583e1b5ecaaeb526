//! Hadoop's client, as the agent uses it: to learn how large a file is. What downloads by it is the
//! fetcher's program.

use ::process::future::await_all;
use ::process::host::{Command, Host, Io, Subprocess};
use ::process::{Future, io};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The client's program.
///
/// Mirrors `HDFS` in `src/hdfs/hdfs.cpp`, as far as the agent needs it.
#[doc(alias = "HDFS")]
#[derive(Clone)]
pub struct Hdfs {
    host: Arc<dyn Host>,
    hadoop: String,
}

/// What a run of the client came to.
#[derive(Clone)]
struct CommandResult {
    status: Option<i32>,
    out: String,
    err: String,
}

impl Hdfs {
    /// The client of the installation at `home`; else of that at the environment's `HADOOP_HOME`; else
    /// `hadoop` on the `PATH`. Fails if it cannot say its version.
    #[doc(alias = "HDFS::create")]
    pub fn create(host: Arc<dyn Host>, home: Option<&Path>) -> Future<Self> {
        let environment = host.environment();
        let home = home.or(environment.get("HADOOP_HOME").map(Path::new));
        let hadoop = hadoop_client(home).to_string_lossy().into_owned();
        // differs: upstream has a shell run it, so that a path with a space would not be found.
        let command = Command {
            stdin: Io::Null,
            stdout: Io::Null,
            stderr: Io::Null,
            ..Command::new(hadoop.clone(), [hadoop.as_str(), "version"])
        };
        let version = match host.subprocess(command, Vec::new()) {
            Ok(version) => version,
            Err(error) => {
                return Future::failed(format!("Failed to exec hadoop subprocess: {error}"));
            }
        };
        version.status().then(move |status| match status {
            None => Future::failed("No status found for 'hadoop version' command"),
            Some(0) => Future::ready(Hdfs { host, hadoop }),
            Some(status) => {
                Future::failed(format!("Hadoop client is not available, exit status: {status}"))
            }
        })
    }

    /// The size in bytes of the file at this path there, or of this URI.
    #[doc(alias = "HDFS::du")]
    pub fn du(&self, path: &str) -> Future<u64> {
        let path = normalize(path);
        let command = Command {
            stdin: Io::Null,
            stdout: Io::Pipe,
            stderr: Io::Pipe,
            ..Command::new(self.hadoop.clone(), ["hadoop", "fs", "-du", &path])
        };
        let du = match self.host.subprocess(command, Vec::new()) {
            Ok(du) => du,
            Err(error) => {
                return Future::failed(format!("Failed to execute the subprocess: {error}"));
            }
        };
        result(&du).then(move |result| match (result.status, size_of(&path, &result.out)) {
            (None, _) => Future::failed("Failed to reap the subprocess"),
            (Some(0), Some(size)) => Future::ready(size),
            (Some(0), None) => {
                Future::failed(format!("Unexpected output format: '{}'", result.out))
            }
            (Some(status), _) => Future::failed(format!(
                "Unexpected result from the subprocess: status='{status}', stdout='{}', \
                 stderr='{}'",
                result.out, result.err
            )),
        })
    }
}

/// Waits for a run to end, and for all that it prints.
fn result(run: &Subprocess) -> Future<CommandResult> {
    let (Some(out), Some(err)) = (run.stdout(), run.stderr()) else {
        return Future::failed("The subprocess has no pipes");
    };
    let output = await_all(vec![io::read(out), io::read(err)]);
    let status = ::process::future::await_one(&run.status());
    status.then(move |status| {
        let Some(status) = status.get().copied() else {
            let why = status.failure().unwrap_or("discarded").to_owned();
            return Future::failed(format!(
                "Failed to get the exit status of the subprocess: {why}"
            ));
        };
        output.then(move |output| {
            let mut texts = Vec::with_capacity(2);
            for (name, output) in ["stdout", "stderr"].iter().zip(output) {
                let Some(text) = output.get() else {
                    let why = output.failure().unwrap_or("discarded");
                    return Future::failed(format!(
                        "Failed to read {name} from the subprocess: {why}"
                    ));
                };
                texts.push(String::from_utf8_lossy(text).into_owned());
            }
            let err = texts.pop().unwrap_or_default();
            let out = texts.pop().unwrap_or_default();
            Future::ready(CommandResult { status, out, err })
        })
    })
}

/// The client of the installation at `home`; without one, that on the `PATH`.
pub fn hadoop_client(home: Option<&Path>) -> PathBuf {
    home.map_or("hadoop".into(), |home| home.join("bin").join("hadoop"))
}

/// The size in what `hadoop fs -du` has printed. The client may print warnings before; the line
/// looked for has the size, perhaps the size with all copies, and the path.
fn size_of(path: &str, output: &str) -> Option<u64> {
    output.lines().find_map(|line| {
        let fields: Vec<&str> = line.split([' ', '\t']).filter(|it| !it.is_empty()).collect();
        let wanted = matches!(fields.len(), 2 | 3) && fields.last() == Some(&path);
        wanted.then(|| fields[0].parse().ok()).flatten()
    })
}

/// What the client takes for a path: a URI or an absolute one. A relative one is below the root.
pub fn normalize(path: &str) -> String {
    if path.contains("://") || path.starts_with('/') {
        return path.to_owned();
    }
    format!("/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_are_below_the_root() {
        assert_eq!(normalize("hdfs://a/b"), "hdfs://a/b");
        assert_eq!(normalize("/b"), "/b");
        assert_eq!(normalize("b/c"), "/b/c");
    }

    #[test]
    fn the_size_is_found_among_what_else_is_printed() {
        for (output, expected) in [
            ("1024 hdfs://a/b\n", Some(1024)),
            ("WARN util.NativeCodeLoader: no\n1024\t 3072  hdfs://a/b\n", Some(1024)),
            ("1024 hdfs://a/c\n", None),
            ("many hdfs://a/b\n7 hdfs://a/b\n", Some(7)),
            ("1 2 3 hdfs://a/b\n", None),
            ("hdfs://a/b\n", None),
            ("99999999999999999999 hdfs://a/b", None),
            ("", None),
        ] {
            assert_eq!(size_of("hdfs://a/b", output), expected, "{output:?}");
        }
    }
}
