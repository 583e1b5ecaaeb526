use super::bound::{HostFile, HostFiles};
use super::commands::run;
use super::*;
use crate::environment::daemon::config::DeviceMapping;
use crate::environment::daemon::image::ImageSpec;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A machine with `/src/file` and `/src/inner`.
#[derive(Debug)]
struct Machine;

impl HostFiles for Machine {
    fn look(&self, path: &Path) -> Option<HostFile> {
        match path.to_str()? {
            "/src" | "/src/inner" | "/" => Some(HostFile::Directory),
            "/src/file" => Some(HostFile::File),
            "/src/socket" => Some(HostFile::Other),
            _ => None,
        }
    }

    fn names(&self, path: &Path) -> Vec<String> {
        let names: &[&str] =
            if path == Path::new("/src") { &["socket", "inner", "file"] } else { &[] };
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn read(&self, path: &Path) -> Option<Vec<u8>> {
        (path == Path::new("/src/file")).then(|| b"content\n".to_vec())
    }
}

/// What several containers have in common.
#[derive(Default)]
struct Common {
    volumes: BTreeMap<Arc<str>, Tree>,
    bound: Bound,
}

struct Container {
    settled: Settled,
    own: Own,
}

impl Container {
    fn new(config: ContainerConfig) -> Self {
        let settled = Settled::new(Arc::new(config), &ImageSpec::new("bb", &[1]));
        Container { settled, own: Own::default() }
    }

    fn bound(binds: &[&str]) -> Self {
        let binds = binds.iter().map(|bind| (*bind).to_owned()).collect();
        Container::new(ContainerConfig { binds, ..ContainerConfig::default() })
    }

    /// What a command writes, to standard error after a `!`, and its status.
    fn run(&mut self, common: &mut Common, command: &Command) -> (String, u8) {
        let mut view = View {
            mounts: mounts::of(&self.settled.config),
            own: &mut self.own,
            volumes: &mut common.volumes,
            bound: &mut common.bound,
            host: &Machine,
            is_root: self.settled.user.is_empty(),
        };
        prepare(&mut view, &self.settled, "0123456789abcdef", &["/dev/fuse".into()]);
        let output = run(&mut view, &self.settled.working_dir, command);
        let mut text = String::new();
        for (stream, bytes) in output.written {
            text.push_str(if stream == Stream::Stderr { "!" } else { "" });
            text.push_str(&String::from_utf8(bytes).unwrap());
        }
        (text, output.status)
    }

