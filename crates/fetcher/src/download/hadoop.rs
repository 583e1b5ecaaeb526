//! URIs of other schemes, by Hadoop's client: a program that has to be installed.

use crate::sink::Placement;
use crate::target::at;
use containerizer::fetcher::{hadoop_client, normalize};
use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How much of what a failed client has printed is repeated.
const OUTPUT_LIMIT: u64 = 16 << 10;

/// Hadoop's client.
///
/// Mirrors `HDFS` in `src/hdfs/hdfs.cpp`, as far as the fetcher needs it.
pub struct Hdfs {
    hadoop: PathBuf,
}

impl Hdfs {
    /// The client given; else that below `HADOOP_HOME`; else `hadoop` on the `PATH`. Fails if it
    /// cannot say its version.
    // The agent's own, which asks for sizes, is `containerizer::fetcher::Hdfs`.
    pub fn create(hadoop: Option<PathBuf>) -> Result<Self, String> {
        let hadoop = hadoop.unwrap_or_else(|| {
            hadoop_client(std::env::var_os("HADOOP_HOME").as_deref().map(Path::new))
        });
        let (program, mut command) = (hadoop.display().to_string(), Command::new(&hadoop));
        // Both streams go to the sandbox; upstream's shell sends both to its standard output.
        let status = command.arg("version").stdin(Stdio::null()).status();
        let status = status
            .map_err(|error| format!("Failed to exec hadoop subprocess: {program}: {error}"))?;
        if !status.success() {
            return Err(format!(
                "Hadoop client is not available, exit status: {}",
                status.into_raw()
            ));
        }
        Ok(Hdfs { hadoop })
    }

    /// Copies a file from there to `path`.
    #[doc(alias = "HDFS::copyToLocal")]
    pub fn copy_to_local(
        &self,
        from: &str,
        path: &Path,
        placement: Placement,
    ) -> Result<(), String> {
        // The client makes the file itself, and refuses one that exists.
        if placement == Placement::InPlace {
            return self.run_copy(from, path).inspect_err(|_| {
                let _ = std::fs::remove_file(path);
            });
        }
        let directory = path.parent().unwrap_or(Path::new("/"));
        let directory = tempfile::Builder::new()
            .prefix(".fetching-")
            .tempdir_in(directory)
            .map_err(at(directory))?;
        let copy = directory.path().join("file");
        self.run_copy(from, &copy)?;
        std::fs::rename(&copy, path).map_err(at(path))
    }

    fn run_copy(&self, from: &str, copy: &Path) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("Failed to execute the subprocess: {error}");
        let (mut out, mut err) =
            (tempfile::tempfile().map_err(failed)?, tempfile::tempfile().map_err(failed)?);
        let status = Command::new(&self.hadoop)
            .args(["fs", "-copyToLocal", &normalize(from)])
            .arg(copy)
            .stdin(Stdio::null())
            .stdout(out.try_clone().map_err(failed)?)
            .stderr(err.try_clone().map_err(failed)?)
            .status()
            .map_err(failed)?;
        if !status.success() {
            return Err(format!(
                "Unexpected result from the subprocess: status='{}', stdout='{}', stderr='{}'",
                status.into_raw(),
                printed(&mut out),
                printed(&mut err)
            ));
        }
        Ok(())
    }
}

/// The beginning of what was printed.
fn printed(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let read = file.rewind().and_then(|()| file.take(OUTPUT_LIMIT).read_to_end(&mut bytes));
    match read {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => format!("unreadable: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_is_missing_or_fails_is_named() {
        let gone = Hdfs::create(Some("/nonexistent/hadoop".into()));
        assert!(gone.err().is_some_and(|error| error.contains("/nonexistent/hadoop")));
        let fails = Hdfs::create(Some("false".into()));
        let expected = "Hadoop client is not available, exit status: 256";
        assert_eq!(fails.err().as_deref(), Some(expected));
    }
}
