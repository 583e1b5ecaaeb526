//! A shell that runs: a text is played step by step, so that what it does depends on what it finds.

use super::command::{Command, PROGRAMS, command};
use super::parse::{List, Node, parse};
use super::tokens::{Part, Redirect, Word};
use super::{Handler, Text, base, check, variables};
use crate::environment::daemon::files::{Command as Files, Output};
use crate::environment::daemon::script::{Reaction, Step, Stream};
use crate::environment::daemon::signals;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The words of a command have no more bytes: it is a program's way to take all memory there is.
const LONGEST: usize = 1 << 20;

/// Where output goes.
#[derive(Clone, Debug)]
enum Sink {
    Stream(Stream),
    Null,
    File(String),
}

/// What comes next in a loop.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Condition,
    Decision,
    Again,
}

/// Something that is still to be done; the last one comes first.
#[derive(Clone, Debug)]
enum Task {
    List(List, usize),
    Node(Node),
    Second {
        otherwise: bool,
        second: Arc<Node>,
    },
    Not,
    Choose {
        then: List,
        otherwise: List,
    },
    Loop {
        condition: List,
        until: bool,
        body: List,
        last: u8,
        stage: Stage,
    },
    For {
        name: Arc<str>,
        values: VecDeque<String>,
        body: List,
    },
    EndSubshell(BTreeMap<Arc<str>, Arc<str>>),
    /// The redirections of a command from this one on, then the command.
    Redirect {
        words: Arc<[Word]>,
        redirects: Arc<[Redirect]>,
        next: usize,
    },
    Restore {
        out: Sink,
        err: Sink,
    },
    /// After the handler of a signal the status is what it was.
    EndHandler(u8),
    Exit,
}

/// What was asked of files, and has no answer yet.
#[derive(Clone, Debug)]
enum Question {
    Program,
    Open { err: bool, path: String },
    Append,
}

/// What comes before the next task.
#[derive(Clone, Debug)]
enum Ready {
    Write(Sink, Vec<u8>),
    Step(Step),
}

/// What a shell does next.
#[derive(Debug)]
pub(in super::super) enum Action {
    /// Nothing that anybody sees.
    On,
    Step(Step),
    Write(Stream, Arc<[u8]>),
    /// [`Shell::answered`] gets what comes of it.
    Files(Files),
    Exit(u8),
}

/// A shell and how far it has come.
pub(in super::super) struct Shell {
    text: Arc<Text>,
    tasks: Vec<Task>,
    ready: VecDeque<Ready>,
    variables: BTreeMap<Arc<str>, Arc<str>>,
    status: u8,
    out: Sink,
    err: Sink,
    question: Option<Question>,
}

impl Shell {
    pub(in super::super) fn new(text: Arc<Text>) -> Self {
        Shell {
            tasks: vec![Task::List(Arc::clone(&text.list), 0)],
            ready: VecDeque::new(),
            variables: variables(&text.env),
            status: 0,
            out: Sink::Stream(Stream::Stdout),
            err: Sink::Stream(Stream::Stderr),
            question: None,
            text,
        }
    }

    /// The working directory.
    pub(in super::super) fn directory(&self) -> &str {
        &self.text.working_dir
    }

    /// A signal has come, and this is to be done about it first.
    pub(in super::super) fn interrupt(&mut self, handler: &Handler) {
        self.tasks.push(Task::EndHandler(self.status));
        self.tasks.push(Task::List(Arc::clone(&handler.0), 0));
    }

    /// Goes on.
    pub(in super::super) fn next(&mut self) -> Action {
        match self.ready.pop_front() {
            Some(Ready::Step(step)) => Action::Step(step),
            Some(Ready::Write(Sink::Null, _)) => Action::On,
            Some(Ready::Write(Sink::Stream(stream), bytes)) => Action::Write(stream, bytes.into()),
            Some(Ready::Write(Sink::File(path), bytes)) => {
                self.ask(Question::Append, Files::Append { path, bytes })
            }
            None => match self.tasks.pop() {
                Some(task) => self.task(task),
                None => Action::Exit(self.status),
            },
        }
    }

    fn ask(&mut self, question: Question, command: Files) -> Action {
        self.question = Some(question);
        Action::Files(command)
    }

    /// What came of a command about files.
    pub(in super::super) fn answered(&mut self, output: Output) {
        let Output { written, status } = output;
        match self.question.take() {
            Some(Question::Program) => {
                self.status = status;
                for (stream, bytes) in written {
                    let sink = match stream {
                        Stream::Stdout => self.out.clone(),
                        Stream::Stderr => self.err.clone(),
                    };
                    self.ready.push_back(Ready::Write(sink, bytes));
                }
            }
            Some(Question::Open { err, path }) if status == 0 => {
                *(if err { &mut self.err } else { &mut self.out }) = Sink::File(path);
            }
            Some(Question::Open { .. }) => {
                // The command is not run.
                self.tasks.pop();
                self.failed(written, status);
            }
            Some(Question::Append) if status != 0 => self.failed(written, status),
            Some(Question::Append) | None => {}
        }
    }

