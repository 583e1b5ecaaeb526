//! A small language for programs in containers: enough of a shell to serve
//! `docker run IMAGE sleep 5` and `sh -c 'echo hi; exit 3'` as the real programs would.
//!
//! ```text
//! PROGRAM   sleep N[smhd]...|infinity   echo [-n] TEXT...   printf FORMAT TEXT...   true   false
//!           cat   env   pwd   sh -c TEXT   sh (reads its input)
//!           eat SIZE[kMG] [in TIME]     takes memory                       (ours)
//!           work TIME                   keeps a processor busy             (ours)
//! in a TEXT also
//!           exit [N]   exec PROGRAM   :   wait   trap 'TEXT'|''|- SIGNAL...   break   NAME=VALUE
//!           A; B   A && B   A || B   ! A   { A; }   ( A )   if A; then B; else C; fi
//!           while A; do B; done   until A; do B; done   for NAME in WORD...; do B; done
//!           'quoted'  "quoted $NAME"  ${NAME}  $?  # a comment
//!           >&2   2>&1   >/dev/null   2>/dev/null   >/dev/stderr
//! ```
//!
//! The status of each of these commands is known before it runs, so a text becomes a plain list
//! of [steps](Step): conditions are decided, loops that end are unrolled, one that does not is a
//! [`Step::Repeat`].
//!
//! A container's first process dies of no signal that it has no handler for, as the kernel has it:
//! `sleep 100` is stopped by SIGKILL alone, unless the container has an init. A trap runs when the
//! command under way has ended.
//!
//! Anything else is [not understood](Verdict::Unknown); the caller decides what it does.

mod evaluate;
mod parse;

use super::script::{End, Reaction, Script, StartRefusal};
use evaluate::Evaluation;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

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

/// Paths that are there in every image and are no programs.
const NO_PROGRAMS: [&str; 14] = [
    "/",
    "/bin",
    "/dev",
    "/etc",
    "/etc/group",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/passwd",
    "/etc/resolv.conf",
    "/proc",
    "/sys",
    "/tmp",
    "/usr",
    "/var",
];

const SHELLS: [&str; 4] = ["sh", "ash", "bash", "dash"];

/// The last component of a program's path.
fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// What a command line does.
pub(super) fn interpret(argv: &[String], surroundings: &Surroundings<'_>) -> Verdict {
    let Some((program, arguments)) = argv.split_first() else { return Verdict::Unknown };
    let mut evaluation = Evaluation::new(surroundings);
    let understood = if SHELLS.contains(&base(program)) {
        shell(&mut evaluation, arguments)
    } else {
        evaluation.program(program, arguments)
    };
    match understood {
        Ok(()) => Verdict::Does(finish(evaluation, surroundings)),
        Err(NotUnderstood) if !surroundings.strict => Verdict::Unknown,
        Err(NotUnderstood) if NO_PROGRAMS.contains(&program.as_str()) => {
            Verdict::Does(Script::refused(StartRefusal::NotExecutable))
        }
        Err(NotUnderstood) if SHELLS.contains(&base(program)) => {
            let complaint = format!("{program}: syntax error: not of this simulator's language\n");
            evaluation = Evaluation::new(surroundings);
            evaluation.complain(&complaint, 2);
            Verdict::Does(finish(evaluation, surroundings))
        }
        Err(NotUnderstood) => Verdict::Does(Script::refused(StartRefusal::NotFound)),
    }
}

/// The script of a text in this language.
///
/// # Errors
///
/// When it is not of this language.
pub(super) fn script(text: &str, first: bool) -> Result<Script, String> {
    let surroundings = Surroundings { env: &[], working_dir: "", first, strict: false };
    let mut evaluation = Evaluation::new(&surroundings);
    let argv = ["-c".to_owned(), text.to_owned()];
    match shell(&mut evaluation, &argv) {
        Ok(()) => Ok(finish(evaluation, &surroundings)),
        Err(NotUnderstood) => Err(format!(
            "'{text}' is not of the language of scripts: commands are sleep, echo, printf, true, \
             false, exit, cat, eat, work, trap, joined by ; && || if while for"
        )),
    }
}

/// The text is not of this language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct NotUnderstood;

fn shell(evaluation: &mut Evaluation<'_>, arguments: &[String]) -> Result<(), NotUnderstood> {
    match arguments.split_first() {
        None => {
            // It would do what it reads; all that is done here is to wait for the end of that.
            evaluation.read(false);
            Ok(())
        }
        Some((flag, rest)) if flag == "-c" || flag == "-ec" || flag == "-lc" => {
            let text = rest.first().ok_or(NotUnderstood)?;
            evaluation.list(&parse::parse(text)?)
        }
        Some(_) => Err(NotUnderstood),
    }
}

fn finish(evaluation: Evaluation<'_>, surroundings: &Surroundings<'_>) -> Script {
    let signal = if surroundings.first { Reaction::Ignore } else { Reaction::Die };
    let (steps, status) = evaluation.done();
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
