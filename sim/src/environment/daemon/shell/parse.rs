//! From the text of a script to its structure.

use super::NotUnderstood;

/// Commands, one after the other.
pub(super) type List = Vec<Node>;

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Simple {
        words: Vec<Word>,
        redirects: Vec<Redirect>,
    },
    /// The second only if the first succeeds.
    And(Box<Node>, Box<Node>),
    /// The second only if the first fails.
    Or(Box<Node>, Box<Node>),
    Not(Box<Node>),
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
        name: String,
        words: Vec<Word>,
        body: List,
    },
}

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Variable(String),
    Status,
}

/// A word, before its variables have their values.
pub(super) type Word = Vec<Part>;

/// Where one of a command's streams goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirect {
    OutToErr,
    ErrToOut,
    OutToNull,
    ErrToNull,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(Word),
    /// `;`, `&&`, `||`, `(`, `)`; a line's end is a `;`.
    Operator(&'static str),
    Redirect(Redirect),
}

/// A text of more tokens than this is nobody's command line.
const TOKENS_AT_MOST: usize = 10_000;
/// Commands within commands, at most.
const DEPTH_AT_MOST: usize = 100;

/// The structure of a text.
pub(super) fn parse(text: &str) -> Result<List, NotUnderstood> {
    let tokens = Tokens { rest: text.trim_end() }.all()?;
    let mut parser = Parser { tokens, next: 0, depth: 0 };
    let list = parser.list(&[])?;
    if parser.next < parser.tokens.len() { Err(NotUnderstood) } else { Ok(list) }
}

struct Tokens<'a> {
    rest: &'a str,
}

