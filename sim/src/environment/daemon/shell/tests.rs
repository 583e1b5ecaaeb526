use super::*;
use crate::environment::daemon::files::{Command as Files, Output};

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

/// What a shell has done when it ended, or had done so much: what it wrote, to standard error after
/// a `!`, how long it took, its status, what signals do to it.
#[derive(Debug, Default)]
struct Done {
    written: String,
    seconds: u64,
    status: Option<u8>,
    reactions: Vec<(i32, Reaction)>,
}

/// Plays a script with these answers about files.
fn play(script: &Script, mut files: impl FnMut(Files) -> Output) -> Done {
    let mut done = Done::default();
    let [Step::Shell(text)] = &*script.steps else { panic!("no shell: {script:?}") };
    let mut shell = Shell::new(Arc::clone(text));
    for _ in 0..1_000 {
        match shell.next() {
            Action::On => {}
            Action::Step(Step::Sleep(time)) => done.seconds += time.as_secs(),
            Action::Step(Step::On(signal, reaction)) => done.reactions.push((signal, reaction)),
            Action::Step(_) => {}
            Action::Write(stream, bytes) => {
                done.written.push_str(if stream == Stream::Stderr { "!" } else { "" });
                done.written.push_str(std::str::from_utf8(&bytes).unwrap());
            }
            Action::Files(command) => shell.answered(files(command)),
            Action::Exit(status) => {
                done.status = Some(status);
                break;
            }
        }
    }
    done
}

fn no_files(command: Files) -> Output {
    panic!("{command:?}")
}

fn text(text: &str) -> Vec<String> {
    ["sh".to_owned(), "-c".to_owned(), text.to_owned()].to_vec()
}

fn play_text(text: &str, files: impl FnMut(Files) -> Output) -> Done {
    let script = does(&self::text(text)).unwrap_or_else(|| panic!("not understood: {text}"));
    play(&script, files)
}

