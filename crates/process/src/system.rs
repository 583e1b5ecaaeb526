//! The processes that every listening program has: `help`, `metrics` and `__processes__`.
//!
//! Mirrors what `process::initialize` in `3rdparty/libprocess/src/process.cpp` starts. Upstream's
//! `logging`, `profiler`, `memory-profiler` and `system` are left out: levels of logging are a
//! matter of the logger that a program brings, profiles are taken from outside with `perf`, and
//! load and memory of a machine are the business of those who watch machines.

use crate::context::Context;
use crate::future::Future;
use crate::help::{Help, prefers_markdown};
use crate::http::{HeaderValue, Request, Response, header};
use crate::metrics::{self, PullGauge, RateLimit};
use crate::pid::Pid;
use crate::remote::statistics;
use crate::spawn::{process_ids, spawn};
use crate::stout::jsonify;
use actix::Actor;
use parking_lot::RwLock;

static HELP: RwLock<Option<Pid<HelpProcess>>> = RwLock::new(None);

/// Starts them. `limit` is how often `/metrics/snapshot` may be asked for.
pub(crate) fn start(delegate: Option<String>, limit: Option<RateLimit>) {
    let help = spawn("help", HelpProcess { help: Help::new(delegate) });
    *HELP.write() = Some(help);
    metrics::serve(limit);
    spawn("__processes__", Processes);
    for (name, _) in statistics().named() {
        metrics::add(&PullGauge::new(format!("libprocess/{name}"), move || {
            let counts = statistics().named();
            let count = counts.iter().find(|(other, _)| *other == name);
            Future::ready(count.map_or(0.0, |(_, count)| *count as f64))
        }));
    }
}

/// Forgets them: all processes are ending.
pub(crate) fn stop() {
    *HELP.write() = None;
}

/// Makes the help text of a route known.
pub(crate) fn add_help(id: &str, name: &str, help: Option<String>) {
    if let Some(process) = &*HELP.read() {
        let (id, name) = (id.to_owned(), name.to_owned());
        process.run("HelpProcess::add", move |this, context| {
            this.add(context, &id, &name, help.as_deref());
        });
    }
}

/// Forgets the help texts of a process: it has ended.
pub(crate) fn remove_help(id: &str) {
    if let Some(process) = &*HELP.read() {
        let id = id.to_owned();
        process.run("HelpProcess::remove", move |this, _| {
            this.help.remove_process(&id);
        });
    }
}

/// Shows the help texts of all routes.
struct HelpProcess {
    help: Help,
}

impl Actor for HelpProcess {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.route("/", None, |this, _, request| Future::ready(this.answer(&request)));
    }
}

crate::process!(HelpProcess);

impl HelpProcess {
    #[doc(alias = "Help::add")]
    fn add(&mut self, context: &mut Context<Self>, id: &str, name: &str, help: Option<&str>) {
        self.help.add(id, name, help);
        if id != "help" && id != "__processes__" {
            context.route(&format!("/{id}"), None, |this, _, request| {
                Future::ready(this.answer(&request))
            });
        }
    }

    #[doc(alias = "Help::help")]
    fn answer(&self, request: &Request) -> Response {
        let path = match crate::http::percent_decode(&request.url.path) {
            Ok(path) => path,
            Err(error) => return Response::bad_request(error),
        };
        let whole = path.trim_matches('/') == "help";
        if whole && request.url.query.get("format").is_some_and(|format| format == "json") {
            return Response::json(self.help.json());
        }
        let page = match self.help.page(&path) {
            Ok(page) => page,
            Err(error) => return Response::bad_request(error.0),
        };
        let (kind, text) = if prefers_markdown(request.header(header::USER_AGENT)) {
            ("text/x-markdown", page.markdown())
        } else {
            ("text/html; charset=utf-8", page.html())
        };
        Response::ok(text).with_header(header::CONTENT_TYPE, HeaderValue::from_static(kind))
    }
}

/// Lists the processes of this program.
struct Processes;

impl Actor for Processes {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.route("/", None, |_, _, _| Future::ready(processes()));
    }
}

crate::process!(Processes);

/// Mirrors `ProcessManager::__processes__` in `3rdparty/libprocess/src/process.cpp`.
// differs: upstream asks each process, and lists what lies in its mailbox; closures have nothing to
// show, and nobody has to wait for a busy process.
#[doc(alias = "ProcessManager::__processes__")]
fn processes() -> Response {
    let mut list = "[".to_owned();
    for (index, id) in process_ids().iter().enumerate() {
        list.push_str(if index > 0 { ",{\"id\":" } else { "{\"id\":" });
        jsonify::string(&mut list, id);
        list.push_str(",\"events\":[]}");
    }
    Response::json(list + "]")
}
