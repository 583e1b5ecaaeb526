//! The companion program's name, files and flags. Mirrors
//! `src/slave/container_loggers/logrotate.hpp`.

use super::Logrotate;
use super::flags::size;
use mesos::Bytes;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The companion program, in the launcher directory.
#[doc(alias = "mesos::internal::logger::rotate::NAME")]
pub const NAME: &str = "mesos-logrotate-logger";

/// What a log's name is followed by in that of its configuration for logrotate.
pub const CONF_SUFFIX: &str = ".logrotate.conf";

/// The same for the file in which logrotate keeps its state.
pub const STATE_SUFFIX: &str = ".logrotate.state";

/// Our own flag: rotates without logrotate.
const BUILT_IN: &str = "built_in_rotation";

/// The flags of the companion program.
#[doc(alias = "mesos::internal::logger::rotate::Flags")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flags {
    /// The largest size of one file; a page at least.
    pub max_size: Bytes,
    /// More options for logrotate's configuration.
    pub logrotate_options: Option<String>,
    /// The leading log file; absolute.
    pub log_filename: PathBuf,
    /// What rotates.
    pub logrotate: Logrotate,
    /// The user to become.
    pub user: Option<String>,
}

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// To log.
    Run(Box<Flags>),
    /// To say how it is called.
    Help,
}

impl Flags {
    /// The flags with their values, for a command line; in alphabetical order as upstream's.
    pub fn values(&self) -> Vec<(&'static str, Option<String>)> {
        let (built_in, path) = match &self.logrotate {
            Logrotate::Program(path) => (None, Some(path.clone())),
            Logrotate::BuiltIn => (Some("true".to_owned()), None),
        };
        vec![
            (BUILT_IN, built_in),
            ("log_filename", Some(self.log_filename.display().to_string())),
            ("logrotate_options", self.logrotate_options.clone()),
            ("logrotate_path", path),
            ("max_size", Some(self.max_size.to_string())),
            ("user", self.user.clone()),
        ]
    }

    /// Parses a command line without the program's name; `page` is the size of a page in bytes.
    ///
    /// # Errors
    ///
    /// A flag that is unknown, given twice, missing, or has an impossible value.
    pub fn parse(arguments: &[String], page: u64) -> Result<Request, String> {
        let mut values = BTreeMap::new();
        for argument in arguments {
            let Some(flag) = argument.strip_prefix("--") else {
                return Err(format!("Expected --name=value, not '{argument}'"));
            };
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, value),
                None if flag == "help" => return Ok(Request::Help),
                None => return Err(format!("Failed to load flag '{flag}': Missing value")),
            };
            // Upstream passes them all on, these among them.
            if name == "help" && value != "true" {
                continue;
            }
            if values.insert(name, value).is_some() {
                return Err(format!("Flag '{name}' is already loaded via command line"));
            }
        }
        if values.remove("help").is_some() {
            return Ok(Request::Help);
        }
        let mut take = |name: &str| values.remove(name).map(str::to_owned);
        let max_size = match take("max_size") {
            Some(value) => size("max_size", &value)?,
            None => Bytes::megabytes(10),
        };
        let (logrotate_options, user) = (take("logrotate_options"), take("user"));
        let log_filename =
            PathBuf::from(take("log_filename").ok_or("Missing required option --log_filename")?);
        let built_in = take(BUILT_IN);
        let path = take("logrotate_path");
        let logrotate = match (built_in.as_deref(), path) {
            (None | Some("false"), path) => {
                Logrotate::Program(path.unwrap_or_else(|| "logrotate".to_owned()))
            }
            (Some("true"), None) => Logrotate::BuiltIn,
            (Some("true"), Some(_)) => {
                return Err(format!("--{BUILT_IN} leaves no use for --logrotate_path"));
            }
            (Some(value), _) => {
                return Err(format!("--{BUILT_IN}: expected true or false, not '{value}'"));
            }
        };
        if let Some(name) = values.keys().next() {
            return Err(format!("Failed to load unknown flag '{name}'"));
        }
        if max_size.as_u64() < page {
            return Err(format!("Expected --max_size of at least {page} bytes"));
        }
        if !log_filename.is_absolute() {
            return Err("Expected --log_filename to be an absolute path".to_owned());
        }
        Ok(Request::Run(Box::new(Flags {
            max_size,
            logrotate_options,
            log_filename,
            logrotate,
            user,
        })))
    }
}

