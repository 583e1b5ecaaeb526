//! `/containers/...` and `/exec/...`.

use super::parameters::not_a_number;
use super::{Asked, Endpoint, Fields, daemon, name, split_action};
use sim::environment::daemon::{
    ContainerConfig, ExecConfig, ListOptions, LogOptions, Refusal, Request, Streams, Update,
    WaitCondition, signals,
};
use std::sync::Arc;

const SIGKILL: i32 = 9;

pub fn find(method: &str, rest: &str) -> Option<Endpoint> {
    match (method, rest) {
        ("GET", "json") => return daemon(list, ""),
        ("POST", "create") => return daemon(create, ""),
        ("POST", "prune") => return Some(Endpoint::Missing("pruning")),
        ("DELETE", whole) if !whole.is_empty() => return daemon(remove, whole),
        _ => {}
    }
    let (container, action) = split_action(rest)?;
    match (method, action) {
        ("GET", "json") => daemon(inspect, container),
        ("GET", "logs") => daemon(logs, container),
        ("GET", "top") => daemon(top, container),
        ("GET", "stats") => daemon(stats, container),
        ("POST", "start") => daemon(start, container),
        ("POST", "stop") => daemon(stop, container),
        ("POST", "restart") => daemon(restart, container),
        ("POST", "kill") => daemon(kill, container),
        ("POST", "pause") => daemon(pause, container),
        ("POST", "unpause") => daemon(unpause, container),
        ("POST", "wait") => daemon(wait, container),
        ("POST", "attach") => daemon(attach, container),
        ("POST", "rename") => daemon(rename, container),
        ("POST", "update") => daemon(update, container),
        ("POST", "resize") => daemon(resize, container),
        ("POST", "exec") => daemon(exec_create, container),
        ("GET" | "PUT" | "HEAD", "archive") | ("GET", "export" | "changes") => {
            Some(Endpoint::Missing("files of containers"))
        }
        ("GET", "ws") => Some(Endpoint::Missing("web sockets")),
        _ => None,
    }
}

pub fn find_exec(method: &str, rest: &str) -> Option<Endpoint> {
    let (exec, action) = split_action(rest)?;
    match (method, action) {
        ("GET", "json") => daemon(exec_inspect, exec),
        ("POST", "start") => daemon(exec_start, exec),
        ("POST", "resize") => daemon(exec_resize, exec),
        _ => None,
    }
}

type Decoded = Result<Request, Refusal>;

fn list(_: &str, asked: &Asked<'_>) -> Decoded {
    let query = asked.query;
    let filters = query.filters()?;
    let limit = query.number("limit")?.unwrap_or(0);
    Ok(Request::List(ListOptions {
        all: query.flag("all"),
        limit: usize::try_from(limit).unwrap_or(0),
        size: query.flag("size"),
        filters,
    }))
}

fn create(_: &str, asked: &Asked<'_>) -> Decoded {
    let value = asked.body.json()?;
    if value.as_object().is_none_or(serde_json::Map::is_empty) {
        // Tells the wrong kinds of values first.
        Fields::new(&value, "runconfig.ContainerConfigWrapper")?;
        let message = "Config cannot be empty in order to create a container";
        return Err(Refusal::new(400, message));
    }
    let config = Arc::new(ContainerConfig::from_json(&value)?);
    let wanted = asked.query.text("name");
    let wanted = wanted.strip_prefix('/').unwrap_or(wanted);
    Ok(Request::Create { name: Some(name(wanted)).filter(|name| !name.is_empty()), config })
}

fn remove(container: &str, asked: &Asked<'_>) -> Decoded {
    let (force, volumes) = (asked.query.flag("force"), asked.query.flag("v"));
    Ok(Request::Remove { container: name(container), force, volumes })
}

fn inspect(container: &str, asked: &Asked<'_>) -> Decoded {
    Ok(Request::Inspect { container: name(container), size: asked.query.flag("size") })
}

fn streams(asked: &Asked<'_>) -> Streams {
    let flag = |name| asked.query.flag(name);
    Streams { stdin: flag("stdin"), stdout: flag("stdout"), stderr: flag("stderr") }
}

fn logs(container: &str, asked: &Asked<'_>) -> Decoded {
    let query = asked.query;
    // Anything that is no number is all.
    let tail = query.text("tail").parse::<i64>().ok().and_then(|tail| usize::try_from(tail).ok());
    let options = LogOptions {
        streams: Streams { stdin: false, ..streams(asked) },
        follow: query.flag("follow"),
        timestamps: query.flag("timestamps"),
        details: query.flag("details"),
        since: query.time("since", 500)?,
        until: query.time("until", 500)?,
        tail,
    };
    Ok(Request::Logs { container: name(container), options })
}

