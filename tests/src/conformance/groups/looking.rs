//! Looking at containers: attach, logs, inspect, lists, events, figures.

use serde_json::{Value, json};

use super::Script;
use crate::conformance::talk::Talk;

pub(super) const ALL: &[Script] = &[
    ("attach: hijacked with 101", attach_upgrade),
    ("attach: hijacked with 200", attach_raw),
    ("attach: what was written before", attach_logs),
    ("attach: input", attach_input),
    ("attach: a terminal has no frames", attach_terminal),
    ("attach: refused", attach_refused),
    ("logs: both streams, framed", logs_streams),
    ("logs: of a terminal", logs_terminal),
    ("logs: tail", logs_tail),
    ("logs: follow to the end", logs_follow),
    ("logs: none asked for, no driver", logs_refused),
    ("logs: details and since", logs_since),
    ("inspect: the fields of a container", inspect_shape),
    ("inspect: the configuration", inspect_config),
    ("inspect: the host configuration", inspect_host),
    ("inspect: the times of a container", inspect_times),
    ("ps: states and filters", ps),
    ("ps: limits and order", ps_limit),
    ("ps: wrong filters", ps_wrong),
    ("ps: the fields of a row", ps_shape),
    ("events: the life of a container", events_life),
    ("events: filters", events_filters),
    ("events: wrong times and filters", events_wrong),
    ("stats: once", stats),
    ("top", top),
];

fn attach_upgrade(talk: &mut Talk<'_>) {
    talk.create("a", &["sh", "-c", "echo out; echo err >&2; echo more"], &Value::Null);
    let headers = [("Connection", "Upgrade"), ("Upgrade", "tcp")];
    let mut attach = talk.open_with("POST /containers/~a/attach?stream=1&stdout=1", &headers);
    talk.head(&mut attach);
    talk.ask("POST /containers/~a/start");
    talk.finish("the attach", attach);
}

fn attach_raw(talk: &mut Talk<'_>) {
    talk.create("a", &["sh", "-c", "echo err >&2"], &Value::Null);
    let mut attach = talk.open("POST /containers/~a/attach?stream=1&stdout=1&stderr=1");
    talk.head(&mut attach);
    talk.ask("POST /containers/~a/start");
    talk.finish("the attach", attach);
}

fn attach_logs(talk: &mut Talk<'_>) {
    talk.run("a", &["sh", "-c", "echo one; echo two"], &Value::Null);
    talk.until_state("a", "exited");
    let attach = talk.open("POST /containers/~a/attach?logs=1&stdout=1&stderr=1");
    talk.finish("the attach", attach);
}

fn attach_input(talk: &mut Talk<'_>) {
    let input = json!({ "OpenStdin": true, "StdinOnce": true, "AttachStdin": true });
    talk.create("a", &["cat"], &input);
    let headers = [("Connection", "Upgrade"), ("Upgrade", "tcp")];
    let mut attach =
        talk.open_with("POST /containers/~a/attach?stream=1&stdin=1&stdout=1", &headers);
    talk.head(&mut attach);
    talk.ask("POST /containers/~a/start");
    talk.write(&mut attach, "hello\n", true);
    talk.finish("the attach", attach);
    talk.ask("POST /containers/~a/wait");
}

fn attach_terminal(talk: &mut Talk<'_>) {
    talk.create("a", &["sh", "-c", "echo out; echo err >&2"], &json!({ "Tty": true }));
    let mut attach = talk.open("POST /containers/~a/attach?stream=1&stdout=1&stderr=1");
    talk.head(&mut attach);
    talk.ask("POST /containers/~a/start");
    talk.finish("the attach", attach);
}

fn attach_refused(talk: &mut Talk<'_>) {
    talk.ask("POST /containers/~none/attach?stream=1&stdout=1");
    talk.run_idle("a");
    talk.ask("POST /containers/~a/pause");
    talk.ask("POST /containers/~a/attach?stream=1&stdout=1");
}

const TWO: [&str; 3] = ["sh", "-c", "echo out1; echo out2"];

fn logs_streams(talk: &mut Talk<'_>) {
    talk.run("a", &TWO, &Value::Null);
    talk.run("b", &["sh", "-c", "echo err1 >&2; echo err2 >&2; exit 1"], &Value::Null);
    for name in ["a", "b"] {
        talk.until_state(name, "exited");
        talk.headers(&format!("GET /containers/~{name}/logs?stdout=1&stderr=1"), &["content-type"]);
        talk.ask(&format!("GET /containers/~{name}/logs?stdout=1"));
        talk.ask(&format!("GET /containers/~{name}/logs?stderr=true"));
    }
}

