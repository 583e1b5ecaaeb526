use super::super::script::Stream;
use super::*;
use crate::environment::daemon::script::Step;

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn surroundings(env: &[String]) -> Surroundings<'_> {
    Surroundings { env, working_dir: "", first: true, strict: false }
}

fn does(argv: &[String]) -> Option<Script> {
    match interpret(argv, &surroundings(&words("NAME=value EMPTY="))) {
        Verdict::Does(script) => Some(script),
        Verdict::Unknown => None,
    }
}

/// What a text comes to: what it writes, how long it takes, its status.
fn check(text: &str, written: &str, seconds: u64, status: u8) {
    let argv = ["sh".to_owned(), "-c".to_owned(), text.to_owned()];
    let script = does(&argv).unwrap_or_else(|| panic!("not understood: {text}"));
    let (mut all, mut time, mut end) = (String::new(), Duration::ZERO, script.end);
    for step in script.steps.iter() {
        match step {
            Step::Write(Stream::Stdout, text) => all.push_str(text),
            Step::Write(Stream::Stderr, text) => all.push_str(&format!("!{text}")),
            Step::Sleep(pause) => time += *pause,
            Step::Exit(code) => {
                end = End::Exit(*code);
                break;
            }
            _ => {}
        }
    }
    assert_eq!(
        (all.as_str(), time.as_secs(), end),
        (written, seconds, End::Exit(status)),
        "{text}"
    );
}

#[test]
fn programs_do_what_they_do() {
    let five = Duration::from_secs(5);
    let sleeps = does(&words("sleep 5")).unwrap();
    assert_eq!((&*sleeps.steps, sleeps.end), (&[Step::Sleep(five)][..], End::Exit(0)));
    assert_eq!(does(&words("/bin/sleep 2 3s")).unwrap().steps, sleeps.steps);
    assert_eq!(does(&words("false")).unwrap().end, End::Exit(1));
    assert_eq!(does(&words("eat 2M in 5")).unwrap().steps[0], Step::Grow(2 << 20, five));
    assert_eq!(does(&words("work 5")).unwrap().steps[0], Step::Work(five));
    assert_eq!(does(&words("cat")).unwrap().steps[0], Step::Read(true));
    assert_eq!(does(&words("sh")).unwrap().steps[0], Step::Read(false));
    let echo = does(&words("echo a b")).unwrap();
    assert_eq!(echo.steps[0], Step::Write(Stream::Stdout, "a b\n".into()));
    for unknown in ["sleep", "sleep x", "nginx -g", "sh -x", "sh script.sh", "cat file", "env X=1"]
    {
        assert_eq!(does(&words(unknown)), None, "{unknown}");
    }
}

#[test]
fn a_shell_puts_them_together() {
    check("echo hi; exit 3", "hi\n", 0, 3);
    check("sleep 2 && echo done || echo failed", "done\n", 2, 0);
    check("false && echo no || echo yes", "yes\n", 0, 0);
    check("! false", "", 0, 0);
    check("echo 'a  b' \"c $NAME\" ${NAME}x \\$d", "a  b c value valuex $d\n", 0, 0);
    check("echo $EMPTY a \"$EMPTY\" b", "a  b\n", 0, 0);
    check("echo err >&2; echo gone >/dev/null; printf 'a%s\\n' b", "!err\nab\n", 0, 0);
    check("X=5; sleep $X; echo $?", "0\n", 5, 0);
    check("if true; then echo yes; else echo no; fi", "yes\n", 0, 0);
    check("if false; then echo 1; elif true; then echo 2; fi", "2\n", 0, 0);
    check("for i in 1 2 3; do echo $i; sleep 1; done", "1\n2\n3\n", 3, 0);
    check("for i in 1 2 3; do echo $i; break; done; echo end", "1\nend\n", 0, 0);
    check("(exit 4); echo $?", "4\n", 0, 0);
    check("{ echo a; exit 2; }; echo b", "a\n", 0, 2);
    check("while false; do echo no; done; echo end", "end\n", 0, 0);
    check("exec echo last; echo never", "last\n", 0, 0);
    check("# nothing\necho a # more\n\necho b", "a\nb\n", 0, 0);
    check("exit 300", "", 0, 44);
    check("", "", 0, 0);
    check("false", "", 0, 1);
}

