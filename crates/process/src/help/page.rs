//! A page of help, as Markdown for programs and as HTML for browsers.

use std::fmt::Write;

/// A page of help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What it says, in Markdown, without the links.
    text: String,
    links: Vec<Link>,
}

/// A link from a table of contents to another page of help.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    /// What it is about, without the slash in front: a process, or a process and its endpoint.
    about: String,
    /// Where that is, seen from the page.
    target: String,
}

impl Page {
    /// `Content-Type` of [`markdown`](Self::markdown).
    pub const MARKDOWN: &str = "text/x-markdown";

    /// `Content-Type` of [`html`](Self::html).
    pub const HTML: &str = "text/html; charset=utf-8";

    /// The table of contents of all processes.
    pub(super) fn of_processes<'a>(ids: impl Iterator<Item = &'a String>) -> Self {
        let link = |id: &String| Link { about: id.clone(), target: format!("help/{id}") };
        Page { text: "## HELP\n".to_owned(), links: ids.map(link).collect() }
    }

    /// The table of contents of a process.
    pub(super) fn of_endpoints(id: &str, paths: impl Iterator<Item = String>) -> Self {
        let link = |path: String| Link { about: path.clone(), target: path };
        Page { text: format!("## `/{id}` ##\n"), links: paths.map(link).collect() }
    }

    /// The help of an endpoint.
    pub(super) fn of_text(text: &str) -> Self {
        Page { text: text.to_owned(), links: Vec::new() }
    }

    /// The page in Markdown. Its links are relative to where the page is.
    pub fn markdown(&self) -> String {
        let mut document = self.text.clone();
        let mut references = String::new();
        for Link { about, target } in &self.links {
            // Writing to a string cannot fail.
            let _ = writeln!(document, "> [/{about}][{about}]");
            let _ = writeln!(references, "[{about}]: {target}");
        }
        document + "\n" + &references
    }

    /// The page for a browser: the text as it is, and the links.
    pub fn html(&self) -> String {
        // differs: upstream sends a Markdown renderer in JavaScript along with each page.
        let mut out = "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>Help</title>\
                       </head><body>\n<pre>"
            .to_owned();
        escape(&mut out, &self.text);
        out.push_str("</pre>\n");
        if !self.links.is_empty() {
            out.push_str("<ul>\n");
            for Link { about, .. } in &self.links {
                out.push_str("<li><a href=\"/help/");
                encode(&mut out, about);
                out.push_str("\">/");
                escape(&mut out, about);
                out.push_str("</a></li>\n");
            }
            out.push_str("</ul>\n");
        }
        out.push_str("</body></html>\n");
        out
    }
}

/// Whether who asks is a program that shows text, by its `User-Agent`, and not a browser.
#[doc(alias = "Help::help")]
pub fn prefers_markdown(user_agent: Option<&str>) -> bool {
    user_agent.is_some_and(|agent| agent.starts_with("curl") || agent.starts_with("HTTPie"))
}

/// Appends text so that HTML takes nothing in it for its own.
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

/// Appends a path so that it can be in an address, and in an attribute of HTML.
fn encode(out: &mut String, path: &str) {
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}