/// What a text comes to: what it writes, how long it takes, its status.
fn check(text: &str, written: &str, seconds: u64, status: u8) {
    let done = play_text(text, no_files);
    assert_eq!(
        (&*done.written, done.seconds, done.status),
        (written, seconds, Some(status)),
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
    assert_eq!(does(&words("test a = b")).unwrap().end, End::Exit(1));
    assert_eq!(does(&words("[ ! -n a ]")).unwrap().end, End::Exit(1));
    assert_eq!(does(&words("eat 2M in 5")).unwrap().steps[0], Step::Grow(2 << 20, five));
    assert_eq!(does(&words("work 5")).unwrap().steps[0], Step::Work(five));
    assert_eq!(does(&words("cat")).unwrap().steps[0], Step::Read(true));
    assert_eq!(does(&words("sh")).unwrap().steps[0], Step::Read(false));
    let echo = does(&words("echo a b")).unwrap();
    assert_eq!(echo.steps[0], Step::Write(Stream::Stdout, "a b\n".into()));
    for unknown in [
        "sleep",
        "sleep x",
        "nginx -g",
        "sh -x",
        "sh script.sh",
        "cat -n file",
        "env X=1",
        "ls -l",
        "touch",
        "rm",
        "mkdir -m 755 x",
        "test -x a",
        "test 1 -lt 2",
        "ls --color",
    ] {
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
    check("{ echo a; echo b >&2; } ; echo c 2>/dev/null >&2; echo d 1>&2", "a\n!b\n!d\n", 0, 0);
    check("X=5; sleep $X; echo $?", "0\n", 5, 0);
    check("if true; then echo yes; else echo no; fi", "yes\n", 0, 0);
    check("if false; then echo 1; elif true; then echo 2; fi", "2\n", 0, 0);
    check("if false; then echo 1; fi", "", 0, 0);
    check("for i in 1 2 3; do echo $i; sleep 1; done", "1\n2\n3\n", 3, 0);
    check("for i in 1 2 3; do echo $i; break; done; echo end", "1\nend\n", 0, 0);
    check("(exit 4); echo $?", "4\n", 0, 0);
    check("X=1; (X=2; echo $X); echo $X", "2\n1\n", 0, 0);
    check("{ echo a; exit 2; }; echo b", "a\n", 0, 2);
    check("while false; do echo no; done; echo end", "end\n", 0, 0);
    check("X=a; while test $X != aaa; do X=${X}a; false; done; echo $X $?", "aaa 1\n", 0, 0);
    check("until [ -n \"$X\" ]; do X=1; done; echo $X", "1\n", 0, 0);
    check("exec echo last; echo never", "last\n", 0, 0);
    check("# nothing\necho a # more\n\necho b", "a\nb\n", 0, 0);
    check("test -e a b", "!sh: b: unknown operand\n", 0, 2);
    check("[ -d /etc", "!sh: missing ]\n", 0, 2);
    check("test; echo $?; test -z ''; echo $?; test ! a; echo $?; test -e ''", "1\n0\n1\n", 0, 1);
    check("exit 300", "", 0, 44);
    check("", "", 0, 0);
    check("false", "", 0, 1);
}

#[test]
fn a_loop_without_end_has_none() {
    let done = play_text("echo a; while true; do echo b; sleep 1; done; echo never", no_files);
    assert!(done.written.starts_with("a\nb\nb\nb\n") && done.status.is_none(), "{done:?}");
    let done = play_text("until false; do sleep 1; done", no_files);
    assert!(done.seconds > 10 && done.status.is_none(), "{done:?}");
    check("while true; do echo once; break; done; exit 2", "once\n", 0, 2);
    check("for i in 1 2; do while true; do break; done; echo $i; done", "1\n2\n", 0, 0);
    let done = play_text("X=a; until echo $X$X$X >/dev/null && false; do X=$X$X; done", no_files);
    assert_eq!((&*done.written, done.status), ("!sh: out of memory\n", Some(2)));
    let many: String = (0..10).map(|number| format!("V{number}=$X; ")).collect();
    let text = format!("X=a; for i in {}; do X=$X$X; done; {many} echo no", "1 ".repeat(19));
    let done = play_text(&text, no_files);
    assert_eq!((&*done.written, done.status), ("!sh: out of memory\n", Some(2)));
    let done = play_text("X=a; while true; do X=$X$X; done", no_files);
    assert_eq!((&*done.written, done.status), ("!sh: out of memory\n", Some(2)));
}

#[test]
fn a_trap_is_run_where_the_shell_is() {
    let text =
        "X=1; trap 'echo $X; X=2; false' TERM INT; trap '' HUP; trap - USR1; sleep 9; echo $? $X";
    let script = does(&self::text(text)).unwrap();
    let done = play(&script, no_files);
    assert_eq!((&*done.written, done.seconds), ("0 1\n", 9));
    let [(15, run), (2, same), (1, Reaction::Ignore), (10, Reaction::Ignore)] = &*done.reactions
    else {
        panic!("{done:?}")
    };
    assert_eq!(run, same);
    let Reaction::Run(handler) = run else { panic!("{run:?}") };
    let [Step::Shell(text)] = &*script.steps else { panic!("no shell") };
    let mut shell = Shell::new(Arc::clone(text));
    while !matches!(shell.next(), Action::Step(Step::Sleep(_))) {}
    shell.interrupt(handler);
    let mut written = String::new();
    loop {
        match shell.next() {
            Action::Write(_, bytes) => written.push_str(std::str::from_utf8(&bytes).unwrap()),
            Action::Exit(status) => break assert_eq!(status, 0),
            _ => {}
        }
    }
    assert_eq!(written, "1\n0 2\n");
}

/// Answers that all is well.
fn well(_: Files) -> Output {
    Output::default()
}

/// Writes a complaint, and fails.
fn ill(status: u8) -> Output {
    Output { written: vec![(Stream::Stderr, b"complaint\n".to_vec())], status }
}

#[test]
fn what_files_say_decides_what_comes_next() {
    let mut asked = 0;
    let done = play_text("while ! test -e /x; do sleep 1; done; echo $?", |command| {
        let path = "/x".to_owned();
        assert_eq!(command, Files::Test { asked: files::Asked::Exists, path, negated: false });
        asked += 1;
        Output { written: Vec::new(), status: u8::from(asked < 4) }
    });
    assert_eq!((&*done.written, done.seconds), ("0\n", 3));
    let done = play_text("touch /a && echo no; echo $?", |_| ill(1));
    assert_eq!(done.written, "!complaint\n1\n");
    let done = play_text("ls / 2>/dev/null || (touch /a; echo $?; exit 7)", |_| ill(2));
    assert_eq!((&*done.written, done.status), ("!complaint\n2\n", Some(7)));
    let done = play_text("cat /a >&2", |_| Output {
        written: vec![(Stream::Stdout, b"content".to_vec())],
        status: 0,
    });
    assert_eq!((&*done.written, done.status), ("!content", Some(0)));
}

#[test]
fn output_goes_to_files() {
    let mut commands = Vec::new();
    let text = "echo a >/f; N=2; echo b >> \"/f$N\" 2>/g; >/h; echo c>/i; echo d 2>&1; echo e";
    let done = play_text(text, |command| {
        commands.push(command);
        Output::default()
    });
    assert_eq!(done.written, "d\ne\n");
    let open = |path: &str, append| Files::Open { path: path.to_owned(), append };
    let append = |path: &str, text: &str| Files::Append {
        path: path.to_owned(),
        bytes: text.as_bytes().to_vec(),
    };
    let expected = [
        open("/f", false),
        append("/f", "a\n"),
        open("/f2", true),
        open("/g", false),
        append("/f2", "b\n"),
        open("/h", false),
        open("/i", false),
        append("/i", "c\n"),
    ];
    assert_eq!(commands, expected);

    // Where the file cannot be opened the command is not run; the next one is.
    let done = play_text("echo a >/f; echo $?; sleep 5 >/g", |_| ill(1));
    assert_eq!(
        (&*done.written, done.seconds, done.status),
        ("!complaint\n1\n!complaint\n", 0, Some(1))
    );
    // A file that is full does not take the complaint about that.
    let full =
        |command| if matches!(command, Files::Open { .. }) { Output::default() } else { ill(1) };
    let done = play_text("echo a >/f; echo b >/g 2>/g; echo $?", full);
    assert_eq!(done.written, "!complaint\n1\n");
    let done = play_text("cd=/x; touch $cd/a >/f; ls >&2 2>/dev/null", well);
    assert_eq!((&*done.written, done.status), ("", Some(0)));
}

#[test]
fn what_is_not_of_the_language_is_not_guessed() {
    let long = "(".repeat(1000);
    let negated = "! ".repeat(1000);
    for text in [
        "nginx",
        "false && nginx",
        "ls -l",
        "echo a | cat",
        "sleep 5 &",
        "echo `date`",
        "echo $(date)",
        "cat <file",
        "cat >file",
        "echo 3>file",
        "echo >",
        "echo >&1",
        "if true; then echo",
        "for x; do echo; done",
        "while true",
        "echo 'open",
        "echo \"open",
        "done",
        "echo a && ",
        "trap 'nginx' TERM",
        "trap '' NOSUCH",
        "break",
        "while true; do (break); done",
        "exit now",
        "exec",
        "printf %x 5",
        "kill $$",
        "A=b echo",
        "echo *",
        &long,
        &negated,
    ] {
        assert_eq!(does(&self::text(text)), None, "{text}");
    }
    assert!(script("nginx", true).unwrap_err().contains("'nginx' is not of the language"));
    let script = script("trap '' TERM; sleep 5; exit 4", true).unwrap();
    let done = play(&script, no_files);
    assert_eq!((done.seconds, done.status), (5, Some(4)));
}

#[test]
fn what_shows_only_when_it_is_run_is_refused_then() {
    check("X=-l; ls $X", "!sh: ls -l: not of this simulator's language\n", 0, 2);
    check("X=nginx; $X; echo $?", "!sh: nginx: not found\n127\n", 0, 0);
    check("X='('; trap \"$X\" TERM", "!sh: trap: not of this simulator's language\n", 0, 2);
    check("X=now; exit $X", "", 0, 2);
}

#[test]
fn an_image_whose_programs_are_known_has_no_others() {
    let strict = Surroundings { env: &[], working_dir: "/", first: true, strict: true };
    let does = |argv: &[String]| {
        let Verdict::Does(script) = interpret(argv, &strict) else { panic!("{argv:?}") };
        script
    };
    for (argv, refusal) in [
        ("nginx", StartRefusal::NotFound),
        ("/no/such", StartRefusal::NotFound),
        ("/", StartRefusal::NotExecutable),
        ("/tmp", StartRefusal::NotExecutable),
        ("/etc/hostname", StartRefusal::NotExecutable),
    ] {
        assert_eq!(does(&words(argv)), Script::refused(refusal), "{argv}");
    }
    let done = play(&does(&text("nginx; echo $?; ls -l; echo $?")), no_files);
    let refused = "!sh: ls -l: not of this simulator's language\n";
    assert_eq!(done.written, format!("!sh: nginx: not found\n127\n{refused}2\n"));
    for argv in [text("echo a | cat"), words("ls -l /"), words("sh x")] {
        let script = does(&argv);
        let Step::Write(Stream::Stderr, said) = &script.steps[0] else { panic!("{script:?}") };
        assert!(said.contains("not of this simulator's language"), "{said}");
        assert_eq!((script.end, &script.refusal), (End::Exit(2), &None), "{argv:?}");
    }
    let done = play(&does(&words("[ -d /etc")), no_files);
    assert_eq!((&*done.written, done.status), ("![: missing ]\n", Some(2)));
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