impl Tokens<'_> {
    fn all(mut self) -> Result<Vec<Token>, NotUnderstood> {
        let mut tokens = Vec::new();
        while let Some(token) = self.token()? {
            tokens.push(token);
            if tokens.len() > TOKENS_AT_MOST {
                return Err(NotUnderstood);
            }
        }
        Ok(tokens)
    }

    fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn token(&mut self) -> Result<Option<Token>, NotUnderstood> {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        while self.rest.starts_with('#') {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.rest = &self.rest[end..];
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        const REDIRECTS: [(&str, Redirect); 10] = [
            ("1>&2", Redirect::OutToErr),
            (">&2", Redirect::OutToErr),
            ("2>&1", Redirect::ErrToOut),
            ("2>/dev/null", Redirect::ErrToNull),
            ("2> /dev/null", Redirect::ErrToNull),
            (">/dev/null", Redirect::OutToNull),
            ("> /dev/null", Redirect::OutToNull),
            (">/dev/stderr", Redirect::OutToErr),
            ("> /dev/stderr", Redirect::OutToErr),
            ("1>/dev/null", Redirect::OutToNull),
        ];
        for (text, redirect) in REDIRECTS {
            if self.eat(text) {
                return Ok(Some(Token::Redirect(redirect)));
            }
        }
        for operator in ["&&", "||", ";", "(", ")"] {
            if self.eat(operator) {
                return Ok(Some(Token::Operator(operator)));
            }
        }
        if self.eat("\n") {
            return Ok(Some(Token::Operator(";")));
        }
        self.word().map(Some)
    }

    fn word(&mut self) -> Result<Token, NotUnderstood> {
        let mut word = Word::new();
        let mut plain = String::new();
        let mut quoted = false;
        while let Some(next) = self.rest.chars().next() {
            match next {
                ' ' | '\t' | '\n' | ';' | ')' => break,
                '&' if self.rest.starts_with("&&") => break,
                '|' if self.rest.starts_with("||") => break,
                // Background, pipes, files, subshells, patterns.
                '&' | '|' | '<' | '>' | '(' | '`' | '*' | '?' => return Err(NotUnderstood),
                '\'' => {
                    quoted = true;
                    let rest = &self.rest[1..];
                    let end = rest.find('\'').ok_or(NotUnderstood)?;
                    plain.push_str(&rest[..end]);
                    self.rest = &rest[end + 1..];
                }
                '"' => {
                    quoted = true;
                    self.rest = &self.rest[1..];
                    self.double_quoted(&mut word, &mut plain)?;
                }
                '$' => self.variable(&mut word, &mut plain)?,
                '\\' => {
                    let mut rest = self.rest[1..].chars();
                    let escaped = rest.next().ok_or(NotUnderstood)?;
                    if escaped != '\n' {
                        plain.push(escaped);
                    }
                    self.rest = rest.as_str();
                }
                _ => {
                    plain.push(next);
                    self.rest = &self.rest[next.len_utf8()..];
                }
            }
        }
        // An empty text keeps a quoted word from vanishing with its variables.
        if !plain.is_empty() || quoted {
            word.push(Part::Text(plain));
        }
        Ok(Token::Word(word))
    }

    fn double_quoted(&mut self, word: &mut Word, plain: &mut String) -> Result<(), NotUnderstood> {
        loop {
            let next = self.rest.chars().next().ok_or(NotUnderstood)?;
            match next {
                '"' => {
                    self.rest = &self.rest[1..];
                    return Ok(());
                }
                '$' => self.variable(word, plain)?,
                '`' => return Err(NotUnderstood),
                '\\' => {
                    let mut rest = self.rest[1..].chars();
                    let escaped = rest.next().ok_or(NotUnderstood)?;
                    if !matches!(escaped, '"' | '\\' | '$' | '`') {
                        plain.push('\\');
                    }
                    plain.push(escaped);
                    self.rest = rest.as_str();
                }
                _ => {
                    plain.push(next);
                    self.rest = &self.rest[next.len_utf8()..];
                }
            }
        }
    }

    fn variable(&mut self, word: &mut Word, plain: &mut String) -> Result<(), NotUnderstood> {
        self.rest = &self.rest[1..];
        let part = if self.eat("?") {
            Part::Status
        } else if self.eat("{") {
            let end = self.rest.find('}').ok_or(NotUnderstood)?;
            let name = self.rest[..end].to_owned();
            self.rest = &self.rest[end + 1..];
            if !is_name(&name) {
                return Err(NotUnderstood);
            }
            Part::Variable(name)
        } else {
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
            let name = self.rest[..end].to_owned();
            if name.is_empty() {
                plain.push('$');
                // `$$`, `$(`: not of this language; a lone `$` is itself.
                return if self.rest.starts_with(['$', '(', '@', '#', '!', '*', '-']) {
                    Err(NotUnderstood)
                } else {
                    Ok(())
                };
            }
            self.rest = &self.rest[end..];
            if !is_name(&name) {
                return Err(NotUnderstood);
            }
            Part::Variable(name)
        };
        if !plain.is_empty() {
            word.push(Part::Text(std::mem::take(plain)));
        }
        word.push(part);
        Ok(())
    }
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
        let mut list = List::new();
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
        Ok(list)
    }

    fn and_or(&mut self) -> Result<Node, NotUnderstood> {
        let mut node = self.command()?;
        loop {
            if self.eat("&&") {
                while self.eat(";") {}
                node = Node::And(Box::new(node), Box::new(self.command()?));
            } else if self.eat("||") {
                while self.eat(";") {}
                node = Node::Or(Box::new(node), Box::new(self.command()?));
            } else {
                return Ok(node);
            }
        }
    }

    fn command(&mut self) -> Result<Node, NotUnderstood> {
        let keyword = self.keyword().unwrap_or_default().to_owned();
        match keyword.as_str() {
            "!" => {
                self.next += 1;
                Ok(Node::Not(Box::new(self.command()?)))
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
            return Ok(Node::If { condition, then, otherwise: vec![self.branches()?] });
        } else if self.eat("else") {
            self.list(&["fi"])?
        } else {
            List::new()
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
        Ok(Node::For { name, words, body })
    }

    fn simple(&mut self) -> Result<Node, NotUnderstood> {
        let (mut words, mut redirects) = (Vec::new(), Vec::new());
        while let Some(token) = self.peek() {
            match token {
                Token::Word(word) => words.push(word.clone()),
                Token::Redirect(redirect) => redirects.push(*redirect),
                Token::Operator(_) => break,
            }
            self.next += 1;
        }
        if words.is_empty() { Err(NotUnderstood) } else { Ok(Node::Simple { words, redirects }) }
    }
}
