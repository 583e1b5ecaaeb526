//! What each operation answers in each state, and the whole of the status table.

use serde_json::{Value, json};

use super::Script;
use crate::conformance::talk::Talk;

pub(super) const ALL: &[Script] = &[
    ("stop: 304 when not running", stop_not_running),
    ("kill: 409 when not running", kill_not_running),
    ("rm: 409 when running, 404 when gone", remove_running),
    ("create: 404 without image, 409 when the name is taken", create_refused),
    ("start: 304 when running", start_twice),
    ("operations on what is missing", missing),
    ("operations on a created container", created),
    ("operations on a running container", running),
    ("operations on a paused container", paused),
    ("operations on an exited container", exited),
    ("a paused container is stopped", stop_paused),
    ("a paused container is killed", kill_paused),
    ("a paused container is removed by force", remove_paused),
    ("an exited container is started again", restarted),
    ("restart in each state", restart),
    ("restart of one whose program does not exist", restart_missing_program),
    ("--rm removes at the end", auto_remove),
    ("names are reserved", names_reserved),
    ("a name is free after its removal", name_freed),
    ("rename", rename),
    ("a container is found by its id's beginning", by_prefix),
    ("update", update),
    ("a container created with a wrong name", bad_names),
    ("restart policy on-failure", on_failure),
];

const STATE: [&str; 8] = [
    "State.Status",
    "State.Running",
    "State.Paused",
    "State.Restarting",
    "State.OOMKilled",
    "State.Dead",
    "State.ExitCode",
    "State.Error",
];

fn state(talk: &mut Talk<'_>, name: &str) {
    talk.see(&format!("GET /containers/~{name}/json"), &STATE);
}

fn stop_not_running(talk: &mut Talk<'_>) {
    talk.create("a", &["true"], &Value::Null);
    talk.ask("POST /containers/~a/stop");
    talk.ask("POST /containers/~a/stop?t=0");
    talk.run("b", &["true"], &Value::Null);
    talk.until_state("b", "exited");
    talk.ask("POST /containers/~b/stop?t=5");
    talk.ask("POST /containers/~b/stop?t=x");
    talk.ask("POST /containers/~none/stop");
}

fn kill_not_running(talk: &mut Talk<'_>) {
    talk.create("a", &["true"], &Value::Null);
    talk.ask("POST /containers/~a/kill");
    talk.ask("POST /containers/~a/kill?signal=SIGTERM");
    talk.ask("POST /containers/~a/kill?signal=NOSUCH");
    talk.ask("POST /containers/~a/kill?signal=0");
    talk.ask("POST /containers/~none/kill");
    talk.ask("POST /containers/~none/kill?signal=NOSUCH");
}

fn remove_running(talk: &mut Talk<'_>) {
    talk.run_idle("a");
    talk.ask("DELETE /containers/~a");
    talk.ask("DELETE /containers/~a?force=0&v=1");
    state(talk, "a");
    talk.ask("DELETE /containers/~a?force=1");
    talk.ask("DELETE /containers/~a?force=1");
    talk.ask("DELETE /containers/~a");
}

fn create_refused(talk: &mut Talk<'_>) {
    talk.json("POST /containers/create?name=~a", &json!({ "Image": "~img/nosuch:1" }));
    talk.json("POST /containers/create?name=~a", &json!({ "Image": "~img/bb" }));
    talk.create("a", &["true"], &Value::Null);
    talk.create("a", &["true"], &Value::Null);
    talk.json("POST /containers/create?name=~a", &json!({ "Image": "~img/nosuch:1" }));
}

