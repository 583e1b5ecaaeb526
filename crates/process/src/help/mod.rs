//! Help: what endpoints say about themselves, and the pages under `/help` made of it.
//!
//! [`EndpointHelp`] writes the text of one endpoint, [`Help`] keeps those of all processes, and a
//! [`Page`] is what a request gets. Who routes the requests here, and what HTTP says around the
//! pages, is not known here.
//!
//! Mirrors `3rdparty/libprocess/include/process/help.hpp` and `src/help.cpp`.

mod endpoint;
mod page;

pub use endpoint::EndpointHelp;
pub use page::{Page, prefers_markdown};

use crate::stout::jsonify;
use endpoint::usage;
use std::collections::BTreeMap;

/// Processes of whose endpoints there is no help: help itself and `/__processes__`.
const WITHOUT_HELP: [&str; 2] = ["help", "__processes__"];

/// The help of all endpoints, by process and by the endpoint's name.
#[doc(alias = "process::Help")]
#[derive(Clone, Debug, Default)]
pub struct Help {
    /// The process that gets requests without a process, so that its endpoints have two paths.
    delegate: Option<String>,
    helps: BTreeMap<String, BTreeMap<String, String>>,
}

/// There is no help for what was asked. The message is the body of upstream's answer, status 400.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoHelp(
    /// Names what was asked for.
    pub String,
);

impl Help {
    /// No help yet. `delegate` is the id of the process whose endpoints can be left without one.
    pub fn new(delegate: Option<String>) -> Self {
        Help { delegate, helps: BTreeMap::new() }
    }

    /// Adds the help for the endpoint `name` (with the slash in front) of the process `id`, in
    /// Markdown; replaces what there was. An endpoint without help gets a page that says so.
    #[doc(alias = "Help::add")]
    pub fn add(&mut self, id: &str, name: &str, help: Option<&str>) {
        if WITHOUT_HELP.contains(&id) {
            return;
        }
        let path = format!("/{}", usage_path(id, name));
        let text = match help {
            Some(help) => {
                let mut text = "### USAGE ###\n".to_owned();
                if self.delegate.as_deref() == Some(id) {
                    text.push_str(&usage(&usage_path("", name)));
                }
                text + &usage(&path) + "\n" + help
            }
            None => format!("## No help page for `{path}`\n"),
        };
        self.helps.entry(id.to_owned()).or_default().insert(name.to_owned(), text);
    }

    /// Removes the help for one endpoint. `false` when there was none.
    #[doc(alias = "Help::remove")]
    pub fn remove(&mut self, id: &str, name: &str) -> bool {
        let Some(names) = self.helps.get_mut(id) else { return false };
        let removed = names.remove(name).is_some();
        if names.is_empty() {
            self.helps.remove(id);
        }
        removed
    }

    /// Removes the help for all endpoints of a process. `false` when there was none.
    #[doc(alias = "Help::remove")]
    pub fn remove_process(&mut self, id: &str) -> bool {
        self.helps.remove(id).is_some()
    }

    /// The page for a path, `/help`, `/help/ID` or `/help/ID/NAME`, where a name may have slashes.
    /// [`json`](Self::json) is for the first with `format=json` in its query.
    #[doc(alias = "Help::help")]
    pub fn page(&self, path: &str) -> Result<Page, NoHelp> {
        let (_, rest) = token(path);
        let (id, rest) = token(rest);
        // What is left is one name, even with slashes in it.
        let name = rest.trim_start_matches('/');
        match (id, name) {
            ("", _) => Ok(Page::of_processes(self.helps.keys())),
            (id, "") => {
                let names = self.helps.get(id).ok_or_else(|| no_help(id))?;
                Ok(Page::of_endpoints(id, names.keys().map(|name| usage_path(id, name))))
            }
            (id, name) => {
                let names = self.helps.get(id).ok_or_else(|| no_help(id))?;
                let text = names.get(&format!("/{name}"));
                Ok(Page::of_text(text.ok_or_else(|| no_help(&format!("{id}/{name}")))?))
            }
        }
    }

    /// All help: `{"processes":[{"id":ID,"endpoints":[{"name":NAME,"text":TEXT},…]},…]}`.
    #[doc(alias = "Help::json")]
    pub fn json(&self) -> String {
        let mut out = r#"{"processes":["#.to_owned();
        for (n, (id, names)) in self.helps.iter().enumerate() {
            out.push_str(if n > 0 { r#",{"id":"# } else { r#"{"id":"# });
            jsonify::string(&mut out, id);
            out.push_str(r#","endpoints":["#);
            for (n, (name, text)) in names.iter().enumerate() {
                out.push_str(if n > 0 { r#",{"name":"# } else { r#"{"name":"# });
                jsonify::string(&mut out, name);
                out.push_str(r#","text":"#);
                jsonify::string(&mut out, text);
                out.push('}');
            }
            out.push_str("]}");
        }
        out.push_str("]}");
        out
    }
}

/// What to ask for: the process and the endpoint without a slash at its end.
#[doc(alias = "Help::getUsagePath")]
fn usage_path(id: &str, name: &str) -> String {
    format!("{id}{}", name.strip_suffix('/').unwrap_or(name))
}

/// What there is before the next slash, and what is left from there on. Several slashes are one.
fn token(path: &str) -> (&str, &str) {
    let path = path.trim_start_matches('/');
    path.split_at(path.find('/').unwrap_or(path.len()))
}

fn no_help(what: &str) -> NoHelp {
    NoHelp(format!("No help available for '/{what}'.\n"))
}
