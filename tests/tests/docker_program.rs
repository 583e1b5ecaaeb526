//! The options of `docker run` against the `docker` program that is installed here: for the command
//! lines of the golden recording, the program and our run options ask a daemon for the same.
//!
//! The daemon is one of this test, which writes create requests down and refuses them.

#![allow(clippy::disallowed_methods, reason = "a test of a real program in real time")]

use docker::RunOptions;
use serde_json::{Map, Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

const RECORDED: &str = include_str!("../golden/docker-run-28.2.2.jsonl");

/// The oldest API that knows every option.
const API_VERSION: &str = "1.44";

/// Where the program and our options differ on purpose, by option; the unit tests of the crate
/// `docker` have the reasons.
const DIFFERENT: [&str; 9] = [
    "--env=MESOS_NOT_THERE",
    "--memory=99999999999999999999",
    "--cpus=1e20",
    "--cpus=1e400",
    "--cpus=0x10",
    "--cpus=1_0",
    "--platform=linux",
    "--platform=amd64",
    // Newer programs check what 28.2 leaves to the daemon.
    "--ip",
];

/// A daemon that writes down what it shall create.
struct Daemon {
    directory: TempDir,
    created: Arc<Mutex<Option<(String, Value)>>>,
}

impl Daemon {
    fn start() -> Daemon {
        let directory = tempfile::tempdir().expect("a directory");
        let listener = UnixListener::bind(directory.path().join("docker.sock")).expect("a socket");
        let created = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&created);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || while exchange(&stream, &seen).is_some() {});
            }
        });
        Daemon { directory, created }
    }

    /// What the program asks to be created, with the request's path; or how it refused.
    fn ask(&self, program: &Path, argv: &[&str]) -> Result<(String, Value), String> {
        self.created.lock().expect("no panic").take();
        let socket = self.directory.path().join("docker.sock");
        let output = Command::new(program)
            .arg("-H")
            .arg(format!("unix://{}", socket.display()))
            .arg("run")
            .args(argv)
            .env_clear()
            .env("HOME", self.directory.path())
            .env("DOCKER_CONFIG", self.directory.path())
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .output()
            .expect("the program can be run");
        let created = self.created.lock().expect("no panic").take();
        created.ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// One request and its answer; nothing at the end of the connection.
fn exchange(mut stream: &UnixStream, seen: &Mutex<Option<(String, Value)>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let start = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        let line = head[start..].to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let path = head.split(' ').nth(1).unwrap_or_default();
    let (status, text) = if path.contains("/containers/create") {
        let body = serde_json::from_slice(&body).ok()?;
        *seen.lock().ok()? = Some((path.to_owned(), body));
        ("500 Internal Server Error", r#"{"message":"written down"}"#)
    } else {
        ("200 OK", r#"{"OSType":"linux"}"#)
    };
    let text = if head.starts_with("HEAD") { "" } else { text };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nApi-Version: {API_VERSION}\r\nOstype: linux\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    )
    .ok()
}

/// Our options for a command line of `docker run`.
fn options(argv: &[&str]) -> RunOptions {
    let mut options = RunOptions::default();
    let mut words = argv.iter().copied();
    while let Some(word) = words.next() {
        let long = match word {
            "-e" => "--env",
            "-p" => "--publish",
            "-v" => "--volume",
            word if word.starts_with("--") => word,
            image => {
                options.image = image.to_owned();
                options.arguments = words.by_ref().map(str::to_owned).collect();
                break;
            }
        };
        let word = if long.contains('=') || long == "--privileged" {
            long.to_owned()
        } else {
            format!("{long}={}", words.next().expect("a value"))
        };
        options.additional_options.push(word);
    }
    options
}

/// Without empty and zero values, and without what programs of several versions do differently:
/// the order of maps, the prefix of capabilities, fields of older or newer daemons.
fn essence(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let keep = |(key, value): (&String, &Value)| {
                let mut value = essence(value);
                if let (Value::Array(values), "Env" | "Binds") = (&mut value, &**key) {
                    values.sort_by_key(ToString::to_string);
                }
                if let (Value::Array(values), "CapAdd" | "CapDrop") = (&mut value, &**key) {
                    for value in values {
                        let name = value.as_str().unwrap_or_default().to_uppercase();
                        *value = json!(name.trim_start_matches("CAP_"));
                    }
                }
                let nothing = match &value {
                    Value::Null | Value::Bool(false) => true,
                    Value::Array(values) => values.is_empty(),
                    Value::Object(map) => map.is_empty(),
                    Value::String(text) => text.is_empty(),
                    Value::Number(number) => matches!(number.as_i64(), Some(0 | -1)),
                    Value::Bool(true) => false,
                };
                let varies = matches!(&**key, "MacAddress" | "KernelMemory" | "ConsoleSize");
                (!nothing && !varies).then(|| (key.clone(), value))
            };
            Value::Object(map.iter().filter_map(keep).collect::<Map<_, _>>())
        }
        Value::Array(values) => Value::Array(values.iter().map(essence).collect()),
        other => other.clone(),
    }
}

fn program() -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|directory| directory.join("docker"));
    found.into_iter().find(|program| program.is_file())
}

#[test]
fn the_installed_program_asks_for_the_same() {
    // Not demanded where an Engine is: it is a package of its own, and the recording says the same.
    let Some(program) = program() else {
        let _ = writeln!(std::io::stderr(), "skipped: no docker program");
        return;
    };
    let daemon = Daemon::start();
    let (mut same, mut refused, mut wrong) = (0, 0, Vec::new());
    for line in RECORDED.lines().skip(1) {
        let row: Value = serde_json::from_str(line).expect("a recording is JSON");
        let argv = row["argv"].as_array().expect("words").iter();
        let argv: Vec<&str> = argv.map(|word| word.as_str().expect("a word")).collect();
        let line = argv.join(" ");
        if DIFFERENT.iter().any(|different| line.contains(different)) {
            continue;
        }
        match (daemon.ask(&program, &argv), options(&argv).create_request()) {
            (Err(_), Err(_)) => refused += 1,
            // An option that the program is too old, or too new, to know.
            (Err(problem), Ok(_)) if problem.contains("unknown flag") => {}
            (Err(problem), Ok(_)) => wrong.push(format!("{line}: the program: {problem}")),
            (Ok(_), Err(problem)) => wrong.push(format!("{line}: we: {problem}")),
            (Ok((path, theirs)), Ok(request)) => {
                let ours = serde_json::to_value(&request.body).expect("JSON");
                let (ours, theirs) = (essence(&ours), essence(&theirs));
                let name = request.name.map(|name| format!("name={name}"));
                if ours != theirs || name.is_some_and(|name| !path.contains(&name)) {
                    wrong.push(format!("{line}:\n  ours   {ours}\n  theirs {theirs}"));
                }
                same += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(same > 350 && refused > 150, "{same} the same, {refused} refused");
}
