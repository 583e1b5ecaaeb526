//! A shell that runs: a text is played step by step, so that what it does depends on what it finds.

use super::parse::{List, Node};
use super::tokens::{Redirect, Word};
use super::{Handler, Text, variables};
use crate::environment::daemon::files::{Command as Files, Output};
use crate::environment::daemon::script::{Step, Stream};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Where output goes.
#[derive(Clone, Debug)]
pub(super) enum Sink {
    Stream(Stream),
    Null,
    File(String),
}

/// What comes next in a loop.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stage {
    Condition,
    Decision,
    Again,
}

/// Something that is still to be done; the last one comes first.
#[derive(Clone, Debug)]
pub(super) enum Task {
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
pub(super) enum Question {
    Program,
    Open { err: bool, path: String },
    Append,
}

/// What comes before the next task.
#[derive(Clone, Debug)]
pub(super) enum Ready {
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
    pub(super) text: Arc<Text>,
    pub(super) tasks: Vec<Task>,
    pub(super) ready: VecDeque<Ready>,
    pub(super) variables: BTreeMap<Arc<str>, Arc<str>>,
    pub(super) status: u8,
    pub(super) out: Sink,
    pub(super) err: Sink,
    pub(super) question: Option<Question>,
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

    pub(super) fn ask(&mut self, question: Question, command: Files) -> Action {
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

    /// Goes on after the innermost loop.
    pub(super) fn leave_loop(&mut self) {
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
    pub(super) fn exit(&mut self) {
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
