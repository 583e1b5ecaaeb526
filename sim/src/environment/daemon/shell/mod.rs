//! A small language for programs in containers: enough of a shell to serve
//! `docker run IMAGE sleep 5` and `sh -c 'echo hi; exit 3'` as the real programs would.
//!
//! ```text
//! PROGRAM   sleep N[smhd]...|infinity   echo [-n] TEXT...   printf FORMAT TEXT...   true   false
//!           cat [FILE...]   env   pwd   sh -c TEXT   sh (reads its input)
//!           ls [-1ad] [PATH...]   touch [-c] PATH...   mkdir [-p] PATH...   rm [-rf] PATH...
//!           test, [   of ! -e -f -d -c -s PATH   -n -z TEXT   A = B   A != B
//!           eat SIZE[kMG] [in TIME]     takes memory                       (ours)
//!           work TIME                   keeps a processor busy             (ours)
//! in a TEXT also
//!           exit [N]   exec PROGRAM   :   wait   trap 'TEXT'|''|- SIGNAL...   break   NAME=VALUE
//!           A; B   A && B   A || B   ! A   { A; }   ( A )   if A; then B; else C; fi
//!           while A; do B; done   until A; do B; done   for NAME in WORD...; do B; done
//!           'quoted'  "quoted $NAME"  ${NAME}  $?  # a comment
//!           >&2   2>&1   >FILE   >>FILE   2>FILE   2>>FILE
//! ```
//!
//! A text is [checked](check) as a whole, then [run](machine) step by step: files may have changed
//! by the time that a condition asks for them. What files there are: `files/`.
//!
//! A container's first process dies of no signal that it has no handler for, as the kernel has it:
//! `sleep 100` is stopped by SIGKILL alone, unless the container has an init. A trap runs when the
//! command under way has ended.
//!
//! Anything else is [not understood](Verdict::Unknown); the caller decides what it does. Where no
//! other programs exist, it fails with a message.

mod check;
mod command;
mod machine;
mod parse;
mod simple;
mod tokens;

pub(super) use command::PROGRAMS;
pub(super) use machine::{Action, Shell};

use super::files;
use super::script::{End, Reaction, Script, StartRefusal, Step, Stream};
use command::Command;
use parse::{List, Node};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokens::Part;

/// A text for a shell, and what it is run with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    list: List,
    env: Vec<String>,
    working_dir: String,
    first: bool,
    strict: bool,
    /// What its complaints begin with.
    name: Arc<str>,
}

impl Text {
    fn new(name: &str, list: List, surroundings: &Surroundings<'_>) -> Self {
        Text {
            list,
            env: surroundings.env.to_vec(),
            working_dir: surroundings.working_dir.to_owned(),
            first: surroundings.first,
            strict: surroundings.strict,
            name: name.into(),
        }
    }

    fn directory(&self) -> &str {
        if self.working_dir.is_empty() { "/" } else { &self.working_dir }
    }
}

/// What a shell does when a signal comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handler(List);

/// What a program is run with.
pub(super) struct Surroundings<'a> {
    /// Its environment, `NAME=value`.
    pub(super) env: &'a [String],
    pub(super) working_dir: &'a str,
    /// It is a container's first process.
    pub(super) first: bool,
    /// Programs of other names do not exist.
    pub(super) strict: bool,
}

/// What is made of a command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It does this.
    Does(Script),
    /// It is not of this language.
    Unknown,
}

const SHELLS: [&str; 4] = ["sh", "ash", "bash", "dash"];

/// The last component of a program's path.
fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// What a command line does.
pub(super) fn interpret(argv: &[String], surroundings: &Surroundings<'_>) -> Verdict {
    let Some((program, arguments)) = argv.split_first() else { return Verdict::Unknown };
    let name = base(program);
    let understood = if SHELLS.contains(&name) {
        shell(arguments, surroundings)
    } else {
        self::program(name, arguments, surroundings)
    };
    let fails = |complaint: &str| {
        let complaint = format!("{program}: {complaint}: not of this simulator's language\n");
        let steps = vec![Step::Write(Stream::Stderr, complaint.into())];
        finish(steps, 2, surroundings)
    };
    Verdict::Does(match understood {
        Ok(script) => script,
        Err(NotUnderstood) if !surroundings.strict => return Verdict::Unknown,
        Err(NotUnderstood) if files::is_no_program(program) => {
            Script::refused(StartRefusal::NotExecutable)
        }
        Err(NotUnderstood) if SHELLS.contains(&name) => fails("syntax error"),
        Err(NotUnderstood) if PROGRAMS.contains(&name) => fails(&arguments.join(" ")),
        Err(NotUnderstood) => Script::refused(StartRefusal::NotFound),
    })
}