fn logs_terminal(talk: &mut Talk<'_>) {
    talk.run("a", &TWO, &json!({ "Tty": true }));
    talk.until_state("a", "exited");
    talk.ask("GET /containers/~a/logs?stdout=1&stderr=1");
}

fn logs_tail(talk: &mut Talk<'_>) {
    talk.run("a", &["sh", "-c", "echo 1; echo 2; echo 3; printf unfinished"], &Value::Null);
    talk.until_state("a", "exited");
    for tail in ["all", "0", "1", "2", "10", "-1", "many", ""] {
        talk.ask(&format!("GET /containers/~a/logs?stdout=1&tail={tail}"));
    }
}

fn logs_follow(talk: &mut Talk<'_>) {
    talk.run(
        "a",
        &["sh", "-c", "trap 'echo bye; exit 0' TERM; echo ready; while true; do sleep 0.1; done"],
        &Value::Null,
    );
    talk.until_log("a", "ready");
    let mut logs = talk.open("GET /containers/~a/logs?stdout=1&stderr=1&follow=1");
    talk.head(&mut logs);
    talk.ask("POST /containers/~a/stop?t=30");
    talk.finish("the logs", logs);
    talk.ask("GET /containers/~a/logs?stdout=1&follow=1");
    talk.create("b", &["echo", "hello"], &Value::Null);
    talk.ask("GET /containers/~b/logs?stdout=1");
}

fn logs_refused(talk: &mut Talk<'_>) {
    talk.run(
        "a",
        &["echo", "hello"],
        &json!({ "HostConfig": { "LogConfig": { "Type": "none" } } }),
    );
    talk.until_state("a", "exited");
    talk.ask("GET /containers/~a/logs");
    talk.ask("GET /containers/~a/logs?stdout=0&stderr=0");
    talk.ask("GET /containers/~a/logs?stdout=1");
    talk.create("b", &["true"], &json!({ "HostConfig": { "LogConfig": { "Type": "nosuch" } } }));
}

fn logs_since(talk: &mut Talk<'_>) {
    talk.run("a", &["echo", "hello"], &Value::Null);
    talk.until_state("a", "exited");
    talk.ask("GET /containers/~a/logs?stdout=1&details=1");
    talk.ask("GET /containers/~a/logs?stdout=1&since=0&until=0");
    talk.ask("GET /containers/~a/logs?stdout=1&since=99999999999");
    talk.ask("GET /containers/~a/logs?stdout=1&until=1");
    talk.ask("GET /containers/~a/logs?stdout=1&since=yesterday");
    talk.ask("GET /containers/~a/logs?stdout=1&timestamps=1");
}

fn inspect_shape(talk: &mut Talk<'_>) {
    talk.run_idle("a");
    talk.shape("GET /containers/~a/json", "");
}

fn inspect_config(talk: &mut Talk<'_>) {
    talk.create(
        "a",
        &["echo", "a b"],
        &json!({
            "Env": ["A=1", "PATH=/x", "EMPTY="], "Labels": { "one": "1", "two": "" }, "Hostname": "host",
            "Domainname": "example.org", "User": "1:2", "WorkingDir": "/tmp", "Tty": true,
            "OpenStdin": true, "AttachStdout": true, "ExposedPorts": { "80/tcp": {} },
            "StopTimeout": 7, "StopSignal": "SIGINT",
        }),
    );
    talk.see(
        "GET /containers/~a/json",
        &["Config", "Name", "Path", "Args", "RestartCount", "Platform"],
    );
}