fn top(container: &str, asked: &Asked<'_>) -> Decoded {
    let arguments = asked.query.text("ps_args").to_owned();
    Ok(Request::Top { container: name(container), arguments })
}

fn stats(container: &str, asked: &Asked<'_>) -> Decoded {
    let stream = asked.query.flag_or("stream", true);
    let one_shot = asked.query.flag("one-shot");
    if stream && one_shot {
        let message = "cannot have stream=true and one-shot=true";
        return Err(Refusal::new(400, message));
    }
    Ok(Request::Stats { container: name(container), stream, one_shot })
}

fn start(container: &str, asked: &Asked<'_>) -> Decoded {
    // Up to seven bytes are what clients send who mean none: `null`, `{}`.
    if asked.body.bytes.len() > 7 {
        let message = "starting container with non-empty request body was deprecated since API \
                       v1.22 and removed in v1.24";
        return Err(Refusal::new(400, message));
    }
    Ok(Request::Start { container: name(container) })
}

fn stop(container: &str, asked: &Asked<'_>) -> Decoded {
    Ok(Request::Stop { container: name(container), seconds: asked.query.number("t")? })
}

fn restart(container: &str, asked: &Asked<'_>) -> Decoded {
    Ok(Request::Restart { container: name(container), seconds: asked.query.number("t")? })
}

fn kill(container: &str, asked: &Asked<'_>) -> Decoded {
    let signal = match asked.query.text("signal") {
        "" => SIGKILL,
        text => signals::parse(text)?,
    };
    Ok(Request::Kill { container: name(container), signal })
}

fn pause(container: &str, _: &Asked<'_>) -> Decoded {
    Ok(Request::Pause { container: name(container) })
}

fn unpause(container: &str, _: &Asked<'_>) -> Decoded {
    Ok(Request::Unpause { container: name(container) })
}

fn wait(container: &str, asked: &Asked<'_>) -> Decoded {
    // The Engine does not refuse other words.
    let condition = match asked.query.text("condition") {
        // There were no conditions then.
        _ if asked.version.is_before("1.30") => WaitCondition::NotRunning,
        "next-exit" => WaitCondition::NextExit,
        "removed" => WaitCondition::Removed,
        _ => WaitCondition::NotRunning,
    };
    Ok(Request::Wait { container: name(container), condition })
}

fn attach(container: &str, asked: &Asked<'_>) -> Decoded {
    let (logs, stream) = (asked.query.flag("logs"), asked.query.flag("stream"));
    Ok(Request::Attach { container: name(container), streams: streams(asked), logs, stream })
}

fn rename(container: &str, asked: &Asked<'_>) -> Decoded {
    let new = asked.query.text("name");
    let new = new.strip_prefix('/').unwrap_or(new);
    Ok(Request::Rename { container: name(container), name: name(new) })
}

fn update(container: &str, asked: &Asked<'_>) -> Decoded {
    let update = Update::from_json(&asked.body.json()?)?;
    Ok(Request::Update { container: name(container), update })
}

/// The size of a terminal, which must be two numbers.
fn check_size(asked: &Asked<'_>) -> Result<(), Refusal> {
    for parameter in ["h", "w"] {
        let text = asked.query.text(parameter);
        text.parse::<i64>().map_err(|_| not_a_number(400, text))?;
    }
    Ok(())
}

fn resize(container: &str, asked: &Asked<'_>) -> Decoded {
    check_size(asked)?;
    Ok(Request::Resize { container: name(container) })
}

fn exec_create(container: &str, asked: &Asked<'_>) -> Decoded {
    let config = ExecConfig::from_json(&asked.body.json()?)?;
    Ok(Request::ExecCreate { container: name(container), config })
}

fn exec_start(exec: &str, asked: &Asked<'_>) -> Decoded {
    let value = asked.body.json()?;
    let fields = Fields::new(&value, "ExecStartCheck")?;
    let (detach, tty) = (fields.flag("Detach")?, fields.flag("Tty")?);
    Ok(Request::ExecStart { exec: name(exec), detach, tty })
}

fn exec_inspect(exec: &str, _: &Asked<'_>) -> Decoded {
    Ok(Request::ExecInspect { exec: name(exec) })
}

fn exec_resize(exec: &str, asked: &Asked<'_>) -> Decoded {
    check_size(asked)?;
    Ok(Request::ExecResize { exec: name(exec) })
}
