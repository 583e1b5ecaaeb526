//! From the text of a script to its words.

use super::NotUnderstood;
use super::parse::is_name;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Redirect {
    OutToErr,
    ErrToOut,
    /// To a file: standard error if `err`, to its end if `append`.
    File {
        err: bool,
        append: bool,
        path: Word,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    /// `;`, `&&`, `||`, `(`, `)`; a line's end is a `;`.
    Operator(&'static str),
    Redirect(Redirect),
}

/// A text of more tokens than this is nobody's command line.
const TOKENS_AT_MOST: usize = 10_000;

/// The tokens of a text.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, NotUnderstood> {
    Tokens { rest: text.trim_end() }.all()
}

/// The text of a word in which nothing has to be filled in.
pub(super) fn literal(word: &Word) -> Option<String> {
    let mut all = String::new();
    for part in word {
        let Part::Text(text) = part else { return None };
        all.push_str(text);
    }
    Some(all)
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
        if let Some(redirect) = self.redirect()? {
            return Ok(Some(Token::Redirect(redirect)));
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

    fn redirect(&mut self) -> Result<Option<Redirect>, NotUnderstood> {
        if self.eat("1>&2") || self.eat(">&2") {
            return Ok(Some(Redirect::OutToErr));
        }
        if self.eat("2>&1") {
            return Ok(Some(Redirect::ErrToOut));
        }
        const FILES: [(&str, bool, bool); 6] = [
            ("2>>", true, true),
            ("2>", true, false),
            ("1>>", false, true),
            ("1>", false, false),
            (">>", false, true),
            (">", false, false),
        ];
        let Some((_, err, append)) = FILES.into_iter().find(|(text, ..)| self.eat(text)) else {
            return Ok(None);
        };
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        match self.word()? {
            Token::Word(path) if !path.is_empty() => Ok(Some(Redirect::File { err, append, path })),
            _ => Err(NotUnderstood),
        }
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
                // The number of another stream.
                '>' if plain.bytes().all(|byte| byte.is_ascii_digit()) && word.is_empty() => {
                    return Err(NotUnderstood);
                }
                '>' => break,
                // Background, pipes, input, subshells, patterns.
                '&' | '|' | '<' | '(' | '`' | '*' | '?' => return Err(NotUnderstood),
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
