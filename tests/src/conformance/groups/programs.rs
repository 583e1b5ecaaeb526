//! What becomes of programs: exit codes, starts that are refused, memory, waiting for the end.

use serde_json::{Value, json};

use super::Script;
use crate::conformance::talk::Talk;

pub(super) const ALL: &[Script] = &[
    ("exit codes of programs", codes),
    ("127: the program does not exist", not_found),
    ("127: the program's path does not exist", path_not_found),
    ("126: the program is a directory", not_executable),
    ("137: killed", killed),
    ("143: terminated", terminated),
    ("a signal without a handler does not reach the first process", no_handler),
    ("SIGINT and a shell", shell_interrupted),
    ("stop escalates to SIGKILL", escalates),
    ("stop sends the container's own signal", own_signal),
    ("a second stop is shorter", second_stop),
    ("out of memory", out_of_memory),
    ("wait: not-running", wait_not_running),
    ("wait: next-exit", wait_next_exit),
    ("wait: removed", wait_removed),
    ("wait of a container that is removed", wait_and_remove),
    ("wait: --rm", wait_auto_remove),
    ("wait: words that are no conditions", wait_words),
    ("an exit is seen once by next-exit", next_exit_again),
    ("exec: exit codes and states", exec),
    ("exec: errors", exec_errors),
    ("entrypoint and command", entrypoint),
];

const END: [&str; 4] = ["State.Status", "State.ExitCode", "State.OOMKilled", "State.Error"];

fn end(talk: &mut Talk<'_>, name: &str) {
    talk.until_state(name, "exited");
    talk.see(&format!("GET /containers/~{name}/json"), &END);
}

fn codes(talk: &mut Talk<'_>) {
    for (name, code) in [
        ("a", "0"),
        ("b", "1"),
        ("c", "42"),
        ("d", "125"),
        ("e", "126"),
        ("f", "127"),
        ("g", "255"),
    ] {
        talk.run(name, &["sh", "-c", &format!("exit {code}")], &Value::Null);
        talk.ask(&format!("POST /containers/~{name}/wait"));
        end(talk, name);
    }
}

fn not_found(talk: &mut Talk<'_>) {
    talk.create("a", &["nosuchprogram", "x"], &Value::Null);
    talk.ask("POST /containers/~a/start");
    talk.see("GET /containers/~a/json", &END);
    talk.ask("POST /containers/~a/wait");
    talk.ask("POST /containers/~a/start");
    talk.ask("DELETE /containers/~a");
}

fn path_not_found(talk: &mut Talk<'_>) {
    talk.create("a", &["/no/such/program"], &Value::Null);
    talk.ask("POST /containers/~a/start");
    talk.see("GET /containers/~a/json", &END);
}

fn not_executable(talk: &mut Talk<'_>) {
    talk.create("a", &["/etc"], &Value::Null);
    talk.ask("POST /containers/~a/start");
    talk.see("GET /containers/~a/json", &END);
    talk.create("b", &["/etc/passwd"], &Value::Null);
    talk.ask("POST /containers/~b/start");
    talk.see("GET /containers/~b/json", &END);
}

fn killed(talk: &mut Talk<'_>) {
    talk.run("a", &["sleep", "infinity"], &Value::Null);
    talk.ask("POST /containers/~a/kill");
    end(talk, "a");
    talk.run("b", &["sleep", "infinity"], &Value::Null);
    talk.ask("POST /containers/~b/kill?signal=9");
    end(talk, "b");
    talk.run("c", &["sleep", "infinity"], &Value::Null);
    talk.ask("POST /containers/~c/kill?signal=sigkill");
    end(talk, "c");
}

fn terminated(talk: &mut Talk<'_>) {
    let init = json!({ "HostConfig": { "Init": true } });
    talk.run(
        "a",
        &["sh", "-c", "trap 'exit 143' TERM; echo ready; while true; do sleep 0.1; done"],
        &Value::Null,
    );
    talk.until_log("a", "ready");
    talk.ask("POST /containers/~a/kill?signal=TERM");
    end(talk, "a");
    talk.run(
        "b",
        &["sh", "-c", "trap 'exit 0' TERM; echo ready; while true; do sleep 0.1; done"],
        &Value::Null,
    );
    talk.until_log("b", "ready");
    talk.ask("POST /containers/~b/stop?t=30");
    end(talk, "b");
    talk.create("c", &["true"], &init);
}

fn no_handler(talk: &mut Talk<'_>) {
    talk.run("a", &["sleep", "infinity"], &Value::Null);
    for signal in ["TERM", "INT", "USR1", "HUP", "15"] {
        talk.ask(&format!("POST /containers/~a/kill?signal={signal}"));
    }
    talk.see("GET /containers/~a/json", &END);
    talk.ask("POST /containers/~a/stop?t=0");
    end(talk, "a");
}