fn inspect_host(talk: &mut Talk<'_>) {
    talk.create(
        "a",
        &["true"],
        &json!({ "HostConfig": {
            "Memory": 64 << 20, "MemoryReservation": 32 << 20, "CpuShares": 512, "CpuQuota": 50000,
            "CpuPeriod": 100_000, "NetworkMode": "none", "Binds": ["/tmp:/data:ro"],
            "RestartPolicy": { "Name": "on-failure", "MaximumRetryCount": 2 }, "Privileged": true,
            "Dns": ["1.1.1.1"], "OomScoreAdj": 100, "CapAdd": ["NET_ADMIN"], "ShmSize": 1 << 20,
            "ExtraHosts": ["a:1.2.3.4"],
        } }),
    );
    let fields = [
        "Memory",
        "MemorySwap",
        "MemoryReservation",
        "CpuShares",
        "CpuQuota",
        "CpuPeriod",
        "NetworkMode",
        "Binds",
        "RestartPolicy",
        "Privileged",
        "Dns",
        "OomScoreAdj",
        "CapAdd",
        "ShmSize",
        "LogConfig.Type",
        "AutoRemove",
        "Runtime",
        "Isolation",
        "IpcMode",
        "PidMode",
        "NanoCpus",
        "ExtraHosts",
    ];
    let fields: Vec<String> = fields.iter().map(|field| format!("HostConfig.{field}")).collect();
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    talk.see("GET /containers/~a/json", &fields);
    talk.see(
        "GET /containers/~a/json",
        &[
            "Mounts.0.Type",
            "Mounts.0.Source",
            "Mounts.0.Destination",
            "Mounts.0.Mode",
            "Mounts.0.RW",
            "Mounts.0.Propagation",
        ],
    );
}

fn inspect_times(talk: &mut Talk<'_>) {
    let fields = ["Created", "State.StartedAt", "State.FinishedAt"];
    talk.create("a", &crate::conformance::IDLE, &Value::Null);
    talk.see("GET /containers/~a/json", &fields);
    talk.ask("POST /containers/~a/start");
    talk.see("GET /containers/~a/json", &fields);
    talk.until_log("a", "ready");
    talk.ask("POST /containers/~a/stop?t=30");
    talk.see("GET /containers/~a/json", &fields);
    talk.see("GET /containers/~a/json", &["State.Pid"]);
}

/// `filters=` of these.
fn filters(value: &Value) -> String {
    let text = value.to_string();
    text.replace('"', "%22")
        .replace('{', "%7B")
        .replace('}', "%7D")
        .replace('[', "%5B")
        .replace(']', "%5D")
}

const ROW: [&str; 3] = ["Names", "State", "Image"];

fn list(talk: &mut Talk<'_>, parameters: &str, filter: &Value) {
    let mut filter = filter.clone();
    if filter.get("name").is_none() {
        filter["name"] = json!(["~"]);
    }
    talk.see(&format!("GET /containers/json?{parameters}filters={}", filters(&filter)), &ROW);
}

fn ps(talk: &mut Talk<'_>) {
    talk.create("created", &["true"], &json!({ "Labels": { "l": "1" } }));
    talk.run("exited", &["sh", "-c", "exit 3"], &json!({ "Labels": { "l": "2", "m": "" } }));
    talk.until_state("exited", "exited");
    talk.run_idle("running");
    talk.run_idle("paused");
    talk.ask("POST /containers/~paused/pause");
    list(talk, "", &json!({}));
    list(talk, "all=1&", &json!({}));
    for status in ["created", "running", "paused", "exited", "dead", "removing", "restarting"] {
        list(talk, "", &json!({ "status": [status] }));
    }
    list(talk, "", &json!({ "status": ["created", "exited"] }));
    list(talk, "all=1&", &json!({ "exited": ["3"] }));
    list(talk, "all=1&", &json!({ "exited": ["0"] }));
    list(talk, "all=1&", &json!({ "label": ["l"] }));
    list(talk, "all=1&", &json!({ "label": ["l=1"] }));
    list(talk, "all=1&", &json!({ "label": ["l", "m"] }));
    list(talk, "all=1&", &json!({ "name": ["^/~run"] }));
    list(talk, "all=1&", &json!({ "name": ["^~run"] }));
    list(talk, "all=1&", &json!({ "name": ["~exited$"] }));
    list(talk, "all=1&", &json!({ "ancestor": ["~img/bb:1"] }));
    list(talk, "all=1&", &json!({ "ancestor": ["~img/nosuch:1"] }));
    list(talk, "all=1&", &json!({ "before": ["~running"] }));
    list(talk, "all=1&", &json!({ "since": ["~exited"] }));
    list(talk, "all=1&", &json!({ "id": ["<id1:12>"] }));
}

fn ps_limit(talk: &mut Talk<'_>) {
    for name in ["a", "b", "c"] {
        talk.create(name, &["true"], &Value::Null);
    }
    list(talk, "all=1&", &json!({}));
    list(talk, "all=1&limit=2&", &json!({}));
    list(talk, "limit=1&", &json!({}));
    list(talk, "all=1&limit=-1&", &json!({}));
    talk.ask("GET /containers/json?limit=x");
}