    fn check(&mut self, common: &mut Common, line: &str, written: &str, status: u8) {
        assert_eq!(self.run(common, &command(line)), (written.to_owned(), status), "{line}");
    }
}

/// `ls`, `ls -d`, `ls -a`, `touch`, `test -X`, `cat`, `mkdir`, `mkdir -p`, `rm`, `rm -r`, `>`,
/// `>>`, and `+`, which writes `x`.
fn command(line: &str) -> Command {
    let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let name = words.remove(0);
    let flag = words.first().filter(|word| word.starts_with('-')).cloned();
    let flag = flag.inspect(|_| drop(words.remove(0))).unwrap_or_default();
    let (paths, path) = (words.clone(), words[0].clone());
    match name.as_str() {
        "ls" => Command::List { paths, themselves: flag == "-d", all: flag == "-a" },
        "touch" => Command::Touch { paths, creates: flag != "-c" },
        "cat" => Command::Print { paths },
        "mkdir" => Command::MakeDirectories { paths, parents: flag == "-p" },
        "rm" => Command::Remove { paths, force: flag.contains('f'), recursive: flag.contains('r') },
        ">" => Command::Open { path, append: false },
        ">>" => Command::Open { path, append: true },
        "+" => Command::Append { path, bytes: b"x".to_vec() },
        _ => {
            let asked = match flag.as_str() {
                "-e" => Asked::Exists,
                "-f" => Asked::IsFile,
                "-d" => Asked::IsDirectory,
                "-c" => Asked::IsCharacterDevice,
                _ => Asked::IsNotEmpty,
            };
            Command::Test { asked, path, negated: false }
        }
    }
}

#[test]
fn paths_are_made_plain() {
    for (directory, path, expected) in [
        ("/a", "b", "/a/b"),
        ("/a", "../b/./c/", "/b/c"),
        ("/a", "/", ""),
        ("", "..", ""),
        ("/a/b", "/../c//d", "/c/d"),
    ] {
        assert_eq!(plain(directory, path), expected, "{path} in {directory}");
    }
}

#[test]
fn an_image_has_the_usual_files_and_a_container_its_own() {
    let (common, one, two) =
        (&mut Common::default(), &mut Container::bound(&[]), &mut Container::bound(&[]));
    let root = "bin\ndev\netc\nhome\nproc\nroot\nsys\ntmp\nusr\nvar\n";
    one.check(common, "ls /", root, 0);
    one.check(common, "ls -d / /etc /etc/passwd ../bin", "../bin\n/\n/etc\n/etc/passwd\n", 0);
    one.check(common, "ls /tmp", "", 0);
    one.check(common, "cat /etc/hostname", "0123456789ab\n", 0);
    for (line, status) in [
        ("test -e /etc", 0),
        ("test -f /etc", 1),
        ("test -d /etc", 0),
        ("test -d /etc/passwd", 1),
        ("test -f /bin/sh", 0),
        ("test -c /dev/null", 0),
        ("test -s /etc/hostname", 0),
        ("test -e /mnt/x", 1),
        ("test -e /etc/passwd/x", 1),
    ] {
        one.check(common, line, "", status);
    }
    one.check(common, "touch /tmp/a /tmp/.b", "", 0);
    one.check(common, "ls /tmp", "a\n", 0);
    one.check(common, "ls -a /tmp", ".\n..\n.b\na\n", 0);
    one.check(common, "ls -d tmp/a", "tmp/a\n", 0);
    two.check(common, "test -e /tmp/a", "", 1);
    one.check(common, "touch -c /tmp/c", "", 0);
    one.check(common, "test -e /tmp/c", "", 1);
}

/// As busybox 1.35.0 said it on Engine 20.10.24.
#[test]
fn commands_speak_as_busybox_does() {
    let (common, one) = (&mut Common::default(), &mut Container::bound(&["/src:/ro:ro"]));
    let missing = "No such file or directory";
    one.check(
        common,
        "ls /mnt/x /etc/passwd /tmp /ro",
        &format!("!ls: /mnt/x: {missing}\n/etc/passwd\n\n/ro:\nfile\ninner\nsocket\n\n/tmp:\n"),
        1,
    );
    one.check(common, "ls /etc/passwd/x", "!ls: /etc/passwd/x: Not a directory\n", 1);
    one.check(common, "touch /no/such /tmp/a", &format!("!touch: /no/such: {missing}\n"), 1);
    one.check(common, "test -e /tmp/a", "", 0);
    one.check(
        common,
        "touch /ro/x /ro/file",
        "!touch: /ro/x: Read-only file system\n!touch: /ro/file: Read-only file system\n",
        1,
    );
    one.check(common, "touch /proc/x", &format!("!touch: /proc/x: {missing}\n"), 1);
    one.check(common, "touch /sys/x", "!touch: /sys/x: Read-only file system\n", 1);
    one.check(common, "touch /etc/passwd/x", "!touch: /etc/passwd/x: Not a directory\n", 1);
    one.check(
        common,
        "cat /nothing /ro/file",
        &format!("!cat: can't open '/nothing': {missing}\ncontent\n"),
        1,
    );
    one.check(common, "cat /etc", "!cat: read error: Is a directory\n", 1);
    one.check(common, "cat /dev/null", "", 0);
    one.check(common, "> /ro/x", "!sh: can't create /ro/x: Read-only file system\n", 1);
    one.check(common, "> /no/x", "!sh: can't create /no/x: nonexistent directory\n", 1);
    one.check(common, "> /etc", "!sh: can't create /etc: Is a directory\n", 1);
    one.check(common, "> /tmp/f", "", 0);
    one.check(common, "+ /tmp/f", "", 0);
    one.check(common, ">> /tmp/f", "", 0);
    one.check(common, "+ /tmp/f", "", 0);
    one.check(common, "cat /tmp/f", "xx", 0);
    one.check(common, "> /tmp/f", "", 0);
    one.check(common, "test -s /tmp/f", "", 1);
    one.check(common, "rm /etc", "!rm: '/etc' is a directory\n", 1);
    one.check(common, "rm /tmp/f /tmp/f", &format!("!rm: can't remove '/tmp/f': {missing}\n"), 1);
    one.check(common, "rm -f /tmp/f", "", 0);
    one.check(common, "rm /ro/file", "!rm: can't remove '/ro/file': Read-only file system\n", 1);
    one.check(common, "rm -r /ro", "!rm: can't remove '/ro': Device or resource busy\n", 1);
    one.check(common, "mkdir /tmp/d", "", 0);
    one.check(common, "mkdir /tmp/d", "!mkdir: can't create directory '/tmp/d': File exists\n", 1);
    one.check(common, "mkdir -p /tmp/d/e/f /tmp", "", 0);
    one.check(
        common,
        "mkdir /a/b",
        &format!("!mkdir: can't create directory '/a/b': {missing}\n"),
        1,
    );
    one.check(common, "ls /tmp/d", "e\n", 0);
    one.check(common, "rm -r /tmp/d", "", 0);
    one.check(common, "ls -d /tmp/d/e", &format!("!ls: /tmp/d/e: {missing}\n"), 1);
}

#[test]
fn a_bind_shows_the_machines_files_and_keeps_what_is_written_above_them() {
    let common = &mut Common::default();
    let one = &mut Container::bound(&["/src:/data", "/absent/dir:/empty", "/src/file:/tmp/one"]);
    one.check(common, "ls /data /empty", "/data:\nfile\ninner\nsocket\n\n/empty:\n", 0);
    one.check(common, "ls -d /tmp/one /data/inner", "/data/inner\n/tmp/one\n", 0);
    one.check(common, "test -d /tmp/one", "", 1);
    one.check(common, "test -e /data/socket", "", 0);
    one.check(common, "cat /data/file /tmp/one", "content\ncontent\n", 0);
    one.check(common, ">> /data/file", "", 0);
    one.check(common, "+ /data/file", "", 0);
    one.check(common, "touch /data/new", "", 0);
    one.check(common, "rm -r /data/inner", "", 0);
    one.check(common, "touch /empty/x", "", 0);

    let two = &mut Container::bound(&["/src/:/other:ro", "/absent:/above"]);
    two.check(common, "ls /other", "file\nnew\nsocket\n", 0);
    two.check(common, "cat /other/file", "content\nx", 0);
    two.check(common, "ls /above/dir", "x\n", 0);
    two.check(common, "test -e /other/inner", "", 1);
    one.check(common, "mkdir /data/inner", "", 0);
    two.check(common, "ls /other/inner", "", 0);
    one.check(common, "rm /data/file", "", 0);
    two.check(common, "test -e /other/file", "", 1);
}

#[test]
fn a_volume_is_the_same_for_all_and_stays() {
    let common = &mut Common::default();
    let one = &mut Container::bound(&["vol:/mnt/v", "vol:/mnt/w:ro"]);
    one.check(common, "touch /mnt/v/a", "", 0);
    one.check(common, "ls /mnt /mnt/w", "/mnt:\nv\nw\n\n/mnt/w:\na\n", 0);
    one.check(common, "touch /mnt/w/b", "!touch: /mnt/w/b: Read-only file system\n", 1);
    one.check(common, "rm -r /mnt/v", "!rm: can't remove '/mnt/v': Device or resource busy\n", 1);
    let two = &mut Container::bound(&["vol:/x", "other:/y"]);
    two.check(common, "ls /x /y", "/x:\na\n\n/y:\n", 0);
    two.check(common, "rm /x/a", "", 0);
    one.check(common, "ls /mnt/v", "", 0);
}

#[test]
fn an_empty_volume_gets_what_the_image_has_there() {
    let mut state = State::default();
    let binds = |binds: &[&str]| ContainerConfig {
        binds: binds.iter().map(|bind| (*bind).to_owned()).collect(),
        ..ContainerConfig::default()
    };
    created(&mut state, &binds(&["a:/etc", "b:/bin:nocopy", "c:/mnt"]));
    let names = |state: &State, name: &str| state.volume_files[name].names("").count();
    let all = [names(&state, "a"), names(&state, "b"), names(&state, "c")];
    assert!(all[0] > 3 && all[1..] == [0, 0], "{all:?}");
    created(&mut state, &binds(&["c:/etc", "a:/bin"]));
    assert_eq!((names(&state, "c"), names(&state, "a")), (all[0], all[0]));
}

#[test]
fn devices_may_be_used_for_what_was_allowed() {
    let common = &mut Common::default();
    let device = |path: &str, permissions: &str| DeviceMapping {
        host: "/dev/fuse".to_owned(),
        container: path.to_owned(),
        permissions: permissions.to_owned(),
    };
    let devices =
        vec![device("/dev/fuse", "rwm"), device("/dev/net/r", "r"), device("/dev/w", "w")];
    let config = ContainerConfig { devices, ..ContainerConfig::default() };
    let one = &mut Container::new(config);
    one.check(common, "touch /dev/fuse /dev/null", "", 0);
    one.check(common, "test -c /dev/net/r", "", 0);
    one.check(common, "> /dev/net/r", "!sh: can't create /dev/net/r: Operation not permitted\n", 1);
    one.check(common, "cat /dev/w", "!cat: can't open '/dev/w': Operation not permitted\n", 1);
    one.check(common, "> /dev/full", "", 0);
    one.check(common, "+ /dev/full", "!sh: write error: No space left on device\n", 1);
    one.check(common, "> /dev/null", "", 0);
    one.check(common, "+ /dev/null", "", 0);
    one.check(common, "touch /dev/new", "", 0);
    one.check(common, "test -e /dev/new", "", 0);
    one.own.restart();
    one.check(common, "test -e /dev/new", "", 1);

    Container::bound(&[]).check(common, "test -e /dev/fuse", "", 1);
    let config = ContainerConfig { privileged: true, tty: true, ..ContainerConfig::default() };
    Container::new(config).check(
        common,
        "ls -d /dev/fuse /dev/console",
        "/dev/console\n/dev/fuse\n",
        0,
    );
}

#[test]
fn paths_and_output_have_an_end() {
    let common = &mut Common::default();
    let long = "/a".repeat(3000);
    let name = format!("/{}", "a".repeat(256));
    let config = ContainerConfig {
        binds: vec![format!("{long}:/x"), format!("vol:{long}"), format!("/x:{name}")],
        working_dir: long.clone(),
        ..ContainerConfig::default()
    };
    let one = &mut Container::new(config);
    for path in [&long, &name] {
        one.check(common, &format!("ls {path}"), &format!("!ls: {path}: File name too long\n"), 1);
        let refused = format!("!touch: {path}: File name too long\n");
        one.check(common, &format!("touch {path}"), &refused, 1);
    }
    let deep = "/b".repeat(1000);
    one.check(common, &format!("mkdir -p {deep}"), "", 0);
    one.check(common, &format!("test -d {deep}"), "", 0);
    one.check(common, &format!("test -d {deep}/c/d/e"), "", 1);

    one.check(common, "> /tmp/f", "", 0);
    let much = Command::Append { path: "/tmp/f".to_owned(), bytes: vec![b'x'; 7 << 20] };
    assert_eq!(one.run(common, &much), (String::new(), 0));
    let (written, status) = one.run(common, &command("cat /tmp/f /tmp/f /tmp/f /tmp/f"));
    assert_eq!((written.len() >> 20, status), (14, 2));
    assert!(written.ends_with("!cat: /tmp/f: not modelled by this simulator\n"));
    assert_eq!(one.run(common, &much).1, 0);
    let full = (String::from("!sh: write error: No space left on device\n"), 1);
    assert_eq!(one.run(common, &much), full);
}

#[test]
fn what_is_not_modelled_is_refused() {
    let (common, one) =
        (&mut Common::default(), &mut Container::bound(&["vol:/mnt/v", "/src:/src"]));
    for (line, path) in [
        ("ls /proc", "ls: /proc"),
        ("ls /proc/1", "ls: /proc/1"),
        ("cat /etc/passwd", "cat: /etc/passwd"),
        ("cat /dev/zero", "cat: /dev/zero"),
        ("test -e /sys/x", "test: /sys/x"),
        ("test -f /src/socket", "test: /src/socket"),
        ("> /dev/tty", "sh: /dev/tty"),
        ("rm -r /mnt", "rm: /mnt"),
    ] {
        one.check(common, line, &format!("!{path}: not modelled by this simulator\n"), 2);
    }
    let config = ContainerConfig { user: "nobody".to_owned(), ..ContainerConfig::default() };
    let other = &mut Container::new(config);
    other.check(common, "touch /tmp/a", "!touch: /tmp/a: not modelled by this simulator\n", 2);
    other.check(common, "ls /tmp", "", 0);

    let given =
        |text: &str| ContainerConfig::from_json(&serde_json::from_str(text).unwrap()).unwrap();
    for (text, option) in [
        (r#"{"HostConfig": {"Mounts": [{}]}}"#, Some("Mounts")),
        (r#"{"HostConfig": {"tmpfs": {"/x": ""}}}"#, Some("Tmpfs")),
        (r#"{"HostConfig": {"VolumesFrom": ["a"]}}"#, Some("VolumesFrom")),
        (r#"{"HostConfig": {"ReadonlyRootfs": true}}"#, Some("ReadonlyRootfs")),
        (r#"{"Volumes": {"/x": {}}}"#, Some("Volumes")),
        (r#"{"Volumes": {}, "HostConfig": {"Mounts": null, "ReadonlyRootfs": false}}"#, None),
    ] {
        assert_eq!(not_modelled(&given(text)), option, "{text}");
    }
}