#[test]
fn a_loop_without_end_has_none() {
    let argv = words("sh -c");
    let text = |text: &str| [argv.clone(), vec![text.to_owned()]].concat();
    let forever = does(&text("echo a; while true; do echo b; sleep 1; done; echo never")).unwrap();
    assert_eq!(forever.steps.last(), Some(&Step::Repeat(1)));
    assert_eq!(forever.steps.len(), 4);
    let until = does(&text("until false; do sleep 1; done")).unwrap();
    assert_eq!(until.steps.last(), Some(&Step::Repeat(0)));
    let left = does(&text("while true; do echo once; break; done; exit 2")).unwrap();
    assert!(!left.steps.iter().any(|step| matches!(step, Step::Repeat(_))));
    let trapped = does(&text("trap 'echo bye; exit 0' TERM INT; trap '' HUP; sleep 9")).unwrap();
    let bye: Arc<[Step]> = vec![Step::Write(Stream::Stdout, "bye\n".into()), Step::Exit(0)].into();
    assert_eq!(trapped.steps[0], Step::On(15, Reaction::Run(Arc::clone(&bye))));
    assert_eq!(trapped.steps[1], Step::On(2, Reaction::Run(bye)));
    assert_eq!(trapped.steps[2], Step::On(1, Reaction::Ignore));
}

#[test]
fn what_is_not_of_the_language_is_not_guessed() {
    let long = "(".repeat(1000);
    for text in [
        "ls",
        "echo a | cat",
        "sleep 5 &",
        "echo `date`",
        "echo $(date)",
        "cat <file",
        "echo >file",
        "if true; then echo",
        "for x; do echo; done",
        "while true",
        "echo 'open",
        "echo \"open",
        "done",
        "echo a && ",
        "trap 'ls' TERM",
        "break",
        "printf %x 5",
        "kill $$",
        "A=b echo",
        "echo *",
        &long,
    ] {
        let argv = ["sh".to_owned(), "-c".to_owned(), text.to_owned()];
        assert_eq!(does(&argv), None, "{text}");
    }
    assert!(script("ls", true).unwrap_err().contains("'ls' is not of the language"));
}

#[test]
fn an_image_whose_programs_are_known_has_no_others() {
    let strict = Surroundings { env: &[], working_dir: "/", first: true, strict: true };
    for (argv, refusal) in [
        ("nginx", StartRefusal::NotFound),
        ("/no/such", StartRefusal::NotFound),
        ("/tmp", StartRefusal::NotExecutable),
        ("/etc/hostname", StartRefusal::NotExecutable),
    ] {
        let verdict = interpret(&words(argv), &strict);
        assert_eq!(verdict, Verdict::Does(Script::refused(refusal)), "{argv}");
    }
    let argv = ["sh".to_owned(), "-c".to_owned(), "ls; echo $?".to_owned()];
    let Verdict::Does(script) = interpret(&argv, &strict) else { panic!("not understood") };
    assert_eq!(script.steps[0], Step::Write(Stream::Stderr, "sh: ls: not found\n".into()));
    assert_eq!(script.steps[1], Step::Write(Stream::Stdout, "127\n".into()));
    let argv = ["sh".to_owned(), "-c".to_owned(), "echo a | cat".to_owned()];
    let Verdict::Does(script) = interpret(&argv, &strict) else { panic!("not understood") };
    assert_eq!(script.end, End::Exit(2));
}

#[test]
fn a_first_process_dies_of_no_signal_that_it_does_not_expect() {
    let first = does(&words("sleep 5")).unwrap();
    assert_eq!((first.on_term, first.on_others), (Reaction::Ignore, Reaction::Ignore));
    let env = Vec::new();
    let with_init = Surroundings { first: false, ..surroundings(&env) };
    let Verdict::Does(second) = interpret(&words("sleep 5"), &with_init) else { panic!() };
    assert_eq!(second.on_term, Reaction::Die);
}

#[test]
fn times_and_sizes() {
    for (text, millis) in
        [("1", 1000), ("0.5", 500), ("2s", 2000), ("1m", 60_000), ("1h", 3_600_000)]
    {
        assert_eq!(time(text), Some(Duration::from_millis(millis)), "{text}");
    }
    for text in ["", "s", "-1", "1e3", "inf", "nan", "1x", "99999999999999999999d"] {
        assert_eq!(time(text), None, "{text}");
    }
    for (text, bytes) in
        [("4096", 4096), ("2k", 2048), ("2KB", 2048), ("3M", 3 << 20), ("1G", 1 << 30)]
    {
        assert_eq!(size(text), Some(bytes), "{text}");
    }
    for text in ["", "M", "-1", "1.5M", "99999999999999999999", "99999999999G"] {
        assert_eq!(size(text), None, "{text}");
    }
}