fn ps_wrong(talk: &mut Talk<'_>) {
    for filter in [
        json!({ "status": ["nosuch"] }),
        json!({ "nosuch": ["1"] }),
        json!({ "exited": ["x"] }),
        json!({ "before": ["~none"] }),
        json!({ "since": ["~none"] }),
        json!({ "health": ["ill"] }),
        json!({ "is-task": ["maybe"] }),
    ] {
        talk.ask(&format!("GET /containers/json?filters={}", filters(&filter)));
    }
    talk.ask("GET /containers/json?filters=%7B");
    talk.ask("GET /containers/json?filters=nonsense");
}

fn ps_shape(talk: &mut Talk<'_>) {
    talk.run_idle("a");
    let request = format!("GET /containers/json?filters={}", filters(&json!({ "name": ["~a"] })));
    talk.shape(&request, "0");
    talk.see(&request, &["Command", "Labels", "Ports", "HostConfig", "Mounts", "ImageID"]);
}

const EVENT: [&str; 6] = [
    "Type",
    "Action",
    "status",
    "Actor.Attributes.name",
    "Actor.Attributes.exitCode",
    "Actor.Attributes.signal",
];

fn events_life(talk: &mut Talk<'_>) {
    let filter = filters(&json!({ "type": ["container"], "label": ["~l"] }));
    let request = format!("GET /events?filters={filter}");
    let mut events = talk.open(&request);
    talk.head(&mut events);
    talk.create("a", &["sleep", "infinity"], &json!({ "Labels": { "~l": "1" } }));
    talk.ask("POST /containers/~a/start");
    talk.ask("POST /containers/~a/pause");
    talk.ask("POST /containers/~a/unpause");
    talk.ask("POST /containers/~a/rename?name=~b");
    talk.ask("POST /containers/~b/kill?signal=USR1");
    talk.ask("POST /containers/~b/restart?t=0");
    talk.ask("POST /containers/~b/stop?t=0");
    talk.ask("DELETE /containers/~b");
    talk.until_said("the events", events, "\"destroy\"", &EVENT);
}

fn events_filters(talk: &mut Talk<'_>) {
    let filter = filters(&json!({ "container": ["~a"], "event": ["die", "kill", "destroy"] }));
    let mut events = talk.open(&format!("GET /events?filters={filter}"));
    talk.head(&mut events);
    talk.run("a", &["sleep", "infinity"], &Value::Null);
    talk.run("b", &["true"], &Value::Null);
    talk.ask("POST /containers/~a/kill");
    talk.ask("DELETE /containers/~a?force=1");
    talk.until_said("the events", events, "\"destroy\"", &EVENT);
    // The past, up to now.
    let filter = filters(&json!({ "container": ["~a"], "type": ["container"] }));
    talk.stream(
        &format!("GET /events?since=1&until=1h&filters={filter}").replace("until=1h", "until=0s"),
        &EVENT,
    );
}

fn events_wrong(talk: &mut Talk<'_>) {
    talk.ask("GET /events?since=yesterday");
    talk.ask("GET /events?until=tomorrow");
    talk.ask("GET /events?since=20&until=10");
    talk.ask(&format!("GET /events?until=1&filters={}", filters(&json!({ "nosuch": ["1"] }))));
    talk.ask("GET /events?until=1&filters=%7B");
}

fn stats(talk: &mut Talk<'_>) {
    talk.run("a", &["sleep", "infinity"], &json!({ "HostConfig": { "Memory": 64 << 20 } }));
    talk.see(
        "GET /containers/~a/stats?stream=0",
        &["name", "id", "memory_stats.limit", "num_procs"],
    );
    talk.see(
        "GET /containers/~a/stats?stream=0&one-shot=1",
        &["name", "memory_stats.limit", "preread"],
    );
    talk.ask("GET /containers/~a/stats?stream=1&one-shot=1");
    talk.shape("GET /containers/~a/stats?stream=0&one-shot=1", "cpu_stats.throttling_data");
    talk.ask("POST /containers/~a/kill");
    talk.see("GET /containers/~a/stats?stream=0", &["name", "memory_stats", "read", "networks"]);
}

fn top(talk: &mut Talk<'_>) {
    talk.run("a", &["sleep", "infinity"], &Value::Null);
    talk.see("GET /containers/~a/top", &["Titles"]);
    talk.see("GET /containers/~a/top?ps_args=-o%20pid,args", &["Titles"]);
}
