//! Against what the `docker` program 28.2.2 sent for the same command lines, recorded by a daemon
//! that writes down create requests (see `tests/golden/README.md`).

use super::{CreateRequest, Parser};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const RECORDED: &str = include_str!("../../../../tests/golden/docker-run-28.2.2.jsonl");

/// Where the program refuses, or accepts, and this does not, and why.
const EXPLAINED: [(&str, &str); 8] = [
    ("--env=MESOS_NOT_THERE", "the program's environment is not ours"),
    ("--memory=99999999999999999999", "the program sends a negative number"),
    ("--cpus=1e20", "the program sends the lower 64 bits"),
    ("--cpus=1e400", "the program sends 0"),
    ("--cpus=0x10", "no other bases for fractions"),
    ("--cpus=1_0", "no other bases for fractions"),
    ("--platform=linux", "the program fills in the architecture that it was built for"),
    ("--platform=amd64", "the program fills in the system that it was built for"),
];

/// The request for a command line, as `docker run` has it.
fn read(argv: &[&str]) -> Result<CreateRequest, String> {
    let mut parser = Parser::new();
    let mut words = argv.iter();
    loop {
        let word = words.next().copied().ok_or("no image")?;
        let option = word.strip_prefix("--").or(match word {
            "-e" => Some("env"),
            "-p" => Some("publish"),
            "-v" => Some("volume"),
            _ => None,
        });
        let Some(option) = option else {
            let arguments: Vec<_> = words.map(|&word| word.to_owned()).collect();
            return parser.finish(word, &arguments);
        };
        match option.split_once('=') {
            Some((option, value)) => parser.set(option, Some(value))?,
            None if option == "privileged" => parser.set(option, None)?,
            None => parser.set(option, words.next().copied())?,
        }
    }
}

/// Without what does not matter: `null`, empty and zero values, where they stand for themselves.
fn pruned(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let keep = |(key, value): (&String, &Value)| {
                let value = pruned(value);
                let paths = matches!(&**key, "MaskedPaths" | "ReadonlyPaths");
                let nothing = match &value {
                    Value::Null => true,
                    Value::Array(values) => values.is_empty() && !paths,
                    Value::Object(map) => map.is_empty() && key != "DriverConfig",
                    Value::String(text) => text.is_empty(),
                    Value::Number(number) => number.as_i64() == Some(0) && key != "StopTimeout",
                    Value::Bool(_) => false,
                };
                (!nothing).then(|| (key.clone(), value))
            };
            Value::Object(map.iter().filter_map(keep).collect::<Map<_, _>>())
        }
        Value::Array(values) => Value::Array(values.iter().map(pruned).collect()),
        other => other.clone(),
    }
}

/// What the program's client part and ours do differently with the same options.
fn align(ours: &mut Value, theirs: &mut Value) {
    // In the order of a Go map.
    for list in ["/Env", "/HostConfig/Binds"] {
        for body in [&mut *ours, &mut *theirs] {
            if let Some(Value::Array(values)) = body.pointer_mut(list) {
                values.sort_by_key(ToString::to_string);
            }
        }
    }
    // The client part adds a prefix, which the daemon does as well.
    for list in ["/HostConfig/CapAdd", "/HostConfig/CapDrop"] {
        if let Some(Value::Array(values)) = ours.pointer_mut(list) {
            for value in values {
                let name = value.as_str().unwrap().to_uppercase();
                *value = if name == "ALL" { json!(name) } else { json!(format!("CAP_{name}")) };
            }
        }
    }
    // For older daemons.
    ours.as_object_mut().unwrap().remove("MacAddress");
    ours["HostConfig"].as_object_mut().unwrap().remove("KernelMemory");
    // The size of the program's terminal, which has none.
    theirs["HostConfig"].as_object_mut().unwrap().remove("ConsoleSize");
}

