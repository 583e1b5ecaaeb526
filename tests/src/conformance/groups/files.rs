//! What programs in containers see of files: their own, volumes, devices.

use serde_json::{Value, json};

use super::Script;
use crate::conformance::talk::Talk;

pub(super) const ALL: &[Script] = &[
    ("what is there and what is not", there),
    ("a container writes files", writes),
    ("files outlive the program, not the container", outlive),
    ("where nothing can be written", refused),
    ("a volume is the same for all", volume),
    ("an empty volume gets what the image has", volume_of_image),
    ("exec: files", exec),
    ("exec: a program waits for a file", waits),
    ("devices of all containers", usual_devices),
    ("a device that is given", device),
    ("devices that cannot be given", no_device),
];

/// Runs a text to its end; what it has written, and its exit code.
fn says(talk: &mut Talk<'_>, name: &str, text: &str, others: &Value) {
    talk.run(name, &["sh", "-c", text], others);
    outcome(talk, name);
}

fn outcome(talk: &mut Talk<'_>, name: &str) {
    talk.ask(&format!("POST /containers/~{name}/wait"));
    talk.ask(&format!("GET /containers/~{name}/logs?stdout=1"));
    talk.ask(&format!("GET /containers/~{name}/logs?stderr=1"));
}

fn there(talk: &mut Talk<'_>) {
    let text =
        "ls -d / /etc/passwd /tmp; ls -d /mnt/x; echo $?; ls /etc/passwd/x; ls /tmp; echo $?";
    says(talk, "a", text, &Value::Null);
    let text = "for o in -e -f -d; do for p in /etc /etc/passwd /none; do test $o $p; \
                echo $p $o $?; [ ! $o $p ]; echo $?; done; done";
    says(talk, "b", text, &Value::Null);
    talk.run("c", &["ls", "-d", "/mnt/x"], &Value::Null);
    outcome(talk, "c");
    talk.run("d", &["test", "-e", "/etc", "/tmp"], &Value::Null);
    outcome(talk, "d");
    let text = "ls -d . ../etc passwd; pwd; cat none; test -f passwd";
    says(talk, "e", text, &json!({ "WorkingDir": "/etc" }));
}

fn writes(talk: &mut Talk<'_>) {
    let text = "touch /tmp/a /tmp/.b; ls /tmp; ls -a /tmp; test -s /tmp/a; echo $?; \
                echo one >/tmp/a; echo two >>/tmp/a; cat /tmp/a; echo three > /tmp/a; cat /tmp/a; \
                mkdir /tmp/d; mkdir /tmp/d; echo $?; mkdir -p /tmp/d/e/f; touch /tmp/d/e/g; \
                ls /tmp /tmp/d/e /tmp/a /none; echo $?; rm /tmp/d; rm /tmp/a /tmp/a; echo $?; \
                rm -f /tmp/a; echo $?; rm -r /tmp/d; ls /tmp; ls -d /tmp/d";
    says(talk, "a", text, &Value::Null);
    let text = "cat /etc; echo $?; echo err >&2 2>/tmp/e; ls /none 2>/tmp/f; cat /tmp/e /tmp/f; \
                touch -c /tmp/g; ls /tmp; >/tmp/g; ls /tmp";
    says(talk, "b", text, &Value::Null);
}

fn outlive(talk: &mut Talk<'_>) {
    let text = "ls /tmp /dev/mine; touch /tmp/kept /dev/mine";
    says(talk, "a", text, &Value::Null);
    talk.ask("POST /containers/~a/start");
    outcome(talk, "a");
    says(talk, "b", "ls /tmp", &Value::Null);
}

fn refused(talk: &mut Talk<'_>) {
    let binds = json!({ "HostConfig": { "Binds": ["~v:/data:ro"] } });
    let text = "touch /data/x; echo $?; touch /no/x /tmp/x; echo $?; touch /sys/x /proc/x; \
                touch /etc/passwd/x; echo a >/data/x; echo $?; echo a >/no/x && echo no; \
                echo a >/etc; mkdir /data/d /no/d; rm -r /data; ls /tmp; exit 7";
    says(talk, "a", text, &binds);
}