fn start_twice(talk: &mut Talk<'_>) {
    talk.create("a", &["sleep", "infinity"], &Value::Null);
    talk.ask("POST /containers/~a/start");
    talk.ask("POST /containers/~a/start");
    state(talk, "a");
    talk.raw("POST /containers/~a/start", "application/json", r#"{"HostConfig": {}}"#);
    talk.raw("POST /containers/~a/start", "application/json", "{}");
}

fn missing(talk: &mut Talk<'_>) {
    for request in [
        "GET /containers/~a/json",
        "POST /containers/~a/start",
        "POST /containers/~a/stop?t=1",
        "POST /containers/~a/restart",
        "POST /containers/~a/kill?signal=TERM",
        "POST /containers/~a/pause",
        "POST /containers/~a/unpause",
        "POST /containers/~a/wait",
        "POST /containers/~a/rename?name=~b",
        "DELETE /containers/~a",
        "GET /containers/~a/logs?stdout=1",
        "GET /containers/~a/top",
        "GET /containers/~a/stats?stream=0",
        "POST /containers/~a/resize?h=1&w=1",
    ] {
        talk.ask(request);
    }
    talk.json("POST /containers/~a/update", &json!({ "Memory": 64 << 20 }));
    talk.json("POST /containers/~a/exec", &json!({ "Cmd": ["true"] }));
}

fn created(talk: &mut Talk<'_>) {
    talk.create("a", &["sleep", "infinity"], &Value::Null);
    state(talk, "a");
    for request in [
        "POST /containers/~a/pause",
        "POST /containers/~a/unpause",
        "GET /containers/~a/top",
        "POST /containers/~a/resize?h=1&w=1",
        "GET /containers/~a/logs?stdout=1",
    ] {
        talk.ask(request);
    }
    talk.json("POST /containers/~a/exec", &json!({ "Cmd": ["true"] }));
    state(talk, "a");
    talk.ask("DELETE /containers/~a");
}

fn running(talk: &mut Talk<'_>) {
    talk.run_idle("a");
    state(talk, "a");
    talk.ask("POST /containers/~a/unpause");
    talk.ask("POST /containers/~a/start");
    talk.ask("POST /containers/~a/kill?signal=SIGUSR1x");
    talk.ask("POST /containers/~a/kill?signal=CONT");
    talk.ask("POST /containers/~a/stop?t=30");
    state(talk, "a");
    talk.ask("DELETE /containers/~a");
}

fn paused(talk: &mut Talk<'_>) {
    talk.run_idle("a");
    talk.ask("POST /containers/~a/pause");
    state(talk, "a");
    talk.ask("POST /containers/~a/pause");
    talk.ask("POST /containers/~a/start");
    talk.ask("DELETE /containers/~a");
    talk.json("POST /containers/~a/exec", &json!({ "Cmd": ["true"] }));
    talk.ask("POST /containers/~a/attach?stream=1&stdout=1");
    talk.ask("POST /containers/~a/unpause");
    state(talk, "a");
    talk.ask("POST /containers/~a/unpause");
    talk.ask("POST /containers/~a/stop?t=30");
    state(talk, "a");
}

fn exited(talk: &mut Talk<'_>) {
    talk.run("a", &["sh", "-c", "exit 3"], &Value::Null);
    talk.until_state("a", "exited");
    state(talk, "a");
    for request in [
        "POST /containers/~a/pause",
        "POST /containers/~a/unpause",
        "POST /containers/~a/kill",
        "POST /containers/~a/stop",
        "POST /containers/~a/wait",
        "GET /containers/~a/top",
        "POST /containers/~a/resize?h=1&w=1",
    ] {
        talk.ask(request);
    }
    talk.json("POST /containers/~a/exec", &json!({ "Cmd": ["true"] }));
    talk.ask("DELETE /containers/~a");
}

fn stop_paused(talk: &mut Talk<'_>) {
    talk.run_idle("a");
    talk.ask("POST /containers/~a/pause");
    talk.ask("POST /containers/~a/stop?t=30");
    state(talk, "a");
}

fn kill_paused(talk: &mut Talk<'_>) {
    talk.run_idle("a");
    talk.ask("POST /containers/~a/pause");
    talk.ask("POST /containers/~a/kill");
    state(talk, "a");
    talk.run_idle("b");
    talk.ask("POST /containers/~b/pause");
    talk.ask("POST /containers/~b/kill?signal=TERM");
    talk.until_state("b", "exited");
    state(talk, "b");
}

fn remove_paused(talk: &mut Talk<'_>) {
    talk.run_idle("a");
    talk.ask("POST /containers/~a/pause");
    talk.ask("DELETE /containers/~a?force=1");
    talk.ask("GET /containers/~a/json");
}

fn restarted(talk: &mut Talk<'_>) {
    talk.run("a", &["sh", "-c", "echo once; exit 3"], &Value::Null);
    talk.until_state("a", "exited");
    talk.ask("POST /containers/~a/start");
    talk.until_state("a", "exited");
    state(talk, "a");
    talk.ask("GET /containers/~a/logs?stdout=1");
}

fn restart(talk: &mut Talk<'_>) {
    talk.create("a", &crate::conformance::IDLE, &Value::Null);
    talk.ask("POST /containers/~a/restart?t=30");
    state(talk, "a");
    talk.until_log("a", "ready");
    talk.ask("POST /containers/~a/restart?t=30");
    state(talk, "a");
    talk.ask("POST /containers/~a/pause");
    talk.ask("POST /containers/~a/restart?t=0");
    state(talk, "a");
    talk.ask("POST /containers/~a/kill");
    state(talk, "a");
    talk.ask("POST /containers/~a/restart?t=0");
    state(talk, "a");
    talk.see("GET /containers/~a/json", &["RestartCount"]);
}

fn restart_missing_program(talk: &mut Talk<'_>) {
    talk.create("a", &["/no/such"], &Value::Null);
    talk.ask("POST /containers/~a/restart?t=0");
    state(talk, "a");
}

fn auto_remove(talk: &mut Talk<'_>) {
    let remove = json!({ "HostConfig": { "AutoRemove": true } });
    talk.run("a", &["true"], &remove);
    talk.until_gone("a");
    talk.ask("GET /containers/~a/json");
    talk.run("b", &["sleep", "infinity"], &remove);
    talk.ask("POST /containers/~b/kill");
    talk.until_gone("b");
    talk.create("c", &["true"], &remove);
    state(talk, "c");
    let both =
        json!({ "HostConfig": { "AutoRemove": true, "RestartPolicy": { "Name": "always" } } });
    talk.create("d", &["true"], &both);
}

fn names_reserved(talk: &mut Talk<'_>) {
    talk.run("a", &["true"], &Value::Null);
    talk.until_state("a", "exited");
    talk.create("a", &["true"], &Value::Null);
    talk.create("b", &["true"], &Value::Null);
    talk.ask("POST /containers/~b/rename?name=~a");
    talk.ask("POST /containers/~a/rename?name=~c");
    talk.create("a", &["true"], &Value::Null);
    talk.create("c", &["true"], &Value::Null);
}

fn name_freed(talk: &mut Talk<'_>) {
    talk.run("a", &["sleep", "infinity"], &Value::Null);
    talk.ask("DELETE /containers/~a?force=1");
    talk.create("a", &["true"], &Value::Null);
    talk.see("GET /containers/~a/json", &["Name", "State.Status"]);
}

fn rename(talk: &mut Talk<'_>) {
    talk.create("a", &["true"], &Value::Null);
    for request in [
        "POST /containers/~a/rename",
        "POST /containers/~a/rename?name=",
        "POST /containers/~a/rename?name=~a",
        "POST /containers/~a/rename?name=/~b",
        "POST /containers/~a/rename?name=~b",
        "POST /containers/~b/rename?name=b@d",
        "POST /containers/~b/rename?name=x",
        "POST /containers/<id1>/rename?name=~c",
    ] {
        talk.ask(request);
    }
    talk.see("GET /containers/<id1>/json", &["Name"]);
}

fn by_prefix(talk: &mut Talk<'_>) {
    talk.create("a", &["true"], &Value::Null);
    talk.see("GET /containers/<id1>/json", &["Name", "Id"]);
    talk.see("GET /containers/<id1:12>/json", &["Name", "Id"]);
    talk.see("GET /containers//~a/json", &["Name"]);
    talk.see("GET /containers/%2F~a/json", &["Name"]);
    talk.ask("GET /containers/zzzz/json");
    talk.ask("POST /containers/<id1:12>/kill");
    talk.ask("DELETE /containers/<id1:12>");
}

fn update(talk: &mut Talk<'_>) {
    talk.create("a", &["sleep", "infinity"], &json!({ "HostConfig": { "Memory": 64 << 20 } }));
    let fields = ["HostConfig.Memory", "HostConfig.CpuShares", "HostConfig.RestartPolicy"];
    talk.json("POST /containers/~a/update", &json!({ "CpuShares": 512 }));
    talk.json(
        "POST /containers/~a/update",
        &json!({ "RestartPolicy": { "Name": "on-failure", "MaximumRetryCount": 3 } }),
    );
    talk.see("GET /containers/~a/json", &fields);
    talk.json("POST /containers/~a/update", &json!({ "Memory": 1 << 20 }));
    talk.json("POST /containers/~a/update", &json!({ "RestartPolicy": { "Name": "sometimes" } }));
    talk.see("GET /containers/~a/json", &fields);
}

fn bad_names(talk: &mut Talk<'_>) {
    for name in ["x", "-x", "a%20b", "a/b", "%C3%A4b"] {
        let body = json!({ "Image": "~img/bb:1", "Cmd": ["true"] });
        talk.json(&format!("POST /containers/create?name={name}"), &body);
    }
    let body = json!({ "Image": "~img/bb:1", "Cmd": ["true"] });
    talk.json("POST /containers/create?name=/~ab", &body);
    talk.see("GET /containers/~ab/json", &["Name"]);
}

fn on_failure(talk: &mut Talk<'_>) {
    let policy = json!({
        "HostConfig": { "RestartPolicy": { "Name": "on-failure", "MaximumRetryCount": 2 } }
    });
    talk.run("a", &["sh", "-c", "echo once; exit 5"], &policy);
    talk.until("~a is not tried again", |talk| {
        let (_, value) = talk.quietly("GET /containers/~a/json", None);
        value["State"]["Status"] == "exited" && value["RestartCount"] == 2
    });
    talk.see("GET /containers/~a/json", &["RestartCount", "State.Status", "State.ExitCode"]);
    talk.ask("GET /containers/~a/logs?stdout=1");
    talk.run("b", &["true"], &policy);
    talk.until_state("b", "exited");
    talk.see("GET /containers/~b/json", &["RestartCount", "State.ExitCode"]);
    let often = json!({ "RestartPolicy": { "Name": "often" } });
    talk.create("c", &["true"], &json!({ "HostConfig": often }));
    let most = json!({ "RestartPolicy": { "Name": "always", "MaximumRetryCount": 2 } });
    talk.create("c", &["true"], &json!({ "HostConfig": most }));
}
