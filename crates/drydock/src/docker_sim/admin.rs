//! `/_drydock/...`: looking into the simulated daemon, and steering it while it runs.

use super::respond::{self, Body};
use super::route::Parameters;
use super::server::Server;
use super::world::World;
use hyper::Response;
use serde_json::{Value, json};
use sim::environment::daemon::Shutdown;
use sim::environment::daemon::rules::{self, Rule};
use std::time::Duration;

/// The endpoints, for people.
pub const HELP: &str = "\
  GET    /_drydock/state      containers, pulls, requests in flight, as JSON
  GET    /_drydock/faults     the faults that are set
  PUT    /_drydock/faults     sets these faults and no others, one a line, or a JSON list; what hung
                              because of one goes on
  POST   /_drydock/faults     sets these as well
  DELETE /_drydock/faults     no faults any more
  POST   /_drydock/restart    restarts the daemon: ?how=graceful|killed&down=1s
";

/// How long the daemon is gone if nothing else is said.
const DOWN: Duration = Duration::from_secs(1);

/// The longest that it may be gone.
const LONGEST: Duration = Duration::from_secs(3600);

/// Answers a request of this path behind `/_drydock`.
pub async fn answer(
    server: &Server,
    method: &str,
    path: &str,
    query: &Parameters,
    body: &[u8],
) -> Response<Body> {
    let result = match (method, path) {
        ("GET", "" | "/") => {
            return respond::plain(200, "text/plain; charset=utf-8", server.help.clone());
        }
        ("GET", "/state") => look(server, state).await,
        ("GET", "/faults") => look(server, faults).await,
        ("PUT", "/faults") => set_faults(server, body, false).await,
        ("POST", "/faults") => set_faults(server, body, true).await,
        ("DELETE", "/faults") => set_faults(server, b"", false).await,
        ("POST", "/restart") => restart(server, query).await,
        _ => return respond::not_found(),
    };
    match result {
        Ok(value) => respond::json_value(200, &value),
        Err((status, message)) => respond::json_value(status, &json!({ "message": message })),
    }
}

type Outcome = Result<Value, (u16, String)>;

async fn look<T: Send + 'static>(
    server: &Server,
    f: impl FnOnce(&mut World) -> T + Send + 'static,
) -> Result<T, (u16, String)> {
    server.world.look(f).await.ok_or((503, "the simulated world has ended".to_owned()))
}

fn faults(world: &mut World) -> Value {
    let rules: Vec<String> = world.daemon.rules().iter().map(Rule::to_string).collect();
    json!({ "faults": rules, "help": rules::HELP })
}

/// Faults from a body: JSON, or a line for each.
fn read_rules(body: &[u8]) -> Result<Vec<Rule>, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the faults are not in UTF-8".to_owned())?;
    let trimmed = text.trim();
    let texts: Vec<String> = if trimmed.starts_with(['[', '{']) {
        let value: Value = serde_json::from_str(trimmed).map_err(|error| error.to_string())?;
        let list = match &value {
            Value::Object(object) => object.get("faults"),
            other => Some(other),
        };
        let expected = || "expected a list of texts, or {\"faults\": [...]}".to_owned();
        let list = list.and_then(Value::as_array).ok_or_else(expected)?;
        let text = |one: &Value| one.as_str().map(str::to_owned).ok_or_else(expected);
        list.iter().map(text).collect::<Result<_, _>>()?
    } else {
        let lines = trimmed.lines().map(str::trim);
        lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
    };
    texts.iter().map(|text| text.parse()).collect()
}

async fn set_faults(server: &Server, body: &[u8], add: bool) -> Outcome {
    let rules = read_rules(body).map_err(|problem| (400, problem))?;
    look(server, move |world| {
        let mut all = if add { world.daemon.rules() } else { Vec::new() };
        all.extend(rules);
        world.daemon.set_rules(all);
        faults(world)
    })
    .await
}

async fn restart(server: &Server, query: &Parameters) -> Outcome {
    let how = match query.text("how") {
        "" | "graceful" => Shutdown::Graceful,
        "killed" => Shutdown::Killed,
        other => return Err((400, format!("how: '{other}': expected graceful or killed"))),
    };
    let down = match query.text("down") {
        "" => DOWN,
        text => crate::sim::duration(text)
            .ok()
            .filter(|down| *down <= LONGEST)
            .ok_or_else(|| (400, format!("down: '{text}': expected a time like 5s, at most 1h")))?,
    };
    look(server, move |world| {
        if !world.daemon.is_up() {
            return Err((409, "the daemon is not there just now".to_owned()));
        }
        world.daemon.restart(how, down);
        Ok(json!({ "down_seconds": down.as_secs_f64() }))
    })
    .await?
}

fn state(world: &mut World) -> Value {
    let lines = world.exchanges.lines();
    let line = |number: u64| lines.get(&number).map(|line| line.to_string());
    let daemon = &world.daemon;
    let containers: Vec<Value> = daemon
        .containers()
        .iter()
        .map(|one| {
            json!({
                "id": one.id,
                "name": one.name,
                "state": format!("{:?}", one.state).to_lowercase(),
                "removing": one.removing,
                "pid": one.pid,
                "exit_code": one.exit_code,
                "oom_killed": one.oom_killed,
            })
        })
        .collect();
    let pulls: Vec<Value> = daemon
        .pulls()
        .iter()
        .map(|one| {
            json!({
                "request": one.request,
                "reference": one.reference,
                "phase": format!("{:?}", one.phase).to_lowercase(),
                "client": if one.connected { "waiting" } else { "gone" },
            })
        })
        .collect();
    let requests: Vec<Value> = daemon
        .requests()
        .iter()
        .map(|one| {
            json!({
                "request": one.number,
                "kind": one.method.name(),
                "subject": one.subject,
                "client": if one.connected { "waiting" } else { "gone" },
                "line": line(one.number),
            })
        })
        .collect();
    let coverage = daemon.coverage();
    json!({
        "ended_pulls": {
            "completed": coverage.pulls_completed,
            "failed": coverage.pulls_failed,
            "cancelled": coverage.pulls_aborted,
        },
        "cancelled_layers": coverage.transfers_cancelled,
        "up": daemon.is_up(),
        "virtual_seconds": world.now().secs(),
        "containers": containers,
        "pulls": pulls,
        "images": daemon.images(),
        "requests": requests,
        "faults": daemon.rules().iter().map(Rule::to_string).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_lines_or_json() {
        for body in [
            "pull:stall@30%\n# a remark\n\n stop:hang*1 ",
            r#"["pull:stall@30%", "stop:hang*1"]"#,
            r#"{"faults": ["pull:stall@30%", "stop:hang*1"], "help": "ignored"}"#,
        ] {
            let rules = read_rules(body.as_bytes()).unwrap();
            let texts: Vec<_> = rules.iter().map(Rule::to_string).collect();
            assert_eq!(texts, ["pull:stall@30%", "stop:hang*1"], "{body}");
        }
        assert_eq!(read_rules(b"").unwrap(), []);
        for bad in [&b"[1]"[..], b"{}", b"{", b"pull", b"\xff", b"{\"faults\": 1}"] {
            assert!(read_rules(bad).is_err(), "{bad:?}");
        }
    }
}