fn shell_interrupted(talk: &mut Talk<'_>) {
    let script = "echo ready; while true; do sleep 0.1; echo round; done";
    talk.run("a", &["sh", "-c", script], &Value::Null);
    talk.until_log("a", "ready");
    talk.ask("POST /containers/~a/kill?signal=INT");
    // It has ended, or has done enough since to show that it does not.
    let rounds = |talk: &mut Talk<'_>| {
        talk.body("GET /containers/~a/logs?stdout=1").matches("round").count()
    };
    let before = rounds(talk);
    talk.until("~a has ended or goes on", |talk| {
        let (_, container) = talk.quietly("GET /containers/~a/json", None);
        container["State"]["Status"] == "exited" || rounds(talk) >= before + 3
    });
    talk.see("GET /containers/~a/json", &END);
}

fn escalates(talk: &mut Talk<'_>) {
    talk.run("a", &["sh", "-c", "trap '' TERM; echo ready; sleep infinity"], &Value::Null);
    talk.until_log("a", "ready");
    talk.ask("POST /containers/~a/stop?t=1");
    end(talk, "a");
    talk.run(
        "b",
        &["sh", "-c", "trap '' TERM; echo ready; sleep infinity"],
        &json!({ "StopTimeout": 1 }),
    );
    talk.until_log("b", "ready");
    talk.ask("POST /containers/~b/stop");
    end(talk, "b");
}

fn own_signal(talk: &mut Talk<'_>) {
    let script = "trap 'exit 7' USR1; trap '' TERM; echo ready; while true; do sleep 0.1; done";
    talk.run("a", &["sh", "-c", script], &json!({ "StopSignal": "SIGUSR1" }));
    talk.until_log("a", "ready");
    talk.ask("POST /containers/~a/stop?t=30");
    end(talk, "a");
    talk.see("GET /containers/~a/json", &["Config.StopSignal"]);
    talk.create("b", &["true"], &json!({ "StopSignal": "NOSUCH" }));
}

fn second_stop(talk: &mut Talk<'_>) {
    talk.run("a", &["sh", "-c", "trap '' TERM; echo ready; sleep infinity"], &Value::Null);
    talk.until_log("a", "ready");
    let mut first = talk.open("POST /containers/~a/stop?t=-1");
    talk.silence(&mut first);
    talk.ask("POST /containers/~a/stop?t=0");
    talk.finish("the first", first);
    end(talk, "a");
}

fn out_of_memory(talk: &mut Talk<'_>) {
    let limit = json!({ "HostConfig": { "Memory": 16 << 20, "MemorySwap": 16 << 20 } });
    // Both worlds know this way of taking more than that.
    talk.run("a", &["sh", "-c", "x=a; while true; do x=$x$x; done", "oom"], &limit);
    talk.until("~a has ended", |talk| {
        let (_, value) = talk.quietly("GET /containers/~a/json", None);
        value["State"]["Status"] == "exited"
    });
    talk.see("GET /containers/~a/json", &["State.Status", "State.ExitCode", "State.OOMKilled"]);
    talk.ask("POST /containers/~a/wait");
}

fn wait_not_running(talk: &mut Talk<'_>) {
    talk.create("a", &["sh", "-c", "exit 4"], &Value::Null);
    talk.ask("POST /containers/~a/wait");
    talk.ask("POST /containers/~a/wait?condition=not-running");
    talk.ask("POST /containers/~a/start");
    talk.until_state("a", "exited");
    talk.ask("POST /containers/~a/wait");
    talk.run_idle("b");
    let mut wait = talk.open("POST /containers/~b/wait");
    talk.head(&mut wait);
    talk.ask("POST /containers/~b/kill");
    talk.finish("the wait", wait);
}

fn wait_next_exit(talk: &mut Talk<'_>) {
    talk.create("a", &["sh", "-c", "exit 4"], &Value::Null);
    let mut wait = talk.open("POST /containers/~a/wait?condition=next-exit");
    talk.head(&mut wait);
    talk.silence(&mut wait);
    talk.ask("POST /containers/~a/start");
    talk.finish("the wait", wait);
}

fn wait_removed(talk: &mut Talk<'_>) {
    talk.run("a", &["sh", "-c", "exit 4"], &Value::Null);
    talk.until_state("a", "exited");
    let mut wait = talk.open("POST /containers/~a/wait?condition=removed");
    talk.head(&mut wait);
    talk.silence(&mut wait);
    talk.ask("DELETE /containers/~a");
    talk.finish("the wait", wait);
}

