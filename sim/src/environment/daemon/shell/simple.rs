//! What a shell does about one simple command: redirections, words, the program or what is built
//! in.

use super::command::{Command, PROGRAMS, command};
use super::machine::{Action, Question, Ready, Shell, Sink, Task};
use super::parse::parse;
use super::tokens::{Part, Redirect, Word};
use super::{Handler, base, check};
use crate::environment::daemon::files::Command as Files;
use crate::environment::daemon::script::{Reaction, Step};
use crate::environment::daemon::signals;
use std::sync::Arc;

/// The words of a command have no more bytes: it is a program's way to take all memory there is.
const LONGEST: usize = 1 << 20;

/// Nor have all variables.
const VARIABLES_AT_MOST: usize = 4 << 20;

impl Shell {
    pub(super) fn redirect(
        &mut self,
        words: Arc<[Word]>,
        redirects: Arc<[Redirect]>,
        mut next: usize,
    ) -> Action {
        while let Some(redirect) = redirects.get(next) {
            next += 1;
            let Redirect::File { err, append, path } = redirect else {
                match redirect {
                    Redirect::OutToErr => self.out = self.err.clone(),
                    _ => self.err = self.out.clone(),
                }
                continue;
            };
            let (err, append) = (*err, *append);
            let Some(path) = self.expand(std::slice::from_ref(path)) else { return self.give_up() };
            let path = path.concat();
            let sink = match path.as_str() {
                "/dev/null" => Sink::Null,
                "/dev/stderr" => self.err.clone(),
                "/dev/stdout" => self.out.clone(),
                _ => {
                    self.tasks.push(Task::Redirect { words, redirects, next });
                    let question = Question::Open { err, path: path.clone() };
                    return self.ask(question, Files::Open { path, append });
                }
            };
            *(if err { &mut self.err } else { &mut self.out }) = sink;
        }
        self.simple(&words)
    }

    /// Words with the values of their variables, unless that is too much.
    pub(super) fn expand(&self, words: &[Word]) -> Option<Vec<String>> {
        let status = self.status.to_string();
        let (mut all, mut bytes) = (Vec::new(), 0);
        for word in words {
            let mut text = String::new();
            for part in word {
                let value = match part {
                    Part::Text(text) => text,
                    Part::Variable(name) => self.variables.get(name.as_str()).map_or("", |it| it),
                    Part::Status => &status,
                };
                bytes += value.len();
                if bytes > LONGEST {
                    return None;
                }
                text.push_str(value);
            }
            // Words of variables that are empty vanish, as unquoted ones do.
            if !text.is_empty() || word.iter().any(|part| matches!(part, Part::Text(_))) {
                all.push(text);
            }
        }
        Some(all)
    }

    pub(super) fn give_up(&mut self) -> Action {
        self.complain("out of memory", 2);
        self.tasks.push(Task::Exit);
        Action::On
    }

    fn simple(&mut self, words: &[Word]) -> Action {
        let Some(values) = self.expand(words) else { return self.give_up() };
        let assignment = words.first().is_some_and(check::is_assignment);
        match values.first().and_then(|word| word.split_once('=')).filter(|_| assignment) {
            Some((_, value)) if self.variables_with(value) > VARIABLES_AT_MOST => self.give_up(),
            Some((name, value)) => {
                self.variables.insert(name.into(), value.into());
                self.status = 0;
                Action::On
            }
            None => self.command(&values),
        }
    }

    /// The bytes of all variables and of one more value.
    fn variables_with(&self, value: &str) -> usize {
        self.variables.values().map(|value| value.len()).sum::<usize>() + value.len()
    }

    fn command(&mut self, words: &[String]) -> Action {
        let Some((name, arguments)) = words.split_first() else {
            self.status = 0;
            return Action::On;
        };
        match name.as_str() {
            ":" | "wait" | "set" => self.status = 0,
            "break" => self.leave_loop(),
            "exit" => {
                if let Some(code) = arguments.first() {
                    let code = code.parse::<i64>();
                    self.status = code.map_or(2, |code| (code & 0xff) as u8);
                }
                self.exit();
            }
            "exec" => {
                self.tasks.push(Task::Exit);
                return self.command(arguments);
            }
            "trap" => self.trap(arguments),
            _ => return self.program(words, name, arguments),
        }
        Action::On
    }

    fn program(&mut self, words: &[String], name: &str, arguments: &[String]) -> Action {
        let Ok(command) = command(base(name), arguments) else {
            if PROGRAMS.contains(&base(name)) {
                let words = words.join(" ");
                self.complain(&format!("{words}: not of this simulator's language"), 2);
            } else {
                self.complain(&format!("{name}: not found"), 127);
            }
            return Action::On;
        };
        self.status = 0;
        match command {
            Command::Status(status) => self.status = status,
            Command::Step(step) => return Action::Step(step),
            Command::Write(text) => self.write(text),
            Command::Copy => match self.out {
                Sink::File(_) => self.complain("cat: not of this simulator's language", 2),
                Sink::Null => return Action::Step(Step::Read(false)),
                Sink::Stream(_) => return Action::Step(Step::Read(true)),
            },
            Command::Environment => {
                let lines = self.variables.iter().map(|(name, value)| format!("{name}={value}\n"));
                let text = lines.collect();
                self.write(text);
            }
            Command::Directory => self.write(format!("{}\n", self.text.directory())),
            Command::Files(command) => return self.ask(Question::Program, command),
            Command::Complain(complaint, status) => self.complain(&complaint, status),
        }
        Action::On
    }

    fn write(&mut self, text: String) {
        if !text.is_empty() {
            self.ready.push_back(Ready::Write(self.out.clone(), text.into_bytes()));
        }
    }

    /// Writes to standard error, and fails.
    fn complain(&mut self, complaint: &str, status: u8) {
        let line = format!("{}: {complaint}\n", self.text.name);
        self.ready.push_back(Ready::Write(self.err.clone(), line.into_bytes()));
        self.status = status;
    }

    /// `trap 'TEXT' SIGNAL...`; `''` ignores, `-` resets.
    fn trap(&mut self, arguments: &[String]) {
        let Some((text, names)) = arguments.split_first() else { return };
        let reaction = match text.as_str() {
            "" => Some(Reaction::Ignore),
            "-" if self.text.first => Some(Reaction::Ignore),
            "-" => Some(Reaction::Die),
            text => {
                let list = parse(text).and_then(|list| {
                    check::check(&list, self.text.strict, 0)?;
                    Ok(list)
                });
                list.ok().map(|list| Reaction::Run(Handler(list)))
            }
        };
        let signals: Option<Vec<i32>> =
            names.iter().map(|name| signals::parse(name).ok()).collect();
        let (Some(reaction), Some(signals)) = (reaction, signals) else {
            return self.complain("trap: not of this simulator's language", 2);
        };
        let steps = signals.into_iter().map(|signal| Step::On(signal, reaction.clone()));
        self.ready.extend(steps.map(Ready::Step));
        self.status = 0;
    }
}