/// The script of a text in this language.
///
/// # Errors
///
/// When it is not of this language.
pub(super) fn script(text: &str, first: bool) -> Result<Script, String> {
    let surroundings = Surroundings { env: &[], working_dir: "", first, strict: false };
    let argv = ["-c".to_owned(), text.to_owned()];
    shell(&argv, &surroundings).map_err(|NotUnderstood| {
        format!(
            "'{text}' is not of the language of scripts: commands are sleep, echo, printf, true, \
             false, exit, cat, ls, touch, mkdir, rm, test, eat, work, trap, joined by ; && || if \
             while for"
        )
    })
}

/// The text is not of this language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct NotUnderstood;

fn shell(arguments: &[String], surroundings: &Surroundings<'_>) -> Result<Script, NotUnderstood> {
    match arguments.split_first() {
        // It would do what it reads; all that is done here is to wait for the end of that.
        None => Ok(finish(vec![Step::Read(false)], 0, surroundings)),
        Some((flag, rest)) if flag == "-c" || flag == "-ec" || flag == "-lc" => {
            let list = parse::parse(rest.first().ok_or(NotUnderstood)?)?;
            check::check(&list, surroundings.strict, 0)?;
            Ok(played(Text::new("sh", list, surroundings), surroundings))
        }
        Some(_) => Err(NotUnderstood),
    }
}

/// A program without a shell around it.
fn program(
    name: &str,
    arguments: &[String],
    surroundings: &Surroundings<'_>,
) -> Result<Script, NotUnderstood> {
    let write = |text: String| match text.as_str() {
        "" => Vec::new(),
        text => vec![Step::Write(Stream::Stdout, text.into())],
    };
    let (steps, status) = match command::command(name, arguments)? {
        Command::Status(status) => (Vec::new(), status),
        Command::Step(step) => (vec![step], 0),
        Command::Write(text) => (write(text), 0),
        Command::Copy => (vec![Step::Read(true)], 0),
        Command::Environment => {
            let all = variables(surroundings.env);
            (write(all.iter().map(|(name, value)| format!("{name}={value}\n")).collect()), 0)
        }
        Command::Directory => {
            let text = Text::new(name, List::from([]), surroundings);
            (write(format!("{}\n", text.directory())), 0)
        }
        Command::Files(_) | Command::Complain(..) => {
            let word = |word: &str| vec![Part::Text(word.to_owned())];
            let words = [name].into_iter().chain(arguments.iter().map(String::as_str));
            let words = words.map(word).collect();
            let node = Node::Simple { words, redirects: Arc::from([]) };
            return Ok(played(Text::new(name, [node].into(), surroundings), surroundings));
        }
    };
    Ok(finish(steps, status, surroundings))
}

/// A script that is a shell's from its first step on.
fn played(text: Text, surroundings: &Surroundings<'_>) -> Script {
    finish(vec![Step::Shell(Arc::new(text))], 0, surroundings)
}

fn finish(steps: Vec<Step>, status: u8, surroundings: &Surroundings<'_>) -> Script {
    let signal = if surroundings.first { Reaction::Ignore } else { Reaction::Die };
    Script {
        steps: steps.into(),
        end: End::Exit(status),
        on_term: signal.clone(),
        on_others: signal,
        ..Script::default()
    }
}

/// A time as `sleep` takes it: `1`, `0.5`, `2m`.
pub(super) fn time(text: &str) -> Option<Duration> {
    let (number, unit) = match text.char_indices().next_back()? {
        (at, 's') => (&text[..at], 1.0),
        (at, 'm') => (&text[..at], 60.0),
        (at, 'h') => (&text[..at], 3600.0),
        (at, 'd') => (&text[..at], 86400.0),
        _ => (text, 1.0),
    };
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds: f64 = number.parse().ok().filter(|_| plain)?;
    Duration::try_from_secs_f64(seconds * unit).ok()
}

/// A size: `200M`, `1G`, `4096`.
pub(super) fn size(text: &str) -> Option<u64> {
    let text = text.strip_suffix(['B', 'b']).unwrap_or(text);
    let (number, unit) = match text.char_indices().next_back()? {
        (at, 'k' | 'K') => (&text[..at], 1 << 10),
        (at, 'm' | 'M') => (&text[..at], 1 << 20),
        (at, 'g' | 'G') => (&text[..at], 1 << 30),
        _ => (text, 1),
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// The variables of an environment.
fn variables(env: &[String]) -> BTreeMap<Arc<str>, Arc<str>> {
    env.iter()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

#[cfg(test)]
mod tests;