fn wait_and_remove(talk: &mut Talk<'_>) {
    talk.run_idle("a");
    let mut ends = talk.open("POST /containers/~a/wait");
    talk.head(&mut ends);
    let mut removed = talk.open("POST /containers/~a/wait?condition=removed");
    talk.head(&mut removed);
    talk.ask("DELETE /containers/~a?force=1");
    talk.finish("the wait for the end", ends);
    talk.finish("the wait for the removal", removed);
    talk.create("b", &["true"], &Value::Null);
    let mut next = talk.open("POST /containers/~b/wait?condition=next-exit");
    talk.head(&mut next);
    talk.ask("DELETE /containers/~b");
    talk.finish("the wait of one that was never started", next);
}

fn wait_auto_remove(talk: &mut Talk<'_>) {
    talk.create("a", &["sh", "-c", "exit 6"], &json!({ "HostConfig": { "AutoRemove": true } }));
    let mut wait = talk.open("POST /containers/~a/wait?condition=removed");
    talk.head(&mut wait);
    talk.ask("POST /containers/~a/start");
    talk.finish("the wait", wait);
    talk.ask("POST /containers/~a/wait");
}

fn wait_words(talk: &mut Talk<'_>) {
    talk.run("a", &["sh", "-c", "exit 4"], &Value::Null);
    talk.until_state("a", "exited");
    talk.ask("POST /containers/~a/wait?condition=");
    talk.ask("POST /containers/~a/wait?condition=whatever");
    talk.ask("POST /v1.29/containers/~a/wait?condition=next-exit");
}

fn next_exit_again(talk: &mut Talk<'_>) {
    talk.run("a", &["sh", "-c", "exit 4"], &Value::Null);
    talk.until_state("a", "exited");
    let mut wait = talk.open("POST /containers/~a/wait?condition=next-exit");
    talk.head(&mut wait);
    talk.silence(&mut wait);
    talk.ask("POST /containers/~a/start");
    talk.finish("the wait", wait);
}

fn exec(talk: &mut Talk<'_>) {
    talk.run_idle("a");
    let fields = ["Running", "ExitCode", "ProcessConfig.entrypoint", "ProcessConfig.arguments"];
    talk.json(
        "POST /containers/~a/exec",
        &json!({ "Cmd": ["sh", "-c", "echo hi; exit 3"], "AttachStdout": true }),
    );
    talk.see("GET /exec/<id2>/json", &fields);
    talk.json("POST /exec/<id2>/start", &json!({ "Detach": false }));
    talk.see("GET /exec/<id2>/json", &fields);
    talk.json("POST /exec/<id2>/start", &json!({ "Detach": false }));
    talk.json("POST /containers/~a/exec", &json!({ "Cmd": ["true"] }));
    talk.json("POST /exec/<id3>/start", &json!({ "Detach": true }));
    talk.until("the exec has ended", |talk| {
        let (_, value) = talk.quietly("GET /exec/<id3>/json", None);
        value["Running"] == false
    });
    talk.see("GET /exec/<id3>/json", &fields);
    talk.see("GET /containers/~a/json", &["State.Status"]);
}

fn exec_errors(talk: &mut Talk<'_>) {
    talk.run_idle("a");
    talk.json("POST /containers/~a/exec", &json!({}));
    talk.json("POST /containers/~a/exec", &json!({ "Cmd": [] }));
    talk.ask("GET /exec/nosuch/json");
    talk.json("POST /exec/nosuch/start", &json!({}));
    talk.json("POST /containers/~a/exec", &json!({ "Cmd": ["nosuchprogram"] }));
    talk.json("POST /exec/<id2>/start", &json!({ "Detach": true }));
    talk.see("GET /exec/<id2>/json", &["Running", "ExitCode"]);
}

fn entrypoint(talk: &mut Talk<'_>) {
    talk.pull("~img/ep:1", &[]);
    for (name, others) in [
        ("a", json!({})),
        ("b", json!({ "Cmd": ["x", "y"] })),
        ("c", json!({ "Entrypoint": ["/bin/echo", "mine"] })),
        ("d", json!({ "Entrypoint": [""], "Cmd": ["echo", "z"] })),
        ("e", json!({ "Entrypoint": [], "Cmd": ["echo", "w"] })),
    ] {
        let mut body = others;
        body["Image"] = "~img/ep:1".into();
        talk.json(&format!("POST /containers/create?name=~{name}"), &body);
        talk.see(
            &format!("GET /containers/~{name}/json"),
            &["Path", "Args", "Config.Entrypoint", "Config.Cmd", "Config.Env", "Config.WorkingDir"],
        );
        talk.ask(&format!("POST /containers/~{name}/start"));
        talk.ask(&format!("POST /containers/~{name}/wait"));
        talk.ask(&format!("GET /containers/~{name}/logs?stdout=1&stderr=1"));
    }
}
