//! From the structure of a script to its steps.

use super::parse::{List, Node, Part, Redirect, Word, is_name};
use super::{NotUnderstood, Surroundings, base, size, time, variables};
use crate::environment::daemon::script::{Reaction, Step, Stream};
use crate::environment::daemon::signals;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A script of more steps than this is not written for a test.
const STEPS_AT_MOST: usize = 10_000;

/// How long `sleep infinity` sleeps: longer than any run.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// What a script has come to.
pub(super) struct Evaluation<'a> {
    surroundings: &'a Surroundings<'a>,
    variables: BTreeMap<Arc<str>, Arc<str>>,
    steps: Vec<Step>,
    status: u8,
    /// Nothing after this point is ever done.
    over: bool,
    /// The loop around this point is being left.
    breaking: bool,
    loops: usize,
    out: Option<Stream>,
    err: Option<Stream>,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(surroundings: &'a Surroundings<'a>) -> Self {
        Evaluation {
            surroundings,
            variables: variables(surroundings.env),
            steps: Vec::new(),
            status: 0,
            over: false,
            breaking: false,
            loops: 0,
            out: Some(Stream::Stdout),
            err: Some(Stream::Stderr),
        }
    }

    /// The steps, and the status in which they end.
    pub(super) fn done(self) -> (Vec<Step>, u8) {
        (self.steps, self.status)
    }

    pub(super) fn read(&mut self, copy: bool) {
        self.steps.push(Step::Read(copy));
        self.status = 0;
    }

    /// Writes to standard error, and fails.
    pub(super) fn complain(&mut self, complaint: &str, status: u8) {
        if let Some(stream) = self.err {
            self.steps.push(Step::Write(stream, complaint.into()));
        }
        self.status = status;
    }

    fn idle(&self) -> bool {
        self.over || self.breaking
    }

    pub(super) fn list(&mut self, list: &List) -> Result<(), NotUnderstood> {
        for node in list {
            if self.idle() {
                break;
            }
            self.node(node)?;
        }
        Ok(())
    }

    fn node(&mut self, node: &Node) -> Result<(), NotUnderstood> {
        if self.steps.len() > STEPS_AT_MOST {
            return Err(NotUnderstood);
        }
        match node {
            Node::Simple { words, redirects } => self.redirected(words, redirects),
            Node::And(first, second) | Node::Or(first, second) => {
                self.node(first)?;
                let wanted = matches!(node, Node::And(..));
                if !self.idle() && (self.status == 0) == wanted {
                    self.node(second)
                } else {
                    Ok(())
                }
            }
            Node::Not(node) => {
                self.node(node)?;
                self.status = u8::from(self.status == 0);
                Ok(())
            }
            Node::Group(list) => self.list(list),
            Node::Subshell(list) => {
                let variables = self.variables.clone();
                self.list(list)?;
                self.variables = variables;
                // An exit ends the subshell alone.
                if self.over && matches!(self.steps.last(), Some(Step::Exit(_))) {
                    self.steps.pop();
                    self.over = false;
                }
                Ok(())
            }
            Node::If { condition, then, otherwise } => {
                self.list(condition)?;
                if self.idle() {
                    return Ok(());
                }
                let chosen = if self.status == 0 { then } else { otherwise };
                self.status = 0;
                self.list(chosen)
            }
            Node::While { condition, until, body } => self.while_loop(condition, *until, body),
            Node::For { name, words, body } => self.for_loop(name, words, body),
        }
    }

    /// A condition has the same status each time, so a loop is left at once, by a `break`, or not
    /// at all.
    fn while_loop(
        &mut self,
        condition: &List,
        until: bool,
        body: &List,
    ) -> Result<(), NotUnderstood> {
        let start = self.steps.len();
        self.list(condition)?;
        if self.idle() {
            return Ok(());
        }
        if (self.status == 0) == until {
            self.status = 0;
            return Ok(());
        }
        self.loops += 1;
        self.list(body)?;
        self.loops -= 1;
        if !std::mem::take(&mut self.breaking) && !self.over {
            self.steps.push(Step::Repeat(start));
            self.over = true;
        }
        Ok(())
    }

    fn for_loop(&mut self, name: &str, words: &[Word], body: &List) -> Result<(), NotUnderstood> {
        let values = self.expand(words);
        self.loops += 1;
        for value in values {
            self.variables.insert(name.into(), value.into());
            self.list(body)?;
            if std::mem::take(&mut self.breaking) || self.over {
                break;
            }
        }
        self.loops -= 1;
        Ok(())
    }

    fn expand(&self, words: &[Word]) -> Vec<String> {
        let value = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Variable(name) => {
                self.variables.get(name.as_str()).map_or(String::new(), ToString::to_string)
            }
            Part::Status => self.status.to_string(),
        };
        // Words of variables that are empty vanish, as unquoted ones do.
        let all = words.iter().map(|word| (word, word.iter().map(value).collect::<String>()));
        all.filter(|(word, text)| {
            !text.is_empty() || word.iter().any(|part| matches!(part, Part::Text(_)))
        })
        .map(|(_, text)| text)
        .collect()
    }

    fn redirected(&mut self, words: &[Word], redirects: &[Redirect]) -> Result<(), NotUnderstood> {
        let before = (self.out, self.err);
        for redirect in redirects {
            match redirect {
                Redirect::OutToErr => self.out = self.err,
                Redirect::ErrToOut => self.err = self.out,
                Redirect::OutToNull => self.out = None,
                Redirect::ErrToNull => self.err = None,
            }
        }
        let words = self.expand(words);
        let understood = self.command(&words);
        (self.out, self.err) = before;
        understood
    }

    fn command(&mut self, words: &[String]) -> Result<(), NotUnderstood> {
        let Some((name, arguments)) = words.split_first() else {
            self.status = 0;
            return Ok(());
        };
        let assignment = name.split_once('=').filter(|(variable, _)| is_name(variable));
        match (name.as_str(), assignment) {
            (_, Some((variable, value))) if arguments.is_empty() => {
                self.variables.insert(variable.into(), value.into());
                self.status = 0;
                Ok(())
            }
            (_, Some(_)) => Err(NotUnderstood),
            (":" | "wait" | "set", _) => {
                self.status = 0;
                Ok(())
            }
            ("break", _) if self.loops > 0 && arguments.is_empty() => {
                self.breaking = true;
                Ok(())
            }
            ("exit", _) => {
                self.status = match arguments {
                    [] => self.status,
                    [code] => (code.parse::<i64>().map_err(|_| NotUnderstood)? & 0xff) as u8,
                    _ => return Err(NotUnderstood),
                };
                self.steps.push(Step::Exit(self.status));
                self.over = true;
                Ok(())
            }
            ("exec", _) => {
                self.command(arguments)?;
                self.steps.push(Step::Exit(self.status));
                self.over = true;
                Ok(())
            }
            ("trap", _) => self.trap(arguments),
            _ => match self.program(name, arguments) {
                Err(NotUnderstood) if self.surroundings.strict => {
                    self.complain(&format!("sh: {name}: not found\n"), 127);
                    Ok(())
                }
                understood => understood,
            },
        }
    }

    /// `trap 'TEXT' SIGNAL...`; `''` ignores, `-` resets.
    fn trap(&mut self, arguments: &[String]) -> Result<(), NotUnderstood> {
        let (text, names) = arguments.split_first().ok_or(NotUnderstood)?;
        let reaction = match text.as_str() {
            "" => Reaction::Ignore,
            "-" if self.surroundings.first => Reaction::Ignore,
            "-" => Reaction::Die,
            text => {
                let mut handler = Evaluation::new(self.surroundings);
                handler.variables.clone_from(&self.variables);
                handler.list(&super::parse::parse(text)?)?;
                if handler.steps.iter().any(|step| matches!(step, Step::Repeat(_))) {
                    return Err(NotUnderstood);
                }
                Reaction::Run(handler.steps.into())
            }
        };
        for name in names {
            let signal = signals::parse(name).map_err(|_| NotUnderstood)?;
            self.steps.push(Step::On(signal, reaction.clone()));
        }
        self.status = 0;
        Ok(())
    }

    fn write(&mut self, text: String) {
        if let Some(stream) = self.out.filter(|_| !text.is_empty()) {
            self.steps.push(Step::Write(stream, text.into()));
        }
        self.status = 0;
    }

    /// A command that is a program of its own.
    pub(super) fn program(
        &mut self,
        name: &str,
        arguments: &[String],
    ) -> Result<(), NotUnderstood> {
        let seconds = |text: &String| time(text).ok_or(NotUnderstood);
        match (base(name), arguments) {
            ("true", _) => self.status = 0,
            ("false", _) => self.status = 1,
            ("sleep", [forever]) if forever == "infinity" => {
                self.steps.push(Step::Sleep(FOREVER));
                self.status = 0;
            }
            ("sleep", [_, ..]) => {
                let times = arguments.iter().map(seconds).collect::<Result<Vec<_>, _>>()?;
                let time = times.into_iter().fold(Duration::ZERO, Duration::saturating_add);
                self.steps.push(Step::Sleep(time));
                self.status = 0;
            }
            ("work", [time]) => {
                self.steps.push(Step::Work(seconds(time)?));
                self.status = 0;
            }
            ("eat", [bytes]) => self.eat(bytes, Duration::ZERO)?,
            ("eat", [bytes, within, time]) if within == "in" => self.eat(bytes, seconds(time)?)?,
            ("echo", [flag, words @ ..]) if flag == "-n" => self.write(words.join(" ")),
            ("echo", words) => self.write(words.join(" ") + "\n"),
            ("printf", [format, words @ ..]) => {
                let text = printf(format, words)?;
                self.write(text);
            }
            ("cat", []) => self.read(self.out.is_some()),
            ("env" | "printenv", []) => {
                let lines = self.variables.iter().map(|(name, value)| format!("{name}={value}\n"));
                let text = lines.collect();
                self.write(text);
            }
            ("pwd", []) => {
                let directory = match self.surroundings.working_dir {
                    "" => "/",
                    directory => directory,
                };
                self.write(format!("{directory}\n"));
            }
            _ => return Err(NotUnderstood),
        }
        Ok(())
    }

    fn eat(&mut self, bytes: &str, time: Duration) -> Result<(), NotUnderstood> {
        self.steps.push(Step::Grow(size(bytes).ok_or(NotUnderstood)?, time));
        self.status = 0;
        Ok(())
    }
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
