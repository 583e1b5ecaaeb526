//! From the words of a command line to what a program does.

use super::{NotUnderstood, size, time};
use crate::environment::daemon::files::{Asked, Command as Files};
use crate::environment::daemon::script::Step;
use std::time::Duration;

/// The programs that there are, by name.
pub(in super::super) const PROGRAMS: [&str; 21] = [
    "[", "ash", "bash", "cat", "dash", "eat", "echo", "env", "false", "ls", "mkdir", "printenv",
    "printf", "pwd", "rm", "sh", "sleep", "test", "touch", "true", "work",
];

/// How long `sleep infinity` sleeps: longer than any run.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// What a program does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// It ends with this status.
    Status(u8),
    /// It does this, and succeeds.
    Step(Step),
    /// It writes this to its standard output.
    Write(String),
    /// It copies its input to its output.
    Copy,
    /// It writes its environment.
    Environment,
    /// It writes its working directory.
    Directory,
    /// It does something with files.
    Files(Files),
    /// It complains, and ends with this status.
    Complain(String, u8),
}

/// What these words do; the first is the name of the program, without directories.
pub(super) fn command(name: &str, arguments: &[String]) -> Result<Command, NotUnderstood> {
    let seconds = |text: &String| time(text).ok_or(NotUnderstood);
    Ok(match (name, arguments) {
        ("true", _) => Command::Status(0),
        ("false", _) => Command::Status(1),
        ("sleep", [forever]) if forever == "infinity" => Command::Step(Step::Sleep(FOREVER)),
        ("sleep", [_, ..]) => {
            let times = arguments.iter().map(seconds).collect::<Result<Vec<_>, _>>()?;
            let time = times.into_iter().fold(Duration::ZERO, Duration::saturating_add);
            Command::Step(Step::Sleep(time))
        }
        ("work", [time]) => Command::Step(Step::Work(seconds(time)?)),
        ("eat", [bytes]) => eat(bytes, Duration::ZERO)?,
        ("eat", [bytes, within, time]) if within == "in" => eat(bytes, seconds(time)?)?,
        ("echo", [flag, words @ ..]) if flag == "-n" => Command::Write(words.join(" ")),
        ("echo", words) => Command::Write(words.join(" ") + "\n"),
        ("printf", [format, words @ ..]) => Command::Write(printf(format, words)?),
        ("cat", []) => Command::Copy,
        ("env" | "printenv", []) => Command::Environment,
        ("pwd", []) => Command::Directory,
        ("test", words) => test(words)?,
        ("[", words) => match words.split_last() {
            Some((last, words)) if last == "]" => test(words)?,
            _ => Command::Complain("missing ]".to_owned(), 2),
        },
        ("ls" | "touch" | "cat" | "mkdir" | "rm", words) => Command::Files(files(name, words)?),
        _ => return Err(NotUnderstood),
    })
}

fn eat(bytes: &str, time: Duration) -> Result<Command, NotUnderstood> {
    Ok(Command::Step(Step::Grow(size(bytes).ok_or(NotUnderstood)?, time)))
}

/// Programs that take flags of one letter, then paths.
fn files(name: &str, words: &[String]) -> Result<Files, NotUnderstood> {
    let is_flag = |word: &&String| word.len() > 1 && word.starts_with('-');
    let (flags, mut paths): (Vec<_>, Vec<_>) = words.iter().partition(is_flag);
    let flags: String = flags.iter().map(|flag| &flag[1..]).collect();
    let known = match name {
        "ls" => "1ad",
        "touch" => "c",
        "mkdir" => "p",
        "rm" => "fr",
        _ => "",
    };
    // No path is empty, but busybox has words for it.
    if flags.contains(|flag| !known.contains(flag)) || paths.iter().any(|path| path.is_empty()) {
        return Err(NotUnderstood);
    }
    let here = ".".to_owned();
    if paths.is_empty() {
        match name {
            "ls" => paths.push(&here),
            "rm" if flags.contains('f') => {}
            // They say how they are used.
            _ => return Err(NotUnderstood),
        }
    }
    let paths = paths.into_iter().cloned().collect();
    Ok(match name {
        "ls" => Files::List { paths, themselves: flags.contains('d'), all: flags.contains('a') },
        "touch" => Files::Touch { paths, creates: !flags.contains('c') },
        "mkdir" => Files::MakeDirectories { paths, parents: flags.contains('p') },
        "rm" => Files::Remove { paths, force: flags.contains('f'), recursive: flags.contains('r') },
        _ => Files::Print { paths },
    })
}

/// `test`, with at most one negation and one operator.
fn test(words: &[String]) -> Result<Command, NotUnderstood> {
    let (negated, words) = match words {
        [not, rest @ ..] if not == "!" && !rest.is_empty() => (true, rest),
        words => (false, words),
    };
    let says = |holds: bool| Command::Status(u8::from(holds == negated));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Ok(match words[..] {
        [] => says(false),
        [word] => says(!word.is_empty()),
        ["-n", word] => says(!word.is_empty()),
        ["-z", word] => says(word.is_empty()),
        [operator, path] => {
            let asked = match operator {
                "-e" => Asked::Exists,
                "-f" => Asked::IsFile,
                "-d" => Asked::IsDirectory,
                "-c" => Asked::IsCharacterDevice,
                "-s" => Asked::IsNotEmpty,
                _ => return Err(NotUnderstood),
            };
            if path.is_empty() {
                return Ok(says(false));
            }
            Command::Files(Files::Test { asked, path: path.to_owned(), negated })
        }
        [left, "=" | "==", right] => says(left == right),
        [left, "!=", right] => says(left != right),
        ["-e" | "-f" | "-d" | "-c" | "-s" | "-n" | "-z", _, more] => {
            Command::Complain(format!("{more}: unknown operand"), 2)
        }
        _ => return Err(NotUnderstood),
    })
}

/// `printf` with `%s`, `%d` and the usual escapes; the format is used once.
fn printf(format: &str, words: &[String]) -> Result<String, NotUnderstood> {
    let mut words = words.iter();
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(next) = rest.next() {
        match next {
            '\\' => text.push(match rest.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some('\\') => '\\',
                _ => return Err(NotUnderstood),
            }),
            '%' => match rest.next() {
                Some('%') => text.push('%'),
                Some('s' | 'd') => text.push_str(words.next().map_or("", String::as_str)),
                _ => return Err(NotUnderstood),
            },
            other => text.push(other),
        }
    }
    if words.next().is_some() { Err(NotUnderstood) } else { Ok(text) }
}
