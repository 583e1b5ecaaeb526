//! From the words of a script to its structure.

use super::NotUnderstood;
use super::tokens::{self, Part, Redirect, Token, Word};
use std::sync::Arc;

/// Commands, one after the other.
pub(super) type List = Arc<[Node]>;

/// A command. Copies are cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Simple {
        words: Arc<[Word]>,
        redirects: Arc<[Redirect]>,
    },
    /// The second only if the first succeeds, or fails if `otherwise`.
    Then {
        first: Arc<Node>,
        otherwise: bool,
        second: Arc<Node>,
    },
    Not(Arc<Node>),
    Group(List),
    Subshell(List),
    If {
        condition: List,
        then: List,
        otherwise: List,
    },
    /// As long as the condition succeeds, or fails if `until`.
    While {
        condition: List,
        until: bool,
        body: List,
    },
    For {
        name: Arc<str>,
        words: Arc<[Word]>,
        body: List,
    },
}

/// Commands within commands, at most.
const DEPTH_AT_MOST: usize = 100;

/// The structure of a text.
pub(super) fn parse(text: &str) -> Result<List, NotUnderstood> {
    let mut parser = Parser { tokens: tokens::tokens(text)?, next: 0, depth: 0 };
    let list = parser.list(&[])?;
    if parser.next < parser.tokens.len() { Err(NotUnderstood) } else { Ok(list) }
}

/// Whether this is the name of a variable.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    /// The keyword that comes next, if one does.
    fn keyword(&self) -> Option<&str> {
        match self.peek()? {
            Token::Word(word) => match word.as_slice() {
                [Part::Text(text)] => Some(text),
                _ => None,
            },
            Token::Operator(operator) => Some(operator),
            Token::Redirect(_) => None,
        }
    }

    fn eat(&mut self, keyword: &str) -> bool {
        let found = self.keyword() == Some(keyword);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, keyword: &str) -> Result<(), NotUnderstood> {
        if self.eat(keyword) { Ok(()) } else { Err(NotUnderstood) }
    }

    /// Commands up to one of `ends`, or to the end.
    fn list(&mut self, ends: &[&str]) -> Result<List, NotUnderstood> {
        self.depth += 1;
        if self.depth > DEPTH_AT_MOST {
            return Err(NotUnderstood);
        }
        let mut list = Vec::new();
        loop {
            while self.eat(";") {}
            match self.keyword() {
                Some(keyword) if ends.contains(&keyword) => break,
                None if self.peek().is_none() => break,
                _ => {}
            }
            list.push(self.and_or()?);
            if self.peek().is_some()
                && !self.eat(";")
                && !self.keyword().is_some_and(|keyword| ends.contains(&keyword))
            {
                return Err(NotUnderstood);
            }
        }
        self.depth -= 1;
        Ok(list.into())
    }

    fn and_or(&mut self) -> Result<Node, NotUnderstood> {
        let mut node = self.command()?;
        loop {
            let otherwise = match self.keyword() {
                Some("&&") => false,
                Some("||") => true,
                _ => return Ok(node),
            };
            self.next += 1;
            while self.eat(";") {}
            let second = Arc::new(self.command()?);
            node = Node::Then { first: Arc::new(node), otherwise, second };
        }
    }

    fn command(&mut self) -> Result<Node, NotUnderstood> {
        let keyword = self.keyword().unwrap_or_default().to_owned();
        match keyword.as_str() {
            "!" => {
                self.next += 1;
                self.depth += 1;
                if self.depth > DEPTH_AT_MOST {
                    return Err(NotUnderstood);
                }
                let node = self.command()?;
                self.depth -= 1;
                Ok(Node::Not(Arc::new(node)))
            }
            "{" => {
                self.next += 1;
                let list = self.list(&["}"])?;
                self.expect("}")?;
                Ok(Node::Group(list))
            }
            "(" => {
                self.next += 1;
                let list = self.list(&[")"])?;
                self.expect(")")?;
                Ok(Node::Subshell(list))
            }
            "if" => {
                self.next += 1;
                self.branches()
            }
            "while" | "until" => {
                self.next += 1;
                let condition = self.list(&["do"])?;
                let body = self.body()?;
                Ok(Node::While { condition, until: keyword == "until", body })
            }
            "for" => self.for_each(),
            ";" | "&&" | "||" | ")" | "" if self.peek().is_none() || !keyword.is_empty() => {
                Err(NotUnderstood)
            }
            _ => self.simple(),
        }
    }

    fn branches(&mut self) -> Result<Node, NotUnderstood> {
        let condition = self.list(&["then"])?;
        self.expect("then")?;
        let then = self.list(&["else", "elif", "fi"])?;
        let otherwise = if self.eat("elif") {
            return Ok(Node::If { condition, then, otherwise: [self.branches()?].into() });
        } else if self.eat("else") {
            self.list(&["fi"])?
        } else {
            List::from([])
        };
        self.expect("fi")?;
        Ok(Node::If { condition, then, otherwise })
    }

    fn body(&mut self) -> Result<List, NotUnderstood> {
        self.expect("do")?;
        let body = self.list(&["done"])?;
        self.expect("done")?;
        Ok(body)
    }

    fn for_each(&mut self) -> Result<Node, NotUnderstood> {
        self.next += 1;
        let name = self.keyword().filter(|name| is_name(name)).ok_or(NotUnderstood)?.to_owned();
        self.next += 1;
        self.expect("in")?;
        let mut words = Vec::new();
        while let Some(Token::Word(word)) = self.peek() {
            words.push(word.clone());
            self.next += 1;
        }
        while self.eat(";") {}
        let body = self.body()?;
        Ok(Node::For { name: name.into(), words: words.into(), body })
    }

    fn simple(&mut self) -> Result<Node, NotUnderstood> {
        let (mut words, mut redirects) = (Vec::new(), Vec::new());
        while let Some(token) = self.peek() {
            match token {
                Token::Word(word) => words.push(word.clone()),
                Token::Redirect(redirect) => redirects.push(redirect.clone()),
                Token::Operator(_) => break,
            }
            self.next += 1;
        }
        if words.is_empty() && redirects.is_empty() {
            return Err(NotUnderstood);
        }
        Ok(Node::Simple { words: words.into(), redirects: redirects.into() })
    }
}