#[test]
fn command_lines_ask_for_what_the_docker_program_asks_for() {
    let mut lines = RECORDED.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let base = lines.next().unwrap()["base"].clone();
    let mut compared = [0, 0];
    for row in lines {
        let argv: Vec<&str> =
            row["argv"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        let line = argv.join(" ");
        let known = EXPLAINED.iter().find(|(words, _)| line == format!("{words} bb:1"));
        match (read(&argv), row["error"].as_str()) {
            (Err(_), Some(_)) => compared[1] += 1,
            (Err(problem), None) => assert!(known.is_some(), "{line}: {problem}"),
            (Ok(_), Some(error)) => panic!("{line}: the program refuses: {error}"),
            (Ok(request), None) => {
                assert!(known.is_none(), "{line}: explained, but accepted");
                let mut theirs = base.clone();
                for (path, value) in row["set"].as_object().unwrap() {
                    match path.split_once('.') {
                        Some((section, key)) => theirs[section][key] = value.clone(),
                        None => theirs[path] = value.clone(),
                    }
                }
                let mut ours = serde_json::to_value(&request.body).unwrap();
                align(&mut ours, &mut theirs);
                assert_eq!(pruned(&ours), pruned(&theirs), "{line}");
                assert_eq!(request.name.as_deref(), row["name"].as_str(), "{line}");
                assert_eq!(request.body.platform.as_deref(), row["platform"].as_str(), "{line}");
                compared[0] += 1;
            }
        }
    }
    assert_eq!(compared, [450, 210]);
}

#[test]
fn everything_that_docker_run_knows_is_known() {
    // `docker run --help` of 20.10.24 to 28.5.2, long options only, hidden ones included.
    let all = include_str!("../../../../tests/golden/docker-run-options.txt");
    let mut count = 0;
    for option in all.lines().filter(|line| !line.starts_with('#')) {
        let problem = Parser::new().set(option, Some("\u{1}")).err();
        assert_ne!(problem.as_deref(), Some("docker run has no such option"), "{option}");
        count += 1;
    }
    assert!(count > 100, "{count}");
}

#[test]
fn what_is_for_the_program_itself_is_refused_with_a_reason() {
    for (option, value, reason) in [
        ("detach", "true", "cannot be left alone"),
        ("detach-keys", "ctrl-p", "no terminal"),
        ("cidfile", "/tmp/x", "no file is written"),
        ("env-file", "/etc/environment", "no file is read"),
        ("label-file", "x", "no file is read"),
        ("pull", "always", "force_pull_image"),
        ("pull", "sometimes", "neither"),
        ("disable-content-trust", "false", "not checked"),
        ("use-api-socket", "true", "with a volume"),
        ("help", "true", "nobody"),
        ("cpu-count", "2", "Windows"),
        ("security-opt", "seccomp=/etc/profile.json", "no file is read"),
        ("volume", "./here:/there", "dot"),
        ("no-such-option", "1", "no such option"),
        ("e", "A=1", "no such option"),
    ] {
        let mut parser = Parser::new();
        let problem = match parser.set(option, Some(value)) {
            Err(problem) => problem,
            Ok(()) => parser.finish("a", &[]).unwrap_err(),
        };
        assert!(problem.contains(reason), "--{option}={value}: {problem}");
    }
    let problem = Parser::new().set("memory", None).unwrap_err();
    assert_eq!(problem, "it needs a value");
}

#[test]
fn newer_options_need_newer_daemons() {
    for (words, what, minimum) in [
        (&["--net=mine", "a"][..], "A user-defined network", "1.9.0"),
        (&["--net=host", "--dns=1.1.1.1", "a"], "--dns option with host network", "1.12.0"),
        (&["--dns-option=x", "a"], "--dns-opt option", "1.9.0"),
        (&["--annotation=a=b", "a"], "--annotation option", "24.0.0"),
        (&["--health-start-interval=1s", "a"], "--health-start-interval option", "25.0.0"),
        (&["--mount=src=v,dst=/b,volume-subpath=s", "a"], "volume-subpath of a mount", "26.0.0"),
        (&["--mount=type=image,src=i,dst=/b", "a"], "A mount of type image", "28.0.0"),
        (
            &["--mount=type=bind,src=/a,dst=/b,ro,bind-recursive=writable", "a"],
            "bind-recursive of a mount",
            "25.0.0",
        ),
    ] {
        let request = read(words).unwrap();
        let [requirement] = request.requirements.as_slice() else { panic!("{request:?}") };
        assert_eq!(
            requirement.to_string(),
            format!("{what} requires Docker version {minimum} or higher")
        );
    }
    let two = read(&["--net=one", "--net=name=two,mac-address=02:42:ac:11:00:02", "a"]).unwrap();
    let whats: Vec<_> = two.requirements.iter().map(|it| it.what).collect();
    assert_eq!(
        whats,
        ["A user-defined network", "More than one network", "A mac-address of one network"]
    );
    let priority = read(&["--net=name=one,gw-priority=1", "a"]).unwrap();
    assert_eq!(priority.requirements.len(), 2);
    for words in [&["a"][..], &["--net=bridge", "--dns=1.1.1.1", "a"], &["--net=host", "a"]] {
        assert_eq!(read(words).unwrap().requirements, []);
    }
}

proptest! {
    #[test]
    fn no_option_panics(
        options in prop::collection::vec(
            (prop::sample::select(
                include_str!("../../../../tests/golden/docker-run-options.txt")
                    .lines().collect::<Vec<_>>()
            ), "\\PC{0,12}|[0-9a-f:./=,\" -]{0,16}"),
            0..4,
        ),
    ) {
        let mut parser = Parser::new();
        for (option, value) in &options {
            let _ = parser.set(option, Some(value));
        }
        let _ = parser.finish("a", &[]);
    }
}