fn volume(talk: &mut Talk<'_>) {
    let at = |bind: &str| json!({ "HostConfig": { "Binds": [bind] } });
    says(talk, "a", "touch /mnt/v/x; ls /mnt /mnt/v", &at("~v:/mnt/v"));
    says(talk, "b", "ls /data; touch /data/y", &at("~v:/data:ro"));
    talk.ask("DELETE /containers/~a");
    says(talk, "c", "cat /other/x; ls /other; rm /other/x", &at("~v:/other"));
    says(talk, "d", "ls -d /data /data/x; ls -d /other", &at("~v:/data"));
    talk.ask("DELETE /containers/~b");
    talk.ask("DELETE /containers/~c");
    talk.ask("DELETE /containers/~d");
    talk.ask("DELETE /volumes/~v");
    says(talk, "e", "ls /data", &at("~v:/data"));
}

fn volume_of_image(talk: &mut Talk<'_>) {
    let at = |binds: &[&str]| json!({ "HostConfig": { "Binds": binds } });
    let text = "test -f /etc/passwd && echo there; touch /etc/mine";
    says(talk, "a", text, &at(&["~v:/etc", "~w:/tmp/w:nocopy"]));
    let text = "test -f /data/passwd && ls -d /data/mine";
    says(talk, "b", text, &at(&["~v:/data"]));
    says(talk, "c", "test -e /etc/passwd", &at(&["~w:/etc:nocopy"]));
}

/// Runs a program in `~a`; its output and exit code. `id` is that of the answer.
fn run(talk: &mut Talk<'_>, id: u8, command: &[&str]) {
    let body = json!({ "Cmd": command, "AttachStdout": true, "AttachStderr": true });
    talk.json("POST /containers/~a/exec", &body);
    talk.json(&format!("POST /exec/<id{id}>/start"), &json!({ "Detach": false }));
    talk.see(&format!("GET /exec/<id{id}>/json"), &["Running", "ExitCode"]);
}

fn exec(talk: &mut Talk<'_>) {
    talk.run_idle("a");
    run(talk, 2, &["ls", "-d", "/tmp/x"]);
    run(talk, 3, &["touch", "/tmp/x"]);
    run(talk, 4, &["ls", "-d", "/tmp/x"]);
    run(talk, 5, &["sh", "-c", "echo hi >/tmp/x; test -f /tmp/x"]);
    run(talk, 6, &["cat", "/tmp/x"]);
    run(talk, 7, &["[", "-e", "/tmp/y", "]"]);
}

fn waits(talk: &mut Talk<'_>) {
    let text = "echo ready; while [ ! -e /tmp/go ]; do sleep 0.1; done; cat /tmp/go; exit 5";
    talk.run("a", &["sh", "-c", text], &Value::Null);
    talk.until_log("a", "ready");
    talk.see("GET /containers/~a/json", &["State.Status"]);
    run(talk, 2, &["sh", "-c", "echo went >/tmp/new; rm /tmp/new; echo went > /tmp/go"]);
    talk.ask("POST /containers/~a/wait");
}

fn usual_devices(talk: &mut Talk<'_>) {
    let text = "ls /dev; cat /dev/null; echo $?; echo x >/dev/null; echo $?; echo x >/dev/full; \
                echo $?; touch /dev/null /dev/new; ls -d /dev/new; test -c /dev/zero";
    says(talk, "a", text, &Value::Null);
    says(talk, "b", "test -c /dev/console && ls /tmp", &json!({ "Tty": true }));
}

fn device(talk: &mut Talk<'_>) {
    let given = |inside: &str, permissions: &str| {
        json!({ "HostConfig": { "Devices": [
            {
                "PathOnHost": "/dev/kmsg", "PathInContainer": inside,
                "CgroupPermissions": permissions,
            },
        ] } })
    };
    let text = "test -c /dev/kmsg; echo $?; touch /dev/kmsg; echo $?; echo x >/dev/kmsg; echo $?";
    says(talk, "a", text, &given("/dev/kmsg", "r"));
    talk.see("GET /containers/~a/json", &["HostConfig.Devices"]);
    says(talk, "b", "ls -d /dev/kmsg; ls -d /dev/mine", &given("/dev/mine", "rwm"));
    says(talk, "c", "ls -d /dev/kmsg", &Value::Null);
}

fn no_device(talk: &mut Talk<'_>) {
    for (name, path, permissions) in [("a", "/dev/nosuch", "rwm"), ("b", "/dev/kmsg", "")] {
        let device = json!({
            "PathOnHost": path, "PathInContainer": path, "CgroupPermissions": permissions,
        });
        talk.create(name, &["true"], &json!({ "HostConfig": { "Devices": [device] } }));
        talk.ask(&format!("POST /containers/~{name}/start"));
        talk.see(
            &format!("GET /containers/~{name}/json"),
            &["State.Status", "State.ExitCode", "State.Error"],
        );
    }
}