    fn failed(&mut self, written: Vec<(Stream, Vec<u8>)>, status: u8) {
        self.status = status;
        // A file that cannot be written to does not take the complaint about that either.
        if let Sink::Stream(_) = self.err {
            let all = written.into_iter().map(|(_, bytes)| Ready::Write(self.err.clone(), bytes));
            self.ready.extend(all);
        }
    }

    fn task(&mut self, task: Task) -> Action {
        match task {
            Task::List(list, next) => {
                let node = list.get(next).cloned();
                if next + 1 < list.len() {
                    self.tasks.push(Task::List(list, next + 1));
                }
                self.tasks.extend(node.map(Task::Node));
            }
            Task::Node(node) => return self.node(node),
            Task::Second { otherwise, second } => {
                if (self.status == 0) != otherwise {
                    self.tasks.push(Task::Node(Node::clone(&second)));
                }
            }
            Task::Not => self.status = u8::from(self.status == 0),
            Task::Choose { then, otherwise } => {
                let chosen = if self.status == 0 { then } else { otherwise };
                self.status = 0;
                self.tasks.push(Task::List(chosen, 0));
            }
            Task::Loop { condition, until, body, last, stage } => {
                let (list, last, stage) = match stage {
                    Stage::Condition => (Arc::clone(&condition), last, Stage::Decision),
                    Stage::Decision if (self.status == 0) == until => {
                        self.status = last;
                        return Action::On;
                    }
                    Stage::Decision => (Arc::clone(&body), last, Stage::Again),
                    Stage::Again => (List::from([]), self.status, Stage::Condition),
                };
                self.tasks.push(Task::Loop { condition, until, body, last, stage });
                self.tasks.push(Task::List(list, 0));
            }
            Task::For { name, mut values, body } => {
                if let Some(value) = values.pop_front() {
                    self.variables.insert(Arc::clone(&name), value.into());
                    let list = Task::List(Arc::clone(&body), 0);
                    self.tasks.extend([Task::For { name, values, body }, list]);
                }
            }
            Task::EndSubshell(variables) => self.variables = variables,
            Task::Redirect { words, redirects, next } => {
                return self.redirect(words, redirects, next);
            }
            Task::Restore { out, err } => (self.out, self.err) = (out, err),
            Task::EndHandler(status) => self.status = status,
            Task::Exit => self.exit(),
        }
        Action::On
    }

    fn node(&mut self, node: Node) -> Action {
        match node {
            Node::Simple { words, redirects } => {
                if !redirects.is_empty() {
                    let (out, err) = (self.out.clone(), self.err.clone());
                    self.tasks.push(Task::Restore { out, err });
                }
                return self.redirect(words, redirects, 0);
            }
            Node::Then { first, otherwise, second } => {
                let first = Task::Node(Node::clone(&first));
                self.tasks.extend([Task::Second { otherwise, second }, first]);
            }
            Node::Not(node) => self.tasks.extend([Task::Not, Task::Node(Node::clone(&node))]),
            Node::Group(list) => self.tasks.push(Task::List(list, 0)),
            Node::Subshell(list) => {
                let end = Task::EndSubshell(self.variables.clone());
                self.tasks.extend([end, Task::List(list, 0)]);
            }
            Node::If { condition, then, otherwise } => {
                self.tasks.extend([Task::Choose { then, otherwise }, Task::List(condition, 0)]);
            }
            Node::While { condition, until, body } => {
                let stage = Stage::Condition;
                self.tasks.push(Task::Loop { condition, until, body, last: 0, stage });
            }
            Node::For { name, words, body } => {
                let Some(values) = self.expand(&words) else { return self.give_up() };
                self.status = 0;
                self.tasks.push(Task::For { name, values: values.into(), body });
            }
        }
        Action::On
    }

    fn redirect(
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
    fn expand(&self, words: &[Word]) -> Option<Vec<String>> {
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

    fn give_up(&mut self) -> Action {
        self.complain("out of memory", 2);
        self.tasks.push(Task::Exit);
        Action::On
    }

    fn simple(&mut self, words: &[Word]) -> Action {
        let Some(values) = self.expand(words) else { return self.give_up() };
        let assignment = words.first().is_some_and(check::is_assignment);
        match values.first().and_then(|word| word.split_once('=')).filter(|_| assignment) {
            Some((name, value)) => {
                self.variables.insert(name.into(), value.into());
                self.status = 0;
                Action::On
            }
            None => self.command(&values),
        }
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

    /// Goes on after the innermost loop.
    fn leave_loop(&mut self) {
        self.status = 0;
        while let Some(task) = self.tasks.pop() {
            match task {
                Task::Loop { .. } | Task::For { .. } => break,
                Task::Restore { out, err } => (self.out, self.err) = (out, err),
                _ => {}
            }
        }
    }

    /// Ends the subshell, or the shell.
    fn exit(&mut self) {
        while let Some(task) = self.tasks.pop() {
            match task {
                Task::EndSubshell(variables) => {
                    self.variables = variables;
                    break;
                }
                Task::Restore { out, err } => (self.out, self.err) = (out, err),
                _ => {}
            }
        }
    }
}