/// Those of logrotate's options that the built-in rotation understands: `rotate N`, scripts
/// (`prerotate` or `postrotate` .. `endscript`), and those that ask for what it does anyway. `size`
/// is overridden, as upstream's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How many old files are kept.
    pub rotate: u32,
    /// Run by a shell before a rotation.
    pub prerotate: Option<String>,
    /// Run by a shell after it.
    pub postrotate: Option<String>,
}

impl Options {
    /// Reads options, one a line.
    ///
    /// # Errors
    ///
    /// An option that is not understood, with its line.
    pub fn parse(text: &str) -> Result<Self, String> {
        const AS_IT_IS: [&str; 6] =
            ["missingok", "notifempty", "nocompress", "nocreate", "nodateext", "nocopytruncate"];
        let mut options = Options::default();
        let mut lines = text.lines().enumerate();
        while let Some((index, line)) = lines.next() {
            let at = |problem: &str| format!("line {}: {problem}", index + 1);
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                [] | ["size", _] => {}
                [first, ..] if first.starts_with('#') => {}
                ["rotate", count] => {
                    options.rotate = count.parse().map_err(|_| {
                        at(&format!("expected a number of files behind 'rotate', not '{count}'"))
                    })?;
                }
                [script @ ("prerotate" | "postrotate")] => {
                    let mut text = String::new();
                    loop {
                        match lines.next() {
                            None => return Err(at(&format!("'{script}' without 'endscript'"))),
                            Some((_, line)) if line.trim() == "endscript" => break,
                            Some((_, line)) => {
                                text.push_str(line);
                                text.push('\n');
                            }
                        }
                    }
                    let slot = if script == "prerotate" {
                        &mut options.prerotate
                    } else {
                        &mut options.postrotate
                    };
                    *slot = Some(text);
                }
                [word] if AS_IT_IS.contains(&word) => {}
                _ => {
                    return Err(at(&format!(
                        "'{}' needs the program logrotate, which was not found; without it there \
                         are 'rotate N', 'prerotate' and 'postrotate'",
                        line.trim()
                    )));
                }
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Request, String> {
        Flags::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), 4096)
    }

    #[test]
    fn a_command_line_says_what_the_flags_say() {
        for logrotate in [Logrotate::BuiltIn, Logrotate::Program("/opt/logrotate".to_owned())] {
            let flags = Flags {
                max_size: Bytes::megabytes(2),
                logrotate_options: Some("rotate 4\ncompress".to_owned()),
                log_filename: "/sandbox/stdout".into(),
                logrotate,
                user: Some("nobody".to_owned()),
            };
            let given = flags.values();
            let words = given.iter().filter_map(|(name, value)| {
                value.as_ref().map(|value| format!("--{name}={value}"))
            });
            let words: Vec<_> = words.collect();
            assert_eq!(Flags::parse(&words, 4096), Ok(Request::Run(Box::new(flags))));
        }
    }

    #[test]
    fn bad_command_lines_are_explained() {
        assert_eq!(parse(&["--help"]), Ok(Request::Help));
        for (words, expected) in [
            (&[][..], "Missing required option --log_filename"),
            (&["--log_filename=stdout"], "to be an absolute path"),
            (&["--log_filename=/a", "--max_size=1KB"], "at least 4096 bytes"),
            (&["--log_filename=/a", "--max_size=x"], "'max_size'"),
            (&["--log_filename=/a", "--log_filename=/b"], "already loaded"),
            (&["--log_filename=/a", "--colour=red"], "unknown flag 'colour'"),
            (&["--log_filename"], "Missing value"),
            (&["log"], "not 'log'"),
        ] {
            let error = parse(words).expect_err("bad");
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn options_without_logrotate() {
        let text = "# five\nrotate 4\n  size 1M\nnocompress\npostrotate\n touch x\nendscript\n";
        let expected =
            Options { rotate: 4, prerotate: None, postrotate: Some(" touch x\n".to_owned()) };
        assert_eq!(Options::parse(text), Ok(expected));
        assert_eq!(Options::parse(""), Ok(Options::default()));
        for (text, expected) in [
            ("compress", "line 1: 'compress' needs"),
            ("rotate 1\n\nrotate -1", "line 3: expected a number"),
            ("rotate", "line 1: 'rotate' needs"),
            ("postrotate\ntrue", "line 1: 'postrotate' without 'endscript'"),
        ] {
            let error = Options::parse(text).expect_err(text);
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
