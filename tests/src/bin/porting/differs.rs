//! Finds `// differs:` comments, which are in no syntax tree, and the item that each belongs to.

use crate::source::Item;
use proc_macro2::{TokenStream, TokenTree};
use std::ops::RangeInclusive;

/// How such a comment begins.
const MARK: &str = "// differs:";

/// Line and column.
type Position = (usize, usize);

/// A comment and where it is.
pub struct Comment {
    /// Its first and last line.
    pub lines: RangeInclusive<usize>,
    /// What it says.
    pub text: String,
}

/// The comments of a file, whose tokens tell them from text that looks like one.
pub fn comments(text: &str, tokens: &TokenStream) -> Vec<Comment> {
    let mut literals = Vec::new();
    collect_literals(tokens, &mut literals);
    let within_literal =
        |at: (usize, usize)| literals.iter().any(|(start, end)| *start <= at && at < *end);
    let mut found: Vec<Comment> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let whole = line.trim_start();
        // Columns are counted in characters.
        let column = |byte: usize| line[..byte].chars().count();
        if let Some(byte) = line.find(MARK).filter(|byte| !within_literal((number, column(*byte))))
        {
            let text = line[byte + MARK.len()..].trim().to_owned();
            found.push(Comment { lines: number..=number, text });
        } else if let Some(more) = whole.strip_prefix("// ")
            && let Some(last) = found.last_mut()
            && *last.lines.end() + 1 == number
        {
            last.lines = *last.lines.start()..=number;
            last.text.push(' ');
            last.text.push_str(more.trim());
        }
    }
    found
}

/// Where the literals are; documentation comments are literals as well.
fn collect_literals(tokens: &TokenStream, into: &mut Vec<(Position, Position)>) {
    for token in tokens.clone() {
        match token {
            TokenTree::Group(group) => collect_literals(&group.stream(), into),
            TokenTree::Literal(literal) => {
                let (start, end) = (literal.span().start(), literal.span().end());
                into.push(((start.line, start.column), (end.line, end.column)));
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// Gives each comment to its item: the one that begins on the next line or the innermost around
/// the comment, or, if that is not marked, the next one around that is. Returns what is outside of
/// all items.
pub fn attach(comments: Vec<Comment>, items: &mut [Item]) -> Vec<String> {
    let mut homeless = Vec::new();
    for Comment { lines, text } in comments {
        let mut around: Vec<usize> = (0..items.len())
            .filter(|&index| {
                let item = &items[index].lines;
                *item.start() == lines.end() + 1
                    || (item.contains(lines.start()) && item.contains(lines.end()))
            })
            .collect();
        // The innermost begins last; of those that begin together it is the shorter.
        around.sort_by_key(|&index| {
            let item = &items[index].lines;
            (std::cmp::Reverse(*item.start()), *item.end())
        });
        let marked = around.iter().find(|&&index| !items[index].aliases.is_empty());
        match marked.or(around.first()) {
            Some(&index) => items[index].differs.push(text),
            None => homeless.push(text),
        }
    }
    homeless
}

#[cfg(test)]
mod tests {
    use super::comments;

    fn texts(text: &str) -> Vec<String> {
        let tokens = text.parse().unwrap();
        comments(text, &tokens).into_iter().map(|comment| comment.text).collect()
    }

    #[test]
    fn a_comment_goes_on_until_the_code() {
        let text = "fn f() {\n    // differs: one\n    // two.\n    g();\n    // not this\n}";
        assert_eq!(texts(text), ["one two."]);
    }

    #[test]
    fn a_comment_may_stand_behind_code_and_next_to_another() {
        let text = "fn f() {\n    g(); // differs: one\n    // differs: two\n}";
        assert_eq!(texts(text), ["one", "two"]);
    }

    #[test]
    fn documentation_does_not_go_on_with_a_comment() {
        assert_eq!(texts("// differs: one\n/// two\nfn f() {}"), ["one"]);
    }

    #[test]
    fn strings_and_documentation_are_no_comments() {
        let text = "/// See `// differs:`.\nfn f() {\n    g(\"ä // differs: x\");\n}";
        assert_eq!(texts(text), Vec::<String>::new());
        assert_eq!(texts("const A: &str = r\"\n// differs: x\n\";"), Vec::<String>::new());
    }
}
