//! Whether a text is of the language, before it is run: what depends on variables shows only then.

use super::command::{Command, PROGRAMS, command};
use super::parse::{Node, is_name, parse};
use super::tokens::{Part, Redirect, Word, literal};
use super::{NotUnderstood, base};
use crate::environment::daemon::signals;

/// Refuses what is not understood. If programs of other names do not exist, a shell finds out when
/// it comes to them. `loops` are around the list.
pub(super) fn check(list: &[Node], strict: bool, loops: usize) -> Result<(), NotUnderstood> {
    list.iter().try_for_each(|node| check_node(node, strict, loops))
}

fn check_node(node: &Node, strict: bool, loops: usize) -> Result<(), NotUnderstood> {
    match node {
        Node::Simple { words, redirects } => simple(words, redirects, strict, loops),
        Node::Then { first, second, .. } => {
            check_node(first, strict, loops)?;
            check_node(second, strict, loops)
        }
        Node::Not(node) => check_node(node, strict, loops),
        Node::Group(list) => check(list, strict, loops),
        // It cannot leave a loop around it.
        Node::Subshell(list) => check(list, strict, 0),
        Node::If { condition, then, otherwise } => {
            check(condition, strict, loops)?;
            check(then, strict, loops)?;
            check(otherwise, strict, loops)
        }
        Node::While { condition, body, .. } => {
            check(condition, strict, loops + 1)?;
            check(body, strict, loops + 1)
        }
        Node::For { body, .. } => check(body, strict, loops + 1),
    }
}

/// Whether a word gives a variable its value.
pub(super) fn is_assignment(word: &Word) -> bool {
    let Some(Part::Text(text)) = word.first() else { return false };
    text.split_once('=').is_some_and(|(name, _)| is_name(name))
}

fn simple(
    words: &[Word],
    redirects: &[Redirect],
    strict: bool,
    loops: usize,
) -> Result<(), NotUnderstood> {
    let Some(first) = words.first() else { return Ok(()) };
    if is_assignment(first) {
        return if words.len() == 1 { Ok(()) } else { Err(NotUnderstood) };
    }
    let Some(name) = literal(first) else { return Ok(()) };
    let arguments: Vec<Option<String>> = words[1..].iter().map(literal).collect();
    match (name.as_str(), arguments.as_slice()) {
        (":" | "wait" | "set", _) => Ok(()),
        ("break", []) if loops > 0 => Ok(()),
        ("exit", [] | [None]) => Ok(()),
        ("exit", [Some(code)]) => code.parse::<i64>().map(drop).map_err(|_| NotUnderstood),
        ("exec", [_, ..]) => simple(&words[1..], redirects, strict, 0),
        ("trap", [text, names @ ..]) => {
            for name in names.iter().flatten() {
                signals::parse(name).map_err(|_| NotUnderstood)?;
            }
            match text.as_deref() {
                None | Some("" | "-") => Ok(()),
                Some(text) => check(&parse(text)?, strict, 0),
            }
        }
        ("break" | "exit" | "exec" | "trap", _) => Err(NotUnderstood),
        // It says so when it comes to that.
        _ if strict => Ok(()),
        (name, _) if !PROGRAMS.contains(&base(name)) => Err(NotUnderstood),
        (name, arguments) => {
            let Some(arguments) = arguments.iter().cloned().collect::<Option<Vec<_>>>() else {
                return Ok(());
            };
            let to_file = redirects.iter().any(|one| matches!(one, Redirect::File { .. }));
            match command(base(name), &arguments)? {
                Command::Copy if to_file => Err(NotUnderstood),
                _ => Ok(()),
            }
        }
    }
}
