//! From the standard input into the leading log file, which is rotated.

use crate::built_in;
use crate::machine::{page_size, shell};
use containerizer::logger::logrotate::Logrotate;
use containerizer::logger::logrotate::rotate::{CONF_SUFFIX, Flags, Options, STATE_SUFFIX};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;

/// How the log is rotated.
enum Rotation {
    /// By this command line of a shell's.
    Shell(String),
    BuiltIn(Options),
}

/// Writes what it reads to a log of limited size.
#[doc(alias = "LogrotateLoggerProcess")]
pub struct LogrotateLogger {
    flags: Flags,
    rotation: Rotation,
    /// As much as is read at once: a page.
    buffer: Vec<u8>,
    leading: Option<File>,
    bytes_written: u64,
}

impl LogrotateLogger {
    /// Writes the configuration of logrotate, beside the log.
    ///
    /// # Errors
    ///
    /// The configuration cannot be written, or is more than the built-in rotation understands.
    // differs: upstream, if so built, has it in a memfd instead.
    #[doc(alias = "LogrotateLoggerProcess::create")]
    pub fn create(flags: Flags) -> Result<Self, String> {
        let page = page_size();
        let given = flags.logrotate_options.as_deref().unwrap_or_default();
        let file = |suffix: &str| format!("{}{suffix}", flags.log_filename.display());
        let rotation = match &flags.logrotate {
            Logrotate::BuiltIn => Rotation::BuiltIn(Options::parse(given)?),
            Logrotate::Program(path) => {
                // logrotate rotates what is larger than this; we rotate before a file gets larger
                // than the maximum.
                let config = format!(
                    "\"{}\" {{\n{given}\nsize {}\n}}",
                    flags.log_filename.display(),
                    flags.max_size.as_u64().saturating_sub(page)
                );
                let path_of_config = file(CONF_SUFFIX);
                std::fs::write(&path_of_config, config).map_err(|error| {
                    format!("Failed to write configuration file '{path_of_config}': {error}")
                })?;
                let state = file(STATE_SUFFIX);
                Rotation::Shell(format!("{path} --state \"{state}\" \"{path_of_config}\""))
            }
        };
        let buffer = vec![0; usize::try_from(page).unwrap_or(4096)];
        Ok(LogrotateLogger { flags, rotation, buffer, leading: None, bytes_written: 0 })
    }

    /// Reads to the end, which is when nobody can write any more: the container has ended.
    ///
    /// # Errors
    ///
    /// The log cannot be opened.
    // differs: when the input cannot be read, upstream's stays without doing anything.
    #[doc(alias = "LogrotateLoggerProcess::run")]
    #[doc(alias = "LogrotateLoggerProcess::loop")]
    pub fn run(&mut self, input: &mut impl Read) -> Result<(), String> {
        loop {
            let length = match input.read(&mut self.buffer) {
                Ok(0) => return Ok(()),
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(format!("Failed to read: {error}")),
            };
            self.write(length).map_err(|error| format!("Failed to write: {error}"))?;
        }
    }

    /// Mirrors `LogrotateLoggerProcess::write`.
    #[doc(alias = "LogrotateLoggerProcess::write")]
    fn write(&mut self, length: usize) -> Result<(), String> {
        if self.bytes_written + length as u64 > self.flags.max_size.as_u64() {
            self.rotate();
        }
        let leading = match &mut self.leading {
            Some(leading) => leading,
            none => {
                // Appends: a rotation may have failed.
                let name = &self.flags.log_filename;
                let opened = OpenOptions::new().append(true).create(true).mode(0o644).open(name);
                let opened = opened
                    .map_err(|error| format!("Failed to open '{}': {error}", name.display()))?;
                none.insert(opened)
            }
        };
        // Goes on: an empty pipe, so that the container is not blocked, is worth more than the log.
        if let Err(error) = leading.write_all(&self.buffer[..length]) {
            eprintln!("Failed to write: {error}");
        }
        self.bytes_written += length as u64;
        Ok(())
    }

    /// Rotates. Should that fail, the log grows on.
    ///
    /// Mirrors `LogrotateLoggerProcess::rotate`.
    #[doc(alias = "LogrotateLoggerProcess::rotate")]
    fn rotate(&mut self) {
        self.leading = None;
        let rotated = match &self.rotation {
            Rotation::Shell(command) => shell(command),
            Rotation::BuiltIn(options) => {
                let size = self.flags.max_size.as_u64().saturating_sub(page_size());
                built_in::rotate(&self.flags.log_filename, size, options)
            }
        };
        // differs: upstream says nothing.
        if let Err(error) = rotated {
            eprintln!("Failed to rotate '{}': {error}", self.flags.log_filename.display());
        }
        self.bytes_written = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesos::Bytes;
    use std::path::Path;

    /// Logs `pages` pages, four to a file.
    fn log(directory: &Path, logrotate: Logrotate, options: &str, pages: usize) {
        let page = page_size();
        let mut logger = LogrotateLogger::create(Flags {
            max_size: Bytes::new(4 * page),
            logrotate_options: Some(options.to_owned()),
            log_filename: directory.join("stdout"),
            logrotate,
            user: None,
        })
        .expect("created");
        let number = |page: usize| u8::try_from(page).expect("few");
        let size = usize::try_from(page).expect("small");
        let text: Vec<u8> = (0..pages).flat_map(|page| vec![number(page); size]).collect();
        logger.run(&mut text.as_slice()).expect("written");
    }

    /// The numbers of the first page and of the last one, and how many there are.
    fn pages(path: &Path) -> Option<(u8, u8, u64)> {
        let text = std::fs::read(path).ok()?;
        Some((*text.first()?, *text.last()?, text.len() as u64 / page_size()))
    }

    #[test]
    fn old_files_move_up_and_the_oldest_goes() {
        let directory = tempfile::tempdir().expect("a directory");
        log(directory.path(), Logrotate::BuiltIn, "rotate 2", 18);
        let file = |name: &str| pages(&directory.path().join(name));
        assert_eq!(file("stdout"), Some((16, 17, 2)));
        assert_eq!(file("stdout.1"), Some((12, 15, 4)));
        assert_eq!(file("stdout.2"), Some((8, 11, 4)));
        assert_eq!(file("stdout.3"), None);
        assert!(!directory.path().join("stdout.logrotate.conf").exists());
    }

    #[test]
    fn without_rotate_nothing_old_is_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        log(directory.path(), Logrotate::BuiltIn, "", 9);
        assert_eq!(pages(&directory.path().join("stdout")), Some((8, 8, 1)));
        assert!(!directory.path().join("stdout.1").exists());
    }

    #[test]
    fn logrotate_is_called_with_its_configuration() {
        let directory = tempfile::tempdir().expect("a directory");
        let calls = directory.path().join("calls");
        // It writes down how it was called, and rotates nothing.
        let program = format!("echo >>'{}'", calls.display());
        log(directory.path(), Logrotate::Program(program), "rotate 2\ncompress", 9);
        let log = directory.path().join("stdout");
        let call = format!("--state {0}.logrotate.state {0}.logrotate.conf\n", log.display());
        assert_eq!(std::fs::read_to_string(&calls).expect("called"), call.repeat(2));
        let config = std::fs::read_to_string(directory.path().join("stdout.logrotate.conf"));
        let (log_name, size) = (log.display(), 3 * page_size());
        assert_eq!(
            config.expect("written"),
            format!("\"{log_name}\" {{\nrotate 2\ncompress\nsize {size}\n}}")
        );
        // It grows on.
        assert_eq!(pages(&log), Some((0, 8, 9)));
    }

    #[test]
    fn a_log_that_cannot_be_opened_ends_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut logger = LogrotateLogger::create(Flags {
            max_size: Bytes::megabytes(1),
            logrotate_options: None,
            log_filename: directory.path().join("none/stdout"),
            logrotate: Logrotate::BuiltIn,
            user: None,
        })
        .expect("created");
        assert_eq!(logger.run(&mut &b""[..]), Ok(()));
        let error = logger.run(&mut &b"x"[..]).expect_err("no directory");
        assert!(error.starts_with("Failed to write: Failed to open '"), "{error}");
    }
}
